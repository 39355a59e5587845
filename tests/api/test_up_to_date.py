"""What is told to be out of date is what an order makes, and after that nothing is left: changes of other kinds."""

from collections import Counter
from typing import Any

import pytest
from httpx2 import AsyncClient

from tests.api.conftest import Crew, Json, new_chapter
from tests.api.directed import Directed, finished_chapter
from tests.support.stories import STORY

pytestmark = pytest.mark.workflow


async def _stale(directed: Directed) -> Json:
    found: Json = await directed.get(f"/chapters/{directed.chapter_id}/stale")
    return found


async def _left(directed: Directed) -> list[Json]:
    return [part for part in (await _stale(directed))["items"] if part["state"] != "protected"]


async def _ordered(directed: Directed, **options: Any) -> Counter[str]:
    """Order the chapter; what was asked of writers, and `pictures` and `sheets` of artists."""
    directed.writer.asked.clear()
    directed.painter.asked.clear()
    await directed.order(**options)
    assert (await directed.ended())["status"] == "completed"
    asked = Counter(request.task for request in directed.writer.asked)
    for request in directed.painter.asked:
        asked["sheets" if request.sheet is not None else "pictures"] += 1
    return asked


async def test_a_sentence_of_the_text(api: AsyncClient, crew: Crew) -> None:
    """It is told that the text has to be read; its other scenes cost nothing, and keep their drafts and choices."""
    async with finished_chapter(api, crew, STORY.replace("Two Keys", "Three Keys")) as directed:
        before = {panel["id"]: panel["selected_draft_id"] for panel in await directed.panels()}
        chapter = await directed.get(f"/chapters/{directed.chapter_id}")
        text = STORY.replace("Two Keys", "Three Keys").replace("He waved both arms.", "He waved his new cap.")
        await directed.patch(f"/chapters/{directed.chapter_id}", {"version": chapter["version"], "text": text})
        told = await _stale(directed)
        assert [(part["part"], part["because"]) for part in told["items"]] == [("outline", ["text"])]
        assert told["llm_calls"] == 1
        order = {"kind": "chapter", "target_ids": [directed.chapter_id]}
        estimate = await directed.post("/generations/estimate", order)
        asked = await _ordered(directed)
        assert asked["ChapterOutline"] == 1
        assert asked["SceneSummary"] <= 1
        assert int(estimate["llm"]["low"]) <= sum(asked.values()) - asked["pictures"] <= int(estimate["llm"]["high"])
        after = {panel["id"]: panel["selected_draft_id"] for panel in await directed.panels()}
        assert before.keys() == after.keys()
        assert sum(before[panel] != after[panel] for panel in before) == asked["pictures"] == 1
        assert await _left(directed) == []


async def test_somebody_is_renamed(api: AsyncClient, crew: Crew) -> None:
    """They stay the same person, whom the text goes on to call by the name that was given up."""
    async with finished_chapter(api, crew, STORY.replace("Mara", "Nora")) as directed:
        path = f"/projects/{directed.project_id}/characters"
        people = (await directed.get(path))["items"]
        nora = next(who for who in people if who["name"] == "Nora")
        await directed.patch(f"/characters/{nora['id']}", {"version": nora["version"], "name": "Tara"})
        asked = await _ordered(directed)
        assert (asked["CharacterProfile"], asked["sheets"]) == (0, 1)
        assert await _left(directed) == []
        assert {who["id"] for who in (await directed.get(path))["items"]} == {who["id"] for who in people}


async def test_somebody_whom_only_people_know(api: AsyncClient, crew: Crew) -> None:
    """Who appears in a panel by hand gets a profile and a sheet like all others."""
    async with finished_chapter(api, crew, "Mara went out into the garden.") as directed:
        await directed.post(f"/projects/{directed.project_id}/characters", {"name": "Zoe"}, 201)
        (panel,) = await directed.panels()
        body = {"description": "Zoe waves.", "characters": ["Zoe"], "prompt": "Zoe waves from a window."}
        await directed.post(f"/scenes/{panel['scene_id']}/panels", body, 201)
        assert {"profile", "sheet"} <= {part["part"] for part in await _left(directed)}
        asked = await _ordered(directed)
        assert (asked["CharacterProfile"], asked["sheets"], asked["pictures"]) == (1, 1, 1)
        assert await _left(directed) == []


