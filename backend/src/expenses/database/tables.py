"""What every table is declared with."""

from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    DateTime,
    Enum,
    MetaData,
    Table,
    Text,
    literal,
    literal_column,
)
from sqlalchemy.orm import DeclarativeBase

from expenses.errors import NotFound

MAX_ID = 2**63 - 1


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True), str: Text}
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def ensure_possible(*ids: int) -> None:
    """Raises `NotFound` for a number that no row can have, and that the database would refuse."""
    if not all(0 < number <= MAX_ID for number in ids):
        raise NotFound()


def stored_as_text(members: type[StrEnum], name: str) -> Enum:
    """A text column with a CHECK, so that a new member needs no change of a database type."""
    return Enum(
        members,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=20,
        values_callable=lambda enum: [member.value for member in enum],
    )


def table_of(model: type[Base]) -> Table:
    """Return the table of a model: statements that name its columns cost half as much to build."""
    return cast(Table, model.__table__)


def constant(value: int | StrEnum) -> ColumnElement[Any]:
    """Write a value into the statement itself, so that PostgreSQL plans for it.

    A limit or a status that is sent along is unknown to a plan that serves all values.
    """
    return literal_column(str(value) if isinstance(value, int) else f"'{value}'")


def constant_text(text: str) -> BindParameter[str]:
    """Write a text into the statement, quoted: its plan depends on how frequent a word is."""
    return literal(text, literal_execute=True)
