"""The standing instructions of a project."""

from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import StandingInstructions
from engine.db.session import execute
from models.tables import ProjectInstruction
from models.tables.columns import table

_ALL = table(ProjectInstruction)
# The instructions as a column of other statements, so that an activity reads all its input in one statement; those
# statements bind `project`.
COLUMN = (
    select(
        func.coalesce(
            func.jsonb_agg(aggregate_order_by(func.jsonb_build_array(_ALL.c.kind, _ALL.c.body), _ALL.c.position)),
            func.jsonb_build_array(),
            type_=JSONB,
        )
    )
    .where(_ALL.c.project_id == bindparam("project"))
    .scalar_subquery()
    .label("instructions")
)
# The instructions of a project alone.
_ALONE = select(COLUMN)


async def standing_instructions(session: AsyncSession, project_id: UUID) -> StandingInstructions:
    """The kind and the text of each instruction, the most important first."""
    rows = (await execute(session, _ALONE, {"project": project_id})).scalar_one()
    return [(kind, body) for kind, body in rows]
