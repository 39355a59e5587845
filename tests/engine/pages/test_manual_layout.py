"""Layouts by hand: what is no page is refused; what is one stays while its panels follow each other."""

from typing import Any

import pytest

from engine.errors import BadInput
from engine.pages.formats import PAGE, SIZES, WEBTOON
from engine.pages.manual_layout import arranged, kept_pages, released, with_manual_lettering
from models.layout import Layout, LayoutCell
from models.lettering import Placed

pytestmark = pytest.mark.unit


PLACED = Placed(texts=[], width=1820, height=470)


def page(number: int, *ids: str, width: int = 1988, height: int = 3075, **more: Any) -> Layout:
    cells = [
        LayoutCell(panel_id=one, x=84, y=84 + 500 * at, width=1820, height=470, frame=(960, 800))
        for at, one in enumerate(ids)
    ]
    return Layout(number=number, width=width, height=height, cells=cells, **more)


def cells(*places: tuple[str, int, int, int, int]) -> list[LayoutCell]:
    return [
        LayoutCell(panel_id=panel_id, x=x, y=y, width=width, height=height) for panel_id, x, y, width, height in places
    ]


def test_cells_go_where_a_person_puts_them_and_keep_what_they_are_for() -> None:
    wanted = cells(("a", 0, 0, 1988, 1500), ("b", 84, 1400, 1820, 1600))
    found = arranged(page(1, "a", "b", let_go=True), wanted)
    assert found.manual is True
    assert found.let_go is False
    assert found.cells[0] == wanted[0].model_copy(update={"frame": (960, 800)})


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(cells(("a", 84, 84, 1820, 1400)), id="one is missing"),
        pytest.param(cells(("b", 84, 84, 900, 900), ("a", 84, 1100, 900, 900)), id="another order"),
        pytest.param(cells(("a", 84, 84, 900, 900), ("c", 84, 1100, 900, 900)), id="another page's"),
        pytest.param(cells(("a", 84, 84, 900, 900), ("b", 1100, 1100, 900, 900)), id="beyond the side"),
        pytest.param(cells(("a", 84, 84, 900, 900), ("b", 84, 2200, 900, 900)), id="beyond the foot"),
        pytest.param(cells(("a", 84, 84, 900, 900), ("b", 84, 1100, 900, 90)), id="too small"),
        pytest.param(cells(("a", 84, 84, 900, 900), ("b", 84, 700, 900, 900)), id="over each other"),
    ],
)
def test_what_is_no_page_is_refused(wanted: list[LayoutCell]) -> None:
    with pytest.raises(BadInput):
        arranged(page(1, "a", "b"), wanted)


def test_what_is_released_is_laid_out_and_lettered_by_rules_again() -> None:
    mine = page(1, "a", manual=True, placed={"a": PLACED})
    assert not released(mine, ["layout"]).manual
    assert released(mine, ["layout"]).cells[0].frame != mine.cells[0].frame
    assert not released(mine, ["lettering"]).placed
    assert released(mine, []) == mine


def test_a_page_by_hand_stays_while_its_panels_follow_each_other() -> None:
    mine = page(2, "c", "d", manual=True)
    assert kept_pages([page(1, "a", "b"), mine], ["x", "a", "b", "c", "d"], PAGE) == {3: mine}
    assert kept_pages([mine], ["c", "x", "d"], PAGE) == {}
    assert kept_pages([mine], ["c"], PAGE) == {}
    assert kept_pages([mine], ["c", "d"], SIZES["a4"]) == {}
    assert kept_pages([mine], ["c", "d"], WEBTOON) == {}
    assert kept_pages([page(1, "c")], ["c"], PAGE) == {}
    strip = page(1, "c", width=800, height=913, manual=True)
    assert kept_pages([strip], ["c"], WEBTOON) == {0: strip}


def test_placed_lettering_goes_along_to_wherever_its_panel_is() -> None:
    before = [page(1, "a", "b", placed={"b": PLACED}), page(2, "c")]
    found = with_manual_lettering(before, [page(1, "a"), page(2, "b", "c")])
    assert not found[0].placed
    assert found[1].placed == {"b": PLACED}


def test_a_layout_that_is_lost_is_told_where_its_panels_are() -> None:
    before = [page(1, "a"), page(2, "b", "c", manual=True)]
    found = with_manual_lettering(before, [page(1, "a", "b"), page(2, "x", "c")])
    assert [one.let_go for one in found] == [True, False]
    kept = with_manual_lettering(before, [page(1, "x", "a"), page(2, "b", "c", manual=True)])
    assert not any(one.let_go for one in kept)


def test_a_layout_is_stored_without_what_is_not_set() -> None:
    """Digests of composed pages are made from it: a new key that is not set must not make every page stale."""
    stored = page(1, "a").model_dump(mode="json")
    cell = {"panel_id": "a", "x": 84, "y": 84, "width": 1820, "height": 470, "frame": [960, 800]}
    assert stored == {"number": 1, "width": 1988, "height": 3075, "cells": [cell]}
    manual = page(1, "a", manual=True, placed={"a": PLACED}, let_go=True, format="page", direction="rtl")
    assert Layout.model_validate(manual.model_dump(mode="json")) == manual
    assert {"manual", "placed", "let_go", "format", "direction"} <= set(manual.model_dump(mode="json"))
