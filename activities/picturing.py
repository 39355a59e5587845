"""Builds an artist's request for a panel from rows and storage, and stores the answer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import Inputs, frame_key, picture_inputs
from engine.digest import digest
from engine.images import Control, ImageRequest, Picture
from engine.pages.weights import picture_size
from engine.providers.registry import artist_of
from engine.storage import Storage
from engine.store import drafts, references
from engine.store.panels import as_data, cast_of, in_scene
from engine.store.rows import get
from engine.store.scope import Scope
from models.options import Choice
from models.runs import DrawCall
from models.story import PanelData
from models.tables import Draft, Image, Panel, Redraw
from models.tables.story import DraftOrigin


@dataclass(frozen=True)
class Drawing:
    """A draft that is to be drawn; `plain` is its request without the pictures that go with the panel.

    Of its pictures the bytes still have to be fetched where it is `bare`: storage is not read in a transaction.
    """

    panel_id: UUID
    request: ImageRequest
    plain: ImageRequest
    shown: Sequence[references.Stored]
    basis: Inputs
    slot: int
    letters: int
    origin: DraftOrigin = DraftOrigin.DRAWN
    parent_id: UUID | None = None
    notes: str = ""
    pictures: dict[str, Image] = field(default_factory=dict)
    control: dict[str, Any] = field(default_factory=dict)

    @property
    def bare(self) -> bool:
        """Whether bytes of its pictures are still to be fetched."""
        sent = (*self.request.references, *(unit.picture for unit in self.request.control))
        return bool(self.pictures) or any(not picture.data for picture in sent)

    async def with_pictures(self, storage: Storage, by: str) -> "Drawing":
        """The same with the bytes of its pictures in the request, as that artist takes them."""
        found = {name: Picture(await storage.get(image.key), image.media_type) for name, image in self.pictures.items()}
        control = (Control(found["control"], **self.control),) if "control" in found else ()
        plain = replace(self.plain, source=found.get("source"), mask=found.get("mask"), control=control)
        request = references.given(plain, by, self.shown)
        request = await references.fetched(storage, request, self.shown)
        return replace(self, request=request, plain=plain, pictures={})


async def drawing_of(session: AsyncSession, call: DrawCall, by: Choice) -> Drawing | UUID:
    """The draft to draw for a call, or the one that is there and counts for it."""
    panel, scene = await in_scene(session, call.project_id, call.target_id)
    cast = await cast_of(session, call.project_id)
    data = as_data(panel, scene, cast, call.options.direction)
    ordered = artist_of(call.options)
    options = call.options
    prompt = panel.prompt or ""
    shown = await references.of_panel(session, panel, data, cast, (by.provider, ordered.provider))
    taken = references.taken(ordered.provider, shown)
    basis = picture_inputs(prompt, panel.negative, data, ordered, options.render, options.format, taken)
    opener = scene.position == panel.position == 0
    width, height = await _framed(session, panel, data, call, opener=opener)
    plain = ImageRequest(
        model=by.model,
        prompt=prompt,
        negative=panel.negative,
        width=width,
        height=height,
        seed=0,
        panel=data,
        settings=options.render,
    )
    drawing = Drawing(
        panel_id=panel.id,
        request=references.given(plain, by.provider, shown),
        plain=plain,
        shown=shown,
        basis=basis,
        slot=call.ordinal,
        letters=len(panel.caption) + sum(len(line["text"]) for line in panel.dialogue or []),
    )
    if call.redraw_id is not None:
        return await _redrawn(session, drawing, call, call.redraw_id, by)
    before = await drafts.standing(session, panel.id, basis, ordered.provider, call.generation_id)
    found = drafts.place(before, panel.selected_draft_id, call.ordinal, call.many)
    return found if isinstance(found, UUID) else _in_slot(drawing, found)


def drawn(call: DrawCall, drawing: Drawing) -> dict[str, Any]:
    """The columns of a draft that are known before it is drawn."""
    request = drawing.request
    return {
        "project_id": call.project_id,
        "panel_id": drawing.panel_id,
        "generation_id": call.generation_id,
        "model": request.model,
        "prompt": request.prompt,
        "seed": request.seed,
        "slot": drawing.slot,
        "origin": drawing.origin,
        "parent_id": drawing.parent_id,
        "notes": drawing.notes,
        "basis": drawing.basis,
    }


def seed_of(prompt: str, slot: int) -> int:
    """From the content, so that the same panel asked for again is the same call."""
    return int(digest(prompt, slot)[:8], 16) & 0x7FFFFFFF


def _in_slot(drawing: Drawing, slot: int) -> Drawing:
    seed = seed_of(drawing.plain.prompt, slot)
    return replace(
        drawing,
        slot=slot,
        request=replace(drawing.request, seed=seed),
        plain=replace(drawing.plain, seed=seed),
    )


async def _framed(
    session: AsyncSession, panel: Panel, data: PanelData, call: DrawCall, *, opener: bool
) -> tuple[int, int]:
    """The size of the panel's picture: decided once for a shot and a format.

    So the page stays as it is laid out when words change, or when another artist draws the panel.
    """
    wanted = frame_key(data.shot, call.options.format)
    if panel.frame.get("decided_by") == wanted:
        return panel.frame["width"], panel.frame["height"]
    width, height = picture_size(data, call.options.format, call.options.page_size, opener=opener)
    await drafts.frame(session, panel.id, json.dumps({"width": width, "height": height, "decided_by": wanted}))
    return width, height


async def _redrawn(session: AsyncSession, drawing: Drawing, call: DrawCall, redraw_id: UUID, by: Choice) -> Drawing:
    """The draft as a director wants it: anew, or from another draft."""
    scope = Scope(project_id=call.project_id)
    redraw = await get(session, scope, Redraw, redraw_id)
    pictures: dict[str, Image] = {}
    for name, image_id in (("mask", redraw.mask_image_id), ("control", redraw.control_image_id)):
        if image_id is not None:
            pictures[name] = await get(session, scope, Image, image_id)
    request = drawing.plain
    if redraw.parent_id is not None:
        query = select(Image).join(Draft, col(Draft.image_id) == col(Image.id)).where(Draft.id == redraw.parent_id)
        source = (await session.exec(query)).one()
        pictures["source"] = source
        request = replace(request, width=source.width, height=source.height, strength=redraw.strength)
    if redraw.prompt:
        request = replace(request, prompt=redraw.prompt)
        if request.panel is not None and redraw.parent_id is not None:
            changed = f"{request.panel.description} {redraw.prompt}"
            request = replace(request, panel=request.panel.model_copy(update={"description": changed}))
    return _in_slot(
        replace(
            drawing,
            request=references.given(request, by.provider, drawing.shown),
            plain=request,
            origin=DraftOrigin.EDITED if pictures else DraftOrigin.REDRAWN,
            parent_id=redraw.parent_id,
            notes=redraw.notes or redraw.prompt,
            pictures=pictures,
            control=redraw.control,
        ),
        redraw.first_slot + call.ordinal - 1,
    )
