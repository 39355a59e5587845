"""Redraws: each is a row, and part of a generation that carries it out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.errors import BadInput, Conflict
from engine.providers.registry import PROVIDERS, Draws, draws_of
from engine.reading.directions import about
from engine.store import drafts, generations, holds
from engine.store.headings import panel_places
from engine.store.manual_edits import RELEASED
from engine.store.rows import get
from engine.store.scope import Scope
from models.ids import generation_workflow_id
from models.options import GenerationKind, GenerationOptions
from models.runs import RedrawRequest
from models.tables import Draft, Generation, Image, Panel, Redraw, Scene
from models.tables.directing import RedrawState
from models.tables.story import PanelState


@dataclass(frozen=True)
class Wanted:
    """A requested redraw of a panel. Without `about`, the notes decide whether it concerns the words or the picture.

    With a `parent` that draft is changed: by the `prompt`, where the `mask` is white, led by the `control` picture.
    """

    notes: str = ""
    about: Sequence[str] = ()
    drafts: int = 1
    parent_id: UUID | None = None
    prompt: str = ""
    mask_image_id: UUID | None = None
    strength: float = 0.75
    control_image_id: UUID | None = None
    control: dict[str, Any] = field(default_factory=dict)

    @property
    def edits(self) -> bool:
        """Whether it starts from a draft or a sketch, rather than only from the panel's prompt."""
        return self.parent_id is not None or self.control_image_id is not None


# What an artist must support for an edit.
_ABLE: Mapping[str, Callable[[Draws], bool]] = {
    "change a draft": lambda draws: draws.source,
    "draw within a mask": lambda draws: draws.mask,
    "follow a sketch or a pose": lambda draws: draws.controls > 0,
}


async def request_redraw(
    session: AsyncSession,
    scope: Scope,
    panel: Panel,
    wanted: Wanted,
    options: GenerationOptions,
    *,
    by_another: bool = False,
    **more: Any,
) -> tuple[Generation, list[str]]:
    """Store a redraw of a locked panel, in the generation that waits for a review, or in a new one.

    Returns the generation and the workflows to wake; the caller starts a new one. `more` is for a new generation;
    `by_another` says that the request names the artist, instead of taking that of the chapter's last generation.
    Raises `Conflict` while the chapter is being generated, `BadInput` for an impossible redraw.
    """
    scene = await get(session, scope, Scene, panel.scene_id)
    topics = list(wanted.about) or (sorted(about(wanted.notes)) if wanted.notes and not wanted.edits else ["picture"])
    count = wanted.drafts if "picture" in topics else 0
    open_one = await generations.idle_generation(session, panel.project_id, scene.chapter_id)
    if open_one is not None:
        waits = open_one.options
        if by_another and (options.artists()[0], options.render) != (waits.artists()[0], waits.render):
            raise Conflict(
                f"The chapter is waiting for a review; redraws now use its artist ({waits.images!r}). Omit `by`, or"
                " redraw after the review."
            )
        options = waits
    await _can_be_drawn(session, scope, panel, wanted, options, topics)
    _take_notes(panel, wanted, topics)
    session.add(panel)
    await session.flush()
    generation = open_one or await generations.request(
        session,
        project_id=panel.project_id,
        chapter_id=scene.chapter_id,
        kind=GenerationKind.PANEL,
        options=options,
        target_ids=[panel.id],
        **more,
    )
    _, slot = await drafts.next_numbers(session, panel.id)
    session.add(
        Redraw(
            project_id=panel.project_id,
            panel_id=panel.id,
            generation_id=generation.id,
            notes=wanted.notes,
            about=topics,
            first_slot=slot,
            drafts=count,
            parent_id=wanted.parent_id,
            prompt=wanted.prompt,
            mask_image_id=wanted.mask_image_id,
            strength=wanted.strength,
            control_image_id=wanted.control_image_id,
            control=wanted.control,
            actor_id=scope.actor,
        )
    )
    await session.flush()
    if open_one is None:
        return generation, []
    await holds.update_status(session, open_one.id)
    return generation, [generation_workflow_id(open_one.id)]


async def open_redraws(session: AsyncSession, generation_id: UUID) -> list[RedrawRequest]:
    """The open redraws of a generation, the oldest first."""
    query = (
        select(Redraw)
        .where(Redraw.generation_id == generation_id, Redraw.state == RedrawState.ORDERED)
        .order_by(col(Redraw.id))
        .limit(200)
    )
    found = (await session.exec(query)).all()
    places = await panel_places(session, [redraw.panel_id for redraw in found])
    return [
        RedrawRequest(
            id=redraw.id,
            panel_id=redraw.panel_id,
            words="words" in redraw.about,
            prompt="picture" in redraw.about and bool(redraw.notes) and redraw.parent_id is None,
            drafts=redraw.drafts,
            place=places[redraw.panel_id],
        )
        for redraw in found
    ]


