"""Importing tickets from a file: checked as a whole, shown, then filed all or none."""

import re
import secrets
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse

from expenses.errors import InvalidInput
from expenses.i18n.languages import gettext, ngettext
from expenses.portal.import_file import COLUMNS, MAX_FILE_SIZE, Sheet, decode, read_sheet
from expenses.tickets import imports
from expenses.tickets.models import Category
from expenses.tickets.policy import ensure_can_create
from expenses.users.models import Role
from expenses.users.sessions import CurrentUser
from expenses.web.dependencies import (
    ConnectionDependency,
    CurrentUserDependency,
    SettingsDependency,
    settings_of,
)
from expenses.web.pages.rendering import flash, render
from expenses.web.security.body_limit import largest_body

PATH = "/tickets/import"
# More would be a very long page, and would not help to find what they have in common.
MAX_PROBLEMS = 200

_ROW_NUMBER = re.compile("[0-9]{1,9}")

router = APIRouter(prefix=PATH)


@dataclass(frozen=True)
class Upload:
    """The uploaded file or, in the second step, its text and the rows that were ticked."""

    content: bytes
    text: str
    key: str
    wanted: frozenset[int]


async def _read_upload(request: Request) -> Upload:
    async with request.form(
        max_files=1, max_fields=imports.MAX_ROWS + 10, max_part_size=largest_body(PATH)
    ) as form:
        file, text, key = (form.get(name) for name in ("file", "text", "key"))
        ticked = [value for value in form.getlist("wanted") if isinstance(value, str)]
        return Upload(
            await file.read(MAX_FILE_SIZE + 1) if isinstance(file, UploadFile) else b"",
            text if isinstance(text, str) else "",
            key if isinstance(key, str) else "",
            frozenset(int(row) for row in ticked if _ROW_NUMBER.fullmatch(row)),
        )


# Comes before the user in a route: no transaction is open while a slow upload comes in.
UploadDependency = Annotated[Upload, Depends(_read_upload)]


@router.get("")
async def import_page(request: Request, user: CurrentUserDependency) -> Response:
    if user.role is Role.EMPLOYER:
        return RedirectResponse("/admin/", status_code=303)
    return _import_page(request)


@router.get("/template.csv")
async def template() -> Response:
    """Offer the column names as a CSV file; Excel needs its byte order mark."""
    return Response(
        "\ufeff" + ",".join(COLUMNS) + "\r\n",
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
    try:
        text = decode(upload.content)
        sheet = read_sheet(text, settings=settings_of(request))
    except InvalidInput as error:
        return _import_page(request, error.fields)
    return await _preview(request, connection, user, sheet, text, secrets.token_urlsafe(12))


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
        sheet = read_sheet(upload.text, settings=settings)
    except InvalidInput as error:
        return _import_page(request, error.fields)
    if sheet.problems or not upload.key:
        return await _preview(
            request, connection, user, sheet, upload.text, secrets.token_urlsafe(12)
        )
    filed = await imports.import_tickets(
        connection, sheet.rows, actor=user, settings=settings, key=upload.key, wanted=upload.wanted
    )
    flash(request, _filed(len(filed)))
    return RedirectResponse("/tickets", status_code=303)


def _import_page(
    request: Request, errors: dict[str, str] | None = None, sheet: Sheet | None = None
) -> Response:
    problems = sheet.problems if sheet else []
    return render(
        request,
        "import.html",
        status_code=422 if errors or problems else 200,
        errors=errors or {},
        problems=problems[:MAX_PROBLEMS],
        more_problems=max(0, len(problems) - MAX_PROBLEMS),
        categories=list(Category),
        currency=settings_of(request).currency,
        most_rows=imports.MAX_ROWS,
    )


async def _preview(
    request: Request,
    connection: AsyncConnection,
    user: CurrentUser,
    sheet: Sheet,
    text: str,
    key: str,
) -> Response:
    if sheet.problems:
        return _import_page(request, sheet=sheet)
    settings = settings_of(request)
    there = await imports.find_matches(connection, sheet.rows, actor=user, settings=settings)
    fresh = [row.fields for row in sheet.rows if row.number not in there]
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for fields in fresh:
        sums[fields.currency or settings.currency] += fields.amount
    return render(
        request,
        "import_check.html",
        rows=sheet.rows,
        unread=sheet.unread,
        there=there,
        fresh=len(fresh),
        sums=dict(sorted(sums.items())),
        currency=settings.currency,
        text=text,
        key=key,
    )


def _filed(tickets: int) -> str:
    if not tickets:
        return gettext("All of these tickets had been filed already.")
    return ngettext(
        "%(number)s ticket is filed.", "%(number)s tickets are filed.", tickets, number=tickets
    )
