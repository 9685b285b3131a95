"""Receipts in the portal: read into the form of a new ticket, and added to a pending one."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse

from expenses.errors import InvalidInput
from expenses.i18n.formats import Formats
from expenses.i18n.languages import current_language, gettext
from expenses.portal.filling import chosen, fill_in
from expenses.portal.listing import LIST, tickets_page
from expenses.receipts import actions, queries
from expenses.receipts.actions import StoredReceipt
from expenses.receipts.inspection import Invoice
from expenses.tickets.policy import ensure_can_create
from expenses.users.models import Actor
from expenses.web.dependencies import (
    ConnectionDependency,
    CurrentUserDependency,
    SettingsDependency,
    settings_of,
)
from expenses.web.pages.forms import FilledFormDependency, FormValues
from expenses.web.pages.rendering import flash
from expenses.web.receipts import (
    StorageDependency,
    UploaderDependency,
    get_storage,
    send_picture,
    store_upload,
    writing,
)

router = APIRouter(prefix=LIST)


class Received(NamedTuple):
    """A form whose files have become drafts, which its `receipts` name."""

    values: FormValues
    errors: dict[str, str]


async def receive(
    request: Request, form: FilledFormDependency, user: UploaderDependency
) -> Received:
    """Keep every file that can be read, whatever becomes of the form."""
    ensure_can_create(user)
    ids: list[int] = []
    problems = [gettext("Add at most 10 files at once.")]
    if len(form.files) <= actions.MAX_RECEIPTS:
        add = partial(actions.add_draft, storage=await get_storage(request))
        ids, problems = await _add_each(request, form.files, user, add)
    values = form.values
    receipts = dict.fromkeys([*values.many.get("receipts", []), *map(str, ids)])
    values.many = {**values.many, "receipts": list(receipts)}
    return Received(values, {"file": "\n".join(problems)} if problems else {})


ReceivedDependency = Annotated[Received, Depends(receive)]


@router.post("/receipts")
async def read_receipts(
    request: Request,
    received: ReceivedDependency,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
    settings: SettingsDependency,
) -> Response:
    """Shows the form with its receipts, filled in with what they say; files nothing."""
    values, drop = received.values, received.values["drop"]
    if drop.isdecimal():
        await actions.remove_draft(connection, int(drop), actor=user)
    drafts = chosen(await queries.list_drafts(connection, actor=user), values)
    return await tickets_page(
        request,
        connection,
        user,
        fill_in(values, drafts, settings),
        received.errors,
        is_filing=True,
        status=422 if received.errors else 200,
    )


@router.get("/receipts/{receipt_id:int}")
async def draft_thumbnail(
    request: Request,
    receipt_id: int,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
    storage: StorageDependency,
) -> Response:
    draft = await queries.get_draft(connection, receipt_id, actor=user)
    return await send_picture(request, draft, storage)


@router.post("/{ticket_id:int}/receipts")
async def add_receipts(
    request: Request,
    form: FilledFormDependency,
    ticket_id: int,
    user: UploaderDependency,
    storage: StorageDependency,
) -> Response:
    """Adds every file that can be read, and names those that cannot."""
    add = partial(actions.add_receipt, ticket_id=ticket_id, storage=storage)
    _, problems = await _add_each(request, form.files, user, add)
    if not form.files:
        problems.append(gettext("Choose a file first."))
    for problem in problems:
        flash(request, problem, "danger")
    # What went wrong is said at the top of the page.
    return _to(ticket_id, "" if problems else "#receipts")


@router.post("/{ticket_id:int}/receipts/{receipt_id:int}/remove")
async def remove_receipt(
    request: Request,
    ticket_id: int,
    receipt_id: int,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
) -> Response:
    await actions.remove_receipt(connection, ticket_id, receipt_id, actor=user)
    flash(request, gettext("The receipt was removed."))
    return _to(ticket_id)


def _warn_of_conflict(request: Request, stored: StoredReceipt) -> None:
    """Show everything that a file says where it says two things; nothing was filled in then."""
    if not stored.inspection.conflicting:
        return
    formats = Formats(settings_of(request), current_language())
    sentence = gettext(
        "%(name)s contradicts itself, so nothing was filled in from it. It says: %(said)s",
        name=stored.name,
        said="; ".join(_in_words(said, formats) for said in stored.inspection.conflicting),
    )
    flash(request, sentence, "warning")


async def _add_each(
    request: Request,
    files: Sequence[UploadFile],
    user: Actor,
    add: Callable[..., Awaitable[int]],
) -> tuple[list[int], list[str]]:
    """Add every file that can be read; return the receipts' ids, and what is wrong with the rest.

    Each file has a transaction of its own, so that one of them costs nobody the others.
    """
    ids: list[int] = []
    problems: list[str] = []
    for file in files:
        try:
            stored = await store_upload(request, file, user)
            async with writing(request) as (connection, writer):
                receipt_id = await add(connection, file=stored, actor=writer)
        except InvalidInput as error:
            problems.append(_naming(file.filename, error))
            continue
        ids.append(receipt_id)
        _warn_of_conflict(request, stored)
    return ids, problems


def _in_words(said: Invoice, formats: Formats) -> str:
    parts = [said.merchant, said.number, formats.day(said.date) if said.date else None]
    if said.amount is not None and said.currency:
        parts.append(formats.money(said.amount, said.currency))
    elif said.amount is not None:
        parts.append(formats.plain(said.amount))
    return ", ".join(part for part in parts if part)


def _naming(name: str | None, error: InvalidInput) -> str:
    problem = gettext(next(iter(error.fields.values())))
    return gettext("%(name)s: %(problem)s", name=name or "", problem=problem)


def _to(ticket_id: int, place: str = "#receipts") -> Response:
    return RedirectResponse(f"{LIST}/{ticket_id}{place}", status_code=303)
