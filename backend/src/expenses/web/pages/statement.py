"""The page of a statement, for employers and for the employee whose it is."""

from starlette.requests import Request
from starlette.responses import Response

from expenses.payments.statements import Statement
from expenses.web.dependencies import settings_of
from expenses.web.pages.rendering import render


def statement_page(
    request: Request, statement: Statement, *, back: str, ticket_address: str
) -> Response:
    return render(
        request,
        "statement.html",
        statement=statement,
        company=settings_of(request).company,
        back=back,
        ticket_address=ticket_address,
    )
