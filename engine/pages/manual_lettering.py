"""Manual lettering: balloons moved, tails aimed and lines broken by a person, and kept when words change."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.digest import digest
from engine.errors import BadInput
from engine.normal_form import normal_form
from engine.pages.balloons import Balloon, Rect, body_size
from engine.pages.formats import TextSize
from engine.pages.layer import balloons_of, set_in
from engine.pages.wrapping import Block, block, emphasised, measured, tidy
from models.layout import Layout, LayoutCell
from models.lettering import BalloonChange, Lettered, PanelLettering, Placed
from models.story import PanelData

# Rounded sums of fractions lie slightly beside the edge that they mean.
_HAIR = 0.5
# What lines may contain and texts not, or the other way round.
_MARKS = "-*_\u200b"
_ROOMS = (0.94, 0.86, 0.78, 0.7, 0.6, 0.5)


def changed(layer: PanelLettering, changes: Sequence[BalloonChange], width: int, height: int) -> PanelLettering:
    """The lettering of a panel of `width` × `height` pixels with a person's changes, which are marked as manual.

    Raises `BadInput` for changes that are impossible.
    """
    texts, balloons = list(layer.texts), balloons_of(layer)
    for change in changes:
        if not 0 <= change.order < len(texts):
            raise BadInput(f"Panel {layer.panel_id} has no balloon {change.order}.")
        before = balloons[change.order]
        texts[change.order] = set_in(texts[change.order], _changed(texts[change.order], before, change, width, height))
    return layer.model_copy(update={"texts": texts})


def _changed(text: Lettered, balloon: Balloon, change: BalloonChange, width: int, height: int) -> Balloon:
    lines = balloon.block
    if change.lines is not None:
        if _letters("".join(change.lines)) != _letters("".join(text.lines)):
            raise BadInput("The lines must hold the balloon's text: you can change only where they break.")
        broken = [emphasised(tidy(line, text.language)) for line in change.lines]
        lines = measured(broken, text.size, text.language, vertical=text.vertical)
    if change.body is not None:
        body = change.body
        rect = Rect(body.x, body.y, body.width, body.height)
        if change.lines is None and not _fits(lines, balloon, rect):
            lines = _broken(_unbroken(text), balloon, rect, (text.size,)) or lines
        least = body_size(lines, balloon.kind, balloon.roundness)
        if not _fits(lines, balloon, rect):
            raise BadInput(f"The text does not fit: it needs {least[0]:.0f} × {least[1]:.0f} pixels.")
    else:
        # Other lines have another shape, around the same centre.
        across, down = body_size(lines, balloon.kind, balloon.roundness)
        middle_x, middle_y = balloon.rect.centre
        rect = balloon.rect if change.lines is None else Rect(middle_x - across / 2, middle_y - down / 2, across, down)
    if not _inside(rect, width, height):
        raise BadInput(f"The balloon is not inside its panel, which is {width} × {height} pixels.")
    tail = balloon.tail
    if "tail_tip" in change.model_fields_set:
        tail = (change.tail_tip.x, change.tail_tip.y) if change.tail_tip else None
        if tail is not None and balloon.boxed:
            raise BadInput("Captions and sounds have no tails.")
        if tail is not None and not (0 <= tail[0] <= width and 0 <= tail[1] <= height):
            raise BadInput(f"The tail ends outside its panel, which is {width} × {height} pixels.")
    return replace(balloon, rect=rect, block=lines, tail=tail, manual=True)


def in_other_cells(lettering: Sequence[Mapping[str, Any]], before: Layout, layout: Layout) -> list[dict[str, Any]]:
    """The lettering of a page whose panels have changed their sizes, each balloon in proportion."""
    old = {cell.panel_id: cell for cell in before.cells}
    new = {cell.panel_id: cell for cell in layout.cells}
    found = []
    for each in lettering:
        layer = PanelLettering.model_validate(each)
        if layer.panel_id not in old:
            # The panels went to other pages, which are not lettered yet.
            continue
        one, other = old[layer.panel_id], new[layer.panel_id]
        was, now = (one.width, one.height), (other.width, other.height)
        texts = [
            set_in(text, _in_proportion(balloon, was, now))
            for text, balloon in zip(layer.texts, balloons_of(layer), strict=True)
        ]
        found.append(layer.model_copy(update={"texts": texts}).model_dump(mode="json"))
    return found


def placed_lettering(layer: PanelLettering, cell: LayoutCell, panel: PanelData, picture: str | None) -> Placed:
    """A panel's lettering as it is stored; `picture` is the SHA-256 of the picture under it."""
    return Placed(texts=layer.texts, width=cell.width, height=cell.height, made_from=_rests_on(panel, picture))


def _rests_on(panel: PanelData, picture: str | None) -> dict[str, str]:
    """What manual lettering was made for, as digests by name: its words and its picture."""
    return {"words": digest(list(_said(panel).values())), "picture": picture or ""}


def moved_on(placed: Placed, panel: PanelData, picture: str | None, width: int, height: int) -> list[str]:
    """The names of what changed since a person placed the lettering."""
    now = _rests_on(panel, picture)
    found = [name for name in sorted(now) if placed.made_from.get(name, now[name]) != now[name]]
    return ["layout", *found] if (placed.width, placed.height) != (width, height) else found


