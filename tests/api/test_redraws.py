"""A panel is wanted otherwise: its words, its picture, a part of a draft. The old drafts stay."""

from typing import Any

import pytest
from httpx2 import AsyncClient

from tests.api.conftest import Crew, Json, new_chapter, problem, refused
from tests.api.directed import Directed, finished_chapter
from tests.support.stories import STORY as LONG

pytestmark = pytest.mark.workflow

TEXT = """\
Mara lit the lamp in the kitchen.

"Take the small key," said Mara.
"""


def spoken(panels: list[Json]) -> Json:
    return next(panel for panel in panels if panel["dialogue"])


@pytest.mark.parametrize(
    ("body", "tasks", "drawn"),
    [
        pytest.param({"notes": "Closer, and she is angry."}, {"VisualPrompt"}, 1, id="the picture"),
        pytest.param({"notes": 'Mara says "Take the tiny key."'}, {"Dialogue"}, 0, id="the words"),
        pytest.param({"notes": "The balloon is too long. She smiles."}, {"Dialogue", "VisualPrompt"}, 1, id="both"),
        pytest.param({"notes": "Her coat is blue.", "about": ["picture"], "drafts": 3}, {"VisualPrompt"}, 3, id="said"),
        pytest.param({"drafts": 2}, set(), 2, id="the same once more"),
    ],
)
async def test_notes_go_back_to_the_right_step(
    api: AsyncClient, crew: Crew, body: Json, tasks: set[str], drawn: int
) -> None:
    """Only what they are about is made again, in this panel alone; old drafts stay, and one of the new is shown."""
    async with finished_chapter(api, crew, TEXT) as directed:
        panel = spoken(await directed.panels())
        (old,) = await directed.drafts(panel)
        directed.writer.asked.clear()
        directed.painter.asked.clear()
        ordered = await directed.post(f"/panels/{panel['id']}/redraw", {"version": panel["version"], **body}, 202)
        assert (await directed.ended(ordered["id"]))["status"] == "completed"
        assert {request.task for request in directed.writer.asked} == tasks
        assert len(directed.painter.asked) == drawn
        drafts = await directed.drafts(panel)
        now = spoken(await directed.panels())
        assert drafts[0] | {"selected": True} == old
        assert [draft["origin"] for draft in drafts[1:]] == ["redrawn"] * drawn
        assert len({draft["seed"] for draft in drafts}) == 1 + drawn
        if drawn:
            assert now["selected_draft_id"] in {draft["id"] for draft in drafts[1:]}
        else:
            assert now["selected_draft_id"] == old["id"]
        if "Dialogue" in tasks and "tiny" in body["notes"]:
            assert [line["text"] for line in now["dialogue"]] == ["Take the tiny key."]
        if "Closer" in body.get("notes", ""):
            assert now["shot"] != panel["shot"] or panel["shot"] == "close-up"
            assert "angry" in now["prompt"]
        # What the panel was made into stands: nothing is left to do but to letter it.
        stale = (await directed.get(f"/chapters/{directed.chapter_id}/stale"))["items"]
        assert {part["part"] for part in stale if part["state"] != "protected"} <= {"page", "cbz", "pdf", "epub"}


async def test_a_redraw_while_drafts_are_looked_at_is_work_of_the_same_generation(api: AsyncClient, crew: Crew) -> None:
    """It waits again with the new drafts, and goes on with what is chosen of them."""
    directed = Directed(api, *await new_chapter(api, "Mara laughed."))
    async with crew(directed.writer, directed.painter):
        await directed.order(review="drafts")
        before = await directed.reached("waiting_review", stage="drafts")
        (panel,) = await directed.panels()
        body = {"notes": "wider", "drafts": 2}
        ordered = await directed.post(f"/panels/{panel['id']}/redraw", body, 202)
        assert ordered["id"] == directed.generation_id
        for _ in range(200):
            if len(await directed.drafts(panel)) == 3:
                break
        await directed.reached("waiting_review", stage="drafts")
        drafts = await directed.drafts(panel)
        await directed.post(f"/drafts/{drafts[2]['id']}/select")
        finished = await directed.ended()
    assert finished["status"] == "completed"
    assert finished["calls"]["image"] == before["calls"]["image"] + 2
    (panel,) = await directed.panels()
    assert panel["selected_draft_id"] == drafts[2]["id"]


