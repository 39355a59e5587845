"""A table of changes, and what of a chapter each has made again: that, and nothing else."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from httpx2 import AsyncClient

from tests.api.conftest import Crew, Json, new_chapter
from tests.api.directed import Directed
from tests.support.stories import STORY

pytestmark = pytest.mark.workflow


class Chapter(Directed):
    """A finished chapter that is changed, and brought up to date."""

    async def change(self, path: str, version: int, **changes: Any) -> Json:
        return await self.patch(path, {"version": version, **changes})

    async def stale(self) -> list[Json]:
        return list((await self.get(f"/chapters/{self.chapter_id}/stale"))["items"])

    async def pages(self) -> dict[int, str]:
        found = await self.get(f"/chapters/{self.chapter_id}/pages")
        items = found["items"] if isinstance(found, dict) else found
        return {page["number"]: page["image_id"] for page in items}

    async def update(self) -> Json:
        """Bring it up to date."""
        await self.order()
        finished = await self.ended()
        assert finished["status"] == "completed", finished
        return finished


@pytest.fixture(scope="module")
async def chapter(api: AsyncClient, crew: Crew) -> AsyncIterator[Chapter]:
    made = Chapter(api, *await new_chapter(api, STORY))
    async with crew(made.writer, made.painter):
        await made.update()
        yield made


# What is made again: tasks with how often, the panels that are drawn, the sheets, and whether pages are.
@dataclass(frozen=True)
class Again:
    tasks: dict[str, int] = field(default_factory=dict)
    drawn: set[str] = field(default_factory=set)
    sheets: int = 0
    pages: bool = True
    lettered: int | None = None


Change = Callable[[Chapter], Awaitable[Again]]


def speaking(panels: list[Json], who: str) -> Json:
    return next(one for one in panels if any(line["speaker"] == who for line in one["dialogue"]))


async def nothing(chapter: Chapter) -> Again:
    return Again(pages=False)


async def a_word_of_dialogue(chapter: Chapter) -> Again:
    panel = speaking(await chapter.panels(), "Mara")
    lines = [{**line, "text": line["text"].replace("small", "tiny")} for line in panel["dialogue"]]
    await chapter.change(f"/panels/{panel['id']}", panel["version"], dialogue=lines)
    return Again(lettered=1)


async def a_caption(chapter: Chapter) -> Again:
    panel = (await chapter.panels())[0]
    await chapter.change(f"/panels/{panel['id']}", panel["version"], caption="That night.")
    return Again(lettered=1)


async def a_coat(chapter: Chapter) -> Again:
    people = (await chapter.get(f"/projects/{chapter.project_id}/characters"))["items"]
    joss = next(who for who in people if who["name"] == "Joss")
    looks = {name: value for name, value in joss["profile"].items() if name not in ("name", "aliases", "outfits")}
    await chapter.change(f"/characters/{joss['id']}", joss["version"], profile={**looks, "clothes": "a yellow oilskin"})
    with_joss = {panel["id"] for panel in await chapter.panels() if "Joss" in panel["characters"]}
    everybody = {panel["id"] for panel in await chapter.panels()}
    assert with_joss
    assert with_joss < everybody
    return Again({"VisualPrompt": len(with_joss)}, with_joss, sheets=1)


async def a_style_instruction(chapter: Chapter) -> Again:
    body = {"kind": "style", "body": "Soft watercolour, no outlines."}
    made = await chapter.api.post(f"/api/v1/projects/{chapter.project_id}/instructions", json=body)
    assert made.status_code == 201
    panels = {panel["id"] for panel in await chapter.panels()}
    people = (await chapter.get(f"/projects/{chapter.project_id}/characters"))["items"]
    return Again({"VisualPrompt": len(panels)}, panels, sheets=len(people))


async def the_style_of_the_project(chapter: Chapter) -> Again:
    project = await chapter.get(f"/projects/{chapter.project_id}")
    await chapter.change(f"/projects/{chapter.project_id}", project["version"], style="Woodcut.")
    panels = {panel["id"] for panel in await chapter.panels()}
    people = (await chapter.get(f"/projects/{chapter.project_id}/characters"))["items"]
    return Again({"VisualPrompt": len(panels)}, panels, sheets=len(people))


async def a_tone_instruction(chapter: Chapter) -> Again:
    """The offline writer takes no hints, so what follows from its answers is as it was."""
    body = {"kind": "tone", "body": "Dry. Nobody explains a joke."}
    made = await chapter.api.post(f"/api/v1/projects/{chapter.project_id}/instructions", json=body)
    assert made.status_code == 201
    panels = await chapter.panels()
    by_hand = sum("words" in panel["manual_edits"] for panel in panels)
    scenes = (await chapter.get(f"/chapters/{chapter.chapter_id}/scenes"))["items"]
    tasks = {"SceneSummary": len(scenes), "PanelDescription": len(scenes), "Dialogue": len(panels) - by_hand}
    return Again(tasks, pages=False)


async def a_description(chapter: Chapter) -> Again:
    panel = next(one for one in await chapter.panels() if "words" not in one["manual_edits"])
    await chapter.change(f"/panels/{panel['id']}", panel["version"], description="Mara runs up the stairs.")
    return Again({"Dialogue": 1, "VisualPrompt": 1}, {panel["id"]})


async def a_prompt(chapter: Chapter) -> Again:
    panel = (await chapter.panels())[-1]
    await chapter.change(f"/panels/{panel['id']}", panel["version"], prompt="A quay in fog, seen from a gull.")
    return Again({}, {panel["id"]})


async def a_place(chapter: Chapter) -> Again:
    """What a scene is like is in the prompts of its panels, and in no others."""
    scenes = (await chapter.get(f"/chapters/{chapter.chapter_id}/scenes"))["items"]
    panels = [one for one in await chapter.panels() if one["scene_id"] == scenes[0]["id"]]
    await chapter.change(f"/scenes/{scenes[0]['id']}", scenes[0]["version"], weather="thunder")
    return Again({"PanelDescription": 1, "VisualPrompt": len(panels)}, {one["id"] for one in panels})


async def a_title(chapter: Chapter) -> Again:
    found = await chapter.get(f"/chapters/{chapter.chapter_id}")
    await chapter.change(f"/chapters/{chapter.chapter_id}", found["version"], title="The Two Keys, again")
    return Again(pages=False)


async def words_that_are_released(chapter: Chapter) -> Again:
    panel = next(one for one in await chapter.panels() if "words" in one["manual_edits"])
    await chapter.change(f"/panels/{panel['id']}", panel["version"], release_edits=["words"])
    return Again({"Dialogue": 1})


async def the_order_of_panels(chapter: Chapter) -> Again:
    panels = await chapter.panels()
    scene = panels[0]["scene_id"]
    ids = [panel["id"] for panel in panels if panel["scene_id"] == scene]
    answer = await chapter.api.post(f"/api/v1/scenes/{scene}/panels/reorder", json={"ids": ids[::-1]})
    assert answer.status_code == 204
    return Again()


CHANGES: list[Change] = [
    nothing,
    a_word_of_dialogue,
    a_caption,
    a_coat,
    a_style_instruction,
    the_style_of_the_project,
    a_tone_instruction,
    a_description,
    a_prompt,
    a_place,
    a_title,
    words_that_are_released,
    the_order_of_panels,
]


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_that_and_nothing_else_is_made_again(chapter: Chapter, change: Change) -> None:
    """It is told before, with how much it takes; after that nothing is left to do."""
    before = {panel["id"]: panel for panel in await chapter.panels()}
    drafts = {one: await chapter.get(f"/panels/{one}/drafts") for one in before}
    pages = await chapter.pages()
    wanted = await change(chapter)
    stale = await chapter.stale()
    told = Counter(part["part"] for part in stale if part["state"] != "protected")
    chapter.writer.asked.clear()
    chapter.painter.asked.clear()
    finished = await chapter.update()

    assert Counter(request.task for request in chapter.writer.asked) == wanted.tasks
    assert sum(request.sheet is not None for request in chapter.painter.asked) == wanted.sheets
    assert sum(request.panel is not None for request in chapter.painter.asked) == len(wanted.drawn)
    drawn = {
        one
        for one, known in drafts.items()
        if len((await chapter.get(f"/panels/{one}/drafts"))["items"]) > len(known["items"])
    }
    assert drawn == wanted.drawn
    after = await chapter.pages()
    assert len(after) > 1
    assert (after != pages) is wanted.pages
    if wanted.lettered is not None:
        assert sum(after[number] != pages[number] for number in after) == wanted.lettered
    assert finished["calls"]["llm"] == sum(wanted.tasks.values())
    parts = {"Dialogue": "words", "VisualPrompt": "prompt", "SceneSummary": "summary", "PanelDescription": "panels"}
    assert all(told[parts[task]] >= count for task, count in wanted.tasks.items())
    assert told["picture"] >= len(wanted.drawn)
    assert told["sheet"] == wanted.sheets
    left = [part for part in await chapter.stale() if part["state"] != "protected"]
    assert left == []
