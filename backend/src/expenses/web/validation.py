"""Checking input with pydantic, with a sentence for each wrong field."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from expenses.errors import InvalidInput
from expenses.i18n.languages import gettext
from expenses.i18n.text import N_

Model = TypeVar("Model", bound=BaseModel)

# By pydantic's error type. Types that are missing here keep pydantic's own words.
_SENTENCES = {
    "missing": N_("Required."),
    "extra_forbidden": N_("This field is unknown."),
    "string_too_short": N_("Required."),
    "string_too_long": N_("Use at most %(max_length)s characters."),
    "too_short": N_("Required."),
    "too_long": N_("Use at most %(max_length)s."),
    "greater_than": N_("Use an amount above %(gt)s."),
    "less_than_equal": N_("Use at most %(le)s."),
    "greater_than_equal": N_("Use at least %(ge)s."),
    "decimal_parsing": N_("Use a number such as 12.50."),
    "decimal_type": N_("Use a number such as 12.50."),
    "decimal_max_places": N_("Use at most %(decimal_places)s decimals."),
    "finite_number": N_("Use a number such as 12.50."),
    "enum": N_("Choose one of: %(expected)s."),
    "date_from_datetime_parsing": N_("Use a date such as 2026-11-23."),
    "date_parsing": N_("Use a date such as 2026-11-23."),
    "date_type": N_("Use a date such as 2026-11-23."),
    "json_invalid": N_("The body is not valid JSON."),
    "model_attributes_type": N_("Send a JSON object, with Content-Type: application/json."),
}


def parse(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Raises `InvalidInput` that names every wrong field at once."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(sentences(error.errors())) from None


def sentences(problems: Sequence[Any]) -> dict[str, str]:
    """Turn pydantic's errors into one sentence a field; positions in lists follow a dot."""
    result: dict[str, str] = {}
    for problem in problems:
        # Where JSON is broken, the location is a position in the text.
        location = problem["loc"] if problem["type"] != "json_invalid" else ()
        result.setdefault(_field(location), _sentence(problem))
    return result


def _field(location: Sequence[str | int]) -> str:
    if location and location[0] in {"body", "query", "path", "header"}:
        location = location[1:]
    return ".".join(str(part) for part in location) or "body"


def _sentence(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "value_error":
        # Only what follows the prefix was written for people.
        return str(problem["msg"]).removeprefix("Value error, ")
    kind = problem["type"]
    if kind in {"too_long", "too_short"} and isinstance(problem.get("input"), str):
        # A text that was tidied up before it was measured.
        kind = f"string_{kind}"
    known = _SENTENCES.get(kind)
    if known is None:
        return f"{problem['msg']}."
    return str(gettext(known) % problem.get("ctx", {})).replace("'", "")
