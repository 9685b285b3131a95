"""The bank's answer to a payment run: checked first, then what it paid is marked as paid."""

import asyncio
import csv
from collections.abc import Sequence
from io import StringIO

from sqladmin import BaseView, expose
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.authentication import user_of, writing
from expenses.errors import Conflict, InvalidInput, OwnTicket
from expenses.i18n.languages import ngettext, sentence
from expenses.payments.answers import Answer, mark_as_paid, match_answer
from expenses.payments.bookings import Booking, read_bookings
from expenses.payments.queries import get_run
from expenses.tickets.spreadsheets.tables import MAX_FILE_SIZE
from expenses.web.dependencies import database_of, settings_of
from expenses.web.pages.rendering import flash, render
from expenses.web.problems import status_of
from expenses.web.security.body_limit import largest_body

ONE = "/payments/{run_id:int}/answer"


class PaymentAnswerView(BaseView):
    name = "Bank's answer"

    def is_visible(self, request: Request) -> bool:  # noqa: ARG002
        return False

    @expose(ONE, methods=["GET"], identity="payment-answer")
    async def ask(self, request: Request) -> Response:
        return await _page(request)

    @expose(ONE, methods=["POST"], identity="check-payment-answer")
    async def check(self, request: Request) -> Response:
        """Shows what would be marked as paid; changes nothing."""
        content = await _content(request)
        try:
            bookings = await asyncio.to_thread(read_bookings, content)
        except InvalidInput as error:
            return await _page(request, 422, errors=error.fields)
        async with database_of(request).reading() as connection:
            answer = await match_answer(
                connection,
                request.path_params["run_id"],
                bookings,
                actor=user_of(request),
                settings=settings_of(request),
            )
        return await _page(request, answer=answer)

    @expose(f"{ONE}/save", methods=["POST"], identity="save-payment-answer")
    async def save(self, request: Request) -> Response:
        """Matches everything again: somebody may have marked some of it meanwhile."""
        content = await _content(request)
        run_id: int = request.path_params["run_id"]
        try:
            bookings = await asyncio.to_thread(read_bookings, content)
            async with writing(request) as connection:
                number = await mark_as_paid(
                    connection,
                    run_id,
                    bookings,
                    actor=user_of(request),
                    settings=settings_of(request),
                )
        except InvalidInput as error:
            return await _page(request, 422, errors=error.fields)
        except (Conflict, OwnTicket) as error:
            return await _page(request, status_of(error), refusal=sentence(error))
        flash(request, ngettext("%(num)s ticket is paid.", "%(num)s tickets are paid.", number))
        return RedirectResponse(f"/admin/payments/{run_id}", 303)


async def _content(request: Request) -> bytes:
    """Return the chosen file, or what the page of the check has kept of it."""
    largest = largest_body(request.url.path)
    async with request.form(max_files=1, max_fields=10, max_part_size=largest) as form:
        sent = form.get("file")
        if isinstance(sent, UploadFile):
            return await sent.read(MAX_FILE_SIZE + 1)
        return (sent or "").encode()


async def _page(
    request: Request,
    status_code: int = 200,
    *,
    answer: Answer | None = None,
    errors: dict[str, str] | None = None,
    refusal: str | None = None,
) -> Response:
    async with database_of(request).reading() as connection:
        run = await get_run(connection, request.path_params["run_id"], actor=user_of(request))
    return render(
        request,
        "console/payment_answer.html",
        status_code=status_code,
        run=run,
        answer=answer,
        text=_table([match.booking for match in answer.matches]) if answer else "",
        errors=errors or {},
        refusal=refusal,
    )


def _table(bookings: Sequence[Booking]) -> str:
    """Write bookings as a table of references, which is read again when it is sent back."""
    lines = StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(Booking._fields)
    writer.writerows(bookings)
    return lines.getvalue()
