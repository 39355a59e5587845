"""Why parts of a generation failed: the reason in full, recorded where people look, with what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, bindparam
from sqlalchemy import select as plain_select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Prepared, execute
from engine.errors import EngineError
from engine.store.headings import place
from models.ids import new_id
from models.runs import Failure
from models.tables import Character, FailedPart, Panel, ProviderCall, Scene
from models.tables.columns import table

_PARTS = table(FailedPart)
_RECORD = insert(_PARTS)
# A part that fails again has the last reason.
_RECORD = _RECORD.on_conflict_do_update(
    index_elements=[_PARTS.c.generation_id, _PARTS.c.target_id, _PARTS.c.part],
    set_={name: _RECORD.excluded[name] for name in ("kind", "reason", "call_id")},
)


class _Troubled(NamedTuple):
    id: UUID
    provider: str
    purpose: str
    error: str
    said: str
    notes: str


_CALLS = table(ProviderCall)
# The last calls of a generation, or of one part of it, of which the provider or the check had something to say. An
# activity makes few calls: the one that failed is among them.
_TROUBLED = Prepared(
    plain_select(_CALLS.c.id, _CALLS.c.provider, _CALLS.c.purpose, _CALLS.c.error, _CALLS.c.said, _CALLS.c.notes)
    .where(
        _CALLS.c.generation_id == bindparam("generation"),
        (_CALLS.c.said != "") | (_CALLS.c.notes != ""),
        bindparam("target", type_=Uuid).is_(None) | (_CALLS.c.target_id == bindparam("target")),
    )
    .order_by(_CALLS.c.id.desc())
    .limit(20),
    _Troubled,
)
_ANYTHING_ELSE = "Run it again: finished parts are kept. If it fails again, the worker's log says more."


class Explained(NamedTuple):
    """A reason with what the database knows of it, and the call that it comes from."""

    reason: str
    call_id: UUID | None = None


@dataclass(frozen=True)
class Problem:
    """A part that failed, as the API and the command line report it."""

    part: str
    target_id: UUID
    kind: str
    reason: str
    what_to_do: str
    call_id: UUID | None


async def explained(
    session: AsyncSession, generation_id: UUID, reason: str, target_id: UUID | None = None
) -> Explained:
    """The reason, with the provider's own words or with the mistakes in the last answer.

    Both may quote a story, so they do not pass through Temporal: the failed call has them. `target_id` is the part that
    the call was for; None looks at all calls of the generation.
    """
    found = await _TROUBLED.all(session, generation=generation_id, target=target_id)
    for call_id, provider, purpose, error, said, notes in found:
        if notes and reason.startswith(f"{purpose}:"):
            where = f"Read question and answer at /api/v1/generations/{generation_id}/calls/{call_id}."
            return Explained(f"{reason} Last time: {notes[:1500]} {where}", call_id)
        if said and error.removesuffix(said).strip() in reason:
            return Explained(f"{reason.removesuffix('.')}. {provider} said: {said}", call_id)
    return Explained(reason[:2000])


async def record_part(session: AsyncSession, failure: Failure, row: Panel | Scene | Character, why: Explained) -> None:
    """Record that a part failed."""
    match row:
        case Panel():
            scene = (await session.exec(select(Scene.position).where(Scene.id == row.scene_id))).one()
            part = place(scene, row.position)
        case Scene():
            part = place(row.position) + (f" into {failure.language}" if failure.language else "")
        case Character():
            part = f"character sheet of {row.name}"
    await record(session, failure.project_id, failure.generation_id, row.id, part, failure.kind, why)


async def record(
    session: AsyncSession,
    project_id: UUID,
    generation_id: UUID,
    target_id: UUID,
    part: str,
    kind: str,
    why: Explained,
) -> None:
    """Record that what is called `part` failed. The record of another attempt is replaced."""
    values = {
        "id": new_id(),
        "project_id": project_id,
        "generation_id": generation_id,
        "target_id": target_id,
        "part": part[:300],
        "kind": kind[:64],
        "reason": why.reason,
        "call_id": why.call_id,
    }
    await execute(session, _RECORD, values)


async def problems_of(session: AsyncSession, generation_ids: Sequence[UUID]) -> dict[UUID, list[Problem]]:
    """What failed of several generations, the oldest first, and what to do about each."""
    query = select(FailedPart).where(col(FailedPart.generation_id).in_(generation_ids)).order_by(col(FailedPart.id))
    found: dict[UUID, list[Problem]] = {one: [] for one in generation_ids}
    for part in (await session.exec(query)).all():
        problem = Problem(part.part, part.target_id, part.kind, part.reason, advice_for(part.kind), part.call_id)
        found[part.generation_id].append(problem)
    return found


def advice_for(kind: str) -> str:
    """What to do about an error, by the name of its class."""
    return _ADVICE.get(kind, _ANYTHING_ELSE)


def _advice(kind: type[EngineError]) -> dict[str, str]:
    found = {kind.__name__: kind.advice} if kind.advice else {}
    for narrower in kind.__subclasses__():
        found |= _advice(narrower)
    return found


_ADVICE = _advice(EngineError)
