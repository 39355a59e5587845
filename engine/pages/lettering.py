"""Places captions and balloons in a panel, so that they read in order, fit, and keep off faces.

The rule of order: of two balloons the later one lies entirely below the earlier, or entirely beside it on the reading
side and not higher. Places are found by a beam search over all balloons together; where no arrangement fits at a
readable size the balloons become one stack, and only then the letters shrink below the minimum, which is reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.pages import fonts
from engine.pages.balloons import Balloon, Point, Rect, body_size, rim
from engine.pages.layout import TextSize
from engine.pages.wrapping import block, tidy
from models.story import Direction, LineKind, PanelData

_BEAM = 10
_ROOMS = (0.3, 0.4, 0.52, 0.66, 0.82, 1.0)
_CALM, _FULL = 2.6, 6.0


@dataclass(frozen=True)
class Head:
    """A head in panel pixels, and whose it is."""

    name: str
    rect: Rect


@dataclass(frozen=True)
class Lettering:
    """Everything that is set in one panel, in reading order; `problems` is what a reader would stumble over."""

    balloons: tuple[Balloon, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Text:
    """One thing to set; `head` is the speaker's place, if known."""

    kind: LineKind | None
    text: str
    head: Rect | None = None


@dataclass(frozen=True)
class _Stage:
    width: float
    height: float
    heads: tuple[Rect, ...]
    rtl: bool
    inset: float
    gap: float


@dataclass(frozen=True)
class _State:
    cost: float
    placed: tuple[Balloon, ...]
    covered: float


def letter(
    panel: PanelData, width: int, height: int, heads: Sequence[Head] | None, direction: Direction, size: TextSize
) -> Lettering:
    """Sets a panel of `width` × `height` pixels. Nothing is left out, cut off, or outside the panel.

    `heads` None means that nobody marked the picture; an empty sequence that there are no heads in it.
    """
    texts = _texts(panel, heads, width, height)
    if not texts:
        return Lettering(())
    stage = _Stage(
        width,
        height,
        tuple(head.rect for head in heads or ()),
        direction == "rtl",
        0.4 * size.nominal,
        0.22 * size.nominal,
    )
    problems = []
    lost = "".join(dict.fromkeys(sign for text in texts for sign in fonts.missing(text.text)))
    if lost:
        problems.append(f"no font on this machine has {lost!r}: set as boxes")
    best = _search(texts, stage, size)
    if best is None:
        balloons = _stack(texts, stage, size)
        if balloons[0].block.size < size.minimum:
            problems.append(f"too much text for the panel: set at {balloons[0].block.size} px, under {size.minimum}")
    else:
        balloons = best.placed
    return Lettering(tuple(_with_free_tails(balloons, texts, stage)), tuple(problems))


def _with_free_tails(balloons: Sequence[Balloon], texts: Sequence[_Text], stage: _Stage) -> list[Balloon]:
    """Voices from outside, once everything has its place: each tail to the side where it crosses nobody's words."""
    freed = []
    for balloon, text in zip(balloons, texts, strict=True):
        others = [other for other in balloons if other is not balloon]
        outside = text.head is None
        freed.append(replace(balloon, tail=_tail(balloon, None, stage, others)) if outside else balloon)
    return freed


def _texts(panel: PanelData, heads: Sequence[Head] | None, width: int, height: int) -> list[_Text]:
    texts = []
    if caption := tidy(panel.caption):
        texts.append(_Text(None, caption))
    for line in panel.dialogue:
        if said := tidy(line.text):
            texts.append(_Text(line.kind, said, _head_of(line.speaker, panel, heads, width, height)))
    return texts


def _head_of(speaker: str, panel: PanelData, heads: Sequence[Head] | None, width: int, height: int) -> Rect | None:
    name = speaker.strip().casefold()
    if not name:
        return None
    for head in heads or ():
        if head.name.strip().casefold() == name:
            return head.rect
    on_stage = [character.name.strip().casefold() for character in panel.characters]
    if heads is not None or name not in on_stage:
        return None
    # The picture came without marked heads: assume the cast stands side by side, heads at mid height.
    x = width * (on_stage.index(name) + 1) / (len(on_stage) + 1)
    return Rect(x - 0.06 * width, 0.45 * height, 0.12 * width, 0.16 * height)


