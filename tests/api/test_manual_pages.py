"""What a person does to a page is composed by the next order, for no call, and kept by those that follow."""

import pytest
from httpx2 import AsyncClient

from tests.api.conftest import Crew, Json
from tests.api.directed import Directed, finished_chapter
from tests.support.stories import STORY

pytestmark = pytest.mark.workflow


async def pages(directed: Directed) -> list[Json]:
    return list((await directed.get(f"/chapters/{directed.chapter_id}/pages"))["items"])


async def updated(directed: Directed, **options: object) -> Json:
    """Brought up to date: no picture is drawn for it, and nothing but what a test changed is written."""
    drawn = len(directed.painter.asked)
    await directed.order(**options)
    ended = await directed.ended()
    assert ended["status"] == "completed", ended
    assert len(directed.painter.asked) == drawn
    return ended


def rows_of(page: Json) -> list[Json]:
    """Its panels as rows of one height, full bleed."""
    cells, width, height = page["layout"]["cells"], page["layout"]["width"], page["layout"]["height"]
    tall = height // len(cells)
    return [
        {"panel_id": cell["panel_id"], "x": 0, "y": number * tall, "width": width, "height": tall}
        for number, cell in enumerate(cells)
    ]


def places(page: Json) -> list[Json]:
    return [{name: value for name, value in cell.items() if name != "frame"} for cell in page["layout"]["cells"]]


async def parts(directed: Directed, kind: str = "page") -> list[tuple[str, str, tuple[str, ...]]]:
    found = (await directed.get(f"/chapters/{directed.chapter_id}/stale"))["items"]
    return [(one["part"], one["state"], tuple(one["because"])) for one in found if one["kind"] == kind]


async def test_a_layout_by_hand_is_composed_for_no_call_and_kept_until_it_is_released(
    api: AsyncClient, crew: Crew
) -> None:
    """It wins over words that crowd it, which is told as kept; released, the page is laid out by rules again."""
    async with finished_chapter(api, crew, STORY.replace("Mara", "Sunna")) as directed:
        by_rules = await pages(directed)
        page = by_rules[0]
        asked = len(directed.writer.asked)
        wanted = rows_of(page)
        changed = await directed.patch(f"/pages/{page['id']}", {"version": 1, "layout": {"cells": wanted}})
        assert (changed["manual_edits"], changed["version"], changed["image_id"]) == (["layout"], 2, page["image_id"])
        assert await parts(directed) == [("page", "stale", ("panels",))]
        await updated(directed)
        assert len(directed.writer.asked) == asked
        after = await pages(directed)
        assert places(after[0]) == wanted
        assert after[0]["image_id"] != page["image_id"]
        assert [one["image_id"] for one in after[1:]] == [one["image_id"] for one in by_rules[1:]]
        assert await parts(directed) == []

        panel = await directed.get(f"/panels/{wanted[0]['panel_id']}")
        much = [{"speaker": "Sunna", "text": "This is what I have to say about it, and it is a lot. " * 30}]
        await directed.patch(f"/panels/{panel['id']}", {"version": panel["version"], "dialogue": much})
        assert await parts(directed) == [("page", "stale", ("panels",)), ("layout", "protected", ("words",))]
        await updated(directed)
        assert places((await pages(directed))[0]) == wanted
        assert await parts(directed) == [("layout", "protected", ("words",))]

        panel = await directed.get(f"/panels/{panel['id']}")
        await directed.patch(f"/panels/{panel['id']}", {"version": panel["version"], "dialogue": []})
        released = await directed.patch(f"/pages/{page['id']}", {"version": 2, "release_edits": ["layout"]})
        assert released["manual_edits"] == []
        await updated(directed)
        assert places((await pages(directed))[0]) != wanted


