"""Draws pictures: drafts of panels and reference sheets, each call paid for once."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.delays import waiting_aloud
from activities.interceptor import tell
from activities.outages import keep_answer
from activities.picturing import Artists, Existing, New, plan_of, seed_of
from activities.provider_slots import ProviderSlots, holder
from activities.sending import sending
from engine.basis import FOR_SHEETS, Inputs, changed_sheet, concerning, sheet_inputs, style_of
from engine.cast.outfits import attributes_in
from engine.db.session import Database
from engine.digest import digest
from engine.errors import EngineError, NotConfigured, ProviderError, StorageError
from engine.images import Artist, ImageRequest, ImageResult
from engine.images.verify import verify
from engine.money import ledger
from engine.money.prices import Prices, most_of_picture
from engine.pictures.scores import score
from engine.storable import storable_data
from engine.storage import Storage
from engine.storage.keys import PICTURE_SUFFIXES, content_key
from engine.store import drafts, references
from engine.store.choosing import choose
from engine.store.events import emit
from engine.store.images import record_picture, store_picture
from engine.store.instructions import standing_instructions
from engine.store.progress import character_step, complete, complete_and_tell
from engine.store.projects import owner_of
from engine.store.rows import get, missing
from engine.store.scope import Scope
from engine.verdict import decide
from models.events import EventType
from models.ids import new_id
from models.runs import DraftMade, DrawCall
from models.story import Box, Profile
from models.tables import Character, Image, Project, ProviderCall
from models.tables.ledger import CallState

log = logging.getLogger(__name__)

SHEET_SIZE = (768, 1024)

ResultT = TypeVar("ResultT")
# What follows from a picture, in the transaction that stores it.
Follow = Callable[[AsyncSession, UUID], Awaitable[ResultT]]


@dataclass(frozen=True)
class Stored:
    """A picture that was paid for earlier."""

    image: Image

    @property
    def boxes(self) -> Sequence[Box]:
        return [Box.model_validate(box) for box in self.image.boxes]


@dataclass(frozen=True)
class Answered:
    """A picture that an artist has just drawn; its call is not confirmed yet."""

    prompt: str
    result: ImageResult
    usage: ledger.Usage

    @property
    def boxes(self) -> Sequence[Box]:
        return self.result.boxes


class Rendering:
    """The activities that draw, with the artists of this worker."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        artists: Mapping[str, Artist],
        prices: Prices,
        terms: ledger.Terms,
        slots: int = 8,
        patience: float = 30.0,
        waiting: set[UUID] | None = None,
    ) -> None:
        self._database = database
        self._storage = storage
        self._artists = artists
        self._prices = prices
        self._terms = terms
        self._slots = ProviderSlots(artists, slots, patience, waiting)

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [self.draw_panel, self.draw_sheet]

    @activity.defn
    async def draw_panel(self, call: DrawCall) -> DraftMade:
        """Draw one draft of a panel. A draft that was made from the same inputs is kept."""
        artists = Artists.of(call)
        async with self._slots.take(artists.by.choice.provider) as held_slot:
            return DraftMade(draft_id=await self._panel(call, artists, held_slot))

    @activity.defn
    async def draw_sheet(self, call: DrawCall) -> None:
        """Draw the reference sheet of a character, once per set of attributes; none if people uploaded pictures of
        it.
        """
        artists = Artists.of(call)
        async with self._slots.take(artists.by.choice.provider) as held_slot:
            await self._sheet(call, artists, held_slot)

    async def _panel(self, call: DrawCall, artists: Artists, held_slot: AsyncExitStack) -> UUID:
        async with self._database.session() as session:
            plan = await plan_of(session, call, artists)
            if isinstance(plan, Existing):
                return await _counted(session, call, plan)
            grant = None if plan.bare else await self._reserve(session, call, artists, plan.request, "draft", plan.slot)
        if grant is None:
            plan = await plan.with_pictures(self._storage)
            async with self._database.session() as session:
                if existing := await plan.existing(session):
                    return await _counted(session, call, existing)
                grant = await self._reserve(session, call, artists, plan.request, "draft", plan.slot)
        if isinstance(grant, EngineError):
            raise grant
        return await self._slots.wait(grant.call.id, self._draft(call, plan, grant, held_slot))

    async def _draft(self, call: DrawCall, new: New, grant: ledger.Grant, held_slot: AsyncExitStack) -> UUID:
        picture = await self._obtained(call, new.request, grant, held_slot)
        data = await self._storage.get(picture.image.key) if isinstance(picture, Stored) else picture.result.data
        scores = await self._scored(new, data, picture.boxes)
        values = {**new.columns(call), **scores, "call_id": grant.call.id}
        return await self._store(call, grant.call, picture, partial(_add_draft, call, values))

    async def _scored(self, new: New, data: bytes, boxes: Sequence[Box]) -> dict[str, Any]:
        """The scores of a draft, as columns of its row."""
        async with self._database.session() as session:
            sisters = await drafts.fingerprints(session, new.panel_id)
        wanted = new.request.width, new.request.height
        judge = partial(score, data, boxes=boxes, wanted=wanted, letters=new.letters, sisters=sisters)
        try:
            scores = await asyncio.to_thread(judge)
        except Exception:
            # A defect in a scorer must not cost a picture that has been paid for.
            log.exception("a draft could not be scored")
            return {}
        return {"scores": {**scores.values, "fingerprint": scores.fingerprint}, "score": scores.total}

    async def _sheet(self, call: DrawCall, artists: Artists, held_slot: AsyncExitStack) -> None:
        scope = Scope(project_id=call.project_id)
        step = character_step(call.target_id, "sheet")
        async with self._database.session() as session:
            if await references.with_uploads(session, [call.target_id]):
                # People uploaded pictures that show the character, so no reference sheet is drawn.
                await complete_and_tell(session, call.project_id, call.generation_id, step)
                return
            character = await get(session, scope, Character, call.target_id)
            project = await get(session, scope, Project, call.project_id)
            profile = attributes_in(character.profile or Profile(name=character.name))
            instructions = await standing_instructions(session, call.project_id)
            guidance = [style_of(project.style, instructions), *concerning(FOR_SHEETS, instructions)]
            prompt = f"Character reference sheet, plain background. {profile.sentence()}. {' '.join(guidance)}".strip()
            width, height = SHEET_SIZE
            request = ImageRequest(
                model=artists.by.choice.model,
                prompt=prompt,
                negative="",
                width=width,
                height=height,
                seed=seed_of(prompt, 0),
                sheet=profile,
                settings=call.options.render,
            )
            requested = artists.requested.choice
            basis = sheet_inputs(profile, project.style, requested, call.options.render, instructions)
            verdict = decide(
                there=character.sheet_image_id is not None,
                manual=False,
                changed=changed_sheet(character.sheet_basis, basis, requested.provider),
            )
            if verdict.stands:
                await complete_and_tell(session, call.project_id, call.generation_id, step)
                return
            grant = await self._reserve(session, call, artists, request, "sheet", 0)
        if isinstance(grant, EngineError):
            raise grant
        follow = partial(_show_sheet, call, artists.made_from(request), basis)
        await self._slots.wait(grant.call.id, self._drawn_sheet(call, request, grant, follow, held_slot))

    async def _drawn_sheet(
        self,
        call: DrawCall,
        request: ImageRequest,
        grant: ledger.Grant,
        follow: Follow[None],
        held_slot: AsyncExitStack,
    ) -> None:
        picture = await self._obtained(call, request, grant, held_slot)
        await self._store(call, grant.call, picture, follow)

    async def _reserve(
        self,
        session: AsyncSession,
        call: DrawCall,
        artists: Artists,
        request: ImageRequest,
        purpose: Literal["draft", "sheet"],
        slot: int,
    ) -> ledger.Grant | EngineError:
        """The call with its picture, or one that is about to be sent, or the reason why it cannot be sent."""
        by = artists.by.choice
        most = most_of_picture(
            request.prompt, request.width, request.height, request.settings.quality, len(request.references)
        )
        order = ledger.PaidRequest(
            owner_id=await owner_of(session, call.project_id),
            project_id=call.project_id,
            generation_id=call.generation_id,
            kind="image",
            provider=by.provider,
            model=by.model,
            purpose=purpose,
            target_id=call.target_id,
            request_hash=digest(artists.by.identity(request)),
            ordinal=slot,
            holder=holder(),
            most_usd=self._prices.cost("images", by.provider, by.model, most),
            most_tokens=most.input + most.output,
            accepted=frozenset(call.accepted),
            gives_way=call.gives_way,
        )
        return await ledger.acquire(session, order, terms=self._terms, send=True, alive=self._slots.waiting)

    async def _copied(self, project_id: UUID, image_id: UUID) -> Image:
        """The picture, with its bytes under the project's own prefix: deleting another project must not delete it."""
        async with self._database.session() as session:
            image = (await session.exec(select(Image).where(col(Image.id) == image_id))).one_or_none()
        if image is None:
            raise missing(Image, image_id)
        if image.project_id != project_id:
            key = content_key(project_id, "images", image.sha256, PICTURE_SUFFIXES[image.media_type])
            await self._storage.put(key, await self._storage.get(image.key))
            image.key = key
        return image

    async def _obtained(
        self, call: DrawCall, request: ImageRequest, grant: ledger.Grant, held_slot: AsyncExitStack
    ) -> Stored | Answered:
        """The picture of a call: stored earlier, or drawn now and checked."""
        paid = grant.call
        if paid.state == CallState.CONFIRMED and paid.image_id is not None:
            return Stored(await self._copied(call.project_id, paid.image_id))
        paid.question = "\n\nNegative: ".join(filter(None, (request.prompt, request.negative)))
        async with sending(self._database, grant, self._terms, gives_way=call.gives_way):
            began = time.monotonic()
            result = await self._artists[paid.provider].draw(request, tell)
        await held_slot.aclose()
        usage = ledger.Usage(
            tokens=result.tokens,
            cost_usd=self._prices.settle("images", paid.provider, paid.model, result.tokens, paid.reserved_usd),
            duration_ms=int((time.monotonic() - began) * 1000),
        )
        try:
            await asyncio.to_thread(verify, result)
        except ProviderError as error:
            # The picture cannot be used, but it is billed all the same.
            async with self._database.session() as session:
                await ledger.fail(session, paid, error.message, usage)
            raise
        return Answered(request.prompt, result, usage)

    async def _store(
        self, call: DrawCall, paid: ProviderCall, picture: Stored | Answered, follow: Follow[ResultT]
    ) -> ResultT:
        """Store the picture in the project, with what follows from it; this also confirms the call of an answer."""
        match picture:
            case Stored(image):
                async with self._database.session() as session:
                    return await follow(session, await _adopt(session, call.project_id, image))
            case Answered():
                # An operator can fix credentials while the picture waits; once it is lost, it must be paid for again.
                async with waiting_aloud(self._database, call) as away:
                    return await keep_answer(
                        partial(self._confirm, paid, picture, follow),
                        partial(self._confirm, paid, picture, _nothing_follows),
                        also=(StorageError, NotConfigured),
                        away=away,
                    )

    async def _confirm(self, paid: ProviderCall, answered: Answered, follow: Follow[ResultT]) -> ResultT:
        result = answered.result
        # Bytes before rows: a row always refers to existing bytes, and bytes without a row are found again by their
        # hash.
        picture = await store_picture(
            self._storage, paid.project_id, result.data, result.media_type, result.width, result.height
        )
        async with self._database.session() as session:
            image_id = await record_picture(
                session,
                paid.project_id,
                picture,
                boxes=[box.model_dump(mode="json") for box in result.boxes],
                parameters=storable_data({**result.parameters, "seed": result.seed, "prompt": answered.prompt}),
            )
            followed = await follow(session, image_id)
            await ledger.confirm(session, paid, answered.usage, image_id=image_id)
        return followed