def held_balloons(
    placed: Placed, panel: PanelData, width: int, height: int, size: TextSize
) -> tuple[tuple[Balloon, ...], list[str]]:
    """The balloons that stay where a person placed them, with the current words, and what could not stay.

    In a panel of another size they keep their place in proportion; with other words, their body.
    """
    balloons = balloons_of(PanelLettering(texts=placed.texts))
    lines = _lines_now(placed.texts, panel)
    staying: dict[int, Balloon] = {}
    problems: list[str] = []
    for number, (text, balloon) in enumerate(zip(placed.texts, balloons, strict=True)):
        line = lines.get(text.line)
        if line is None:
            continue
        now = replace(_in_proportion(balloon, (placed.width, placed.height), (width, height)), line=line)
        said = _text_of(line, panel)
        if _letters(said) != _letters(text.text):
            alone = sum(other.line == text.line for other in placed.texts) == 1
            sizes = tuple(sorted({text.size, size.minimum}, reverse=True))
            refit = _broken(said, now, now.rect, sizes) if alone else None
            now = replace(now, block=refit) if refit else replace(now, block=Block((), (), 0))
        if now.block.lines and _inside(now.rect, width, height):
            staying[number] = now
        elif text.manual and line not in {staying[one].line for one in staying}:
            problems.append(f"“{said[:32]}” has no room where it was placed by hand: Inkloom places it")
    # All pieces of a line stay, or none.
    whole = {
        line
        for line in {one.line for one in staying.values()}
        if sum(one.line == line for one in staying.values()) == sum(lines.get(one.line) == line for one in placed.texts)
    }
    staying = {number: one for number, one in staying.items() if one.line in whole}
    places = {number: place for place, number in enumerate(staying)}
    return tuple(
        replace(one, joined=places.get(one.joined) if one.joined is not None else None) for one in staying.values()
    ), problems


def _lines_now(texts: Sequence[Lettered], panel: PanelData) -> dict[int, int]:
    """The current line of each earlier line: the one with the same text, else the unclaimed one in its place."""
    now = {line: said for line, said in _said(panel).items() if tidy(said[-1])}
    found: dict[int, int] = {}
    for text in texts:
        same = [
            line
            for line, (kind, speaker, said) in now.items()
            if line not in found.values() and (kind, speaker, _letters(said)) == (*_voice(text), _letters(text.text))
        ]
        if text.line not in found and same:
            found[text.line] = min(same, key=lambda line: abs(line - text.line))
    for text in texts:
        there = now.get(text.line)
        if text.line not in found and there and text.line not in found.values() and there[:2] == _voice(text):
            found[text.line] = text.line
    return found


def _said(panel: PanelData) -> Mapping[int, tuple[str, str, str]]:
    lines = {number: (str(line.kind), line.speaker, line.text) for number, line in enumerate(panel.dialogue)}
    return {**lines, -1: ("caption", "", panel.caption)} if panel.caption.strip() else lines


def _voice(text: Lettered) -> tuple[str, str]:
    return str(text.kind), text.speaker


def _text_of(line: int, panel: PanelData) -> str:
    return panel.caption if line < 0 else panel.dialogue[line].text


def _in_proportion(balloon: Balloon, was: tuple[float, float], now: tuple[float, float]) -> Balloon:
    """The balloon in proportion in a panel of another size. A balloon in a corner stays there."""
    if was == now:
        return balloon
    scale = (now[0] / was[0], now[1] / was[1])
    x, y = balloon.rect.centre
    rect = balloon.rect
    left = min(max(x * scale[0] - rect.width / 2, 0.0), max(now[0] - rect.width, 0.0))
    top = min(max(y * scale[1] - rect.height / 2, 0.0), max(now[1] - rect.height, 0.0))
    tail = (balloon.tail[0] * scale[0], balloon.tail[1] * scale[1]) if balloon.tail else None
    return replace(balloon, rect=Rect(left, top, rect.width, rect.height), tail=tail)


def _broken(text: str, balloon: Balloon, rect: Rect, sizes: Sequence[int]) -> Block | None:
    """The text in lines that fit into a body, in the largest size at which they do."""
    vertical, language = balloon.block.vertical, balloon.block.language
    said, long = emphasised(tidy(text, language)), rect.height if vertical else rect.width
    for size in sizes:
        for room in _ROOMS:
            lines = block(said, size, room * long, language, vertical=vertical)
            if _fits(lines, balloon, rect):
                return lines
    return None


def _fits(lines: Block, balloon: Balloon, rect: Rect) -> bool:
    across, down = body_size(lines, balloon.kind, balloon.roundness)
    return across <= rect.width + _HAIR and down <= rect.height + _HAIR


def _inside(rect: Rect, width: int, height: int) -> bool:
    return rect.x >= -_HAIR and rect.y >= -_HAIR and rect.right <= width + _HAIR and rect.bottom <= height + _HAIR


def _unbroken(text: Lettered) -> str:
    """The text of a balloon as it was written, without the hyphens of its lines."""
    places = [number for number, sign in enumerate(text.text) if _letters(sign)]
    mine, said = _letters("".join(text.lines)), "".join(text.text[place] for place in places)
    first = said.find(mine)
    if first < 0 or not mine:
        return " ".join(text.lines)
    start, end = places[first], places[first + len(mine) - 1] + 1
    while start and text.text[start - 1] in _MARKS:
        start -= 1
    while end < len(text.text) and text.text[end] in _MARKS:
        end += 1
    return text.text[start:end]


def _letters(text: str) -> str:
    """The letters of a text, without spaces, hyphens and marks of emphasis."""
    return "".join(sign for sign in normal_form(text) if not sign.isspace() and sign not in _MARKS)
