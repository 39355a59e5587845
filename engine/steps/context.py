"""The context manager: selects context for a writer by importance within a token budget."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.reading import count_tokens, sentences

# The order in which sections are read; a kind not named here comes last.
_SECTIONS = {
    "instructions": "Instructions for this project",
    "character": "Characters",
    "location": "Locations",
    "chapter": "Earlier chapters",
    "thread": "Open threads",
    "scene": "Earlier scenes",
    "note": "Notes",
}


@dataclass(frozen=True)
class Piece:
    """Something worth knowing. The lower the priority, the more important."""

    kind: str
    label: str
    text: str
    priority: int


@dataclass(frozen=True)
class Context:
    """The assembled text, its size by `count_tokens`, and what did not fit."""

    text: str
    tokens: int
    left_out: list[str]


def assemble(pieces: Sequence[Piece], max_tokens: int) -> Context:
    """The most important pieces that fit, in reading order; the order of `pieces` makes no difference.

    One piece may be cut at a sentence end, if at least half of it fits; it is reported as shortened.
    """
    kept: list[Piece] = []
    left_out: list[str] = []
    sections: set[str] = set()
    tokens_left, shortened = max_tokens, False
    for piece in sorted(set(pieces), key=lambda piece: (piece.priority, *_reading_order(piece))):
        if not piece.text.strip():
            continue
        heading = 0 if piece.kind in sections else count_tokens(_heading(piece.kind)) + 1
        chosen = piece
        if heading + _cost(piece) > tokens_left:
            cut = None if shortened else _cut(piece, tokens_left - heading)
            left_out.append(f"{piece.kind}: {piece.label}" + (" (shortened)" if cut else ""))
            if cut is None:
                continue
            chosen, shortened = cut, True
        kept.append(chosen)
        sections.add(chosen.kind)
        tokens_left -= heading + _cost(chosen)
    text = _rendered(kept)
    return Context(text=text, tokens=count_tokens(text), left_out=left_out)


def _reading_order(piece: Piece) -> tuple[int, str, int, str, str]:
    place = list(_SECTIONS).index(piece.kind) if piece.kind in _SECTIONS else len(_SECTIONS)
    return place, piece.kind, piece.priority, piece.label, piece.text


def _heading(kind: str) -> str:
    return f"## {_SECTIONS.get(kind, kind.capitalize())}"


def _entry(piece: Piece) -> str:
    text = piece.text.strip()
    return f"{piece.label}: {text}" if piece.label else text


def _cost(piece: Piece) -> int:
    # One more for the line breaks: sums of rounded-up parts never fall below the whole.
    return count_tokens(_entry(piece)) + 1


def _cut(piece: Piece, tokens_left: int) -> Piece | None:
    """The piece up to the last sentence end that fits, if that is at least half of it."""
    whole = piece.text.strip()
    kept = Piece(piece.kind, piece.label, "", piece.priority)
    for sentence in sentences(whole):
        longer = Piece(piece.kind, piece.label, f"{kept.text} {sentence}".strip(), piece.priority)
        if _cost(longer) > tokens_left:
            break
        kept = longer
    return kept if 2 * len(kept.text) >= len(whole) else None


def _rendered(pieces: Sequence[Piece]) -> str:
    lines: list[str] = []
    section = None
    for piece in sorted(pieces, key=_reading_order):
        if piece.kind != section:
            lines += ["", _heading(piece.kind)] if lines else [_heading(piece.kind)]
            section = piece.kind
        lines.append(_entry(piece))
    return "\n".join(lines)
