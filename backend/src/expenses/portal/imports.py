"""Importing tickets from a file: checked as a whole, corrected on the page, filed all or none."""

import asyncio
import secrets
from base64 import b64encode
from collections import defaultdict
from decimal import Decimal

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import RedirectResponse

from expenses.errors import InvalidInput
from expenses.i18n.languages import gettext, ngettext
from expenses.portal.import_form import Upload, UploadDependency
from expenses.portal.import_rows import Sheet, read_sheet, with_corrections
from expenses.tickets import imports
from expenses.tickets.models import Category
from expenses.tickets.policy import ensure_can_create
from expenses.tickets.spreadsheets.columns import FIELDS, MERCHANT, REQUIRED, normalized
from expenses.tickets.spreadsheets.files import ENCODINGS, Table, read_table, read_text, text_of
from expenses.users.models import Role
from expenses.users.sessions import CurrentUser
from expenses.web.dependencies import (
    ConnectionDependency,
    CurrentUserDependency,
    SettingsDependency,
    settings_of,
)
from expenses.web.pages.rendering import flash, render

PATH = "/tickets/import"
# Each row is shown with its cells; more would be a very long page.
MAX_SHOWN = 200
# A larger file does not come back with the page; to read it in another encoding, choose it again.
MAX_KEPT_FILE = 2_000_000
# As our own exports and template name them.
TEMPLATE = ("date", "amount", "currency", "category", "description", "links")

router = APIRouter(prefix=PATH)


@router.get("")
async def import_page(request: Request, user: CurrentUserDependency) -> Response:
    if user.role is Role.EMPLOYER:
        return RedirectResponse("/admin/", status_code=303)
    return _import_page(request)


@router.get("/template.csv")
async def template() -> Response:
    """Offer the column names as a CSV file; Excel needs its byte order mark."""
    return Response(
        "\ufeff" + ",".join(TEMPLATE) + "\r\n",
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="tickets.csv"'},
    )


@router.post("")
async def check_file(
    request: Request,
    upload: UploadDependency,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
) -> Response:
    """Shows what would be filed; keeps nothing."""
    ensure_can_create(user)
    return await _check(request, connection, user, upload)


@router.post("/check")
async def check_again(
    request: Request,
    upload: UploadDependency,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
) -> Response:
    """Shows the same file as it reads with the answers and corrections on the page."""
    ensure_can_create(user)
    return await _check(request, connection, user, upload)


@router.post("/save")
async def import_tickets(
    request: Request,
    upload: UploadDependency,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
    settings: SettingsDependency,
) -> Response:
    """Checks everything again: the text comes from the browser, and a day may have passed."""
    ensure_can_create(user)
    try:
        table, sheet = await _read(request, connection, user, upload)
    except InvalidInput as error:
        return _import_page(request, error.fields)
    if not sheet.is_complete or not upload.key:
        return await _check_page(request, connection, user, upload, table, sheet)
    filed = await imports.import_tickets(
        connection, sheet.rows, actor=user, settings=settings, key=upload.key, wanted=upload.wanted
    )
    if upload.answers.columns is not None:
        headings = sheet.headings
        said = {
            normalized(headings.cells[column]): name
            for name, column in headings.columns.items()
            if column < len(headings.cells)
        }
        await imports.remember_headings(connection, said, actor=user)
    flash(request, _filed(len(filed)))
    return RedirectResponse("/tickets", status_code=303)


async def _check(
    request: Request, connection: AsyncConnection, user: CurrentUser, upload: Upload
) -> Response:
    try:
        table, sheet = await _read(request, connection, user, upload)
    except InvalidInput as error:
        return _import_page(request, error.fields)
    return await _check_page(request, connection, user, upload, table, sheet)


async def _read(
    request: Request, connection: AsyncConnection, user: CurrentUser, upload: Upload
) -> tuple[Table, Sheet]:
    """Read the file, or its text as the page has sent it back."""
    remembered = await imports.remembered_headings(connection, actor=user)

    def read() -> tuple[Table, Sheet]:
        if upload.text and not upload.wants_other_encoding:
            table = Table(read_text(upload.text).rows, upload.encoding or None)
        else:
            table = read_table(upload.content or upload.original, encoding=upload.encoding or None)
        sheet = read_sheet(
            table, upload.answers, settings=settings_of(request), remembered=remembered
        )
        return with_corrections(table, sheet.headings, upload.answers), sheet

    # Thousands of rows take a while, in which others want answers.
    return await asyncio.to_thread(read)


def _import_page(request: Request, errors: dict[str, str] | None = None) -> Response:
    return render(
        request,
        "import.html",
        status_code=422 if errors else 200,
        errors=errors or {},
        categories=list(Category),
        currency=settings_of(request).currency,
        most_rows=imports.MAX_ROWS,
    )


async def _check_page(
    request: Request,
    connection: AsyncConnection,
    user: CurrentUser,
    upload: Upload,
    table: Table,
    sheet: Sheet,
) -> Response:
    settings = settings_of(request)
    there = await imports.find_matches(connection, sheet.rows, actor=user, settings=settings)
    fresh = [row.fields for row in sheet.rows if row.number not in there]
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for fields in fresh:
        sums[fields.currency or settings.currency] += fields.amount
    original = upload.content or upload.original
    is_kept = table.encoding is not None and 0 < len(original) <= MAX_KEPT_FILE
    wrong = _wrong_rows(table, sheet)
    return render(
        request,
        "import_check.html",
        status_code=200 if sheet.is_complete else 422,
        sheet=sheet,
        rows=sheet.rows[:MAX_SHOWN],
        wrong=wrong[:MAX_SHOWN],
        more_wrong=max(0, len(wrong) - MAX_SHOWN),
        answers=upload.answers,
        there=there,
        fresh=len(fresh),
        sums=dict(sorted(sums.items())),
        currency=settings.currency,
        categories=list(Category),
        fields=(*FIELDS, MERCHANT),
        required=REQUIRED,
        text=text_of(table),
        encoding=table.encoding or "",
        encodings=ENCODINGS if is_kept else {},
        original=b64encode(original).decode() if is_kept else "",
        key=secrets.token_urlsafe(12),
    )


def _wrong_rows(table: Table, sheet: Sheet) -> list[tuple[int, dict[str, str], dict[str, str]]]:
    """List the rows with problems: number, cells by field, sentences by field."""
    cells_of = dict(table.rows)
    sentences: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for problem in sheet.problems:
        sentences[problem.number][problem.field] = problem.sentence
    return [
        (
            number,
            {
                name: cells_of[number][column] if column < len(cells_of[number]) else ""
                for name, column in sheet.headings.columns.items()
            },
            of_row,
        )
        for number, of_row in sentences.items()
    ]


def _filed(tickets: int) -> str:
    if not tickets:
        return gettext("All of these tickets had been filed already.")
    return ngettext(
        "%(number)s ticket is filed.", "%(number)s tickets are filed.", tickets, number=tickets
    )
