"""A director's notes, as far as rules follow them: a camera nearer or farther, and lines that the notes spell out."""

import re
from collections.abc import Sequence

from models.story import Line, Shot

# From the farthest to the nearest; the others stand apart.
_NEARER = [Shot.ESTABLISHING, Shot.WIDE, Shot.MEDIUM, Shot.CLOSE_UP]
_CLOSER = re.compile(r"\b(?:closer|nearer|zoom in|move in|näher|plus près)\b", re.IGNORECASE)
_WIDER = re.compile(
    r"\b(?:wider|farther|further (?:away|back)|zoom out|pull back|weiter weg|plus loin)\b", re.IGNORECASE
)
_NAMED = re.compile(r"\b(establishing|wide|medium|close-?up|insert|over[- ]the[- ]shoulder)(?: shot)?\b", re.IGNORECASE)
_LINE = re.compile(r"\bline (\d{1,4})\b[^\"“„«]{0,200}[\"“„«]([^\"”“„«»]++)[\"”“»]", re.IGNORECASE)
# Who says it stands before: a pattern that took it in would try every letter as its beginning.
_SPOKEN = re.compile(r"(?:says|:|sagt|dit)\s*+[\"“„«](?P<text>[^\"”“„«»]++)[\"”“»]", re.IGNORECASE)
_LONGEST_NAME = 200


def shot_asked(notes: str, shot: Shot) -> Shot | None:
    """The shot that the notes ask for instead of `shot`; None where they ask for none."""
    if named := _NAMED.search(notes):
        word = re.sub(r"[ -]+", "-", named.group(1).lower()).replace("closeup", "close-up")
        return Shot(word)
    at = _NEARER.index(shot) if shot in _NEARER else _NEARER.index(Shot.MEDIUM)
    if _CLOSER.search(notes):
        return _NEARER[min(at + 1, len(_NEARER) - 1)]
    if _WIDER.search(notes):
        return _NEARER[max(at - 1, 0)]
    return None


def lines_asked(notes: str, lines: Sequence[Line]) -> list[Line]:
    """The lines with those replaced that the notes spell out: `line 2: "…"`, or `Mara says "…"`."""
    new = list(lines)
    for number, text in _LINE.findall(notes):
        if 1 <= int(number) <= len(new):
            new[int(number) - 1] = new[int(number) - 1].model_copy(update={"text": text.strip()})
    notes = _LINE.sub(" ", notes)
    for said in _SPOKEN.finditer(notes):
        who = notes[max(0, said.start() - _LONGEST_NAME) : said.start()].rstrip().casefold()
        for index, line in enumerate(new):
            if line.speaker and who.endswith(line.speaker.casefold()):
                new[index] = line.model_copy(update={"text": said.group("text").strip()})
                break
    return new
