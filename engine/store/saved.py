"""What a backup saves beside the rows: the pictures and files that they name; and how much there is of what people
count.
"""

from sqlalchemy import func, literal, select, text, union

from models.tables import Chapter, Export, Generation, Image, Page, Panel, Project, ProviderCall, User
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
SNAPSHOT = select(func.pg_export_snapshot())
