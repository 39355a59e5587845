"""The standing instructions of a project."""

from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import House
from engine.db.session import execute
from models.tables import ProjectInstruction
from models.tables.columns import table

_ALL = table(ProjectInstruction)
# As a column of other statements, so that what every activity asks stays one statement; `project` is bound there.
HOUSE = (
    select(
        func.coalesce(
            func.jsonb_agg(aggregate_order_by(func.jsonb_build_array(_ALL.c.kind, _ALL.c.body), _ALL.c.position)),
            func.jsonb_build_array(),
            type_=JSONB,
        )
    )
    .where(_ALL.c.project_id == bindparam("project"))
    .scalar_subquery()
    .label("house")
)
_ALONE = select(HOUSE)


async def house_of(session: AsyncSession, project_id: UUID) -> House:
    """What kind each is of and what it says, the most important first."""
    found = (await execute(session, _ALONE, {"project": project_id})).scalar_one()
    return [(kind, body) for kind, body in found]
