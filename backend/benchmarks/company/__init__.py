"""A made-up company of any size: the values that its SQL calls `:name`."""

import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
# Made by one random seed: two companies of the same size, made on the same day, are equal.
SEED = 0.20261123
YEARS = 5
TICKETS_PER_EMPLOYEE = 200
# Of all currencies together.
TICKETS_PER_RUN = 200
EMPLOYEES_PER_EMPLOYER = 100
MIN_EMPLOYERS = 3
PASSWORD = "measured-2026"  # noqa: S105, of people who do not exist

# One ticket in thirty has the common word, RARE_WORD_TICKETS have the rare one, none the last.
COMMON_WORD, RARE_WORD, MISSING_WORD = "Taxi", "Halcyon", "zeppelin"
RARE_WORD_TICKETS = 200
# One of those in the vocabulary.
MERCHANT = "Fourth Coffee"


def parameters(size: int, password_hash: str, now: datetime) -> dict[str, Any]:
    """`now` is when the last tickets were decided."""
    vocabulary = tomllib.loads((FOLDER / "vocabulary.toml").read_text("utf-8"))
    employees = max(1, size // TICKETS_PER_EMPLOYEE)
    yesterday = now.astimezone(UTC).date() - timedelta(days=1)
    run_every = timedelta(days=YEARS * 365) * TICKETS_PER_RUN / size
    days = [yesterday - timedelta(days=number) for number in reversed(range(YEARS * 365))]
    return vocabulary | {
        "size": size,
        "employees": employees,
        "employers": max(MIN_EMPLOYERS, employees // EMPLOYEES_PER_EMPLOYER),
        "password_hash": password_hash,
        "now": now,
        "days": [day for day in days if day.weekday() < 5],
        "currencies": _repeated(vocabulary["currencies"]),
        "categories": _repeated(vocabulary["categories"]),
        "medians": json.dumps(vocabulary["medians"]),
        "purchases": json.dumps(vocabulary["purchases"]),
        "run_every": run_every,
        # The last tickets are approved in the middle of what one run pays.
        "runs_from": now + run_every / 2,
        "run_delay": run_every + timedelta(days=28),
        "rare_word": f" ({RARE_WORD})",
        "rare_word_every": max(1, size // RARE_WORD_TICKETS),
    }


def _repeated(percents: dict[str, int]) -> list[str]:
    return [name for name, percent in percents.items() for _ in range(percent)]
