"""The statement of what an employee got in a payment run."""

from fastapi import APIRouter, Request, Response

from expenses.payments.statements import statement_of
from expenses.web.dependencies import ConnectionDependency, CurrentUserDependency
from expenses.web.pages.statement import statement_page

router = APIRouter(prefix="/tickets/payments")


@router.get("/{run_id:int}")
async def payment_statement(
    request: Request, run_id: int, user: CurrentUserDependency, connection: ConnectionDependency
) -> Response:
    statement = await statement_of(connection, run_id, user.id, actor=user)
    return statement_page(
        request, statement, back="/tickets?status=paid", ticket_address="/tickets"
    )
