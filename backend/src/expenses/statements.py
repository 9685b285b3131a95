"""Reads that nearly every request makes: compiled once, and sent straight to the driver.

Building a statement, looking it up among the compiled ones and wrapping its rows costs several
times what the driver needs for the same rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import CompoundSelect, Enum, Select
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.ext.asyncio import AsyncSession

from expenses.database import short_way_of

_DIALECT = dialect()  # type: ignore[no-untyped-call]


class Statement:
    """A SELECT whose values are all named: `bindparam("name")`."""

    def __init__(self, select: Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]) -> None:
        self._select = select
        compiled = select.compile(dialect=_DIALECT)
        self.sql = str(compiled)
        self._names: Sequence[str] = compiled.positiontup or ()
        self._fixed = compiled.params
        # The driver itself brings numbers, days, instants and arrays as they are wanted.
        self._enums = [
            (place, {None: None} | {str(member): member for member in column.type.python_type})
            for place, column in enumerate(select.selected_columns)
            if isinstance(column.type, Enum)
        ]

    async def rows(self, session: AsyncSession, /, **values: Any) -> Sequence[Sequence[Any]]:
        """Through a transaction's session as any other statement, else the short way."""
        fetch = short_way_of(session)
        if fetch is None:
            return (await session.execute(self._select, values)).all()
        found = await fetch(self.sql, *self.arguments(values))
        return [self._row(record) for record in found] if self._enums else found

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in the order in which the driver wants them."""
        given = {**self._fixed, **values}
        return [given[name] for name in self._names]

    def _row(self, record: Sequence[Any]) -> list[Any]:
        row = list(record)
        for place, members in self._enums:
            row[place] = members[row[place]]
        return row
