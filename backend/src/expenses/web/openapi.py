"""What routes say of their refusals and links in the OpenAPI document."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from expenses.errors import (
    CrossOrigin,
    DatabaseUnavailable,
    ExpensesError,
    InsufficientScope,
    InvalidInput,
    NotLoggedIn,
    SessionNeeded,
    TooBusy,
)
from expenses.web.problems import Problem, status_of_type
from expenses.web.security.cookies import SESSION

Responses = dict[int | str, dict[str, Any]]

SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of a session, which may do everything that you may.",
    },
    "cookie": {"type": "apiKey", "in": "cookie", "name": SESSION},
}
_SESSIONS: list[dict[str, list[str]]] = [{"bearer": []}, {"cookie": []}]
_NOTHING = {"description": ""}

# Of errors whose sentence depends on what has happened.
_DETAILS = {
    "already-decided": "Ticket 1042 was already denied by Dana: not a business trip",
    "not-pending": "Ticket 1042 is withdrawn.",
    "payment-run-changed": "Payment run 2026-007 is paid.",
    "other-decimals": "12.50 JPY has more decimals than the currency. Change both.",
}
_VALUES = {
    "name": "Contoso ID",
    "run": "2026-007",
    "currency": "EUR",
    "id": 1042,
    "username": "Ada",
    "email": "ada@contoso.example",
    "names": "Ada, Ben",
    "minutes": 15,
    "number": 50,
    "scope": "decide",
}


def problems(*kinds: type[ExpensesError]) -> Responses:
    """Describe the refusals of a route that is open to everybody, for its `responses`."""
    found: Responses = {}
    always: tuple[type[ExpensesError], ...] = (TooBusy, DatabaseUnavailable)
    for kind in (*kinds, *always):
        _add(found, status_of_type(kind), kind.code, _example(kind))
    unexpected = "Something went wrong on our side. Please try again."
    _add(found, 500, "unexpected", _body(500, "unexpected", unexpected))
    return found


def read_problems(*kinds: type[ExpensesError]) -> Responses:
    """Describe the errors of a read, for a session or a token."""
    return problems(NotLoggedIn, InsufficientScope, *kinds)


def write_problems(*kinds: type[ExpensesError]) -> Responses:
    """Describe the errors of a write, by a session or a token."""
    return open_write_problems(NotLoggedIn, InsufficientScope, *kinds)


def session_read_problems(*kinds: type[ExpensesError]) -> Responses:
    """Describe the errors of a read that takes a session."""
    return problems(NotLoggedIn, SessionNeeded, *kinds)


def session_write_problems(*kinds: type[ExpensesError]) -> Responses:
    """Describe the errors of a write that takes a session."""
    return open_write_problems(NotLoggedIn, SessionNeeded, *kinds)


def open_write_problems(*kinds: type[ExpensesError]) -> Responses:
    """Describe the refusals of a change that everybody may make."""
    found = problems(*kinds, CrossOrigin)
    if InvalidInput in kinds:
        too_large = _body(413, "content-too-large", "Send at most 1 MB.")
        _add(found, 413, "content-too-large", too_large)
    return found


def with_links(found: Responses, status: int, *operations: str, **parameters: str) -> Responses:
    """Say which operations take a value of the answer; `ticket_id="id"` names its place."""
    places = {name: f"$response.body#/{place}" for name, place in parameters.items()}
    links = {name: {"operationId": name, "parameters": places} for name in operations}
    return found | {status: {"links": links}}


def describe(app: FastAPI, tags: list[dict[str, Any]]) -> None:
    """Add the schema of problems to the document, and the operations that need a session."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = {**schema.pop("$defs"), "Problem": schema}

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                routes=app.routes,
                tags=tags,
            )
            document["components"]["schemas"] |= schemas
            document["components"]["securitySchemes"] |= SECURITY_SCHEMES
            for path in document["paths"].values():
                for operation in path.values():
                    if (
                        NotLoggedIn.code
                        in operation["responses"].get("401", _NOTHING)["description"]
                    ):
                        # A route that tokens may use says so itself, with the scope.
                        operation["security"] = [*_SESSIONS, *operation.get("security", [])]
            app.openapi_schema = document
        return app.openapi_schema

    # As FastAPI's documentation shows, under "Extending OpenAPI".
    app.openapi = openapi  # type: ignore[method-assign]


def _add(found: Responses, status: int, code: str, example: dict[str, Any]) -> None:
    known = found.setdefault(
        status,
        {
            "description": "",
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {},
                }
            },
        },
    )
    known["description"] += f"{', ' if known['description'] else ''}`{code}`"
    known["content"]["application/problem+json"]["examples"][code] = {"value": example}


def _example(kind: type[ExpensesError]) -> dict[str, Any]:
    detail = _DETAILS.get(kind.code) or kind.template % _VALUES
    example = _body(status_of_type(kind), kind.code, detail)
    if issubclass(kind, InvalidInput):
        example["errors"] = [{"field": "amount", "message": "Use an amount above 0."}]
    return example


def _body(status: int, code: str, detail: str) -> dict[str, Any]:
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail}