async def _counted(session: AsyncSession, call: DrawCall, existing: Existing) -> UUID:
    """The id of an existing draft, which is selected if the call says so."""
    if call.choose:
        await choose(session, call.project_id, call.generation_id, call.target_id, [existing.draft_id])
    return existing.draft_id


async def _add_draft(call: DrawCall, values: Mapping[str, Any], session: AsyncSession, image_id: UUID) -> UUID:
    """Add the draft to its panel. Returns its id: that of an earlier attempt if one has added it."""
    panel_id = values["panel_id"]
    await drafts.lock_panel(session, panel_id)
    draft_id, ordinal = await drafts.add(session, {**values, "image_id": image_id})
    await emit(
        session,
        call.project_id,
        call.generation_id,
        EventType.PANEL_DRAFTED,
        {
            "panel_id": str(panel_id),
            "draft_id": str(draft_id),
            "ordinal": ordinal,
            "image_id": str(image_id),
        },
    )
    if call.choose:
        await choose(session, call.project_id, call.generation_id, panel_id, [draft_id])
    return draft_id


async def _show_sheet(call: DrawCall, made_from: str, basis: Inputs, session: AsyncSession, image_id: UUID) -> None:
    """Make the picture the character's reference sheet."""
    character = await get(session, Scope(project_id=call.project_id), Character, call.target_id, lock=True)
    character.sheet_image_id = image_id
    character.sheet_made_from = made_from
    character.sheet_basis = basis
    # The approval was for the previous sheet.
    character.sheet_approved_at = None
    character.failure = ""
    session.add(character)
    await session.flush()
    await complete(session, call.generation_id, character_step(call.target_id, "sheet"))
    await emit(
        session,
        call.project_id,
        call.generation_id,
        EventType.CHARACTER_DRAWN,
        {"character_id": str(character.id), "name": character.name, "image_id": str(image_id)},
    )


async def _nothing_follows(session: AsyncSession, image_id: UUID) -> None:
    """Only the picture is stored."""


async def _adopt(session: AsyncSession, project_id: UUID, image: Image) -> UUID:
    """Add a row for a picture that the owner paid for in another project."""
    if image.project_id == project_id:
        return image.id
    copied = await session.exec(
        insert(Image)
        .values(**image.model_dump(exclude={"id", "created_at", "project_id"}), id=new_id(), project_id=project_id)
        .on_conflict_do_update(index_elements=["project_id", "sha256"], set_={"key": image.key})
        .returning(col(Image.id))
    )
    adopted: UUID = copied.scalar_one()
    return adopted
