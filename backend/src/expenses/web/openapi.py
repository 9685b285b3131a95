"""What the OpenAPI document says beyond the routes themselves: refusals, log-in, links."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from expenses.errors import (
    CrossOrigin,
    DatabaseUnavailable,
    ExpensesError,
    InvalidInput,
    NotLoggedIn,
    TooBusy,
)
from expenses.web.problems import Problem, responses
from expenses.web.security.cookies import SESSION

METHODS = ("get", "post", "put", "patch", "delete")
TAGS = [
    {"name": "tickets", "description": "One purchase each: filing, reading, changing, deciding."},
    {"name": "employees", "description": "For employers: who they are, suspending them and back."},
    {"name": "users", "description": "Registering, logging in and out, and who one is."},
    {"name": "account", "description": "One's own name, password, mails, and sessions."},
    {"name": "health", "description": "For whoever watches the servers."},
]
SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The token of a session."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": SESSION},
}
TICKET = ("get_ticket", "edit_ticket", "withdraw_ticket", "ticket_history")
DECISIONS = ("approve_ticket", "deny_ticket", "reopen_ticket")
EMPLOYEE = ("get_employee", "suspend_employee", "reactivate_employee")

# By operation and status: where its answer leads, the parameter there, and where that stands.
LINKS = {
    ("create_ticket", "201"): ((*TICKET, *DECISIONS), "ticket_id", "$response.body#/id"),
    ("get_ticket", "200"): ((*TICKET, *DECISIONS), "ticket_id", "$response.body#/id"),
    ("edit_ticket", "200"): (TICKET, "ticket_id", "$response.body#/id"),
    ("approve_ticket", "200"): (("reopen_ticket",), "ticket_id", "$response.body#/id"),
    ("deny_ticket", "200"): (("reopen_ticket",), "ticket_id", "$response.body#/id"),
    ("reopen_ticket", "200"): (DECISIONS, "ticket_id", "$response.body#/id"),
    ("create_user", "201"): (EMPLOYEE, "employee_id", "$response.body#/user/id"),
    ("get_employee", "200"): (EMPLOYEE, "employee_id", "$response.body#/id"),
    ("suspend_employee", "200"): (("reactivate_employee",), "employee_id", "$response.body#/id"),
}


def describe(app: FastAPI) -> None:
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(generate())
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi_tags = TAGS
    app.openapi = openapi  # type: ignore[method-assign]


def _complete(document: dict[str, Any]) -> None:
    components = document["components"]
    components["securitySchemes"] = SECURITY_SCHEMES
    schemas = components["schemas"]
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    for method, operation in _operations(document):
        _add_problems(method, operation)
        if NotLoggedIn.code in operation["responses"].get("401", {}).get("description", ""):
            operation["security"] = [{"bearer": []}, {"cookie": []}]
        for status, answer in operation["responses"].items():
            link = LINKS.get((operation["operationId"], status))
            if link is not None:
                answer["links"] = _links(*link)


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in document["paths"].values():
        for method in METHODS:
            if method in path:
                yield method, path[method]


def _add_problems(method: str, operation: dict[str, Any]) -> None:
    """What any route may answer, in place of the framework's own words for it."""
    answers: dict[str, Any] = operation["responses"]
    if "HTTPValidationError" in str(answers.get("422")):
        del answers["422"]
    kinds: list[type[ExpensesError]] = [TooBusy, DatabaseUnavailable]
    if method != "get":
        kinds.append(CrossOrigin)
    if "parameters" in operation or "requestBody" in operation:
        kinds.append(InvalidInput)
    for status, answer in responses(*kinds).items():
        known = answers.setdefault(str(status), answer)
        if known is not answer and answer["description"] not in known["description"]:
            known["description"] += f", {answer['description']}"
            known_media = known["content"]["application/problem+json"]
            media = answer["content"]["application/problem+json"]
            known_media.setdefault("examples", {}).update(media["examples"])
    answers["500"] = _problem("unexpected", "Nobody has foreseen this; the log has the cause.", 500)
    if "requestBody" in operation:
        answers["413"] = _problem("content-too-large", "Send at most 1 MB.", 413)


def _problem(code: str, detail: str, status: int) -> dict[str, Any]:
    example = {"type": "about:blank", "status": status, "code": code, "detail": detail}
    return {
        "description": f"`{code}`",
        "content": {
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {code: {"value": example}},
            }
        },
    }


def _links(operations: tuple[str, ...], parameter: str, expression: str) -> dict[str, Any]:
    return {
        name: {"operationId": name, "parameters": {parameter: expression}} for name in operations
    }
