"""What people wrote stays theirs when the text is outlined anew or a scene is broken into panels again."""

import pytest
from httpx2 import AsyncClient

from tests.api.conftest import Crew
from tests.api.directed import finished_chapter
from tests.support.stories import STORY

pytestmark = pytest.mark.workflow

TEXT = STORY.replace("Mara", "Runa")


async def test_a_changed_sentence_costs_its_own_scene_and_no_hand_work(api: AsyncClient, crew: Crew) -> None:
    """The other scenes go on as they are: their panels, drafts, choices and words, and a scene that somebody added."""
    async with finished_chapter(api, crew, TEXT, drafts=2) as directed:
        scenes = (await directed.get(f"/chapters/{directed.chapter_id}/scenes"))["items"]
        panels = await directed.panels()
        theirs = next(panel for panel in panels if panel["scene_id"] == scenes[1]["id"])
        body = {"version": theirs["version"], "caption": "At dawn, by hand.", "description": "Joss runs, by hand."}
        await directed.patch(f"/panels/{theirs['id']}", body)
        other = next(draft for draft in await directed.drafts(theirs) if not draft["selected"])
        await directed.post(f"/drafts/{other['id']}/select")
        third = scenes[2]
        await directed.patch(
            f"/scenes/{third['id']}", {"version": third["version"], "summary": "In the shed, by hand."}
        )
        new = {"title": "Between", "summary": "A gull waits.", "position": 2}
        added = await directed.post(f"/chapters/{directed.chapter_id}/scenes", new, 201)
        await directed.order(drafts=2)
        assert (await directed.ended())["status"] == "completed"
        kept = {panel["id"]: panel for panel in await directed.panels()}
        drafts = {one: len(await directed.drafts(panel)) for one, panel in kept.items()}

        chapter = await directed.get(f"/chapters/{directed.chapter_id}")
        text = TEXT.replace("counted the coins in the blue jar", "counted the eggs in the red bowl")
        await directed.patch(f"/chapters/{directed.chapter_id}", {"version": chapter["version"], "text": text})
        directed.writer.asked.clear()
        await directed.order(drafts=2)
        assert (await directed.ended())["status"] == "completed"

        asked = [request.task for request in directed.writer.asked]
        assert asked.count("ChapterOutline") == 1
        assert asked.count("SceneSummary") == asked.count("PanelDescription") == 1
        after = (await directed.get(f"/chapters/{directed.chapter_id}/scenes"))["items"]
        assert [scene["id"] for scene in after] == [
            scenes[0]["id"], scenes[1]["id"], added["id"], *(scene["id"] for scene in scenes[2:])
        ]  # fmt: skip
        assert after[3]["summary"] == "In the shed, by hand."
        now = {panel["id"]: panel for panel in await directed.panels()}
        for one, panel in kept.items():
            if panel["scene_id"] != scenes[0]["id"]:
                assert now[one] == panel
                assert len(await directed.drafts(panel)) == drafts[one]
        assert (now[theirs["id"]]["caption"], now[theirs["id"]]["description"]) == (
            "At dawn, by hand.",
            "Joss runs, by hand.",
        )
        told = " ".join(panel["caption"] for panel in now.values())
        assert "eggs in the red bowl" in told
        assert "coins in the blue jar" not in told


async def test_a_scene_that_is_described_again_keeps_the_panels_that_people_wrote(api: AsyncClient, crew: Crew) -> None:
    async with finished_chapter(api, crew, TEXT.replace("Runa", "Tove")) as directed:
        first = (await directed.get(f"/chapters/{directed.chapter_id}/scenes"))["items"][0]
        panels = [panel for panel in await directed.panels() if panel["scene_id"] == first["id"]]
        body = {"version": panels[1]["version"], "description": "Two keys, by hand.", "shot": "insert"}
        await directed.patch(f"/panels/{panels[1]['id']}", body)
        await directed.patch(f"/scenes/{first['id']}", {"version": first["version"], "summary": "Another summary."})
        directed.writer.asked.clear()
        await directed.order()
        assert (await directed.ended())["status"] == "completed"
        assert "PanelDescription" in {request.task for request in directed.writer.asked}
        after = [panel for panel in await directed.panels() if panel["scene_id"] == first["id"]]
        assert [panel["id"] for panel in after] == [panel["id"] for panel in panels]
        assert (after[1]["description"], after[1]["shot"]) == ("Two keys, by hand.", "insert")
        assert after[1]["manual_edits"] == ["description"]


async def test_what_is_released_is_written_again(api: AsyncClient, crew: Crew) -> None:
    async with finished_chapter(api, crew, TEXT.replace("Runa", "Yrsa")) as directed:
        panel = next(panel for panel in await directed.panels() if panel["dialogue"])
        before = panel["dialogue"]
        body = {"version": panel["version"], "dialogue": [{"speaker": "", "text": "Nothing."}], "prompt": "A wall."}
        changed = await directed.patch(f"/panels/{panel['id']}", body)
        assert changed["manual_edits"] == ["words", "prompt"]
        body = {"version": changed["version"], "release_edits": ["words", "prompt"]}
        assert (await directed.patch(f"/panels/{panel['id']}", body))["manual_edits"] == []
        await directed.order()
        assert (await directed.ended())["status"] == "completed"
        after = await directed.get(f"/panels/{panel['id']}")
        assert after["dialogue"] == before
        assert after["prompt"] == panel["prompt"]
