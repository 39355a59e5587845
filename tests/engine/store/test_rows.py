"""What messages, columns and events call a table's rows."""

import pytest
from sqlmodel import SQLModel

from engine.db.session import Database
from engine.errors import Conflict
from engine.store import editing, rows
from engine.store.scope import Scope
from models.events import EventType
from models.instructions import InstructionKind
from models.tables import Chapter, ChapterVersion, ProjectInstruction
from tests.conftest import Order


@pytest.mark.unit
@pytest.mark.parametrize(
    ("model", "noun", "identifier"),
    [
        pytest.param(Chapter, "chapter", "chapter", id="one word"),
        pytest.param(ChapterVersion, "chapter version", "chapter_version", id="two words"),
        pytest.param(ProjectInstruction, "instruction", "instruction", id="a name of its own"),
    ],
)
def test_a_row_has_a_name_in_sentences_and_one_in_columns(model: type[SQLModel], noun: str, identifier: str) -> None:
    assert (rows.noun(model), rows.identifier(model)) == (noun, identifier)


@pytest.mark.unit
def test_every_announced_change_has_an_event() -> None:
    """A table whose rows users edit has an event type for each change."""
    for model, announced in editing.ANNOUNCED.items():
        assert EventType(f"{rows.identifier(model)}.changed")
        assert announced.column in model.model_fields


@pytest.mark.integration
async def test_a_conflict_names_the_row_and_who_changed_it(database: Database, order: Order) -> None:
    """Also where the class of the table is not what people call the row."""
    ordered = await order()
    scope = Scope(user_id=ordered.owner_id)
    async with database.session() as session:
        new = ProjectInstruction(
            project_id=ordered.run.project_id, position=0, kind=InstructionKind.DO, body="Rain in every scene."
        )
        added = await editing.add(session, scope, new)
    async with database.session() as session:
        await editing.change(session, scope, ProjectInstruction, added.id, 1, {"body": "Snow."})
    with pytest.raises(Conflict, match=r"^This instruction was changed in the meantime: ") as refused:
        async with database.session() as session:
            await editing.change(session, scope, ProjectInstruction, added.id, 1, {"body": "Sun."})
    assert refused.value.more["changed"]["user_id"] == str(ordered.owner_id)