async def end(session: AsyncSession, project_id: UUID, redraw_id: UUID | None, state: RedrawState) -> bool:
    """End an open redraw as done or failed; returns whether it was still open."""
    ended = await session.exec(
        update(Redraw)
        .where(
            col(Redraw.id) == redraw_id,
            col(Redraw.project_id) == project_id,
            col(Redraw.state) == RedrawState.ORDERED,
        )
        .values(state=state)
        .returning(col(Redraw.id))
        .execution_options(synchronize_session=False)
    )
    return ended.first() is not None


async def has_redraws(session: AsyncSession, generation_id: UUID) -> bool:
    """Whether a generation has redraws, in whatever state."""
    query = select(Redraw.id).where(Redraw.generation_id == generation_id).limit(1)
    return (await session.exec(query)).first() is not None


async def copy_failed(session: AsyncSession, last: Generation, generation: Generation) -> None:
    """Copy the failed redraws of a generation of panels into the one that retries it.

    They keep their slots, so pictures already drawn are found. A generation that reviews drafts retries its panels
    instead.
    """
    if last.kind != GenerationKind.PANEL or last.options.review != "none":
        return
    query = select(Redraw).where(Redraw.generation_id == last.id, Redraw.state == RedrawState.FAILED)
    for redraw in (await session.exec(query.order_by(col(Redraw.id)))).all():
        values = redraw.model_dump(exclude={"id", "created_at", "generation_id", "state"})
        session.add(Redraw(**values, generation_id=generation.id))
    await session.flush()


async def pending(session: AsyncSession, generation_id: UUID) -> int:
    """How many redraws of a generation are still open."""
    query = select(func.count()).where(Redraw.generation_id == generation_id, Redraw.state == RedrawState.ORDERED)
    return int((await session.exec(query)).one())


def _take_notes(panel: Panel, wanted: Wanted, topics: Sequence[str]) -> None:
    """Store the notes and release what they are about, even if it is a manual edit: it will be written again."""
    if wanted.edits or not wanted.notes:
        return
    parts = {"words": "words", "picture": "prompt"}
    panel.notes = {**panel.notes, **dict.fromkeys(topics, wanted.notes)}
    panel.manual_edits = [part for part in panel.manual_edits if part not in {parts[topic] for topic in topics}]
    # Even if the notes have not changed: then they were not followed well enough.
    panel.basis = {**panel.basis, **{parts[topic]: RELEASED for topic in topics}}
    panel.version += 1


async def _can_be_drawn(
    session: AsyncSession,
    scope: Scope,
    panel: Panel,
    wanted: Wanted,
    options: GenerationOptions,
    topics: Sequence[str],
) -> None:
    """Raise an error for what the artist does not support, and for contradictory requests, before storing."""
    # A picture needs a prompt: the panel's, one that the notes will lead to, or the edit's own.
    prompted = panel.prompt is not None or (wanted.notes and "picture" in topics) or wanted.prompt
    if panel.state == PanelState.DESCRIBED or ("picture" in topics and not prompted):
        raise Conflict("The panel is not written yet. Generate it first.")
    if not wanted.edits:
        return
    by = options.artists()[0].provider
    draws = draws_of(by)
    asked = {
        "change a draft": wanted.parent_id is not None,
        "draw within a mask": wanted.mask_image_id is not None,
        "follow a sketch or a pose": wanted.control_image_id is not None,
    }
    for what in (what for what, is_asked in asked.items() if is_asked):
        if not _ABLE[what](draws):
            able = [one.id for one in PROVIDERS if one.kind == "images" and one.draws and _ABLE[what](one.draws)]
            raise BadInput(f"The artist {by!r} cannot {what}; these can: {', '.join(able)}. Name one in `by`.")
    if wanted.mask_image_id is not None and wanted.parent_id is None:
        raise BadInput("A mask applies to a draft: name the draft to change.")
    if wanted.control_image_id is not None:
        # Locked as for its deletion: without its sketch, the picture must not be drawn.
        sketch = await get(session, scope, Image, wanted.control_image_id, lock=True)
        if sketch.project_id != panel.project_id:
            raise BadInput("The sketch belongs to another project.")
    if wanted.parent_id is None:
        return
    parent = await get(session, scope, Draft, wanted.parent_id)
    if parent.panel_id != panel.id:
        raise BadInput("That draft belongs to another panel.")
    if wanted.mask_image_id is not None:
        mask = await get(session, scope, Image, wanted.mask_image_id, lock=True)
        picture = await get(session, scope, Image, parent.image_id)
        if mask.project_id != panel.project_id:
            raise BadInput("The mask belongs to another project.")
        if (mask.width, mask.height) != (picture.width, picture.height):
            raise BadInput(
                f"The mask has {mask.width} × {mask.height} pixels and the draft {picture.width} × {picture.height}:"
                " they must have the same size."
            )
