"""Column shapes shared by the tables."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import (
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, SQLModel

from models.ids import new_id

# Named constraints: a migration can drop them by name, and an error message says which rule was broken.
SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention


# JSON that may be absent: None is SQL's NULL, not the JSON value null, so that IS NULL and checks see it.
ABSENT_JSON: Any = JSONB(none_as_null=True)


EnumT = TypeVar("EnumT", bound=StrEnum)


class StrEnumType(TypeDecorator[EnumT]):
    """Text of at most `length` characters that comes out of rows as a member of the enum.

    `one_of` restricts the values in the database, so the column may be compared with any string.
    """

    impl = String
    cache_ok = True

    def __init__(self, values: type[EnumT], length: int) -> None:
        super().__init__(length)
        self.values = values

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> EnumT | None:
        return None if value is None else self.values(value)


ModelT = TypeVar("ModelT", bound=BaseModel)


class PydanticJson(TypeDecorator[ModelT]):
    """JSON that comes out of rows as a pydantic model. None is SQL's NULL.

    A row may be older or newer than the model: unknown keys are ignored, missing keys take their defaults.
    To change a value, assign another one: a change in place is not written.
    """

    impl = JSONB
    cache_ok = True

    def __init__(self, model: type[ModelT]) -> None:
        super().__init__(none_as_null=True)
        self.model = model

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        # The other side of a JSON operator is a key or a path, not a model.
        return self.impl_instance.coerce_compared_value(op, value)

    def process_bind_param(self, value: ModelT | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if not isinstance(value, self.model):
            raise TypeError(f"expected {self.model.__name__}, got {type(value).__name__}")
        return value.model_dump(mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> ModelT | None:
        return None if value is None else self.model.model_validate(value, extra="ignore")


class Row(SQLModel):
    """A time-ordered id, and the time when the row was created."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    created_at: datetime | None = Field(
        default=None,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": func.now(), "nullable": False},
    )


def table(model: type[SQLModel]) -> Table:
    """The plain table behind a model, for statements that `engine.db.session.execute` runs."""
    plain: Table = model.__table__  # type: ignore[attr-defined]  # set by SQLAlchemy, unknown to SQLModel's types
    return plain


def json_list(description: str = "") -> Any:
    """A JSON array, empty by default."""
    return Field(
        default_factory=list,
        sa_type=JSONB,
        sa_column_kwargs={"server_default": text("'[]'::jsonb"), "nullable": False},
        description=description,
    )


def json_model(model: type[BaseModel], description: str = "") -> Any:
    """A JSON object that is a pydantic model, all defaults by default."""
    return Field(
        default_factory=model,
        sa_type=PydanticJson(model),
        sa_column_kwargs={"server_default": text("'{}'::jsonb"), "nullable": False},
        description=description,
    )


def json_object(description: str = "") -> Any:
    """A JSON object, empty by default."""
    return Field(
        default_factory=dict,
        sa_type=JSONB,
        sa_column_kwargs={"server_default": text("'{}'::jsonb"), "nullable": False},
        description=description,
    )


def moment(description: str = "") -> Any:
    """A point in time, null until it is reached."""
    return Field(default=None, sa_type=DateTime(timezone=True), description=description)


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """A check constraint: the column holds one of `values`."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def within_project(column: str, parent: str, ondelete: str = "CASCADE") -> ForeignKeyConstraint:
    """A reference that cannot leave its project: the pair (project_id, id) must exist in the parent."""
    nulled = f"SET NULL ({column})" if ondelete == "SET NULL" else ondelete
    return ForeignKeyConstraint(["project_id", column], [f"{parent}.project_id", f"{parent}.id"], ondelete=nulled)


def held(column: str, parent: str) -> ForeignKeyConstraint:
    """A reference that protects its target from deletion. Checked at commit, so that deleting the whole project still
    works.
    """
    return ForeignKeyConstraint(
        ["project_id", column], [f"{parent}.project_id", f"{parent}.id"], deferrable=True, initially="DEFERRED"
    )


def scoped() -> UniqueConstraint:
    """The target of `within_project`, and the index of keyset pages within a project."""
    return UniqueConstraint("project_id", "id")


def ordered(within: str) -> UniqueConstraint:
    """Unique positions within a parent, checked at commit so that a reorder may pass through duplicates."""
    return UniqueConstraint(within, "position", deferrable=True, initially="DEFERRED")
