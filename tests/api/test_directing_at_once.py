"""Several direct one chapter at once while it waits: all of them are answered, and nobody is thrown out."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import pytest
from httpx2 import AsyncClient

from tests.api.conftest import Crew, Json, new_chapter, problem, refused
from tests.api.directed import Directed
from tests.working import STORY

pytestmark = pytest.mark.workflow

# So long everybody goes on, in seconds: a deadlock is found after one.
LASTS = 8


async def test_nobody_waits_for_each_other_for_ever(api: AsyncClient, crew: Crew) -> None:
    """Whoever selects drafts meets those who add, delete and reorder panels and who change the cast."""
    directed = Directed(api, *await new_chapter(api))
    numbers = count()
    async with crew(directed.writer, directed.painter):
        await directed.order(review="drafts", drafts=2)
        await directed.reached("waiting_review", stage="drafts")
        panels = await directed.panels()
        scene = panels[0]["scene_id"]
        # One panel stays undecided, so the generation goes on waiting.
        own = [panel for panel in panels if panel["scene_id"] == scene]
        chosen = [(await directed.drafts(panel))[0]["id"] for panel in own]
        (who, *_) = (await directed.get(f"/projects/{directed.project_id}/characters"))["items"]
        image = await directed.picture()

        async def selects() -> Any:
            return await api.post(f"/api/v1/drafts/{chosen[next(numbers) % len(chosen)]}/select")

        async def adds() -> Any:
            body = {"description": "A cup.", "position": 0}
            added = await api.post(f"/api/v1/scenes/{scene}/panels", json=body)
            return await api.delete(f"/api/v1/panels/{added.json()['id']}") if added.is_success else added

        async def brings() -> Any:
            body = {"image_id": image, "select": False}
            brought = await api.post(f"/api/v1/panels/{own[0]['id']}/drafts", json=body)
            return await api.delete(f"/api/v1/drafts/{brought.json()['id']}") if brought.is_success else brought

        async def reorders() -> Any:
            ids = [panel["id"] for panel in (await directed.get(f"/scenes/{scene}/panels"))["items"]]
            return await api.post(f"/api/v1/scenes/{scene}/panels/reorder", json={"ids": ids[::-1]})

        async def renames() -> Any:
            version = (await directed.get(f"/characters/{who['id']}"))["version"]
            body = {"version": version, "aliases": [f"number {next(numbers)}"]}
            return await api.patch(f"/api/v1/characters/{who['id']}", json=body)

        answers: Counter[int] = Counter()
        until = time.monotonic() + LASTS

        async def goes_on(deed: Callable[[], Awaitable[Any]]) -> None:
            while time.monotonic() < until:
                answers[(await deed()).status_code] += 1

        deeds = [selects, selects, selects, adds, brings, reorders, renames]
        await asyncio.gather(*(goes_on(deed) for deed in deeds))
        assert answers[200] > 10
        assert {status for status in answers if status >= 500} == set()


async def test_sheets_are_approved_while_the_cast_is_changed(api: AsyncClient, crew: Crew) -> None:
    for turn in range(4):
        directed = Directed(api, *await new_chapter(api, STORY.replace("two keys", f"{turn + 4} keys")))
        async with crew(directed.writer, directed.painter):
            await directed.order(review="all")
            await directed.reached("waiting_review", stage="outline")
            await directed.approve()
            await directed.reached("waiting_review", stage="sheets")
            people: list[Json] = (await directed.get(f"/projects/{directed.project_id}/characters"))["items"]
            changes = [
                api.patch(f"/api/v1/characters/{one['id']}", json={"version": one["version"], "aliases": ["Somebody"]})
                for one in people * 2
            ]
            approved, *changed = await asyncio.gather(
                api.post(f"/api/v1/chapters/{directed.chapter_id}/approve"), *changes
            )
            assert approved.status_code == 200
            assert {answer.status_code for answer in changed} <= {200, 409}
            await directed.post(f"/generations/{directed.generation_id}/cancel")


async def test_where_no_draft_is_left_that_is_said(api: AsyncClient, crew: Crew) -> None:
    directed = Directed(api, *await new_chapter(api, "Mara sneezed."))
    async with crew(directed.writer, directed.painter):
        await directed.order(review="drafts")
        await directed.reached("waiting_review", stage="drafts")
        (panel,) = await directed.panels()
        (draft,) = await directed.drafts(panel)
        await directed.post(f"/drafts/{draft['id']}/reject")
        answer = await api.post(f"/api/v1/chapters/{directed.chapter_id}/approve")
        assert problem(answer) == refused(409, "conflict")
        assert answer.json()["panel_id"] == panel["id"]
        await directed.post(f"/generations/{directed.generation_id}/cancel")
