"""Letters a panel: nothing over a face, nothing below the minimum size, and every exception reported.

Tried in this order: whole texts at sizes from the nominal down to the minimum; long ones split into joined balloons;
then the same over a face or without a tail; then without the longest text. `problems` reports the last two, read off
the finished lettering, so it cannot miss what the search did.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engine.pages import fonts
from engine.pages.balloons import Balloon, Rect
from engine.pages.detail import Detail
from engine.pages.formats import WEBTOON, TextSize, size_of, text_size
from engine.pages.layout import Cell, PageLayout
from engine.pages.pieces import pieces
from engine.pages.placing import HURRIED, THOROUGH, USUAL, Arrangement, Effort, Rule, Stage, Text, arrange, shelve
from engine.pages.tails import calling, clear, in_face, pointing, speaking, tail_line, tangled
from engine.pages.wrapping import emphasised, tidy, with_signs
from models.story import Direction, LineKind, PanelData

# Longer texts are always split; and the length of pieces when room is short.
_LONGEST, _SHORTEST = 280, 64
_QUOTED = 32
_STOPS = {",": ".", "،": ".", "、": "。"}
# With this many texts or more, a search is expensive: fewer sizes are tried.
_MANY = 8
# How many texts all searches for one panel may place, counted again in each search. From then on texts are set row by
# row: a count, not a time, so that the same panel is always the same picture.
_MOST_PLACED = 1_500


@dataclass(frozen=True)
class Head:
    """A head or a figure, in panel pixels, and its owner."""

    name: str
    rect: Rect


@dataclass(frozen=True)
class Lettering:
    """The lettering of one panel, in reading order; `problems` is what would disturb a reader."""

    balloons: tuple[Balloon, ...]
    problems: tuple[str, ...] = ()
    unplaced: tuple[str, ...] = ()


def letter(
    panel: PanelData,
    width: int,
    height: int,
    heads: Sequence[Head] | None,
    direction: Direction,
    size: TextSize,
    *,
    language: str = "",
    figures: Sequence[Head] = (),
    detail: Detail | None = None,
    room: Rect | None = None,
    held: Sequence[Balloon] = (),
) -> Lettering:
    """Letter a panel of `width` × `height` pixels. No letter is cut off, below the minimum, or outside of `room`.

    `heads` None means that the picture has no marks; an empty sequence, that it shows no heads. `language` is that of
    the words, a BCP 47 tag. `room` is where lettering may be, in panel pixels; by default the panel without its rim.
    `held` stay where a person placed them, and everything else goes around them.
    """
    spoken = _texts(panel, heads, figures, width, height, language)
    texts = [text for text in spoken if text.line not in {balloon.line for balloon in held}]
    if not spoken:
        return Lettering(())
    inset = min(0.4 * size.nominal, 0.03 * min(width, height))
    rim = Rect(inset, inset, width - 2 * inset, height - 2 * inset)
    seen = (*(head.rect for head in heads or ()), *(balloon.rect for balloon in held))
    bodies = tuple(figure.rect for figure in figures)
    stage = Stage(width, height, room or rim, seen, bodies, direction == "rtl", 0.22 * size.nominal, detail, language)
    problems = []
    lost = "".join(dict.fromkeys(sign for text in spoken for sign in fonts.missing(text.text)))
    if lost:
        problems.append(f"no font on this machine has {lost!r}: set as boxes")
    unplaced: list[Text] = []
    search = _Search(stage, size)
    found = search.best(texts) if texts else None
    while found is None and texts:
        longest = max(texts, key=lambda text: len(text.text))
        unplaced.append(longest)
        texts = [text for text in texts if text is not longest]
        found = search.best(_continued(texts)) if texts else Arrangement()
    if search.exhausted:
        problems.append("too many words for this panel: set row by row")
    balloons = _together(held, _called(found.placed if found else (), stage, texts))
    names = {head.rect: head.name for head in heads or ()}
    problems += [f"no room at a readable size, not set: {with_signs(text.text)}" for text in unplaced]
    problems += _faults(balloons, [text for text in spoken if text not in unplaced], names)
    return Lettering(balloons, tuple(problems), tuple(with_signs(text.text) for text in unplaced))


def _together(held: Sequence[Balloon], found: Sequence[Balloon]) -> tuple[Balloon, ...]:
    """All balloons in the order of their lines, with their necks."""
    later = [replace(one, joined=one.joined + len(held)) if one.joined is not None else one for one in found]
    balloons = [*held, *later]
    order = sorted(range(len(balloons)), key=lambda place: balloons[place].line)
    places = {old: new for new, old in enumerate(order)}
    return tuple(
        replace(one, joined=places[one.joined]) if one.joined is not None else one
        for one in (balloons[place] for place in order)
    )


def safe_area(layout: PageLayout, cell: Cell) -> Rect:
    """Where lettering may be, in pixels of the panel: off its border, and off the page's edge where the art is not."""
    size = size_of(layout.width, layout.height)
    # A strip is scrolled, not trimmed: only its sides are edges.
    edge = 0 if size is WEBTOON else size.margin
    rim = min(0.4 * text_size(layout.width).nominal, 0.03 * min(cell.width, cell.height))
    left, right = max(cell.x + rim, size.margin), min(cell.x + cell.width - rim, layout.width - size.margin)
    top, bottom = max(cell.y + rim, edge), min(cell.y + cell.height - rim, layout.height - edge)
    return Rect(left - cell.x, top - cell.y, right - left, bottom - top)


