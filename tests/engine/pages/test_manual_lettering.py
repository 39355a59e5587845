"""What a person placed stays where it is as long as its words have room there."""

import io
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image

from engine.errors import BadInput
from engine.pages.compose import ComposedPage, LetteredPanel, compose_page
from engine.pages.layout import Cell, PageLayout
from engine.pages.manual_lettering import changed, in_other_cells, moved_on, placed_lettering
from models.layout import Layout, LayoutCell
from models.lettering import BalloonChange, Lettered, PanelLettering
from models.story import Box, Direction, Line, LineKind, PanelData, Profile

pytestmark = pytest.mark.unit

WIDTH, HEIGHT = 1400, 1100
SAID = "The ferry is due at nine, if it comes at all tonight."


def panel(*lines: Line, caption: str = "Later.") -> PanelData:
    spoken = lines or (Line(speaker="Mara", text=SAID), Line(speaker="Ilo", text="We wait."))
    return PanelData(
        description="x", characters=[Profile(name="Mara"), Profile(name="Ilo")], dialogue=list(spoken), caption=caption
    )


HEADS = [
    Box(kind="head", name="Mara", x=0.2, y=0.55, width=0.12, height=0.2),
    Box(kind="head", name="Ilo", x=0.7, y=0.55, width=0.12, height=0.2),
]


def composed(data: PanelData, placed: Any = None, size: tuple[int, int] = (WIDTH, HEIGHT)) -> ComposedPage:
    picture = io.BytesIO()
    Image.new("RGB", size, (120, 160, 200)).save(picture, "PNG")
    layout = PageLayout(1, size[0] + 168, size[1] + 168, (Cell("one", 84, 84, *size),))
    return compose_page(layout, {"one": LetteredPanel(picture.getvalue(), HEADS, data, placed)}, "ltr")


def layer(data: PanelData, placed: Any = None, size: tuple[int, int] = (WIDTH, HEIGHT)) -> PanelLettering:
    return composed(data, placed, size).lettering[0]


def change(order: int, **wanted: Any) -> BalloonChange:
    return BalloonChange.model_validate({"panel_id": uuid4(), "order": order, **wanted})


def said(found: PanelLettering, line: int) -> Lettered:
    return next(text for text in found.texts if text.line == line)


def moved_right(data: PanelData) -> PanelLettering:
    """Mara's balloon, a person's, right of where rules have put it."""
    first = layer(data)
    text = said(first, 0)
    body = {**text.body.model_dump(), "x": WIDTH - text.body.width - 20, "y": 40.0}
    return changed(first, [change(text.order, body=body)], WIDTH, HEIGHT)


def cell(width: int = WIDTH, height: int = HEIGHT) -> LayoutCell:
    return LayoutCell(panel_id="one", x=0, y=0, width=width, height=height)


def test_a_balloon_stands_where_a_person_put_it_and_no_other_moves() -> None:
    data = panel()
    by_rules, by_hand = layer(data), moved_right(data)
    after = layer(data, placed_lettering(by_hand, cell(), data, None))
    assert said(after, 0).body == said(by_hand, 0).body != said(by_rules, 0).body
    assert [text.manual for text in after.texts] == [text.line == 0 for text in after.texts]
    for line in (-1, 1):
        assert said(after, line).body == said(by_rules, line).body


def test_a_tail_leads_where_a_person_led_it_or_is_gone() -> None:
    data = panel()
    first = layer(data)
    order = said(first, 0).order
    led = changed(first, [change(order, tail_tip={"x": 700, "y": 900})], WIDTH, HEIGHT)
    after = said(layer(data, placed_lettering(led, cell(), data, None)), 0)
    assert after.tail is not None
    assert (after.tail.tip.x, after.tail.tip.y) == (700, 900)
    without = changed(first, [change(order, tail_tip=None)], WIDTH, HEIGHT)
    assert said(layer(data, placed_lettering(without, cell(), data, None)), 0).tail is None


