"""Statements that nearly every request makes: compiled once, and sent straight to the driver.

Building a statement, looking it up among the compiled ones and wrapping its rows costs several
times what the driver needs for the same rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import CompoundSelect, Enum, Insert, Select, Update
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.ext.asyncio import AsyncSession

from expenses.database.engine import short_way_of
from expenses.database.transactions import begin

_DIALECT = dialect(  # type: ignore[no-untyped-call]
    json_serializer=lambda value: orjson.dumps(value).decode()
)

Kind = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]] | Insert | Update


class Statement:
    """One whose values are all named: by `bindparam("name")`, or, of an INSERT, by `columns`.

    `is_planned_anew` is for reads, outside of transactions, of which some values ask for another
    plan than others.
    """

    def __init__(
        self,
        statement: Kind,
        columns: Sequence[str] | None = None,
        *,
        is_planned_anew: bool = False,
    ) -> None:
        compiled = statement.compile(dialect=_DIALECT, column_keys=columns)
        self.sql = str(compiled)
        self._is_planned_anew = is_planned_anew
        self._names: Sequence[str] = compiled.positiontup or ()
        self._fixed = compiled.params
        written = {
            name: value.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
            for value, name in compiled.bind_names.items()
        }
        self._written = {name: write for name, write in written.items() if write is not None}
        # The driver itself brings numbers, days, instants and arrays as they are wanted.
        self._enums = [
            (place, {None: None} | {str(member): member for member in column.type.python_type})
            for place, column in enumerate(statement.exported_columns)
            if isinstance(column.type, Enum)
        ]

    async def rows(self, session: AsyncSession, /, **values: Any) -> Sequence[Sequence[Any]]:
        """What comes back, if anything; after what the session still has to write."""
        if session.in_transaction() and (session.new or session.dirty or session.deleted):
            await session.flush()
        fetch = short_way_of(session, is_planned_anew=self._is_planned_anew)
        if fetch is None:
            fetch = await begin(session)
        found = await fetch(self.sql, *self.arguments(values))
        return [self._row(record) for record in found] if self._enums else found

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in the order, and written in the way, in which the driver wants them."""
        given = {**self._fixed, **values}
        for name, write in self._written.items():
            given[name] = write(given[name])
        return [given[name] for name in self._names]

    def _row(self, record: Sequence[Any]) -> list[Any]:
        row = list(record)
        for place, members in self._enums:
            row[place] = members[row[place]]
        return row
