"""Plans a draft of a panel: an existing one that counts, or a new one with the request for its artist."""

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
from engine.providers.registry import Draws, artist_of, draws_of, resolved
from engine.storage import Storage
from engine.store import drafts, references
from engine.store.panels import as_data, cast_of, in_scene
from engine.store.rows import get
from engine.store.scope import Scope
from models.ids import new_id
from models.options import Choice
from models.runs import DrawCall
from models.story import PanelData
from models.tables import Draft, Image, Panel, Redraw
from models.tables.story import DraftOrigin


@dataclass(frozen=True)
class Painter:
    """An artist with its model, and its capabilities."""

    choice: Choice
    draws: Draws

    @classmethod
    def of(cls, choice: Choice) -> "Painter":
        return cls(choice, draws_of(choice.provider))

    def request(self, plain: ImageRequest, shown: Sequence[references.Stored]) -> ImageRequest:
        """The request for this artist: with its model, and with the pictures that it takes."""
        return references.with_references(replace(plain, model=self.choice.model), self.draws, shown)

    def identity(self, request: ImageRequest) -> dict[str, Any]:
        """The inputs that this artist's picture depends on."""
        return request.identity(data=self.draws.data)


@dataclass(frozen=True)
class Artists:
    """The artist that draws a call, and the one that the generation requested: they differ after an outage."""

    by: Painter
    requested: Painter

    @classmethod
    def of(cls, call: DrawCall) -> "Artists":
        requested = artist_of(call.options)
        return cls(Painter.of(resolved("images", call.by) if call.by else requested), Painter.of(requested))

    def made_from(self, plain: ImageRequest, shown: Sequence[references.Stored] = ()) -> str:
        """The digest that identifies a picture: that of the requested artist, whichever artist drew it.

        A retry keeps what a fallback artist drew; another generation does not mistake a storyboard for the picture.
        """
        return digest(self.requested.choice.provider, self.requested.identity(self.requested.request(plain, shown)))


@dataclass(frozen=True)
class Existing:
    """A draft that counts for the call: nothing is drawn."""

    draft_id: UUID


@dataclass(frozen=True)
class New:
    """A draft to draw; `plain` is its request without the pictures that accompany the panel.

    `pictures` are those of a redraw (its source, mask and sketch) whose bytes have not been fetched yet.
    """

    id: UUID
    panel_id: UUID
    artists: Artists
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
        """Whether the bytes of any of its pictures are missing: storage is not read in a transaction."""
        sent = (*self.request.references, *(unit.picture for unit in self.request.control))
        return bool(self.pictures) or any(not picture.data for picture in sent)

    @property
    def made_from(self) -> str:
        return self.artists.made_from(self.plain, self.shown)

    async def existing(self, session: AsyncSession) -> Existing | None:
        """The draft that was made from exactly this request, in the same slot."""
        if self.pictures:
            # An edit is identified by the bytes of the pictures that it changes.
            return None
        draft_id = await drafts.draft_in_slot(session, self.panel_id, self.made_from, self.slot)
        return None if draft_id is None else Existing(draft_id)

    async def with_pictures(self, storage: Storage) -> "New":
        """The same draft with the bytes of its pictures in the request, as its artist takes them."""
        fetched = {
            name: Picture(await storage.get(image.key), image.media_type) for name, image in self.pictures.items()
        }
        control = (Control(fetched["control"], **self.control),) if "control" in fetched else ()
        plain = replace(self.plain, source=fetched.get("source"), mask=fetched.get("mask"), control=control)
        request = await references.with_bytes(storage, self.artists.by.request(plain, self.shown), self.shown)
        return replace(self, request=request, plain=plain, pictures={})

    def columns(self, call: DrawCall) -> dict[str, Any]:
        """The columns of the draft that are known before it is drawn."""
        return {
            "id": self.id,
            "project_id": call.project_id,
            "panel_id": self.panel_id,
            "generation_id": call.generation_id,
            "provider": self.artists.by.choice.provider,
            "model": self.request.model,
            "prompt": self.request.prompt,
            "seed": self.request.seed,
            "slot": self.slot,
            "origin": self.origin,
            "parent_id": self.parent_id,
            "notes": self.notes,
            "basis": self.basis,
            "made_from": self.made_from,
        }


