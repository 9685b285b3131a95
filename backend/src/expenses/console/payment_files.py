"""What comes out of a payment run: the file for the bank, and a statement for each employee."""

from sqladmin import BaseView, expose
from starlette.requests import Request
from starlette.responses import Response

from expenses.console.authentication import user_of, writing
from expenses.errors import Conflict, NotFound, OwnTicket, RunChanged
from expenses.i18n.languages import sentence
from expenses.payments.files import FileKind, make_file, preview_file
from expenses.payments.statements import statement_of
from expenses.web.dependencies import database_of, settings_of
from expenses.web.exports.payments import bank_file, download
from expenses.web.pages.rendering import render
from expenses.web.pages.statement import statement_page
from expenses.web.problems import status_of


class PaymentFileView(BaseView):
    name = "Bank file"

    def is_visible(self, request: Request) -> bool:  # noqa: ARG002
        return False

    @expose("/payments/{run_id:int}/file", methods=["GET"], identity="payment-file")
    async def preview(self, request: Request) -> Response:
        return await _page(request)

    @expose("/payments/{run_id:int}/file/{kind}", methods=["POST"], identity="make-payment-file")
    async def make(self, request: Request) -> Response:
        """Not a GET: who has had the file is in the history."""
        kind, settings = request.path_params["kind"], settings_of(request)
        if kind not in list(FileKind):
            raise NotFound()
        try:
            async with writing(request) as connection:
                made = await make_file(
                    connection,
                    request.path_params["run_id"],
                    FileKind(kind),
                    actor=user_of(request),
                    settings=settings,
                )
        except RunChanged:
            raise
        except (Conflict, OwnTicket) as error:
            return await _page(request, status_of(error), refusal=sentence(error))
        return download(bank_file(made, settings))

    @expose(
        "/payments/{run_id:int}/statement/{employee_id:int}",
        methods=["GET"],
        identity="payment-statement",
    )
    async def statement(self, request: Request) -> Response:
        run_id, employee_id = request.path_params["run_id"], request.path_params["employee_id"]
        async with database_of(request).reading() as connection:
            statement = await statement_of(connection, run_id, employee_id, actor=user_of(request))
        return statement_page(
            request,
            statement,
            back=f"/admin/payments/{run_id}",
            ticket_address="/admin/ticket/details",
        )


async def _page(
    request: Request, status_code: int = 200, *, refusal: str | None = None
) -> Response:
    settings = settings_of(request)
    async with database_of(request).reading() as connection:
        file = await preview_file(
            connection, request.path_params["run_id"], actor=user_of(request), settings=settings
        )
    return render(
        request,
        "console/payment_file.html",
        status_code=status_code,
        file=file,
        run=file.run,
        refusal=refusal,
        has_account=settings.company_iban is not None,
    )
