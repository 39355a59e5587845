"""What a sentence tells, without what is said in it and without "said Ada"."""

import re
from collections.abc import Iterable, Sequence

from engine.reading import Sentence, at_sentence_ends, heading_text, is_heading
from engine.reading.people.tags import is_tag
from engine.reading.people.words import words_of
from engine.reading.quotes import SPEECH_VERBS

# "said Ada; and she …", "said Ada, and took …", "he asked, turning …".
_AND_DOES = re.compile(
    r"(?P<joint>;\s(?:(?:and|but|then|while|und|aber|dann|et|mais|puis|y|pero)\s)?"
    r"|,?\s(?:and|but|then|while|as|und|aber|dann|während|et|mais|puis|tandis que|y|pero|mientras)\s"
    r"(?!(?:if|though|wenn|nothing|nichts|rien|nada)\b)(?=\S+\s\S)"
    r"|,\s(?=[^\W\d_]{2,}(?:ing|end|ant|ando|iendo)\s))"
)
_AND_SAYS = re.compile(rf",?\s(?:and|und|et|y)\s(?:\w+ly\s)?(?:{'|'.join(sorted(SPEECH_VERBS))})\b[^,:;]{{0,40}}[,:]?$")


def told_sentences(part: Sentence) -> list[str]:
    """The telling sentences of one unit, word for word; tags and half sentences around a quote are left out."""
    if is_heading(part.text):
        return []
    if not part.said:
        return [stretch.text for stretch in part.stretches]
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


def shown_sentences(part: Sentence) -> list[str]:
    """What a picture of one unit can show: what it tells, and what is done in the same breath as something is said.

    `"…," said the woman; and she held out a coin.` is "she held out a coin."
    """
    if is_heading(part.text) or not part.said:
        return told_sentences(part)
    found: list[str] = []
    for index, piece in enumerate(part.stretches):
        if piece.quoted:
            continue
        clauses = at_sentence_ends(piece.text)
        for number, clause in enumerate(clauses):
            # French joins the verb to its subject: "dit-elle".
            tag = is_tag(clause.replace("-", " "))
            if number == 0 and index > 0 and (tag or not _begins(clause)):
                shown = _deed_after(clause) if tag else clause
            elif number == len(clauses) - 1 and index + 1 < len(part.stretches) and (tag or not _ends(clause)):
                shown = _deed_before(clause) if tag or _AND_SAYS.search(clause) else clause
            else:
                shown = clause
            shown = shown.strip(" ,;:—–-")
            if len(words_of(shown)) > 1 or (shown == clause and shown):
                found.append(shown)
    return found


def _deed_after(tag: str) -> str:
    """What follows "said Ada" in its clause; empty where that says nothing but how."""
    match = _AND_DOES.search(tag)
    return tag[match.end("joint") :].strip() if match else ""


def _deed_before(tag: str) -> str:
    """What stands before "and said:" in its clause; empty where it only names who speaks."""
    match = _AND_SAYS.search(tag)
    return tag[: match.start()].strip(" ,") if match else ""


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
