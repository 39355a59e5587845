"""Pictures: drafts of panels and reference sheets, each call paid for once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam
from sqlalchemy import select as plain_select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.interceptor import tell
from activities.outages import keep_answer
from activities.sending import sending
from activities.turns import Turns, holder
from activities.writing import Owners
from engine import ledger
from engine.db import Database, execute
from engine.digest import digest
from engine.errors import EngineError, NotConfigured, ProviderError, StorageError
from engine.images import Artist, ImageRequest
from engine.images.verify import verify
from engine.pages.layout import picture_size
from engine.prices import Prices, most_of_picture
from engine.providers import resolved
from engine.storage import Storage
from engine.storage.keys import content_key
from engine.store import references
from engine.store.choosing import choose
from engine.store.events import emit
from engine.store.images import SUFFIXES, keep, record
from engine.store.panels import as_data, cast_of, in_scene
from engine.store.progress import complete, complete_and_tell
from engine.store.scope import Scope, get, missing
from engine.wardrobe import worn
from models.events import EventType
from models.ids import new_id
from models.options import Choice
from models.runs import DrawCall
from models.story import Profile
from models.tables import Character, Draft, Image, Panel, Project
from models.tables.columns import table
from models.tables.ledger import CallState

SHEET_SIZE = (768, 1024)

_DRAFTS = table(Draft)
_THERE = plain_select(_DRAFTS.c.id).where(
    _DRAFTS.c.panel_id == bindparam("panel"),
    _DRAFTS.c.ordinal == bindparam("number"),
    _DRAFTS.c.made_from == bindparam("made_from"),
)
_LOCK = plain_select(table(Panel).c.id).where(table(Panel).c.id == bindparam("panel")).with_for_update()
_NEW = insert(_DRAFTS)
_KEEP = _NEW.on_conflict_do_update(
    index_elements=[_DRAFTS.c.panel_id, _DRAFTS.c.ordinal],
    set_={
        name: _NEW.excluded[name]
        for name in ("image_id", "call_id", "provider", "model", "prompt", "seed", "made_from")
    },
)

# What is done, in the same transaction, with a picture once it is in the database.
Follow = Callable[[AsyncSession, UUID], Awaitable[None]]


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
        self._turns = Turns(artists, slots)
        self._owners = Owners()

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [self.draw_panel, self.draw_sheet]

    @activity.defn
    async def draw_panel(self, call: DrawCall) -> None:
        """One draft of a panel. A draft that was made from the same things is kept as it is."""
        by = _chosen(call)
        async with self._turns.take(by.provider) as turn:
            await self._panel(call, by, turn)

    @activity.defn
    async def draw_sheet(self, call: DrawCall) -> None:
        """The reference sheet of a character, once per set of attributes; none where pictures of it were uploaded."""
        by = _chosen(call)
        async with self._turns.take(by.provider) as turn:
            await self._sheet(call, by, turn)

    async def _panel(self, call: DrawCall, by: Choice, turn: AsyncExitStack) -> None:
        async with self._database.session() as session:
            panel, scene = await in_scene(session, call.project_id, call.target_id)
            cast = await cast_of(session, call.project_id)
            data = as_data(panel, scene, cast, call.options.direction)
            shown = await references.of_panel(session, panel, data, cast, (by.provider, _ordered(call).provider))
            width, height = picture_size(data, call.options.format)
            request = ImageRequest(
                model=by.model,
                prompt=panel.prompt or "",
                negative=panel.negative,
                width=width,
                height=height,
                seed=_seed(panel.prompt, call.ordinal),
                panel=data,
                settings=call.options.render,
            )
            made_from = _made_from(call, request, shown)
            request = references.given(request, by.provider, shown)
            same = {"panel": panel.id, "number": call.ordinal, "made_from": made_from}
            if (await execute(session, _THERE, same)).first() is not None:
                if call.choose:
                    await choose(session, call.project_id, call.generation_id, panel.id)
                return
            request = await references.fetched(self._storage, request, shown)
            grant = await self._reserve(session, call, by, request, "draft")
        if isinstance(grant, EngineError):
            raise grant

        async def follow(session: AsyncSession, image_id: UUID) -> None:
            # The panel before the generation and the project, which `emit` locks: the order that everybody keeps.
            await execute(session, _LOCK, {"panel": panel.id})
            values = {
                "id": new_id(),
                "project_id": call.project_id,
                "panel_id": panel.id,
                "ordinal": call.ordinal,
                "image_id": image_id,
                "call_id": grant.call.id,
                "provider": by.provider,
                "model": request.model,
                "prompt": request.prompt,
                "seed": request.seed,
                "made_from": made_from,
            }
            await execute(session, _KEEP, values)
            await emit(
                session,
                call.project_id,
                call.generation_id,
                EventType.PANEL_DRAFTED,
                {"panel_id": str(panel.id), "ordinal": call.ordinal, "image_id": str(image_id)},
            )
            if call.choose:
                await choose(session, call.project_id, call.generation_id, panel.id)

        await self._turns.wait(grant.call.id, self._draw(call, grant, request, follow, turn))

    async def _sheet(self, call: DrawCall, by: Choice, turn: AsyncExitStack) -> None:
        scope = Scope(project_id=call.project_id)
        step = f"character:{call.target_id}:sheet"
        async with self._database.session() as session:
            if await references.brought(session, call.target_id):
                # People brought pictures that show the character: nothing is drawn, or paid for, beside them.
                await complete_and_tell(session, call.project_id, call.generation_id, step)
                return
            character = await get(session, scope, Character, call.target_id)
            project = await get(session, scope, Project, call.project_id)
            profile = worn(Profile.model_validate(character.profile or {"name": character.name}))
            prompt = f"Character reference sheet, plain background. {profile.sentence()}. {project.style}".strip()
            width, height = SHEET_SIZE
            request = ImageRequest(
                model=by.model,
                prompt=prompt,
                negative="",
                width=width,
                height=height,
                seed=_seed(prompt, 0),
                sheet=profile,
                settings=call.options.render,
            )
            made_from = _made_from(call, request)
            if character.sheet_image_id is not None and character.sheet_made_from == made_from:
                await complete_and_tell(session, call.project_id, call.generation_id, step)
                return
            grant = await self._reserve(session, call, by, request, "sheet")
        if isinstance(grant, EngineError):
            raise grant

        async def follow(session: AsyncSession, image_id: UUID) -> None:
            character = await get(session, scope, Character, call.target_id, lock=True)
            character.sheet_image_id = image_id
            character.sheet_made_from = made_from
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
        self, session: AsyncSession, call: DrawCall, by: Choice, request: ImageRequest, purpose: str
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
            ordinal=call.ordinal,
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
            key = content_key(project_id, "images", image.sha256, SUFFIXES[image.media_type])
            await self._storage.put(key, await self._storage.get(image.key))
            image.key = key
        return image

    async def _draw(
        self, call: DrawCall, grant: ledger.Grant, request: ImageRequest, follow: Follow, turn: AsyncExitStack
    ) -> None:
        """Get the picture of a call, stored already or drawn now, and do what follows from having it."""
        paid = grant.call
        if paid.state == CallState.CONFIRMED and paid.image_id is not None:
            copied = await self._copied(call.project_id, paid.image_id)
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
    return resolved("images", call.by or call.options.artists()[0])


def _ordered(call: DrawCall) -> Choice:
    """The artist and the model that the order names, whoever draws in the end."""
    return resolved("images", call.options.artists()[0])


def _made_from(call: DrawCall, request: ImageRequest, shown: Sequence[references.Stored] = ()) -> str:
    """What a picture stands for: the one that was ordered, whoever drew it in the end.

    A retry keeps what somebody drew who stood in; another order does not take a storyboard for the picture.
    """
    ordered = _ordered(call)
    wanted = references.given(replace(request, model=ordered.model), ordered.provider, shown)
    return digest(ordered.provider, _identity(ordered, wanted))


def _identity(by: Choice, request: ImageRequest) -> dict[str, Any]:
    """What the artist's picture depends on."""
    return request.identity(data=references.draws_of(by.provider).data)


def _seed(prompt: str | None, ordinal: int) -> int:
    """From the content, so that the same panel asked for again is the same call."""
    return int(digest(prompt or "", ordinal)[:8], 16) & 0x7FFFFFFF


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
