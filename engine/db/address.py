"""The address of the database as libpq takes it: the same parts that the engine connects with, whatever its password
holds.
"""

from collections.abc import Mapping

from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo

from engine.db.session import driver_url


def variables() -> Mapping[str, str | None]:
    """The parameters that libpq knows, each with the environment variable that stands for it, if there is one."""
    return {one.keyword.decode(): one.envvar.decode() if one.envvar else None for one in Conninfo.get_defaults()}


def parameters(database_url: str) -> dict[str, str]:
    """The parts of an address, percent signs undone. What only the driver knows is left out.

    libpq reads addresses more strictly than SQLAlchemy: it refuses a space, or a percent sign that stands for itself.
    """
    url = driver_url(database_url)
    _, found = url.get_dialect()().create_connect_args(url)
    known = variables()
    return {name: str(value) for name, value in found.items() if name in known and value is not None}


def conninfo(database_url: str, *, database: str | None = None) -> str:
    """An address as libpq's `name='value'` pairs; another database of the same server, if one is named."""
    parts = parameters(database_url)
    if database is not None:
        parts["dbname"] = database
    return make_conninfo(**parts)