def test_lines_end_where_a_person_ends_them() -> None:
    data = panel()
    first = layer(data)
    lines = ["The ferry is due at nine,", "if it comes", "at all tonight."]
    broken = changed(first, [change(said(first, 0).order, lines=lines)], WIDTH, HEIGHT)
    after = said(layer(data, placed_lettering(broken, cell(), data, None)), 0)
    assert after.lines == lines
    assert after.body.x < after.text_box.x
    assert after.text_box.x + after.text_box.width < after.body.x + after.body.width


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"lines": ["The ferry is late."]}, "other words"),
        ({"body": {"x": 0, "y": 0, "width": 60, "height": 40}}, "too small for its text"),
        ({"body": {"x": WIDTH - 40, "y": 0, "width": 900, "height": 400}}, "out of the panel"),
        ({"tail_tip": {"x": WIDTH + 1, "y": 10}}, "a tail out of the panel"),
        ({"order": 17, "tail_tip": None}, "no such balloon"),
    ],
)
def test_what_could_not_be_read_is_refused(wanted: dict[str, Any], why: str) -> None:
    first = layer(panel())
    with pytest.raises(BadInput):
        changed(first, [change(**{"order": said(first, 0).order, **wanted})], WIDTH, HEIGHT)
        pytest.fail(why)


def test_captions_have_no_tails() -> None:
    first = layer(panel())
    with pytest.raises(BadInput):
        changed(first, [change(said(first, -1).order, tail_tip={"x": 9, "y": 9})], WIDTH, HEIGHT)


def test_a_body_of_another_shape_has_its_text_broken_to_fit() -> None:
    data = panel()
    first = layer(data)
    text = said(first, 0)
    body = {"x": 30, "y": 300, "width": 0.8 * text.body.width, "height": 420}
    after = said(changed(first, [change(text.order, body=body)], WIDTH, HEIGHT), 0)
    assert len(after.lines) > len(text.lines)
    assert after.size == text.size


def test_other_words_stay_in_their_balloon_where_they_have_room() -> None:
    data = panel()
    placed = placed_lettering(moved_right(data), cell(), data, None)
    shorter = panel(Line(speaker="Mara", text="It is late."), data.dialogue[1])
    found = composed(shorter, placed)
    assert not any("by hand" in problem for problem in found.problems)
    after = said(found.lettering[0], 0)
    assert (after.text, after.manual) == ("It is late.", True)
    assert after.body == said(moved_right(data), 0).body


def test_other_words_without_room_are_placed_anew_and_a_problem_says_so() -> None:
    data = panel()
    by_hand = moved_right(data)
    longer = panel(Line(speaker="Mara", text=SAID * 4), data.dialogue[1])
    found = composed(longer, placed_lettering(by_hand, cell(), data, None))
    assert any("placed by hand" in problem for problem in found.problems)
    assert not any(text.manual for text in found.lettering[0].texts)
    assert said(found.lettering[0], 1).body == said(by_hand, 1).body


@pytest.mark.parametrize("nothing", ["", "\u200b"])
def test_a_line_that_says_nothing_any_more_is_gone_and_no_problem(nothing: str) -> None:
    data = panel()
    placed = placed_lettering(moved_right(data), cell(), data, None)
    silent = composed(panel(Line(speaker="Mara", text=nothing), data.dialogue[1]), placed)
    assert silent.problems == []
    assert [text.line for text in silent.lettering[0].texts] == [-1, 1]


def test_a_line_that_comes_before_takes_nobodys_place() -> None:
    """Words are known again by what they say, not by their number; the new ones go around what is there."""
    data = panel()
    by_hand = moved_right(data)
    more = panel(Line(speaker="Ilo", text="Well?"), *data.dialogue)
    after = layer(more, placed_lettering(by_hand, cell(), data, None))
    assert said(after, 1).body == said(by_hand, 0).body
    assert said(after, 1).manual
    new = said(after, 0).body
    for other in (said(after, line).body for line in (-1, 1, 2)):
        apart = (
            new.x + new.width <= other.x
            or other.x + other.width <= new.x
            or new.y + new.height <= other.y
            or other.y + other.height <= new.y
        )
        assert apart
    assert [text.line for text in after.texts] == sorted(text.line for text in after.texts)


def test_in_a_panel_of_another_size_places_are_in_proportion() -> None:
    data = panel()
    by_hand = moved_right(data)
    placed = placed_lettering(by_hand, cell(), data, None)
    after = said(layer(data, placed, (1200, 1400)), -1)
    before = said(by_hand, -1).body
    assert after.body.x + after.body.width / 2 == pytest.approx((before.x + before.width / 2) * 1200 / WIDTH)
    assert after.body.y + after.body.height / 2 == pytest.approx((before.y + before.height / 2) * 1400 / HEIGHT)
    old, new = (Layout(cells=[cell(*size)]) for size in ((WIDTH, HEIGHT), (1200, 1400)))
    [shown] = in_other_cells([by_hand.model_dump(mode="json")], old, new)
    assert said(PanelLettering.model_validate(shown), -1).body == after.body


