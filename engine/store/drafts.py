"""The drafts of a panel: which of them still match the request, and in which slot a new one is drawn.

A draft is never replaced. Its slot numbers the drafts of one request: generations fill the first slots, a redraw takes
the next one after all existing slots.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import Inputs, changed_picture
from engine.db.session import Prepared, execute
from engine.verdict import decide
from models.tables import Draft, Panel
from models.tables.columns import table
from models.tables.story import DraftOrigin

_DRAFTS, _PANELS = table(Draft), table(Panel)


class DraftColumns(Protocol):
    """The columns of a draft that say whether it matches a request."""

    @property
    def id(self) -> UUID: ...
    @property
    def slot(self) -> int: ...
    @property
    def provider(self) -> str: ...
    @property
    def basis(self) -> Mapping[str, str]: ...
    @property
    def origin(self) -> DraftOrigin: ...
    @property
    def generation_id(self) -> UUID | None: ...
    @property
    def rejected_at(self) -> datetime | None: ...


class _DraftRow(NamedTuple):
    id: UUID
    slot: int
    provider: str
    basis: Mapping[str, str]
    origin: DraftOrigin
    generation_id: UUID | None
    rejected_at: datetime | None


class _Numbers(NamedTuple):
    ordinal: int
    slot: int


class _Added(NamedTuple):
    id: UUID
    ordinal: int


# A panel's drafts in the order in which they were drawn.
_OF_PANEL = Prepared(
    select(*(_DRAFTS.c[name] for name in _DraftRow._fields))
    .where(_DRAFTS.c.panel_id == bindparam("panel"))
    .order_by(_DRAFTS.c.ordinal),
    _DraftRow,
)
# The draft of one request in one slot.
_THERE = select(_DRAFTS.c.id).where(
    _DRAFTS.c.panel_id == bindparam("panel"),
    _DRAFTS.c.made_from == bindparam("made_from"),
    _DRAFTS.c.slot == bindparam("slot"),
)
# The fingerprints of a panel's drafts.
_SISTERS = select(_DRAFTS.c.scores["fingerprint"].astext).where(
    _DRAFTS.c.panel_id == bindparam("panel"), _DRAFTS.c.scores["fingerprint"].astext.is_not(None)
)
# Locks a panel.
_LOCK = select(_PANELS.c.id).where(_PANELS.c.id == bindparam("panel")).with_for_update()
# The next ordinal and the next free slot of a panel.
_NEXT = Prepared(
    select(
        func.coalesce(func.max(_DRAFTS.c.ordinal), 0) + 1,
        func.coalesce(func.max(_DRAFTS.c.slot), 0) + 1,
    ).where(_DRAFTS.c.panel_id == bindparam("panel")),
    _Numbers,
)
_NEW = insert(_DRAFTS)
# Adds a draft. An existing row is touched, so that RETURNING has it too.
_ADD = Prepared(
    _NEW.on_conflict_do_update(
        index_elements=[_DRAFTS.c.panel_id, _DRAFTS.c.made_from, _DRAFTS.c.slot], set_={"slot": _NEW.excluded.slot}
    ).returning(_DRAFTS.c.id, _DRAFTS.c.ordinal),
    _Added,
)
# Writes the size of a panel's picture.
_FRAME = update(_PANELS).where(_PANELS.c.id == bindparam("panel")).values(frame=bindparam("to_frame", type_=JSONB))


@dataclass(frozen=True)
class Standing:
    """A draft as the next generation sees it.

    `fresh`: made from the present inputs. `brought`: uploaded. `mine`: drawn by the generation itself.
    """

    id: UUID
    slot: int
    fresh: bool
    rejected: bool
    brought: bool
    mine: bool


async def previous_drafts(
    session: AsyncSession, panel_id: UUID, inputs: Inputs, ordered: str, generation_id: UUID | None = None
) -> list[Standing]:
    """A panel's drafts in the order of drawing.

    `ordered` is the provider of the requested artist. Drafts that the generation itself has drawn do not count as
    previous drafts: an activity that runs twice finds the same slots.
    """
    rows = await _OF_PANEL.all(session, panel=panel_id)
    return [standing_of(row, inputs, ordered, generation_id) for row in rows]


def standing_of(row: DraftColumns, inputs: Inputs, ordered: str, generation_id: UUID | None = None) -> Standing:
    """Compare a draft with the present request."""
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
    """The inputs that differ from those that the draft was made from."""
    return changed_picture(row.basis, inputs, row.provider, ordered)


def counting_drafts(drafts: Sequence[Standing], selected: UUID | None, many: int) -> list[Standing]:
    """The previous drafts that count towards the `many` of a generation, as many as are needed.

    A selected uploaded draft suffices alone. Rejected drafts are not drawn again as long as another draft is left to
    show.
    """
    for draft in drafts:
        if draft.id == selected and draft.brought:
            return [draft] * many
    fresh = [draft for draft in drafts if draft.fresh and not draft.mine and not draft.brought]
    if all(draft.rejected for draft in fresh):
        return []
    # The selected draft first: a generation with fewer drafts keeps it.
    return sorted(fresh, key=lambda draft: draft.id != selected)[:many]


def draft_or_slot(drafts: Sequence[Standing], selected: UUID | None, number: int, many: int) -> UUID | int:
    """For the `number`-th of `many` drafts an existing draft, or the slot in which to draw a new one."""
    counted = counting_drafts(drafts, selected, many)
    missing = many - len(counted)
    if number > missing:
        return counted[number - missing - 1].id
    taken = {draft.slot for draft in drafts if draft.fresh and not (draft.mine or draft.brought)}
    free = (slot for slot in count(1) if slot not in taken)
    return [next(free) for _ in range(number)][-1]


async def draft_in_slot(session: AsyncSession, panel_id: UUID, made_from: str, slot: int) -> UUID | None:
    """The draft of exactly this request in this slot."""
    found = await execute(session, _THERE, {"panel": panel_id, "made_from": made_from, "slot": slot})
    draft_id: UUID | None = found.scalar_one_or_none()
    return draft_id


async def lock_panel(session: AsyncSession, panel_id: UUID) -> None:
    """Lock the panel, before the generation and the project, which `emit` locks: all code keeps this order."""
    await execute(session, _LOCK, {"panel": panel_id})


async def next_numbers(session: AsyncSession, panel_id: UUID) -> tuple[int, int]:
    """The next ordinal and the next free slot of a locked panel."""
    return await _NEXT.one(session, panel=panel_id)


async def add(session: AsyncSession, values: Mapping[str, Any]) -> tuple[UUID, int]:
    """Add a draft to a locked panel, or find it if it was drawn before. Returns its id and its ordinal."""
    ordinal, _ = await next_numbers(session, values["panel_id"])
    return await _ADD.one(session, **{**values, "ordinal": ordinal})


async def fingerprints(session: AsyncSession, panel_id: UUID) -> list[str]:
    """The fingerprints of the panel's drafts, for the scorer that recognises identical pictures."""
    return list((await execute(session, _SISTERS, {"panel": panel_id})).scalars().all())


async def store_frame(session: AsyncSession, panel_id: UUID, size: Mapping[str, Any]) -> None:
    """Store the size of a panel's picture, and the digest of the inputs that determined it."""
    await execute(session, _FRAME, {"panel": panel_id, "to_frame": size})
