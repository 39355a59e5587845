"""What a backup saves beside the rows: the pictures and files that they name; and how much there is of what people
count.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, literal, select, text, union
from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from models.ids import new_id
from models.tables import (
    Chapter,
    Export,
    Generation,
    Image,
    InstallationId,
    Page,
    Panel,
    Project,
    ProviderCall,
    Round,
    User,
)
from models.tables.columns import table

_IMAGES, _EXPORTS = table(Image), table(Export)
# Rows that people count.
_COUNTED = (User, Project, Chapter, Panel, Page, Generation, ProviderCall)

# Thumbnails are not among them: they are made again when they are asked for. Keys of the first versions may be named by
# several rows.
NAMED = union(*(select(one.c.key, one.c.sha256, one.c.bytes) for one in (_IMAGES, _EXPORTS))).order_by("key")
COUNTS = select(
    *(select(func.count()).select_from(table(one)).scalar_subquery().label(str(one.__tablename__)) for one in _COUNTED)
)
MIGRATED = select(func.to_regclass("alembic_version"))
REVISION = text("SELECT version_num FROM alembic_version")
MAJOR = select(func.current_setting(literal("server_version_num")))
# It stays open while the database is dumped: a limit on idle transactions must not end it.
SNAPSHOT = select(func.pg_export_snapshot(), func.set_config("idle_in_transaction_session_timeout", "0", True))

_INSTALLATION, _ROUNDS = table(InstallationId), table(Round)
_KNOWN = select(func.to_regclass(InstallationId.__tablename__))
_NAME = insert(_INSTALLATION).values(name="own", id=bindparam("id")).on_conflict_do_nothing()
_ID = select(_INSTALLATION.c.id)
# The round under which the gauges find the newest backup.
BACKUP = "backup"
_BACKED_UP = insert(_ROUNDS).values(name=BACKUP, count=1, at=bindparam("at"))
_BACKED_UP = _BACKED_UP.on_conflict_do_update(
    index_elements=[_ROUNDS.c.name],
    set_={"count": _ROUNDS.c.count + 1, "at": func.greatest(_ROUNDS.c.at, _BACKED_UP.excluded.at)},
)


async def installation(session: AsyncSession) -> UUID | None:
    """The ID of this installation, made if it has none; None before the migration that gives it one."""
    if (await execute(session, _KNOWN)).scalar_one() is None:
        return None
    await execute(session, _NAME, {"id": new_id()})
    return UUID(str((await execute(session, _ID)).scalar_one()))


async def backed_up(session: AsyncSession, at: datetime) -> None:
    """Record that a whole backup has all that was committed at that time."""
    await execute(session, _BACKED_UP, {"at": at})
