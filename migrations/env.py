"""Alembic's entry: which database, compared with which tables."""

import os

from alembic import context
from sqlalchemy import Connection, create_engine, pool, text
from sqlmodel import SQLModel

import models.tables  # noqa: F401  # fills the metadata
from engine.db.session import driver_url
from inkloom.database import NOTE, WORKS_FROM

# Any constant will do, as long as every version of the project uses the same one.
MIGRATION_LOCK = 7431640001
# A statement that waits for a table's lock makes everyone wait who comes after it, who only reads, too.
LOCK_TIMEOUT = "2s"


def say_who_works_with_it(*_: object, **__: object) -> None:
    """In the transaction of each revision, so that no moment is without it."""
    context.execute(text(f"COMMENT ON TABLE alembic_version IS '{NOTE}{WORKS_FROM}'"))


def run(connection: Connection) -> None:
    # Two processes that start at once migrate one after the other. The connection holds this lock, not a transaction:
    # each revision has its own, so that one that has to wait takes none back.
    connection.execute(text(f"SELECT pg_advisory_lock({MIGRATION_LOCK})"))
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        compare_type=True,
        transaction_per_migration=True,
        on_version_apply=say_who_works_with_it,
    )
    with context.begin_transaction():
        context.run_migrations()


# `init-db` hands the address over; alembic on its own finds it where everybody else does.
url: str = context.config.attributes.get("url") or os.environ["INKLOOM_DATABASE_URL"]
engine = create_engine(driver_url(url), poolclass=pool.NullPool)
with engine.connect() as connection:
    run(connection)
