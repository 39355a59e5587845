"""From the bytes of a file to text, paragraphs, sentence-like units and quotes.

Every task and every check splits the manuscript with these functions, so that "each quoted line exactly once" means
the same to the writer, to the check and to the tests.
"""

from engine.reading.manuscript import read_manuscript, title_of
from engine.reading.naming import names
from engine.reading.quotes import PARAGRAPH_END, Sentence, Stretch, quoted, take_apart
from engine.reading.splitting import (
    at_sentence_ends,
    count_tokens,
    heading_text,
    is_heading,
    is_separator,
    paragraphs,
    pieces_within,
    sentences,
    windows,
)

__all__ = [
    "PARAGRAPH_END",
    "Sentence",
    "Stretch",
    "at_sentence_ends",
    "count_tokens",
    "heading_text",
    "is_heading",
    "is_separator",
    "names",
    "paragraphs",
    "pieces_within",
    "quoted",
    "read_manuscript",
    "sentences",
    "take_apart",
    "title_of",
    "windows",
]