@pytest.mark.slow
async def test_panels_that_are_given_back(api: AsyncClient, crew: Crew) -> None:
    """Which panels a scene has, and what a panel shows, is for the writer again: it makes it as it was."""
    async with finished_chapter(api, crew, STORY) as directed:
        before = await directed.panels()
        panel = next(one for one in before if sum(other["scene_id"] == one["scene_id"] for other in before) > 1)
        assert (await api.delete(f"/api/v1/panels/{panel['id']}")).status_code == 204
        scene = await directed.get(f"/scenes/{panel['scene_id']}")
        await directed.patch(f"/scenes/{scene['id']}", {"version": scene["version"], "release_edits": ["panels"]})
        await _ordered(directed)
        after = await directed.panels()
        assert [one["description"] for one in after] == [one["description"] for one in before]
        changed = await directed.patch(
            f"/panels/{after[0]['id']}", {"version": after[0]["version"], "description": "A hand."}
        )
        await _ordered(directed)
        now = (await directed.panels())[0]
        assert now["description"] == changed["description"] == "A hand."
        await directed.patch(f"/panels/{now['id']}", {"version": now["version"], "release_edits": ["description"]})
        assert "panels" in {part["part"] for part in await _left(directed)}
        await _ordered(directed)
        assert (await directed.panels())[0]["description"] == before[0]["description"]
        assert await _left(directed) == []


@pytest.mark.slow
async def test_a_chapter_that_is_condensed_afterwards(api: AsyncClient, crew: Crew) -> None:
    """Scenes for which there is no room have no panels any more, but for those that people wrote.

    An order for another length is foreseen: it is told, and estimated, before it costs anything.
    """
    async with finished_chapter(api, crew, STORY.replace("Mara", "Hedda").replace("Joss", "Ivo")) as directed:
        many = len(await directed.panels())
        assert many > 3
        assert await _foreseen(directed, max_panels=3) > 0
        assert len(await directed.panels()) == 3
        assert await _left(directed) == []
        await _foreseen(directed)
        assert await _left(directed) == []
        panel, *_ = panels = await directed.panels()
        assert len(panels) == many
        for panel in panels:
            await directed.patch(f"/panels/{panel['id']}", {"version": panel["version"], "caption": "By hand."})
        await _ordered(directed, max_panels=3)
        assert len(await directed.panels()) == len(panels)


async def _foreseen(directed: Directed, **options: Any) -> int:
    """Order the chapter; how many calls were made, which is no more than was estimated before."""
    order = {"kind": "chapter", "target_ids": [directed.chapter_id], "options": options}
    told = await directed.post("/generations/estimate", order)
    asked = await _ordered(directed, **options)
    pictures = asked["pictures"] + asked["sheets"]
    words = asked.total() - pictures
    assert words <= int(told["llm"]["high"])
    assert pictures <= int(told["image"]["high"])
    return words


async def test_a_text_that_is_changed_while_its_outline_is_looked_at(api: AsyncClient, crew: Crew) -> None:
    """It is read again, and made is what it says now."""
    directed = Directed(api, *await new_chapter(api, STORY.replace("Two Keys", "Four Keys")))
    async with crew(directed.writer, directed.painter):
        await directed.order(review="outline")
        await directed.reached("waiting_review", stage="outline")
        chapter = await directed.get(f"/chapters/{directed.chapter_id}")
        text = '"Let us go home," said Joss.\n\n***\n\n"Let me sleep until noon," said Mara.'
        await directed.patch(f"/chapters/{directed.chapter_id}", {"version": chapter["version"], "text": text})
        await directed.approve("outline")
        assert (await directed.ended())["status"] == "completed"
    assert Counter(request.task for request in directed.writer.asked)["ChapterOutline"] == 2
    scenes = (await directed.get(f"/chapters/{directed.chapter_id}/scenes"))["items"]
    assert len(scenes) == 2
    assert "Keys" not in " ".join(scene["title"] for scene in scenes)
    assert await _left(directed) == []
