"""Errors as responses: a table of statuses, a problem for programs, a page for people."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Match, Router

from expenses import errors
from expenses.errors import ExpensesError, InsufficientScope, InvalidInput, NotLoggedIn
from expenses.i18n.languages import gettext, sentence
from expenses.i18n.text import N_
from expenses.observability.logs import request_id
from expenses.tickets.queries import TicketView
from expenses.web.dependencies import is_safe, token_of
from expenses.web.pages.rendering import flash, render, return_path
from expenses.web.validation import sentences

logger = logging.getLogger(__name__)

# The nearest class in an error's ancestry counts.
_STATUS: dict[type[ExpensesError], int] = {
    errors.InvalidInput: 422,
    errors.NotLoggedIn: 401,
    errors.SessionNeeded: 403,
    errors.WrongPassword: 401,
    errors.Suspended: 403,
    errors.SecondFactorRequired: 403,
    errors.PasskeyRefused: 401,
    errors.LogInExpired: 410,
    errors.NotRegistered: 404,
    errors.SignInFailed: 401,
    errors.EmailNotVerified: 403,
    errors.IssuerUnavailable: 503,
    errors.RegistrationExpired: 410,
    errors.ResetExpired: 410,
    errors.InvitationExpired: 410,
    errors.ConfirmationExpired: 410,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooManyAttempts: 429,
    errors.TooBusy: 503,
    errors.DatabaseUnavailable: 503,
    errors.StorageUnavailable: 503,
    errors.ExpensesError: 500,
}


class FieldProblem(BaseModel):
    field: str = Field(examples=["amount"])
    message: str = Field(examples=["Use an amount above 0."])


class Problem(BaseModel):
    """A refusal as RFC 9457 describes it; `code` is stable, `detail` is for people."""

    type: str = "about:blank"
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    code: str = Field(examples=["already-decided"])
    detail: str = Field(examples=["Ticket 1042 was already denied by Dana: not a business trip"])
    errors: list[FieldProblem] | None = None
    request_id: str | None = None


def status_of(error: ExpensesError) -> int:
    return status_of_type(type(error))


def status_of_type(kind: type[ExpensesError]) -> int:
    return next(_STATUS[each] for each in kind.__mro__ if each in _STATUS)


def decision_json(ticket: TicketView) -> dict[str, Any] | None:
    """Return who decided a ticket, when and why; None while it is pending."""
    if ticket.decided_by_id is None or ticket.decided_at is None:
        return None
    return {
        "by": {"id": ticket.decided_by_id, "username": ticket.decided_by_username},
        "at": ticket.decided_at.isoformat(),
        "reason": ticket.decision_reason,
    }


def problem(error: ExpensesError) -> Response:
    """Render an error for a program."""
    body: dict[str, Any] = {"code": error.code, "detail": sentence(error)}
    if isinstance(error, InvalidInput):
        body["errors"] = [
            {"field": field, "message": gettext(message)} for field, message in error.fields.items()
        ]
    ticket = error.details.get("ticket")
    if ticket is not None:
        body["ticket_status"] = ticket.status
        body["decision"] = decision_json(ticket)
    return _problem_response(status_of(error), body, headers_of(error))


def headers_of(error: ExpensesError) -> dict[str, str]:
    """Return Retry-After where the wait is known, and what RFC 6750 says of a missing scope."""
    if isinstance(error, InsufficientScope):
        challenge = f'Bearer error="insufficient_scope", scope="{error.values["scope"]}"'
        return {"WWW-Authenticate": challenge}
    wait = error.details.get("retry_after")
    return {} if wait is None else {"Retry-After": str(wait)}


def refused(page: Response, error: ExpensesError) -> Response:
    """Give a page that says what is wrong the status and the headers of the error."""
    page.status_code = status_of(error)
    page.headers.update(headers_of(error))
    return page


def page(request: Request, error: ExpensesError) -> Response:
    """Render an error for a person."""
    if isinstance(error, NotLoggedIn):
        return _to_login(request)
    fields = error.fields if isinstance(error, InvalidInput) else {}
    return error_page(request, status_of(error), sentence(error), fields)


def error_page(
    request: Request, status: int, message: str, fields: Mapping[str, str] | None = None
) -> Response:
    """Render a page; `fields` are the messages of a form whose own page is not known here."""
    return render(
        request,
        "error.html",
        status_code=status,
        status=status,
        message=message,
        fields=fields or {},
        is_safe=is_safe(request),
        may_be_logged_in=token_of(request) is not None,
    )


async def respond(request: Request, error: Exception) -> Response:
    """Handle every error that a door lets through."""
    if isinstance(error, RequestValidationError):
        error = InvalidInput(sentences(error.errors(), for_program=is_for_program(request)))
    if isinstance(error, HTTPException) and error.status_code == 400:
        error = InvalidInput({"body": N_("The body cannot be read.")})
    if isinstance(error, HTTPException):
        return _framework_refusal(request, error)
    assert isinstance(error, ExpensesError)
    logger.info("Refused: %s", error.code)
    return problem(error) if is_for_program(request) else page(request, error)


def unexpected(request: Request) -> Response:
    """Answer 500 with the request id, under which the log has the cause."""
    message = N_("Something went wrong on our side. Please try again.")
    number = request_id.get()
    if is_for_program(request):
        body = {"code": "unexpected", "detail": gettext(message), "request_id": number}
        return _problem_response(500, body)
    return error_page(request, 500, message, {N_("Request ID"): number or ""})


def is_for_program(request: Request) -> bool:
    return request.url.path.startswith(("/api/", "/health", "/ready")) or (
        request.url.path == "/api"
    )


# Written out: the standard library renames its phrases from version to version.
_FRAMEWORK_CODES = {404: "not-found", 405: "method-not-allowed", 413: "content-too-large"}


def _problem_response(
    status: int, body: dict[str, Any], headers: dict[str, str] | None = None
) -> Response:
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status} | body
    headers = dict(headers or {})
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def _framework_refusal(request: Request, error: HTTPException) -> Response:
    """Answer what the framework refuses: unknown paths and methods."""
    detail = errors.NotFound.template if error.status_code == 404 else f"{error.detail}."
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods_of(request))
    if not is_for_program(request):
        page = error_page(request, error.status_code, detail)
        page.headers.update(headers)
        return page
    code = _FRAMEWORK_CODES.get(error.status_code, "refused")
    return _problem_response(error.status_code, {"code": code, "detail": gettext(detail)}, headers)


def _methods_of(request: Request) -> list[str]:
    """List the methods of an address; the framework names those of its first route only."""
    router: Router = request.app.router
    return [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in router.routes
        )
    ]


def _to_login(request: Request) -> Response:
    """Redirect to the login page, and from there back."""
    if request.session.pop("token", None):
        flash(request, gettext("Your session has ended. Log in again to continue."), "warning")
    target = f"/login?next={quote(return_path(request))}"
    return RedirectResponse(target, status_code=303)