async def test_a_moved_balloon_stays_where_it_is_put_through_other_pictures_and_words(
    api: AsyncClient, crew: Crew
) -> None:
    async with finished_chapter(api, crew, STORY.replace("Mara", "Liv")) as directed:
        page = next(page for page in await pages(directed) if any(layer["texts"] for layer in page["lettering"]))
        layer = next(layer for layer in page["lettering"] if layer["texts"])
        text, panel_id = layer["texts"][-1], layer["panel_id"]
        cell = next(cell for cell in page["layout"]["cells"] if cell["panel_id"] == panel_id)
        body = {**text["body"], "x": 8.0, "y": cell["height"] - text["body"]["height"] - 9.0}
        edit = {"panel_id": panel_id, "order": text["order"], "body": body, "tail_tip": None}
        changed = await directed.patch(f"/pages/{page['id']}", {"version": page["version"], "lettering": [edit]})
        assert changed["manual_edits"] == ["lettering"]

        async def shown() -> Json:
            now = await directed.get(f"/pages/{page['id']}")
            mine = next(layer for layer in now["lettering"] if layer["panel_id"] == panel_id)
            return next(one for one in mine["texts"] if one["line"] == text["line"])

        assert (await shown())["body"] == body
        await updated(directed)
        found = await shown()
        assert (found["body"], found["tail"], found["manual"]) == (body, None, True)

        image = await directed.picture(1200, 1000)
        await directed.post(f"/panels/{panel_id}/drafts", {"image_id": image, "select": True}, 201)
        await updated(directed)
        assert (await shown())["body"]["width"] == body["width"]
        assert ("lettering", "protected") in [(part, state) for part, state, _ in await parts(directed)]

        released = {"version": changed["version"], "release_edits": ["lettering"]}
        assert (await directed.patch(f"/pages/{page['id']}", released))["manual_edits"] == []
        await updated(directed)
        assert not (await shown())["manual"]
        assert await parts(directed) == []


async def test_a_layout_whose_panels_change_is_let_go_and_a_problem_says_so(api: AsyncClient, crew: Crew) -> None:
    async with finished_chapter(api, crew, STORY.replace("Mara", "Embla")) as directed:
        first = (await pages(directed))[0]
        await directed.patch(f"/pages/{first['id']}", {"version": 1, "layout": {"cells": rows_of(first)}})
        await updated(directed)
        gone = first["layout"]["cells"][1]["panel_id"]
        assert (await api.delete(f"/api/v1/panels/{gone}")).status_code == 204
        moved = {"panel_id": gone, "order": 0, "tail_tip": None}
        path, version = f"/pages/{first['id']}", (await directed.get(f"/pages/{first['id']}"))["version"]
        refused = await directed.patch(path, {"version": version, "lettering": [moved]}, 409)
        assert "was deleted" in refused["detail"]
        await updated(directed)
        now = (await pages(directed))[0]
        assert now["manual_edits"] == []
        assert "laid out again" in now["problems"][0]


async def test_other_sizes_of_pages_cost_no_picture(api: AsyncClient, crew: Crew) -> None:
    """The same panels on manga pages, and back."""
    async with finished_chapter(api, crew, STORY.replace("Mara", "Ylva")) as directed:
        before = await pages(directed)
        await updated(directed, page_size="manga-b6")
        manga = await pages(directed)
        assert {(page["layout"]["width"], page["layout"]["height"]) for page in manga} == {(1512, 2150)}
        assert sum(len(page["layout"]["cells"]) for page in manga) == len(await directed.panels())
        await updated(directed)
        assert [places(page) for page in await pages(directed)] == [places(page) for page in before]


async def test_what_cannot_be_a_page_is_refused_and_so_is_who_comes_second(api: AsyncClient, crew: Crew) -> None:
    async with finished_chapter(api, crew, STORY.replace("Mara", "Saga")) as directed:
        page = (await pages(directed))[0]
        path, cells = f"/pages/{page['id']}", rows_of(page)
        await directed.patch(path, {"version": 1, "layout": {"cells": cells[:-1]}}, 422)
        unknown = {"panel_id": page["id"], "order": 0, "tail_tip": None}
        await directed.patch(path, {"version": 1, "lettering": [unknown]}, 422)
        both = {"version": 1, "layout": {"cells": cells}, "release_edits": ["layout"]}
        await directed.patch(path, both, 422)
        assert (await directed.get(path))["version"] == 1
        await directed.patch(path, {"version": 1, "layout": {"cells": cells}})
        late = await directed.patch(path, {"version": 1, "layout": {"cells": cells}}, 409)
        assert late["current"]["version"] == 2
        told = (await directed.get(f"/projects/{directed.project_id}/activity"))["items"]
        deed = next(one for one in told if one["type"] == "page.changed")
        assert deed["data"] == {"page_id": page["id"], "number": 1, "fields": ["layout"], "version": 2}