def _search(texts: Sequence[_Text], stage: _Stage, size: TextSize) -> _State | None:
    """The best arrangement at a readable size; a smaller size only where it keeps balloons off faces."""
    best: _State | None = None
    step = max(1, (size.nominal - size.minimum) // 4)
    for letters in range(size.nominal, size.minimum - 1, -step):
        found = _arrange(texts, stage, letters)
        if found is not None and (best is None or found.covered < 0.6 * best.covered):
            best = found
        if best is not None and best.covered < 0.02:
            break
    return best


def _arrange(texts: Sequence[_Text], stage: _Stage, size: int) -> _State | None:
    shapes = [_shapes(text, stage, size) for text in texts]
    room = (stage.width - 2 * stage.inset) * (stage.height - 2 * stage.inset)
    if not all(shapes) or sum(min(s.rect.width * s.rect.height for s in each) for each in shapes) > 0.92 * room:
        return None
    states = [_State(0.0, (), 0.0)]
    for text, each in zip(texts, shapes, strict=True):
        grown = [state for before in states for state in _place(before, text, each, stage)]
        states = sorted(grown, key=lambda state: state.cost)[:_BEAM]
        if not states:
            return None
    return states[0]


def _shapes(text: _Text, stage: _Stage, size: int) -> list[Balloon]:
    """The text wrapped a few ways, still at the origin; short and wide first."""
    most = stage.width - 2 * stage.inset
    found: dict[int, tuple[float, Balloon]] = {}
    rtl = fonts.is_rtl(text.text)
    for share in _ROOMS:
        if share * most < 3.2 * size:
            continue
        lines = block(text.text, size, share * most - (1.0 if text.kind is None else 1.5) * size)
        for roundness in (_CALM, _FULL):
            width, height = body_size(lines, text.kind, roundness)
            if width <= most and height <= stage.height - 2 * stage.inset:
                slim = abs(lines.width / lines.height - (3.0 if text.kind is None else 1.9))
                cost = 0.16 * slim + (0.35 if roundness == _FULL and len(lines.lines) < 7 else 0.0)
                cost += 2.2 * width * height / (stage.width * stage.height)
                if len(lines.lines) not in found or cost < found[len(lines.lines)][0]:
                    balloon = Balloon(text.kind, Rect(0, 0, width, height), lines, roundness, from_right=rtl)
                    found[len(lines.lines)] = (cost, balloon)
    ranked = sorted(found.values(), key=lambda pair: pair[0])
    return [balloon for _, balloon in ranked[:4]]


def _place(state: _State, text: _Text, shapes: Sequence[Balloon], stage: _Stage) -> list[_State]:
    found: list[tuple[float, float, Rect, Balloon]] = []
    for rank, shape in enumerate(shapes):
        width, height = shape.rect.width, shape.rect.height
        for y in _downs(state.placed, height, stage):
            first, last = _open_span(state.placed, y, stage)
            for x in _acrosses(state.placed, width, text, stage):
                if first - 1e-6 <= x and x + width <= last + 1e-6:
                    rect = Rect(x, y, width, height)
                    cost, covered = _cost(rect, text, state.placed, stage)
                    found.append((state.cost + cost + 0.22 * rank, covered, rect, shape))
    found.sort(key=lambda each: each[0])
    grown = []
    for cost, covered, rect, shape in found[: 2 * _BEAM]:
        balloon = replace(shape, rect=rect)
        balloon = replace(balloon, tail=_tail(balloon, text.head, stage, state.placed))
        grown.append(_State(cost, (*state.placed, balloon), state.covered + covered))
    return grown


def follows(later: Rect, earlier: Rect, rtl: bool, gap: float) -> bool:
    """Whether a reader comes to `later` after `earlier`, and the two keep `gap` pixels apart."""
    if later.y >= earlier.bottom + gap - 1e-6:
        return True
    beside = later.right <= earlier.x - gap + 1e-6 if rtl else later.x >= earlier.right + gap - 1e-6
    return beside and later.y >= earlier.y - 1e-6


def _open_span(placed: Sequence[Balloon], y: float, stage: _Stage) -> tuple[float, float]:
    """Between which x the next balloon may lie with its top at `y`: the rule of order for all earlier ones at once."""
    first, last = 0.0, stage.width
    for balloon in placed:
        if y < balloon.rect.bottom + stage.gap - 1e-6:
            if y < balloon.rect.y - 1e-6:
                return stage.width, 0.0
            first = first if stage.rtl else max(first, balloon.rect.right + stage.gap)
            last = min(last, balloon.rect.x - stage.gap) if stage.rtl else last
    return first, last


def _downs(placed: Sequence[Balloon], height: float, stage: _Stage) -> list[float]:
    lowest = stage.height - stage.inset - height
    wanted = [stage.inset, lowest]
    wanted += [stage.inset + (lowest - stage.inset) * step / 6 for step in range(1, 6)]
    for balloon in placed[-3:]:
        wanted += [balloon.rect.bottom + stage.gap, balloon.rect.y, balloon.rect.y + 0.35 * balloon.rect.height]
    return sorted({round(y, 1) for y in wanted if stage.inset - 1e-6 <= y <= lowest + 1e-6})


def _acrosses(placed: Sequence[Balloon], width: float, text: _Text, stage: _Stage) -> list[float]:
    last = stage.width - stage.inset - width
    if text.kind is None:
        wanted = [last if stage.rtl else stage.inset]
    else:
        wanted = [stage.inset, last]
        wanted += [stage.inset + (last - stage.inset) * step / 6 for step in range(1, 6)]
        if text.head:
            wanted.append(min(max(text.head.centre[0] - width / 2, stage.inset), last))
    for balloon in placed[-3:]:
        wanted.append(balloon.rect.x - stage.gap - width if stage.rtl else balloon.rect.right + stage.gap)
    return sorted({round(x, 1) for x in wanted if stage.inset - 1e-6 <= x <= last + 1e-6})


def _cost(rect: Rect, text: _Text, placed: Sequence[Balloon], stage: _Stage) -> tuple[float, float]:
    """What this place costs, and how much of the faces it covers (1.0 is one whole face)."""
    covered = 0.0
    for head in stage.heads:
        covered += rect.overlap(head.grown(0.06 * head.height)) / (head.width * head.height + 1)
    cost = 14 * covered + 1.3 * rect.y / stage.height
    middle = rect.centre
    if text.kind is None:
        return cost + 2.5 * rect.y / stage.height, covered
    if text.head is None:
        edge = min(rect.x, stage.width - rect.right) / stage.width
        return cost + 0.8 * edge, covered
    head = text.head
    cost += 1.5 * abs(middle[0] - head.centre[0]) / stage.width
    if rect.bottom > head.y + 0.3 * head.height:
        cost += 0.7
    tail = (middle, head.centre)
    for balloon in placed[-6:]:
        if _crosses(tail, balloon.rect):
            cost += 2.5
        if balloon.tail and _crosses((balloon.rect.centre, balloon.tail), rect):
            cost += 2.5
    for other in stage.heads:
        if other != head and _crosses(tail, other):
            cost += 0.8
    return cost, covered


def _crosses(line: tuple[Point, Point], rect: Rect, spared: float = 0.1) -> bool:
    """Whether the line runs through the area; a share of it at each end is spared."""
    (ax, ay), (bx, by) = line
    enter, leave = spared, 1 - spared
    for start, along, low, high in ((ax, bx - ax, rect.x, rect.right), (ay, by - ay, rect.y, rect.bottom)):
        if abs(along) < 1e-9:
            if not low < start < high:
                return False
            continue
        one, other = (low - start) / along, (high - start) / along
        enter, leave = max(enter, min(one, other)), min(leave, max(one, other))
    return enter < leave


def _stack(texts: Sequence[_Text], stage: _Stage, size: TextSize) -> tuple[Balloon, ...]:
    """All texts one below the other across the panel, at the largest size that fits; below the minimum if it must."""
    inset = min(stage.inset, 0.02 * min(stage.width, stage.height))
    low, high = 1, size.nominal
    best = _column(texts, stage, inset, low)
    while low <= high:
        middle = (low + high) // 2
        tried = _column(texts, stage, inset, middle)
        if tried and tried[-1].rect.bottom <= stage.height - inset:
            best, low = tried, middle + 1
        else:
            high = middle - 1
    return tuple(best)


def _column(texts: Sequence[_Text], stage: _Stage, inset: float, size: int) -> list[Balloon]:
    y = inset
    balloons: list[Balloon] = []
    most = stage.width - 2 * inset
    for text in texts:
        # Narrow enough that the body around full lines still fits: it is up to 1.13 times as wide, and the rim.
        lines = block(text.text, size, max(most / 1.13 - 0.7 * size - 2 * rim(text.kind, size), 0.4 * most))
        width, height = body_size(lines, text.kind, _FULL)
        if width > most:
            return []
        right_side = stage.rtl != bool(text.head and text.head.centre[0] > stage.width / 2)
        x = stage.width - inset - width if right_side else inset
        balloon = Balloon(text.kind, Rect(x, y, width, height), lines, _FULL, from_right=fonts.is_rtl(text.text))
        balloons.append(replace(balloon, tail=_tail(balloon, text.head, stage, balloons)))
        y += height + 0.12 * size
    return balloons


def _tail(balloon: Balloon, head: Rect | None, stage: _Stage, placed: Sequence[Balloon]) -> Point | None:
    """Where the tail ends: just short of the speaker's head, or at the panel's edge for somebody out of the picture.

    Out of the picture is on either side: the tail takes the one where it runs through nobody else's words, or stays
    away when there is none.
    """
    if balloon.kind is None:
        return None
    middle_x, middle_y = balloon.rect.centre
    if head is None:
        y = min(balloon.rect.bottom + 0.2 * balloon.rect.height, stage.height - 2)
        edges = [(1.0, y), (stage.width - 1.0, y)]
        if balloon.rect.x >= stage.width - balloon.rect.right:
            edges.reverse()
        others = [other.rect for other in placed]
        free = (edge for edge in edges if not any(_crosses((balloon.rect.centre, edge), rect, 0.0) for rect in others))
        return next(free, None)
    aim_x, aim_y = head.centre[0], head.y + 0.62 * head.height
    across, down = aim_x - middle_x, aim_y - middle_y
    # Stop outside the face: scale back along the line until it leaves the head's own ellipse, and a little further.
    reach = ((across / (0.58 * head.width)) ** 2 + (down / (0.66 * head.height)) ** 2) ** 0.5
    back = min(1.0 / reach, 1.0) if reach else 0.0
    x, y = aim_x - across * back, aim_y - down * back
    return min(max(x, 2.0), stage.width - 2.0), min(max(y, 2.0), stage.height - 2.0)
