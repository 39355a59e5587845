"""What a sentence tells, without what is said in it and without "said Ada"."""

import re
from collections.abc import Iterable, Sequence

from engine.reading import Sentence, at_sentence_ends, heading_text, is_heading
from engine.reading.people.tags import is_tag


def told_sentences(part: Sentence) -> list[str]:
    """The telling sentences of one unit, word for word; tags and half sentences around a quote are left out."""
    if is_heading(part.text):
        return []
    if not part.said:
        return [part.text]
    found: list[str] = []
    for index, piece in enumerate(part.stretches):
        if piece.quoted:
            continue
        clauses = at_sentence_ends(piece.text)
        follows_quote = index > 0
        leads_in = index + 1 < len(part.stretches)
        if clauses and follows_quote and (is_tag(clauses[0]) or not _begins(clauses[0])):
            clauses = clauses[1:]
        if clauses and leads_in and (not _ends(clauses[-1]) or is_tag(clauses[-1])):
            clauses = clauses[:-1]
        found += clauses
    return found


def _begins(clause: str) -> bool:
    return clause[:1].isalnum() and not clause[:1].islower()


def _ends(clause: str) -> bool:
    return clause[-1:] in ".!?…。！？"


def shortened(sentences: Iterable[str], longest: int) -> str:
    """As many whole sentences from the start as fit; where not even one does, its beginning."""
    kept = ""
    for sentence in sentences:
        longer = f"{kept} {sentence}" if kept else sentence
        if len(longer) > longest:
            return kept or clipped(sentence, longest)
        kept = longer
    return kept


def clipped(text: str, longest: int) -> str:
    """The beginning of a text, ending after a clause or at least a word."""
    if len(text) <= longest:
        return text
    if longest < 2:
        return ""
    head = text[: longest - 1]
    cuts = [match.start() for match in re.finditer(r"[,;:—–、，](?=\s|$)|[、，]", head) if match.start() > longest // 2]
    cut = cuts[-1] if cuts else head.rfind(" ")
    return head[: cut if cut > longest // 3 else len(head)].rstrip(" ,;:—–") + "…"


def title_words(sentences: Sequence[str]) -> str:
    """A heading made of the first words."""
    first = next((heading_text(sentence) for sentence in sentences if sentence.strip()), "")
    words = first.strip('"“”„«»「」—– ').split()
    text = " ".join(words[:6])
    return clipped(text, 60).rstrip('.,;:!?…"”»') or "…"