async def test_art_that_is_brought_along_is_lettered_and_never_drawn_over(api: AsyncClient, crew: Crew) -> None:
    async with finished_chapter(api, crew, TEXT) as directed:
        panel = (await directed.panels())[0]
        image = await directed.picture(900, 600)
        draft = await directed.post(f"/panels/{panel['id']}/drafts", {"image_id": image}, 201)
        assert (draft["origin"], draft["selected"], draft["image_id"]) == ("uploaded", True, image)
        again = await directed.post(f"/panels/{panel['id']}/drafts", {"image_id": image}, 201)
        assert again["id"] == draft["id"]
        pages = await directed.get(f"/chapters/{directed.chapter_id}/pages")
        project = await directed.get(f"/projects/{directed.project_id}")
        await directed.patch(f"/projects/{directed.project_id}", {"version": project["version"], "style": "Woodcut."})
        directed.painter.asked.clear()
        await directed.order()
        assert (await directed.ended())["status"] == "completed"
        drawn = sum(request.panel is not None for request in directed.painter.asked)
        assert drawn == len(await directed.panels()) - 1
        assert (await directed.panels())[0]["selected_draft_id"] == draft["id"]
        assert await directed.get(f"/chapters/{directed.chapter_id}/pages") != pages


async def test_a_selection_is_undone_step_by_step(api: AsyncClient, crew: Crew) -> None:
    async with finished_chapter(api, crew, "Mara laughed.", drafts=3) as directed:
        (panel,) = await directed.panels()
        first = panel["selected_draft_id"]
        others = [draft["id"] for draft in await directed.drafts(panel) if draft["id"] != first]
        for draft in others:
            await directed.post(f"/drafts/{draft}/select")
        shown = [(await directed.post(f"/panels/{panel['id']}/undo"))["selected_draft_id"] for _ in range(2)]
        assert shown == [others[0], first]
        answer = await api.post(f"/api/v1/panels/{panel['id']}/undo")
        assert problem(answer) == refused(409, "conflict")
        await directed.post(f"/drafts/{others[1]}/select")
        assert (await directed.post(f"/panels/{panel['id']}/undo"))["selected_draft_id"] == first


async def test_what_is_rejected_is_not_chosen_and_not_drawn_again(api: AsyncClient, crew: Crew) -> None:
    async with finished_chapter(api, crew, "Mara laughed.", drafts=2) as directed:
        (panel,) = await directed.panels()
        drafts = await directed.drafts(panel)
        shown = next(draft for draft in drafts if draft["selected"])
        other = next(draft for draft in drafts if not draft["selected"])
        answer = await api.post(f"/api/v1/drafts/{shown['id']}/reject")
        assert problem(answer) == refused(409, "conflict")
        assert (await directed.post(f"/drafts/{other['id']}/reject"))["rejected"] is True
        directed.painter.asked.clear()
        await directed.order(drafts=2)
        assert (await directed.ended())["status"] == "completed"
        assert directed.painter.asked == []
        assert (await directed.post(f"/drafts/{other['id']}/select"))["selected_draft_id"] == other["id"]
        assert [draft["rejected"] for draft in await directed.drafts(panel)] == [False, False]


async def test_chosen_panels_are_drawn_for_real_and_the_page_stays_as_it_is_laid_out(
    api: AsyncClient, crew: Crew
) -> None:
    """An order of kind `panel` for several; the next order for the chapter keeps what it drew."""
    # What one account paid for in another test would be drawn for nothing here.
    text = LONG.replace("Mara", "Petra").replace("kitchen", "attic").replace("Joss", "Anselm")
    async with finished_chapter(api, crew, text, drafts=1) as directed:
        panels = await directed.panels()
        chosen = [panels[0]["id"], panels[2]["id"]]
        layouts = await _layouts(directed)
        body = {"kind": "panel", "target_ids": chosen, "options": {"drafts": 2}}
        directed.painter.asked.clear()
        made = await directed.post("/generations", body, 202)
        assert (await directed.ended(made["id"]))["status"] == "completed"
        assert len(directed.painter.asked) == 2
        assert [len(await directed.drafts(panel)) for panel in panels[:3]] == [2, 1, 2]
        await directed.order()
        assert (await directed.ended())["status"] == "completed"
        assert len(directed.painter.asked) == 2
        assert await _layouts(directed) == layouts
        answer = await api.post("/api/v1/generations", json={**body, "kind": "scene"})
        assert problem(answer) == refused(422, "bad-input")


async def _layouts(directed: Directed) -> Any:
    found = await directed.get(f"/chapters/{directed.chapter_id}/pages")
    pages = found["items"] if isinstance(found, dict) else found
    return [page["layout"] for page in pages]


async def test_two_who_edit_one_panel_are_told_of_each_other(api: AsyncClient, crew: Crew) -> None:
    async with finished_chapter(api, crew, "Mara laughed.") as directed:
        (panel,) = await directed.panels()
        path = f"/panels/{panel['id']}"
        await directed.patch(path, {"version": panel["version"], "caption": "Mine."})
        answer = await api.patch(f"/api/v1{path}", json={"version": panel["version"], "caption": "Theirs."})
        assert problem(answer) == refused(409, "conflict")
        assert answer.json()["current"]["caption"] == "Mine."
        answer = await api.post(f"/api/v1{path}/redraw", json={"version": panel["version"], "notes": "closer"})
        assert problem(answer) == refused(409, "conflict")
