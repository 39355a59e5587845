"""Pictures: drafts of panels and reference sheets, each call paid for once."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.outages import outlast
from activities.writing import holder, owner_of
from engine import ledger
from engine.db import Database
from engine.digest import digest
from engine.errors import NotConfigured, NotFound, ProviderError, StorageError
from engine.images import Artist, ImageRequest
from engine.images.verify import verify
from engine.pages.layout import picture_size
from engine.storage import Storage
from engine.store.events import emit
from engine.store.images import keep, record
from engine.store.panels import as_data, cast_of
from engine.store.progress import complete
from engine.store.scope import Scope, get
from models.events import EventType
from models.ids import new_id
from models.runs import DrawCall
from models.story import Profile
from models.tables import Character, Draft, Image, Panel, Project, ProviderCall, Scene
from models.tables.ledger import CallState

SHEET_SIZE = (768, 1024)


@dataclass(frozen=True)
class Drawn:
    """A picture that is in the database, and the call that made it."""

    image_id: UUID
    call_id: UUID


class Rendering:
    """The artists at hand, the storage and the database."""

    def __init__(self, database: Database, storage: Storage, artists: Mapping[str, Artist]) -> None:
        self._database = database
        self._storage = storage
        self._artists = artists

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [self.draw_panel, self.draw_sheet]

    @activity.defn
    async def draw_panel(self, call: DrawCall) -> None:
        """One draft of a panel. A draft that was made from the same things is kept as it is."""
        scope = Scope(project_id=call.project_id)
        async with self._database.session() as session:
            panel = await get(session, scope, Panel, call.target_id)
            scene = await get(session, scope, Scene, panel.scene_id)
            data = as_data(panel, scene, await cast_of(session, call.project_id))
            width, height = picture_size(data, call.options.format)
            request = ImageRequest(
                model=call.options.image_model,
                prompt=panel.prompt or "",
                negative=panel.negative,
                width=width,
                height=height,
                seed=_seed(panel.prompt, call.ordinal),
                panel=data,
            )
            made_from = digest(call.options.images, asdict(request))
            there = await session.exec(
                select(Draft.id).where(
                    Draft.panel_id == panel.id, Draft.ordinal == call.ordinal, Draft.made_from == made_from
                )
            )
            if there.first() is not None:
                return
            paid = await ledger.acquire(session, await self._order(session, call, request, "draft"))
        drawn = await self._drawn(call, paid, request)
        async with self._database.session() as session:
            values = {
                "image_id": drawn.image_id,
                "call_id": drawn.call_id,
                "provider": call.options.images,
                "model": request.model,
                "prompt": request.prompt,
                "seed": request.seed,
                "made_from": made_from,
            }
            statement = insert(Draft).values(
                id=new_id(), project_id=call.project_id, panel_id=panel.id, ordinal=call.ordinal, **values
            )
            await session.exec(statement.on_conflict_do_update(index_elements=["panel_id", "ordinal"], set_=values))
            await emit(
                session,
                call.project_id,
                call.generation_id,
                EventType.PANEL_DRAFTED,
                {"panel_id": str(panel.id), "ordinal": call.ordinal, "image_id": str(drawn.image_id)},
            )

    @activity.defn
    async def draw_sheet(self, call: DrawCall) -> None:
        """The reference sheet of a character, once per set of attributes."""
        scope = Scope(project_id=call.project_id)
        step = f"character:{call.target_id}:sheet"
        async with self._database.session() as session:
            character = await get(session, scope, Character, call.target_id)
            project = await get(session, scope, Project, call.project_id)
            profile = Profile.model_validate(character.profile or {"name": character.name})
            prompt = f"Character reference sheet, plain background. {profile.sentence()}. {project.style}".strip()
            width, height = SHEET_SIZE
            request = ImageRequest(
                model=call.options.image_model,
                prompt=prompt,
                negative="",
                width=width,
                height=height,
                seed=_seed(prompt, 0),
                sheet=profile,
            )
            made_from = digest(call.options.images, asdict(request))
            if character.sheet_image_id is not None and character.sheet_made_from == made_from:
                await complete(session, call.project_id, call.generation_id, step)
                return
            paid = await ledger.acquire(session, await self._order(session, call, request, "sheet"))
        drawn = await self._drawn(call, paid, request)
        async with self._database.session() as session:
            character = await get(session, scope, Character, call.target_id, lock=True)
            character.sheet_image_id = drawn.image_id
            character.sheet_made_from = made_from
            session.add(character)
            await session.flush()
            await emit(
                session,
                call.project_id,
                call.generation_id,
                EventType.CHARACTER_DRAWN,
                {"character_id": str(character.id), "name": character.name, "image_id": str(drawn.image_id)},
            )
            await complete(session, call.project_id, call.generation_id, step)

    async def _order(self, session: AsyncSession, call: DrawCall, request: ImageRequest, purpose: str) -> ledger.Order:
        return ledger.Order(
            owner_id=await owner_of(session, call.project_id),
            project_id=call.project_id,
            generation_id=call.generation_id,
            kind="image",
            provider=call.options.images,
            model=request.model,
            purpose=purpose,
            target_id=call.target_id,
            request_hash=digest(asdict(request)),
            ordinal=call.ordinal,
            holder=holder(),
        )

    async def _drawn(self, call: DrawCall, paid: ProviderCall, request: ImageRequest) -> Drawn:
        """The picture of a call: stored already, or drawn, verified, stored and confirmed."""
        if paid.state == CallState.CONFIRMED and paid.image_id is not None:
            async with self._database.session() as session:
                return Drawn(await _adopt(session, call.project_id, paid.image_id), paid.id)
        artist = self._artists.get(paid.provider)
        if artist is None:
            raise NotConfigured(f"This worker has no artist called {paid.provider!r}.")
        async with self._database.session() as session:
            await ledger.submit(session, paid)
        began = time.monotonic()
        try:
            result = await artist.draw(request)
            await asyncio.to_thread(verify, result)
        except ProviderError as error:
            async with self._database.session() as session:
                await ledger.fail(session, paid, error.message)
            raise
        duration = int((time.monotonic() - began) * 1000)
        usage = ledger.Usage(result.input_tokens, result.output_tokens, duration_ms=duration)

        async def store() -> UUID:
            # Bytes before rows: a row never points at nothing, and bytes without a row are found again by their hash.
            picture = await keep(self._storage, result.data, result.media_type, result.width, result.height)
            async with self._database.session() as session:
                image_id = await record(
                    session,
                    call.project_id,
                    picture,
                    boxes=[box.model_dump(mode="json") for box in result.boxes],
                    parameters={**result.parameters, "seed": result.seed, "prompt": request.prompt},
                )
                await ledger.confirm(session, paid, usage, image_id=image_id)
                return image_id

        return Drawn(await outlast(store, ledger.ANSWER_PATIENCE, also=(StorageError,)), paid.id)


def _seed(prompt: str | None, ordinal: int) -> int:
    """From the content, so that the same panel asked for again is the same call."""
    return int(digest(prompt or "", ordinal)[:8], 16) & 0x7FFFFFFF


async def _adopt(session: AsyncSession, project_id: UUID, image_id: UUID) -> UUID:
    """A picture that the owner paid for in another project gets a row of its own in this one."""
    image = (await session.exec(select(Image).where(col(Image.id) == image_id))).one_or_none()
    if image is None:
        raise NotFound(f"There is no image {image_id}.")
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