def _texts(
    panel: PanelData,
    heads: Sequence[Head] | None,
    figures: Sequence[Head],
    width: int,
    height: int,
    language: str,
) -> list[Text]:
    texts = []
    if caption := emphasised(tidy(panel.caption, language)):
        texts.append(Text(-1, None, caption))
    for number, line in enumerate(panel.dialogue):
        if said := emphasised(tidy(line.text, language)):
            apart = line.kind in (LineKind.OFF, LineKind.SFX)
            head = None if apart else _head_of(line.speaker, panel, heads, figures, width, height)
            texts.append(Text(number, line.kind, said, line.speaker, head))
    after: list[Text | None] = [*texts[1:], None]
    return _continued([_ended(text, following) for text, following in zip(texts, after, strict=False)])


def _ended(text: Text, following: Text | None) -> Text:
    """A speech that ends in a comma lost its dialogue tag; it ends there, unless the same voice continues."""
    if text.kind is None or text.text[-1] not in _STOPS:
        return text
    if following is not None and _goes_on(following, text):
        first = next((sign for sign in fonts.plain(following.text) if sign.isalpha()), "")
        if not first.isupper():
            return text
    return replace(text, text=text.text[:-1] + _STOPS[text.text[-1]])


def _continued(texts: Sequence[Text]) -> list[Text]:
    """Mark what the same voice continues."""
    before: list[Text | None] = [None, *texts]
    return [replace(text, continues=_goes_on(text, last)) for text, last in zip(texts, before, strict=False)]


def _goes_on(text: Text, before: Text | None) -> bool:
    if before is None or before.kind is not text.kind or text.kind in (None, LineKind.SFX):
        return False
    named = bool(text.speaker.strip()) and text.speaker.strip().casefold() == before.speaker.strip().casefold()
    return named or before.line == text.line


def _head_of(
    speaker: str,
    panel: PanelData,
    heads: Sequence[Head] | None,
    figures: Sequence[Head],
    width: int,
    height: int,
) -> Rect | None:
    name = speaker.strip().casefold()
    if not name:
        return None
    for head in heads or ():
        if head.name.strip().casefold() == name:
            return head.rect
    for figure in figures:
        if figure.name.strip().casefold() == name:
            # The head is turned away, or too small to be marked: aim at the top of the figure.
            rect = figure.rect
            return Rect(rect.x + 0.25 * rect.width, rect.y, 0.5 * rect.width, 0.22 * rect.height)
    on_stage = [character.name.strip().casefold() for character in panel.characters]
    if heads is not None or name not in on_stage:
        return None
    # The picture has no marks: assume that the cast stands side by side, heads at mid height.
    x = width * (on_stage.index(name) + 1) / (len(on_stage) + 1)
    return Rect(x - 0.06 * width, 0.45 * height, 0.12 * width, 0.16 * height)


def _apart(texts: Sequence[Text], most: int) -> list[Text]:
    """The texts, with each that is longer than `most` in pieces."""
    found: list[Text] = []
    for text in texts:
        parts = [text.text] if text.kind is LineKind.SFX else pieces(text.text, most)
        found += [replace(text, text=part) for part in parts]
    return _continued(found)


