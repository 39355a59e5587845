"""Stores the outline of a text: its scenes replace the chapter's; scenes with the same text keep all their contents."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.store.describing import describe
from models.tables import Chapter, Panel, Scene
from models.tables.story import SceneState


@dataclass(frozen=True)
class Outline:
    """A scene of the outline: paragraphs `first` to `last`, and the sentences in them."""

    title: str
    gist: str
    first: int
    last: int
    max_panels: int | None
    sentences: list[str]


async def arrange(session: AsyncSession, chapter: Chapter, outlines: Sequence[Outline]) -> None:
    """Make the chapter's scenes those of the outline, in its order.

    A row becomes the scene that has the same sentences, or most of them. A row with none of them is deleted, unless it
    or one of its panels has manual edits: then it stays after the scene that preceded it.
    """
    query = select(Scene).where(Scene.chapter_id == chapter.id).order_by(col(Scene.position)).with_for_update()
    before = list((await session.exec(query)).all())
    by_hand = await _with_manual_edits(session, before)
    reused = _matched(before, by_hand, outlines)
    after: list[Scene] = []
    for one, scene in zip(outlines, reused, strict=True):
        if scene is None:
            scene = Scene(project_id=chapter.project_id, chapter_id=chapter.id, position=0)
        elif scene.sentences != one.sentences:
            await _move_panels(session, scene, one.sentences)
        _rewrite(scene, one)
        after.append(scene)
        if one.max_panels == 0 and scene in before:
            await _leave_out(session, scene)
    for index, left in enumerate(before):
        if any(left is scene for scene in after):
            continue
        if left in by_hand:
            ahead = next((scene for scene in reversed(before[:index]) if any(scene is one for one in after)), None)
            place = 0 if ahead is None else next(at for at, scene in enumerate(after) if scene is ahead) + 1
            after.insert(place, left)
        else:
            await session.delete(left)
    for position, scene in enumerate(after):
        scene.position = position
        session.add(scene)
    await session.flush()


async def _leave_out(session: AsyncSession, scene: Scene) -> None:
    """Leave a scene without panels when a chapter is condensed; panels with manual edits stay."""
    await describe(session, scene, [])
    if scene.state == SceneState.DESCRIBED and "panels" not in scene.manual_edits:
        scene.state, scene.panels_key = SceneState.SUMMARISED, None


async def _with_manual_edits(session: AsyncSession, scenes: Sequence[Scene]) -> list[Scene]:
    """The scenes that have manual edits, themselves or in a panel."""
    if not scenes:
        return []
    ids = [scene.id for scene in scenes]
    query = select(Panel.scene_id).where(col(Panel.scene_id).in_(ids), col(Panel.manual_edits) != []).distinct()
    written = set((await session.exec(query)).all())
    return [scene for scene in scenes if scene.manual_edits or scene.id in written]


def _matched(before: Sequence[Scene], by_hand: Sequence[Scene], outlines: Sequence[Outline]) -> list[Scene | None]:
    """For each scene of the outline the row to reuse: one with the same sentences, or with at least half of its
    sentences in common.

    For a row with manual edits, a single common sentence is enough.
    """
    free = list(before)
    found: list[Scene | None] = [None] * len(outlines)
    for index, outline in enumerate(outlines):
        same = next((at for at, scene in enumerate(free) if scene.sentences == outline.sentences), None)
        if same is not None:
            found[index] = free.pop(same)
    for scene in sorted(free, key=lambda scene: not any(scene is outline for outline in by_hand)):
        old_sentences = set(scene.sentences)
        shared = [
            0.0 if there is not None else len(old_sentences & set(outline.sentences)) / max(len(old_sentences), 1)
            for outline, there in zip(outlines, found, strict=True)
        ]
        if shared and max(shared) >= (0.01 if any(scene is outline for outline in by_hand) else 0.5):
            found[shared.index(max(shared))] = scene
    return found


async def _move_panels(session: AsyncSession, scene: Scene, sentences: list[str]) -> None:
    """Let panels point to the same sentences at their new positions in the scene."""
    panels = (await session.exec(select(Panel).where(Panel.scene_id == scene.id))).all()
    for panel in panels:
        own = scene.sentences[panel.first : panel.last + 1]
        starts = (at for at in range(len(sentences) - len(own) + 1) if sentences[at : at + len(own)] == own)
        start = next(starts, None) if own else None
        if start is not None:
            panel.first, panel.last = start, start + len(own) - 1
            session.add(panel)


def _rewrite(scene: Scene, outline: Outline) -> None:
    if "outline" not in scene.manual_edits:
        scene.title, scene.gist = outline.title, outline.gist
    scene.first, scene.last, scene.sentences = outline.first, outline.last, list(outline.sentences)
    scene.max_panels = outline.max_panels
