"""Importing tickets from a file: checked as a whole, corrected on the page, filed all or none."""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import RedirectResponse

from expenses.errors import InvalidInput
from expenses.i18n.languages import gettext, ngettext
from expenses.portal.import_form import Upload, UploadDependency
from expenses.portal.import_rows import Sheet, corrected, read_sheet, sheet_lines
from expenses.tickets import imports
from expenses.tickets.models import Category
from expenses.tickets.policy import ensure_can_create
from expenses.tickets.spreadsheets.columns import FIELDS, REQUIRED, normalized
from expenses.tickets.spreadsheets.csv_text import read_text, text_of
from expenses.tickets.spreadsheets.encodings import ENCODINGS, in_other_encoding
from expenses.tickets.spreadsheets.files import read_table
from expenses.tickets.spreadsheets.tables import Table
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
ROWS_PER_PAGE = 100
# As our own exports and template name them.
TEMPLATE = ("date", "amount", "currency", "category", "description", "merchant", "links")

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
    """Shows what would be filed, with the answers and corrections so far; keeps nothing."""
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
    text, encoding = _text_of(request, upload)

    def read() -> tuple[Table, Sheet]:
        if text:
            table = Table(read_text(text).rows, encoding or None)
        else:
            table = read_table(upload.content, encoding=encoding or None)
        table = corrected(table, upload.answers)
        return table, read_sheet(
            table, upload.answers, settings=settings_of(request), remembered=remembered
        )

    # Thousands of rows take a while, in which others want answers.
    return await asyncio.to_thread(read)


def _text_of(request: Request, upload: Upload) -> tuple[str, str]:
    """Return the text that the page has sent back, in the encoding that was chosen."""
    if not upload.text or upload.encoding == upload.was_encoding:
        return upload.text, upload.encoding
    try:
        text = in_other_encoding(upload.text, upload.was_encoding, upload.encoding)
    except InvalidInput as error:
        flash(request, error.fields["file"], "warning")
        return upload.text, upload.was_encoding
    return text, upload.encoding


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
    lines = sheet_lines(table, sheet)
    pages = max(1, -(-len(lines) // ROWS_PER_PAGE))
    page = min(max(upload.page, 1), pages)
    shown = lines[(page - 1) * ROWS_PER_PAGE : page * ROWS_PER_PAGE]
    can_be_ticked = {line.number for line in shown if line.number != upload.editing} & there.keys()
    return render(
        request,
        "import_check.html",
        status_code=200 if sheet.is_complete else 422,
        sheet=sheet,
        lines=shown,
        wrong=len({problem.number for problem in sheet.problems}),
        editing=upload.editing,
        page=page,
        pages=pages,
        number_of_lines=len(lines),
        first_shown=(page - 1) * ROWS_PER_PAGE + 1,
        wanted=upload.wanted,
        wanted_elsewhere=sorted(upload.wanted - can_be_ticked),
        answers=upload.answers,
        there=there,
        **_fresh(sheet, there, settings.currency),
        **_choices(table, settings.currency),
        key=secrets.token_urlsafe(12),
    )


def _fresh(sheet: Sheet, there: Mapping[int, Any], currency: str) -> dict[str, Any]:
    """Count and add up the rows that look like no ticket."""
    fresh = [row.fields for row in sheet.rows if row.number not in there]
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for fields in fresh:
        sums[fields.currency or currency] += fields.amount
    return {"fresh": len(fresh), "sums": dict(sorted(sums.items()))}


def _choices(table: Table, currency: str) -> dict[str, Any]:
    """Return what the page's own fields offer, and the text that it sends back."""
    return {
        "currency": currency,
        "categories": list(Category),
        "fields": FIELDS,
        "required": REQUIRED,
        "text": text_of(table),
        "encoding": table.encoding or "",
        "encodings": ENCODINGS if table.encoding else {},
    }


def _filed(tickets: int) -> str:
    if not tickets:
        return gettext("All of these tickets had been filed already.")
    return ngettext(
        "%(number)s ticket is filed.", "%(number)s tickets are filed.", tickets, number=tickets
    )