def test_in_a_smaller_panel_what_was_put_into_a_corner_stays_there() -> None:
    """It has room in the panel: that its middle would be too near to the edge is no reason to place it anew."""
    data = panel()
    first = layer(data)
    body = {**first.texts[0].body.model_dump(), "x": 2, "y": 2}
    placed = placed_lettering(changed(first, [change(0, body=body)], WIDTH, HEIGHT), cell(), data, None)
    smaller = composed(data, placed, (WIDTH // 2, HEIGHT * 3 // 4))
    caption = said(smaller.lettering[0], -1)
    assert (caption.manual, caption.body.x, caption.body.y) == (True, 0, 0)
    assert not any("Inkloom places it" in problem for problem in smaller.problems)


def test_joined_balloons_stay_joined() -> None:
    data = panel(*(Line(speaker="Mara", text=text) for text in ("Wait.", "There is a light.")), caption="")
    first = layer(data)
    assert first.texts[1].joined == 0
    after = layer(data, placed_lettering(changed(first, [change(1, tail_tip=None)], WIDTH, HEIGHT), cell(), data, None))
    assert after.texts[1].joined == 0


@pytest.mark.parametrize(
    ("data", "picture", "size", "why"),
    [
        (panel(), "a", (WIDTH, HEIGHT), []),
        (panel(caption="Now."), "a", (WIDTH, HEIGHT), ["words"]),
        (panel(), "b", (WIDTH, HEIGHT), ["picture"]),
        (panel(), "a", (WIDTH, 900), ["layout"]),
    ],
)
def test_it_is_known_what_placed_lettering_rests_on(
    data: PanelData, picture: str, size: tuple[int, int], why: list[str]
) -> None:
    placed = placed_lettering(layer(panel()), cell(), panel(), "a")
    assert moved_on(placed, data, picture, *size) == why


@pytest.mark.parametrize("kind", [LineKind.THOUGHT, LineKind.SHOUT, LineKind.SFX, LineKind.RADIO, LineKind.OFF])
def test_every_kind_can_be_moved(kind: LineKind) -> None:
    data = panel(Line(speaker="Mara", kind=kind, text="Look *there*!"), caption="")
    first = layer(data)
    body = {**first.texts[0].body.model_dump(), "x": 33, "y": 44}
    after = layer(data, placed_lettering(changed(first, [change(0, body=body)], WIDTH, HEIGHT), cell(), data, None))
    assert (after.texts[0].body.x, after.texts[0].body.y) == (33, 44)
    assert after.texts[0].lines == first.texts[0].lines


@pytest.mark.parametrize(
    ("text", "language"),
    [
        pytest.param("Die Unabhängigkeitserklärungen der Weltraumbehörde sind *sehr geheime* Dinge.", "de", id="cut"),
        pytest.param("ばかな。百年は動くように*作った*のだ。誰も止められない。", "ja", id="without blanks"),
        pytest.param("Well-known words, well-spoken.", "en", id="hyphens of its own"),
    ],
)
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_a_balloon_made_narrower_says_what_was_written(text: str, language: str, direction: Direction) -> None:
    data = panel(Line(speaker="Mara", text=text), caption="")
    picture = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), (120, 160, 200)).save(picture, "PNG")
    layout = PageLayout(1, WIDTH + 168, HEIGHT + 168, (Cell("one", 84, 84, WIDTH, HEIGHT),))
    lettered = {"one": LetteredPanel(picture.getvalue(), HEADS, data)}
    [first] = compose_page(layout, lettered, direction, language=language).lettering
    across, down = (900.0, 190.0) if first.texts[0].vertical else (230.0, 900.0)
    [now] = changed(first, [change(0, body={"x": 20, "y": 20, "width": across, "height": down})], WIDTH, HEIGHT).texts
    assert now.vertical is (language == "ja" and direction == "rtl")
    assert len(now.lines) > len(first.texts[0].lines)
    # Signs of emphasis stand around every piece of a word that was cut, and hyphens at its cuts.
    assert _bare("".join(now.lines)) == _bare(text)
    marked = [word for line in now.lines for word in line.split() if "*" in word]
    assert bool(marked) == ("*" in text)


def _bare(text: str) -> str:
    return "".join(sign for sign in text if not sign.isspace() and sign not in "-*")
