"""Enum and JSON columns: what comes out of rows, what may be stored, and how a stored value is changed."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import StatementError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Database, execute
from engine.store import rows
from models.options import GenerationKind, GenerationOptions, GenerationStatus
from models.story import Outfit, Profile
from models.tables import Character, Generation
from models.tables.columns import table
from tests.conftest import Order, Ordered

pytestmark = pytest.mark.integration

GENERATIONS, CHARACTERS = table(Generation), table(Character)
COAT = Profile(name="Mara", clothes="a coat", outfits=[Outfit(name="nightgown", clothes="a nightgown")])


async def character(database: Database, ordered: Ordered, profile: Profile | None) -> UUID:
    async with database.session() as session:
        row = Character(project_id=ordered.run.project_id, name="Mara", name_key="mara", profile=profile)
        session.add(row)
        return row.id


async def stored(session: AsyncSession, statement: str, row_id: UUID) -> Any:
    """What Postgres has, past the column types."""
    return (await execute(session, text(statement), {"id": row_id})).scalar_one()


async def profile_of(database: Database, ordered: Ordered, row_id: UUID) -> Profile | None:
    async with database.session() as session:
        return (await rows.get(session, ordered.scope, Character, row_id)).profile


async def test_values_come_out_typed_from_the_orm_and_from_core(database: Database, order: Order) -> None:
    ordered = await order()
    async with database.session() as session:
        generation = await rows.get(session, ordered.scope, Generation, ordered.run.generation_id)
        query = select(GENERATIONS.c.kind, GENERATIONS.c.status, GENERATIONS.c.options)
        row: Any = (await execute(session, query.where(GENERATIONS.c.id == generation.id))).one()
    assert (generation.kind, generation.status) == (GenerationKind.CHAPTER, GenerationStatus.REQUESTED)
    for kind, status, options in ((generation.kind, generation.status, generation.options), row):
        assert isinstance(kind, GenerationKind)
        assert isinstance(status, GenerationStatus)
        assert options == ordered.run.options
        assert isinstance(options, GenerationOptions)


async def test_an_enum_column_is_compared_with_members_and_strings(database: Database, order: Order) -> None:
    ordered = await order()
    mine = select(Generation.id).where(Generation.id == ordered.run.generation_id)
    async with database.session() as session:
        for value in (GenerationKind.CHAPTER, "chapter"):
            assert (await session.exec(mine.where(Generation.kind == value))).one()
        assert (await session.exec(mine.where(col(Generation.kind).in_(["scene"])))).first() is None


@pytest.mark.parametrize("profile", [COAT, Profile(name="Mara"), None])
async def test_a_value_makes_the_round_trip(database: Database, order: Order, profile: Profile | None) -> None:
    """None is stored as SQL's NULL, not as the JSON value null."""
    ordered = await order()
    row_id = await character(database, ordered, profile)
    assert await profile_of(database, ordered, row_id) == profile
    async with database.session() as session:
        absent = await stored(session, "SELECT profile IS NULL FROM characters WHERE id = :id", row_id)
    assert absent == (profile is None)


async def test_core_statements_write_values_too(database: Database, order: Order) -> None:
    ordered = await order()
    row_id = await character(database, ordered, None)
    async with database.session() as session:
        await session.exec(update(Character).where(col(Character.id) == row_id).values(profile=COAT))
    assert await profile_of(database, ordered, row_id) == COAT


async def test_a_value_is_changed_by_assigning_another(database: Database, order: Order) -> None:
    """What is changed in place is not written."""
    ordered = await order()
    row_id = await character(database, ordered, COAT)
    async with database.session() as session:
        row = await rows.get(session, ordered.scope, Character, row_id)
        assert row.profile is not None
        row.profile.outfits.clear()
        session.add(row)
    assert await profile_of(database, ordered, row_id) == COAT
    bare = COAT.model_copy(update={"outfits": []})
    async with database.session() as session:
        row = await rows.get(session, ordered.scope, Character, row_id)
        row.profile = bare
        session.add(row)
    assert await profile_of(database, ordered, row_id) == bare


async def test_only_the_model_is_stored(database: Database, order: Order) -> None:
    """A dict may hold anything: it is refused before it reaches the database."""
    ordered = await order()
    anything: Any = {"name": "Mara"}
    with pytest.raises(StatementError, match="expected Profile, got dict"):
        await character(database, ordered, anything)


@pytest.mark.parametrize(
    ("json", "profile"),
    [
        pytest.param('{"name": "Mara"}', Profile(name="Mara"), id="an older row: missing keys take their defaults"),
        pytest.param(
            '{"name": "Mara", "wings": 2, "outfits": [{"name": "a", "clothes": "b", "hat": "c"}]}',
            Profile(name="Mara", outfits=[Outfit(name="a", clothes="b")]),
            id="a newer row: unknown keys are ignored, nested ones too",
        ),
    ],
)
async def test_rows_of_other_versions_load(database: Database, order: Order, json: str, profile: Profile) -> None:
    ordered = await order()
    row_id = await character(database, ordered, None)
    async with database.session() as session:
        statement = "UPDATE characters SET profile = CAST(:json AS jsonb) WHERE id = :id"
        await execute(session, text(statement), {"json": json, "id": row_id})
    assert await profile_of(database, ordered, row_id) == profile
    async with database.session() as session:
        query = select(CHARACTERS.c.profile).where(CHARACTERS.c.id == row_id)
        assert (await execute(session, query)).scalar_one() == profile


async def test_options_of_an_older_version_load(database: Database, order: Order) -> None:
    """The empty object, which is the column's default, is all defaults."""
    ordered = await order()
    async with database.session() as session:
        statement = "UPDATE generations SET options = '{}'::jsonb WHERE id = :id"
        await execute(session, text(statement), {"id": ordered.run.generation_id})
    async with database.session() as session:
        generation = await rows.get(session, ordered.scope, Generation, ordered.run.generation_id)
    assert generation.options == GenerationOptions()
