"""Splits a scene into panels again, matching rows with the previous ones so that pictures and manual edits stay."""

from collections.abc import Sequence

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.tasks.panels.task import Panel as Described
from models.tables import Panel, Scene


async def describe(session: AsyncSession, scene: Scene, wanted: Sequence[Described]) -> None:
    """Make the scene's panels those `wanted`, in their order.

    A row becomes the panel that shows the same sentences, or most of them; it keeps its drafts, its selection and its
    manual edits, and everything that no longer follows from its description is stale. A row that no panel reuses is
    deleted, unless it has manual edits: then it stays where its sentences are.
    """
    query = select(Panel).where(Panel.scene_id == scene.id).order_by(col(Panel.position)).with_for_update()
    before = list((await session.exec(query)).all())
    after: list[Panel] = []
    for description, panel in zip(wanted, _matched(before, wanted), strict=True):
        if panel is None:
            panel = Panel(project_id=scene.project_id, scene_id=scene.id, position=0, description="")
        _rewrite(panel, description)
        after.append(panel)
    for left in (panel for panel in before if panel not in after):
        if left.manual_edits:
            place = next((index for index, panel in enumerate(after) if panel.first > left.first), len(after))
            after.insert(place, left)
        else:
            await session.delete(left)
    for position, panel in enumerate(after):
        panel.position = position
        session.add(panel)
    await session.flush()


def _matched(before: Sequence[Panel], wanted: Sequence[Described]) -> list[Panel | None]:
    """For each wanted panel the row to reuse: one with the same sentences; else one with manual edits, or the most in
    common.
    """
    free = list(before)
    found: list[Panel | None] = [None] * len(wanted)
    for index, description in enumerate(wanted):
        found[index] = next(
            (panel for panel in free if (panel.first, panel.last) == (description.first, description.last)), None
        )
        if found[index] is not None:
            free.remove(found[index])  # type: ignore[arg-type]  # not None, as the line above says
    for panel in sorted(free, key=lambda panel: not panel.manual_edits):
        shared = [
            0 if there else _overlap(panel, description) for description, there in zip(wanted, found, strict=True)
        ]
        if any(shared):
            found[shared.index(max(shared))] = panel
    return found


def _overlap(panel: Panel, description: Described) -> int:
    return max(min(panel.last, description.last) - max(panel.first, description.first) + 1, 0)


def _rewrite(panel: Panel, description: Described) -> None:
    moved = (panel.first, panel.last) != (description.first, description.last)
    panel.first, panel.last = description.first, description.last
    if "description" not in panel.manual_edits:
        panel.shot, panel.description, panel.characters = (
            description.shot,
            description.description,
            list(description.characters),
        )
    if moved and "words" not in panel.basis and "words" not in panel.manual_edits:
        # The basis of its words was not recorded, and it cannot be these sentences.
        panel.dialogue, panel.caption = None, ""
