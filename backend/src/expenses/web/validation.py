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
    "literal_error": N_("Choose one of: %(expected)s."),
    "bool_parsing": N_("Use true or false."),
    "bool_type": N_("Use true or false."),
    "int_parsing": N_("Use a whole number."),
    "int_parsing_size": N_("Use a smaller number."),
    "int_type": N_("Use a whole number."),
    "int_from_float": N_("Use a whole number."),
    "list_type": N_("Use a list."),
    "string_type": N_("Use text."),
    "string_pattern_mismatch": N_("This value cannot be read."),
    "datetime_from_date_parsing": N_("Use a time such as 2026-11-23T10:00:00Z."),
    "datetime_parsing": N_("Use a time such as 2026-11-23T10:00:00Z."),
    "datetime_type": N_("Use a time such as 2026-11-23T10:00:00Z."),
    "timezone_aware": N_("Use a time such as 2026-11-23T10:00:00Z."),
    "date_from_datetime_parsing": N_("Use a date such as 2026-11-23."),
    "date_parsing": N_("Use a date such as 2026-11-23."),
    "date_type": N_("Use a date such as 2026-11-23."),
    "json_invalid": N_("The body is not valid JSON."),
    "model_attributes_type": N_("Send a JSON object, with Content-Type: application/json."),
}
_NO_EMAIL = "value is not a valid email address"
_EMAIL = N_("Use an e-mail address such as ada@contoso.example.")
# A person chooses from words, and knows nothing of the values behind them.
_FOR_PEOPLE = dict.fromkeys(("enum", "literal_error"), N_("Choose one of the options."))


def parse(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Raises `InvalidInput` that names every wrong field at once."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(sentences(error.errors(), for_program=False)) from None


def sentences(problems: Sequence[Any], *, for_program: bool) -> dict[str, str]:
    """Turn pydantic's errors into one sentence a field; positions in lists follow a dot."""
    known = _SENTENCES if for_program else _SENTENCES | _FOR_PEOPLE
    result: dict[str, str] = {}
    for problem in problems:
        # Where JSON is broken, the location is a position in the text.
        location = problem["loc"] if problem["type"] != "json_invalid" else ()
        result.setdefault(_field(location), _sentence(problem, known))
    return result


def _field(location: Sequence[str | int]) -> str:
    if location and location[0] in {"body", "query", "path", "header"}:
        location = location[1:]
    return ".".join(str(part) for part in location) or "body"


def _sentence(problem: Mapping[str, Any], known: Mapping[str, str]) -> str:
    kind = problem["type"]
    if kind == "value_error":
        # Only what follows the prefix was written for people. E-mails are checked by a library.
        message = str(problem["msg"]).removeprefix("Value error, ")
        return gettext(_EMAIL if message.startswith(_NO_EMAIL) else message)
    if kind in {"too_long", "too_short"} and isinstance(problem.get("input"), str):
        # A text that was tidied up before it was measured.
        kind = f"string_{kind}"
    if kind not in known:
        return f"{problem['msg']}."
    return str(gettext(known[kind]) % problem.get("ctx", {})).replace("'", "")