class _Search:
    """The searches for one panel, which end when they have placed so many texts that the rest is set row by row."""

    def __init__(self, stage: Stage, size: TextSize) -> None:
        self.stage, self.size = stage, size
        self.left = _MOST_PLACED

    @property
    def exhausted(self) -> bool:
        return self.left <= 0

    def best(self, texts: Sequence[Text]) -> Arrangement | None:
        if self._too_large(texts):
            return None
        stage, size = self.stage, self.size
        whole = _apart(texts, _LONGEST)
        short = _apart(texts, _SHORTEST)
        sizes = (size.nominal, (size.nominal + size.minimum) // 2, size.minimum)
        ways = (whole, short) if len(short) != len(whole) else (whole,)
        for each in ways:
            for letters in sizes if len(each) < _MANY else sizes[::2]:
                found = self._arranged(each, letters, Rule.TAILS_REACH, _effort(each))
                if found is not None:
                    return found
        for each in (way for way in ways if len(way) < _MANY):
            found = self._arranged(each, size.minimum, Rule.TAILS_REACH, THOROUGH)
            if found is not None:
                return found
        for rule in (Rule.FACES_FREE, Rule.PLACED):
            tried = [
                self._arranged(each, letters, rule, _effort(each)) for each in (whole, short) for letters in sizes[::2]
            ]
            least = min((each for each in tried if each is not None), key=lambda each: each.faults, default=None)
            if least is not None:
                return least
        return shelve(whole, stage, size.minimum) or shelve(short, stage, size.minimum)

    def _arranged(self, texts: Sequence[Text], letters: int, rule: Rule, effort: Effort) -> Arrangement | None:
        if self.exhausted:
            return None
        self.left -= len(texts)
        return arrange(texts, self.stage, letters, rule, effort)

    def _too_large(self, texts: Sequence[Text]) -> bool:
        """Whether the words alone, without their balloons, cover more than the room: then no search finds a place."""
        size = self.size.minimum
        words = sum(fonts.width(word, size) for text in texts for word in text.text.split())
        return 0.9 * words * size > self.stage.room.width * self.stage.room.height


def _effort(texts: Sequence[Text]) -> Effort:
    return USUAL if len(texts) < _MANY else HURRIED


def _called(balloons: Sequence[Balloon], stage: Stage, texts: Sequence[Text]) -> tuple[Balloon, ...]:
    """The last tails, once everything has its place: voices from outside point to a clear edge, and tails that cross
    a later body are shortened.
    """
    heads = {text.line: text.head for text in texts}
    called = list(balloons)
    for number, balloon in enumerate(balloons):
        head = heads.get(balloon.line)
        others = [other for other in balloons if other is not balloon]
        if head is None and not balloon.boxed and balloon.joined is None:
            called[number] = calling(balloon, stage.heads, others, stage.width, stage.height)
        elif head is not None and balloon.tail is not None and not clear(balloon, stage.heads, others):
            spoken = speaking(balloon, head, stage.heads, others)
            called[number] = spoken or pointing(balloon, head, stage.heads, others)
    return tuple(called)


def _faults(balloons: Sequence[Balloon], texts: Sequence[Text], names: dict[Rect, str]) -> Iterator[str]:
    """What would disturb a reader, read off the balloons themselves."""
    of = {text.line: text for text in texts}
    for balloon in balloons:
        text = of[balloon.line]
        said, edge = fonts.plain(text.text), tail_line(balloon)
        quoted = f"“{said[:_QUOTED]}{'…' if len(said) > _QUOTED else ''}”"
        for head, name in names.items():
            if balloon.meets(head):
                yield f"{quoted} covers the face of {name or 'somebody'}"
            elif any(in_face(point, head) for point in edge):
                yield f"the tail of {quoted} runs across the face of {name or 'somebody'}"
        if any(other.covers(*point) for other in balloons if other is not balloon for point in edge):
            yield f"the tail of {quoted} runs across other words"
        if any(tangled(balloon, other) for other in balloons if other is not balloon):
            yield f"the tail of {quoted} crosses another"
        if text.head is not None and not balloon.boxed and not _voiced(balloon, balloons, text.head):
            yield f"the tail of {quoted} does not reach {text.speaker}"


def _voiced(balloon: Balloon, balloons: Sequence[Balloon], head: Rect) -> bool:
    """Whether this balloon, or one that it is joined to, has a tail that ends at the head."""
    group = {id(balloon)}
    for _ in balloons:
        for one in balloons:
            if one.joined is not None and (id(one) in group or id(balloons[one.joined]) in group):
                group |= {id(one), id(balloons[one.joined])}
    near = head.grown(0.3 * max(head.width, head.height))
    return any(
        id(one) in group and one.tail and near.x <= one.tail[0] <= near.right and near.y <= one.tail[1] <= near.bottom
        for one in balloons
    )
