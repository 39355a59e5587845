"""Pictures: drafts of panels and reference sheets, each call paid for once."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.interceptor import tell
from activities.outages import keep_answer
from activities.picturing import Drawing, drawing_of, drawn, seed_of
from activities.provider_slots import ProviderSlots, holder
from activities.sending import sending
from activities.writing import Owners
from engine.basis import FOR_SHEETS, changed_sheet, concerning, sheet_inputs, style_of
from engine.cast.outfits import attributes_in
from engine.db.session import Database
from engine.digest import digest
from engine.errors import EngineError, NotConfigured, ProviderError, StorageError
from engine.images import Artist, ImageRequest
from engine.images.verify import verify
from engine.money import ledger
from engine.money.prices import Prices, most_of_picture
from engine.pictures.scores import score
from engine.providers.registry import artist_of, draws_of, resolved
from engine.storage import Storage
from engine.storage.keys import PICTURE_SUFFIXES, content_key
from engine.store import drafts, references
from engine.store.choosing import choose
from engine.store.events import emit
from engine.store.images import keep, record
from engine.store.instructions import standing_instructions
from engine.store.progress import character_step, complete, complete_and_tell
from engine.store.rows import get, missing
from engine.store.scope import Scope
from engine.verdict import decide
from models.events import EventType
from models.ids import new_id
from models.options import Choice
from models.runs import DraftMade, DrawCall
from models.story import Box, Profile
from models.tables import Character, Image, Project
from models.tables.ledger import CallState

log = logging.getLogger(__name__)

SHEET_SIZE = (768, 1024)

# What is done, in the same transaction, with a picture once it is in the database.
Follow = Callable[[AsyncSession, UUID], Awaitable[None]]
# What is done with a picture before it is stored: its bytes, and what is where in it.
Look = Callable[[bytes, Sequence[Box]], Awaitable[None]]


async def unseen(data: bytes, boxes: Sequence[Box]) -> None:
    """Nobody judges it."""


class Rendering:
    """The artists at hand, the storage and the database."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        artists: Mapping[str, Artist],
        prices: Prices,
        terms: ledger.Terms,
        slots: int = 8,
    ) -> None:
        self._database = database
        self._storage = storage
        self._artists = artists
        self._prices = prices
        self._terms = terms
        self._turns = ProviderSlots(artists, slots)
        self._owners = Owners()

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [self.draw_panel, self.draw_sheet]

    @activity.defn
    async def draw_panel(self, call: DrawCall) -> DraftMade:
        """One draft of a panel. A draft that was made from the same things is kept as it is."""
        by = _chosen(call)
        async with self._turns.take(by.provider) as turn:
            return DraftMade(draft_id=await self._panel(call, by, turn))

    @activity.defn
    async def draw_sheet(self, call: DrawCall) -> None:
        """The reference sheet of a character, once per set of attributes; none where pictures of it were uploaded."""
        by = _chosen(call)
        async with self._turns.take(by.provider) as turn:
            await self._sheet(call, by, turn)

    async def _panel(self, call: DrawCall, by: Choice, turn: AsyncExitStack) -> UUID:
        async with self._database.session() as session:
            found = await drawing_of(session, call, by)
            grant = await self._granted(session, call, by, found)
        if isinstance(found, Drawing) and found.bare:
            # Storage is not read in a transaction.
            found = await found.with_pictures(self._storage, by.provider)
            async with self._database.session() as session:
                grant = await self._granted(session, call, by, found)
        if isinstance(grant, UUID):
            return grant
        if isinstance(grant, EngineError):
            raise grant
        if grant is None or isinstance(found, UUID):
            raise TypeError("what is to be drawn has a call")
        drawing, paid, made = found, grant, new_id()
        values = {
            "call_id": paid.call.id,
            "provider": by.provider,
            "made_from": _made_from(call, drawing.plain, drawing.shown),
        }

        async def look(data: bytes, boxes: Sequence[Box]) -> None:
            values.update(await self._scored(drawing, data, boxes))

        async def follow(session: AsyncSession, image_id: UUID) -> None:
            nonlocal made
            await drafts.lock(session, drawing.panel_id)
            made, ordinal = await drafts.add(
                session, {"id": made, "image_id": image_id, **drawn(call, drawing), **values}
            )
            await emit(
                session,
                call.project_id,
                call.generation_id,
                EventType.PANEL_DRAFTED,
                {
                    "panel_id": str(drawing.panel_id),
                    "draft_id": str(made),
                    "ordinal": ordinal,
                    "image_id": str(image_id),
                },
            )
            if call.choose:
                await choose(session, call.project_id, call.generation_id, drawing.panel_id, [made])

        await self._turns.wait(paid.call.id, self._draw(call, paid, drawing.request, follow, turn, look))
        return made

    async def _granted(
        self, session: AsyncSession, call: DrawCall, by: Choice, found: Drawing | UUID
    ) -> UUID | ledger.Grant | EngineError | None:
        """The draft that is there; otherwise the call for it, or why there is none. None: its pictures are missing."""
        if isinstance(found, Drawing):
            # Edits are known by the pictures that they change, whose bytes are hashed first.
            made_from = None if found.pictures else _made_from(call, found.plain, found.shown)
            there = await drafts.there(session, found.panel_id, made_from, found.slot) if made_from else None
            if there is None and found.bare:
                return None
            if there is None:
                return await self._reserve(session, call, by, found.request, "draft", found.slot)
            found = there
        if call.choose:
            await choose(session, call.project_id, call.generation_id, call.target_id, [found])
        return found

    async def _scored(self, drawing: Drawing, data: bytes, boxes: Sequence[Box]) -> dict[str, Any]:
        """What the scorers say of a draft, as columns of its row."""
        async with self._database.session() as session:
            sisters = await drafts.fingerprints(session, drawing.panel_id)
        wanted = drawing.request.width, drawing.request.height
        judge = partial(score, data, boxes=boxes, wanted=wanted, letters=drawing.letters, sisters=sisters)
        try:
            found = await asyncio.to_thread(judge)
        except Exception:
            # A defect in a scorer must not cost a picture that is paid for.
            log.exception("a draft could not be scored")
            return {}
        return {"scores": {**found.values, "fingerprint": found.fingerprint}, "score": found.total}

    async def _sheet(self, call: DrawCall, by: Choice, turn: AsyncExitStack) -> None:
        scope = Scope(project_id=call.project_id)
        step = character_step(call.target_id, "sheet")
        async with self._database.session() as session:
            if await references.brought(session, [call.target_id]):
                # People brought pictures that show the character: nothing is drawn, or paid for, beside them.
                await complete_and_tell(session, call.project_id, call.generation_id, step)
                return
            character = await get(session, scope, Character, call.target_id)
            project = await get(session, scope, Project, call.project_id)
            profile = attributes_in(character.profile or Profile(name=character.name))
            instructions = await standing_instructions(session, call.project_id)
            told = [style_of(project.style, instructions), *concerning(FOR_SHEETS, instructions)]
            prompt = f"Character reference sheet, plain background. {profile.sentence()}. {' '.join(told)}".strip()
            width, height = SHEET_SIZE
            request = ImageRequest(
                model=by.model,
                prompt=prompt,
                negative="",
                width=width,
                height=height,
                seed=seed_of(prompt, 0),
                sheet=profile,
                settings=call.options.render,
            )
            made_from = _made_from(call, request)
            ordered = artist_of(call.options)
            basis = sheet_inputs(profile, project.style, ordered, call.options.render, instructions)
            verdict = decide(
                there=character.sheet_image_id is not None,
                manual=False,
                changed=changed_sheet(character.sheet_basis, basis, ordered.provider),
            )
            if verdict.stands:
                await complete_and_tell(session, call.project_id, call.generation_id, step)
                return
            grant = await self._reserve(session, call, by, request, "sheet", 0)
        if isinstance(grant, EngineError):
            raise grant

        async def follow(session: AsyncSession, image_id: UUID) -> None:
            character = await get(session, scope, Character, call.target_id, lock=True)
            character.sheet_image_id = image_id
            character.sheet_made_from = made_from
            character.sheet_basis = basis
            # Whoever approved has seen another one.
            character.sheet_approved_at = None
            character.failure = ""
            session.add(character)
            await session.flush()
            await complete(session, call.generation_id, step)
            await emit(
                session,
                call.project_id,
                call.generation_id,
                EventType.CHARACTER_DRAWN,
                {"character_id": str(character.id), "name": character.name, "image_id": str(image_id)},
            )

        await self._turns.wait(grant.call.id, self._draw(call, grant, request, follow, turn))

    async def _reserve(
        self, session: AsyncSession, call: DrawCall, by: Choice, request: ImageRequest, purpose: str, slot: int
    ) -> ledger.Grant | EngineError:
        """The call with its picture, or one that is about to be sent, or why it cannot be."""
        most = most_of_picture(
            request.prompt, request.width, request.height, request.settings.quality, len(request.references)
        )
        order = ledger.Order(
            owner_id=await self._owners.of(session, call.project_id),
            project_id=call.project_id,
            generation_id=call.generation_id,
            kind="image",
            provider=by.provider,
            model=by.model,
            purpose=purpose,
            target_id=call.target_id,
            request_hash=digest(_identity(by, request)),
            ordinal=slot,
            holder=holder(),
            most_usd=self._prices.cost("images", by.provider, by.model, most),
            most_tokens=most.input + most.output,
            accepted=frozenset(call.accepted),
        )
        return await ledger.acquire(session, order, terms=self._terms, send=True, alive=self._turns.waiting)

    async def _copied(self, project_id: UUID, image_id: UUID) -> Image:
        """The picture, with its bytes under the project's own prefix: it must not go when another project does."""
        async with self._database.session() as session:
            image = (await session.exec(select(Image).where(col(Image.id) == image_id))).one_or_none()
        if image is None:
            raise missing(Image, image_id)
        if image.project_id != project_id:
            key = content_key(project_id, "images", image.sha256, PICTURE_SUFFIXES[image.media_type])
            await self._storage.put(key, await self._storage.get(image.key))
            image.key = key
        return image

    async def _draw(
        self,
        call: DrawCall,
        grant: ledger.Grant,
        request: ImageRequest,
        follow: Follow,
        turn: AsyncExitStack,
        look: Look = unseen,
    ) -> None:
        """Get the picture of a call, stored already or drawn now, look at it, and do what follows from having it."""
        paid = grant.call
        if paid.state == CallState.CONFIRMED and paid.image_id is not None:
            copied = await self._copied(call.project_id, paid.image_id)
            if look is not unseen:
                boxes = [Box.model_validate(box) for box in copied.boxes]
                await look(await self._storage.get(copied.key), boxes)
            async with self._database.session() as session:
                await follow(session, await _adopt(session, call.project_id, copied))
            return
        async with sending(self._database, grant, self._terms, gives_way=call.gives_way):
            began = time.monotonic()
            result = await self._artists[paid.provider].draw(request, tell)
        await turn.aclose()
        usage = ledger.Usage(
            tokens=result.tokens,
            cost_usd=self._prices.settle("images", paid.provider, paid.model, result.tokens, paid.reserved_usd),
            duration_ms=int((time.monotonic() - began) * 1000),
        )
        try:
            await asyncio.to_thread(verify, result)
        except ProviderError as error:
            # It is of no use, and billed all the same.
            async with self._database.session() as session:
                await ledger.fail(session, paid, error.message, usage)
            raise

        await look(result.data, result.boxes)

        async def store(and_follow: bool) -> None:
            # Bytes before rows: a row never points at nothing, and bytes without a row are found again by their hash.
            picture = await keep(
                self._storage, call.project_id, result.data, result.media_type, result.width, result.height
            )
            async with self._database.session() as session:
                image_id = await record(
                    session,
                    call.project_id,
                    picture,
                    boxes=[box.model_dump(mode="json") for box in result.boxes],
                    parameters={**result.parameters, "seed": result.seed, "prompt": request.prompt},
                )
                if and_follow:
                    await follow(session, image_id)
                await ledger.confirm(session, paid, usage, image_id=image_id)

        # Keys and rights can be put right while the picture waits; once it is gone, it is paid for again.
        await keep_answer(store, also=(StorageError, NotConfigured))


def _chosen(call: DrawCall) -> Choice:
    """The artist and the model that a call is for."""
    return resolved("images", call.by) if call.by else artist_of(call.options)


def _made_from(call: DrawCall, request: ImageRequest, shown: Sequence[references.Stored] = ()) -> str:
    """What a picture stands for: the one that was ordered, whoever drew it in the end.

    A retry keeps what somebody drew who stood in; another order does not take a storyboard for the picture.
    """
    ordered = artist_of(call.options)
    wanted = references.given(replace(request, model=ordered.model), ordered.provider, shown)
    return digest(ordered.provider, _identity(ordered, wanted))


def _identity(by: Choice, request: ImageRequest) -> dict[str, Any]:
    """What the artist's picture depends on."""
    return request.identity(data=draws_of(by.provider).data)


async def _adopt(session: AsyncSession, project_id: UUID, image: Image) -> UUID:
    """A picture that the owner paid for in another project gets a row of its own in this one."""
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
