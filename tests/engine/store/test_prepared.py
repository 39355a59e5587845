"""Prepared statements: their rows have the columns of the statement, in its order."""

from importlib import import_module
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Select
from sqlmodel import col, update

import engine.store
from engine.db.session import Database, Prepared
from engine.digest import digest
from engine.store import rows, translations
from models.tables import Chapter
from models.translation import TitleIn
from tests.conftest import Order

FOLDER = Path(engine.store.__path__[0])
STATEMENTS = {
    f"{path.stem}.{name}": statement
    for path in sorted(FOLDER.glob("*.py"))
    for name, statement in vars(import_module(f"engine.store.{path.stem}")).items()
    if isinstance(statement, Prepared)
}


@pytest.mark.unit
@pytest.mark.parametrize("name", list(STATEMENTS))
def test_a_row_has_as_many_fields_as_its_statement_has_columns(name: str) -> None:
    """And the same names, where the statement's columns have names of their own."""
    statement, fields = STATEMENTS[name].statement, STATEMENTS[name].row._fields
    if not isinstance(statement, Select):
        return
    # A subquery has no name.
    columns = [getattr(getattr(column, "element", column), "name", "") for column in statement.selected_columns]
    assert len(columns) == len(fields)
    # `draft_id` is clearer than `selected_draft_id` where only one draft is meant.
    named = [(column, field) for column, field in zip(columns, fields, strict=True) if column in fields]
    assert all(column == field for column, field in named)


@pytest.mark.integration
async def test_a_writer_does_not_replace_a_title_that_a_person_translated(database: Database, order: Order) -> None:
    ordered = await order()

    async def titles() -> dict[str, str]:
        async with database.session() as session:
            chapter = await rows.get(session, ordered.scope, Chapter, chapter_id)
            return {language: title["text"] for language, title in chapter.titles.items()}

    chapter_id: UUID = ordered.run.chapter_id
    mine = TitleIn(text="Zwei", made_from=digest("Two"), manual=True)
    async with database.session() as session:
        own = update(Chapter).where(col(Chapter.id) == chapter_id)
        await session.exec(own.values(titles={"de": mine.model_dump(mode="json")}))
        for language in ("de", "fr"):
            theirs = TitleIn(text="Deux", made_from=digest("Two"))
            await translations.store_title(session, chapter_id, language, theirs)
    assert await titles() == {"de": "Zwei", "fr": "Deux"}
