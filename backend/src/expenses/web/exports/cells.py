"""What stands in a row of a spreadsheet."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

# Instants are in the time zone that they are to be shown in.
Cell = str | int | Decimal | date | datetime | None
Row = Sequence[Cell]