Plan = Existing | New


async def plan_of(session: AsyncSession, call: DrawCall, artists: Artists) -> Plan:
    """The existing draft that counts for the call, or the one to draw."""
    panel, scene = await in_scene(session, call.project_id, call.target_id)
    cast = await cast_of(session, call.project_id)
    data = as_data(panel, scene, cast, call.options.direction)
    options, requested = call.options, artists.requested
    shown = await references.of_panel(session, panel, data, cast, (artists.by.draws, requested.draws))
    basis = picture_inputs(
        panel.prompt or "",
        panel.negative,
        data,
        requested.choice,
        options.render,
        options.format,
        references.reference_hashes(requested.draws, shown),
    )
    opener = scene.position == panel.position == 0
    width, height = await _framed(session, panel, data, call, opener=opener)
    plain = ImageRequest(
        model=artists.by.choice.model,
        prompt=panel.prompt or "",
        negative=panel.negative,
        width=width,
        height=height,
        seed=0,
        panel=data,
        settings=options.render,
    )
    new = New(
        id=new_id(),
        panel_id=panel.id,
        artists=artists,
        request=artists.by.request(plain, shown),
        plain=plain,
        shown=shown,
        basis=basis,
        slot=call.ordinal,
        letters=len(panel.caption) + sum(len(line["text"]) for line in panel.dialogue or []),
    )
    if call.redraw_id is not None:
        new = await _redrawn(session, new, call, call.redraw_id)
    else:
        before = await drafts.previous_drafts(session, panel.id, basis, requested.choice.provider, call.generation_id)
        place = drafts.draft_or_slot(before, panel.selected_draft_id, call.ordinal, call.many)
        if isinstance(place, UUID):
            return Existing(place)
        new = _in_slot(new, place)
    return await new.existing(session) or new


def seed_of(prompt: str, slot: int) -> int:
    """The seed, derived from the content, so that a repeated request for a panel is the same call."""
    return int(digest(prompt, slot)[:8], 16) & 0x7FFFFFFF


def _in_slot(new: New, slot: int) -> New:
    seed = seed_of(new.plain.prompt, slot)
    return replace(new, slot=slot, request=replace(new.request, seed=seed), plain=replace(new.plain, seed=seed))


async def _framed(
    session: AsyncSession, panel: Panel, data: PanelData, call: DrawCall, *, opener: bool
) -> tuple[int, int]:
    """The size of the panel's picture, decided once per shot and format.

    So the page's layout stays when words change, or when another artist draws the panel.
    """
    wanted = frame_key(data.shot, call.options.format)
    if panel.frame.get("decided_by") == wanted:
        return panel.frame["width"], panel.frame["height"]
    width, height = picture_size(data, call.options.format, call.options.page_size, opener=opener)
    await drafts.store_frame(session, panel.id, {"width": width, "height": height, "decided_by": wanted})
    return width, height


async def _redrawn(session: AsyncSession, new: New, call: DrawCall, redraw_id: UUID) -> New:
    """The draft that a redraw requests: drawn again, or edited from another draft."""
    scope = Scope(project_id=call.project_id)
    redraw = await get(session, scope, Redraw, redraw_id)
    pictures: dict[str, Image] = {}
    for name, image_id in (("mask", redraw.mask_image_id), ("control", redraw.control_image_id)):
        if image_id is not None:
            pictures[name] = await get(session, scope, Image, image_id)
    request = new.plain
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
            new,
            request=new.artists.by.request(request, new.shown),
            plain=request,
            origin=DraftOrigin.EDITED if pictures else DraftOrigin.REDRAWN,
            parent_id=redraw.parent_id,
            notes=redraw.notes or redraw.prompt,
            pictures=pictures,
            control=redraw.control,
        ),
        redraw.first_slot + call.ordinal - 1,
    )
