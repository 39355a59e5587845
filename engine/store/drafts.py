"""The drafts of a panel: which of them still match what is requested, and in which slot a new one is drawn.

A draft is never replaced. Its slot numbers the tries at one request: generations fill the first slots, a redraw takes
the next after all that there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import Inputs, changed_picture
from engine.db.session import execute
from engine.verdict import decide
from models.tables import Draft, Panel
from models.tables.columns import table
from models.tables.story import DraftOrigin


class DraftColumns(Protocol):
    """The columns of a draft that say whether it matches a request."""

    @property
    def id(self) -> UUID: ...
    @property
    def slot(self) -> int: ...
    @property
    def provider(self) -> str: ...
    @property
    def basis(self) -> Mapping[str, Any]: ...
    @property
    def origin(self) -> str: ...
    @property
    def generation_id(self) -> UUID | None: ...
    @property
    def rejected_at(self) -> datetime | None: ...


class _DraftRow(NamedTuple):
    id: UUID
    slot: int
    provider: str
    basis: dict[str, Any]
    origin: DraftOrigin
    generation_id: UUID | None
    rejected_at: datetime | None


_DRAFTS = table(Draft)
# The drafts of a panel in the order they came.
_OF_PANEL = (
    select(*(_DRAFTS.c[name] for name in _DraftRow._fields))
    .where(_DRAFTS.c.panel_id == bindparam("panel"))
    .order_by(_DRAFTS.c.ordinal)
)
# The draft of a request in a slot.
_THERE = select(_DRAFTS.c.id).where(
    _DRAFTS.c.panel_id == bindparam("panel"),
    _DRAFTS.c.made_from == bindparam("made_from"),
    _DRAFTS.c.slot == bindparam("slot"),
)
# What the drafts of a panel look like.
_SISTERS = select(_DRAFTS.c.scores["fingerprint"].astext).where(
    _DRAFTS.c.panel_id == bindparam("panel"), _DRAFTS.c.scores["fingerprint"].astext.is_not(None)
)
# Locks a panel.
_LOCK = select(table(Panel).c.id).where(table(Panel).c.id == bindparam("panel")).with_for_update()
# The next ordinal and slot of a panel.
_NEXT = text(
    "SELECT COALESCE(max(ordinal), 0) + 1 AS ordinal, COALESCE(max(slot), 0) + 1 AS slot"
    " FROM drafts WHERE panel_id = :panel"
)
_NEW = insert(_DRAFTS)
# A new draft, or the one that is there: touching the row makes it come back from RETURNING.
_ADD = _NEW.on_conflict_do_update(
    index_elements=[_DRAFTS.c.panel_id, _DRAFTS.c.made_from, _DRAFTS.c.slot], set_={"slot": _NEW.excluded.slot}
).returning(_DRAFTS.c.id, _DRAFTS.c.ordinal)
# Sets the size of a panel's picture.
_FRAME = text("UPDATE panels SET frame = CAST(:frame AS jsonb) WHERE id = :panel")


@dataclass(frozen=True)
class Standing:
    """A draft as far as it matters to the next generation.

    `fresh`: made from the present inputs. `brought`: uploaded. `mine`: drawn by the generation itself.
    """

    id: UUID
    slot: int
    fresh: bool
    rejected: bool
    brought: bool
    mine: bool


async def standing(
    session: AsyncSession, panel_id: UUID, inputs: Inputs, ordered: str, generation_id: UUID | None = None
) -> list[Standing]:
    """A panel's drafts in the order they came.

    `ordered` is the provider of the requested artist. Drafts that the generation itself has drawn do not count towards
    its number: an activity that runs twice finds the same slots.
    """
    rows = (await execute(session, _OF_PANEL, {"panel": panel_id})).all()
    return [stands(_DraftRow(**row._mapping), inputs, ordered, generation_id) for row in rows]


def stands(row: DraftColumns, inputs: Inputs, ordered: str, generation_id: UUID | None = None) -> Standing:
    """How a draft stands towards what is requested now."""
    brought = row.origin == DraftOrigin.UPLOADED
    return Standing(
        id=row.id,
        slot=row.slot,
        fresh=decide(there=True, manual=brought, changed=differs(row, inputs, ordered)).stands,
        rejected=row.rejected_at is not None,
        brought=brought,
        mine=generation_id is not None and row.generation_id == generation_id and row.origin == DraftOrigin.DRAWN,
    )


def differs(row: DraftColumns, inputs: Inputs, ordered: str) -> list[str]:
    """The inputs that differ from what a draft was made from."""
    return changed_picture(row.basis, inputs, row.provider, ordered)


def kept(drafts: Sequence[Standing], selected: UUID | None, many: int) -> list[Standing]:
    """The previous drafts that count towards the `many` of a generation, as many as are needed.

    Uploaded art that is selected is all that is needed. Rejected drafts are not drawn again as long as another draft is
    left to show.
    """
    for one in drafts:
        if one.id == selected and one.brought:
            return [one] * many
    fresh = [one for one in drafts if one.fresh and not one.mine and not one.brought]
    if all(one.rejected for one in fresh):
        return []
    # The selected one first: a generation of fewer drafts keeps it.
    return sorted(fresh, key=lambda one: one.id != selected)[:many]


def place(drafts: Sequence[Standing], selected: UUID | None, number: int, many: int) -> UUID | int:
    """For the `number`-th of `many` drafts the one that is there already, or the slot in which it is to be drawn."""
    counted = kept(drafts, selected, many)
    missing = many - len(counted)
    if number > missing:
        return counted[number - missing - 1].id
    taken = {one.slot for one in drafts if one.fresh and not (one.mine or one.brought)}
    free = (slot for slot in count(1) if slot not in taken)
    return [next(free) for _ in range(number)][-1]


async def there(session: AsyncSession, panel_id: UUID, made_from: str, slot: int) -> UUID | None:
    """The draft of exactly this request in this slot."""
    found = await execute(session, _THERE, {"panel": panel_id, "made_from": made_from, "slot": slot})
    draft_id: UUID | None = found.scalar_one_or_none()
    return draft_id


async def lock(session: AsyncSession, panel_id: UUID) -> None:
    """The panel before the generation and the project, which `emit` locks: the order that everybody keeps."""
    await execute(session, _LOCK, {"panel": panel_id})


async def numbers(session: AsyncSession, panel_id: UUID) -> tuple[int, int]:
    """The next ordinal and the next free slot of a panel that is locked."""
    found = (await execute(session, _NEXT, {"panel": panel_id})).one()
    return int(found.ordinal), int(found.slot)


async def add(session: AsyncSession, values: Mapping[str, Any]) -> tuple[UUID, int]:
    """A new draft of a panel that is locked; the one that is there, if it was drawn before. Its id and its ordinal."""
    ordinal, _ = await numbers(session, values["panel_id"])
    made = (await execute(session, _ADD, {**values, "ordinal": ordinal})).one()
    return made.id, made.ordinal


async def fingerprints(session: AsyncSession, panel_id: UUID) -> list[str]:
    """What the panel's drafts look like, for the scorer that recognises the same picture."""
    return list((await execute(session, _SISTERS, {"panel": panel_id})).scalars().all())


async def frame(session: AsyncSession, panel_id: UUID, value: str) -> None:
    """Write down how large a panel's picture is, as JSON."""
    await execute(session, _FRAME, {"panel": panel_id, "frame": value})
