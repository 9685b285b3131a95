"""Receipts on their way in and out: uploads are limited, looked into and stored; files are sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request, Security
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import UploadFile
from starlette.responses import Response

from expenses.receipts import queries
from expenses.receipts.actions import StoredReceipt, store
from expenses.receipts.inspection import MAX_SIZE
from expenses.receipts.queries import ReceiptView
from expenses.receipts.storage import Storage
from expenses.users.models import Actor, Scope
from expenses.users.throttling import count_attempt, upload_limits
from expenses.web.dependencies import database_of, settings_of
from expenses.web.scopes import ApiUser, ScopesDependency, find_user

# Should a browser open the file after all, nothing in it runs.
SANDBOX = "default-src 'none'; sandbox"


async def get_storage(request: Request) -> Storage:
    storage: Storage = request.app.state.storage
    return storage


async def get_uploader(request: Request, scopes: ScopesDependency) -> ApiUser:
    """Find out who uploads. No connection is held while the file is read."""
    async with database_of(request).reading() as connection:
        return await find_user(request, connection, scopes, lock=False)


async def get_shown_receipt(
    request: Request, ticket_id: int, receipt_id: int, scopes: ScopesDependency
) -> ReceiptView:
    """Find a receipt that the user may see. No connection is held while its file is sent."""
    async with database_of(request).reading() as connection:
        user = await find_user(request, connection, scopes, lock=False)
        return await queries.get_receipt(connection, ticket_id, receipt_id, actor=user)


StorageDependency = Annotated[Storage, Depends(get_storage)]
UploaderDependency = Annotated[ApiUser, Depends(get_uploader)]
ApiUploaderDependency = Annotated[ApiUser, Security(get_uploader, scopes=[Scope.TICKETS_WRITE])]
ShownReceiptDependency = Annotated[ReceiptView, Security(get_shown_receipt, scopes=[Scope.READ])]


async def store_upload(request: Request, file: UploadFile, user: Actor) -> StoredReceipt:
    """Raises `UnreadableFile` and `TooManyAttempts`."""
    content = await file.read(MAX_SIZE + 1)
    limits = upload_limits(user.id, len(content), settings_of(request))
    await count_attempt(database_of(request), limits)
    return await store(await get_storage(request), file.filename or "", content)


@asynccontextmanager
async def writing(
    request: Request, *scopes: Scope
) -> AsyncIterator[tuple[AsyncConnection, ApiUser]]:
    """Open a transaction once the file is stored, for the user if they still have access."""
    async with database_of(request).transaction() as connection:
        yield connection, await find_user(request, connection, scopes, lock=True)


async def send_original(receipt: ReceiptView, storage: Storage) -> Response:
    return Response(
        await storage.original(receipt.sha256),
        media_type=receipt.kind.media_type,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(receipt.name, safe='')}",
            "Content-Security-Policy": SANDBOX,
        },
    )


async def send_picture(
    request: Request, receipt: ReceiptView, storage: Storage, page: int | None = None
) -> Response:
    """Send a page, or without one the thumbnail. The browser asks each time whether it may."""
    headers = {"ETag": f'"{receipt.sha256}-{page or 0}"', "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    content = (
        await storage.thumbnail(receipt.sha256)
        if page is None
        else await storage.preview(receipt.sha256, page)
    )
    return Response(content, media_type="image/webp", headers=headers)
