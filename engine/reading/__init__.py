"""From the bytes of a file to text, paragraphs, sentence-like units and quotes.

Every task and every check splits the manuscript with these functions, so that "each quoted line exactly once" means
the same to the writer, to the check and to the tests.
"""

from engine.reading.encoding import decoded
from engine.reading.manuscript import read_manuscript, read_manuscripts, title_of
from engine.reading.naming import names
from engine.reading.quotes import PARAGRAPH_END, Sentence, Stretch, quoted, take_apart
from engine.reading.splitting import (
    at_sentence_ends,
    count_tokens,
    heading_text,
    is_heading,
    is_separator,
    paragraph_of,
    paragraphs,
    pieces_within,
    scene_sentences,
    sentences,
    windows,
)

__all__ = [
    "PARAGRAPH_END",
    "Sentence",
    "Stretch",
    "at_sentence_ends",
    "count_tokens",
    "decoded",
    "heading_text",
    "is_heading",
    "is_separator",
    "names",
    "paragraph_of",
    "paragraphs",
    "pieces_within",
    "quoted",
    "read_manuscript",
    "read_manuscripts",
    "scene_sentences",
    "sentences",
    "take_apart",
    "title_of",
    "windows",
]
