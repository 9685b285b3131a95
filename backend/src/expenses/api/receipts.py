"""Receipts of a ticket: added, listed, read and removed."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, UploadFile
from pydantic import BaseModel, Field

from expenses.errors import (
    Forbidden,
    InvalidInput,
    NotFound,
    NotPending,
    StorageUnavailable,
    TooManyAttempts,
)
from expenses.receipts import actions, queries
from expenses.receipts.inspection import MAX_PREVIEWS, Kind, UnreadableFile
from expenses.receipts.queries import ReceiptView
from expenses.users.models import Scope
from expenses.web.dependencies import ConnectionDependency
from expenses.web.openapi import Responses, read_problems, write_problems
from expenses.web.receipts import (
    ApiUploaderDependency,
    ShownReceiptDependency,
    StorageDependency,
    send_original,
    send_picture,
    store_upload,
    writing,
)
from expenses.web.scopes import FilerDependency, ReaderDependency

router = APIRouter(prefix="/api/tickets/{ticket_id:int}/receipts", tags=["receipts"])
ONE = "/{receipt_id:int}"


class InvoiceAnswer(BaseModel):
    """What the file states in a defined form; a field that it does not state is null."""

    reader: str = Field(examples=["factur-x"])
    number: str | None
    code: str | None
    date: date | None
    amount: str | None = Field(examples=["110.70"])
    currency: str | None
    merchant: str | None


class ReceiptAnswer(BaseModel):
    id: int
    name: str
    kind: Kind
    size: int = Field(description="In bytes.")
    sha256: str
    pages: int
    invoice: InvoiceAnswer | None
    added_at: datetime

    @classmethod
    def of(cls, receipt: ReceiptView) -> "ReceiptAnswer":
        invoice = receipt.invoice
        said = None
        if invoice is not None:
            amount = None if invoice.amount is None else str(invoice.amount)
            said = InvoiceAnswer.model_validate(vars(invoice) | {"amount": amount})
        return cls.model_validate(receipt._asdict() | {"invoice": said})


class ReceiptList(BaseModel):
    items: list[ReceiptAnswer]


def _file(*media_types: str) -> Responses:
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"content": dict.fromkeys(media_types, binary)}}


@router.post(
    "",
    status_code=201,
    responses=write_problems(
        Forbidden,
        NotFound,
        NotPending,
        InvalidInput,
        UnreadableFile,
        TooManyAttempts,
        StorageUnavailable,
    ),
)
async def add_receipt(
    ticket_id: int,
    file: UploadFile,
    request: Request,
    uploader: ApiUploaderDependency,
    storage: StorageDependency,
) -> ReceiptAnswer:
    """Add a file to your own pending ticket: JPEG, PNG, WebP, HEIC, PDF or an e-invoice as XML."""
    stored = await store_upload(request, file, uploader)
    async with writing(request, Scope.TICKETS_WRITE) as (connection, user):
        receipt_id = await actions.add_receipt(
            connection, ticket_id, stored, actor=user, storage=storage
        )
        return ReceiptAnswer.of(
            await queries.get_receipt(connection, ticket_id, receipt_id, actor=user)
        )


@router.get("", responses=read_problems(NotFound))
async def list_receipts(
    ticket_id: int, connection: ConnectionDependency, user: ReaderDependency
) -> ReceiptList:
    """The receipts of a ticket that you may see, in the order they were added."""
    receipts = await queries.list_receipts(connection, ticket_id, actor=user)
    return ReceiptList(items=[ReceiptAnswer.of(receipt) for receipt in receipts])


@router.get(
    ONE,
    response_class=Response,
    responses=read_problems(NotFound, StorageUnavailable)
    | _file(*(kind.media_type for kind in Kind)),
)
async def get_receipt(receipt: ShownReceiptDependency, storage: StorageDependency) -> Response:
    """The file as it was uploaded."""
    return await send_original(receipt, storage)


@router.get(
    f"{ONE}/preview",
    response_class=Response,
    responses=read_problems(NotFound, InvalidInput, StorageUnavailable) | _file("image/webp"),
)
async def preview_receipt(
    request: Request,
    receipt: ShownReceiptDependency,
    storage: StorageDependency,
    page: Annotated[int, Query(ge=1, le=MAX_PREVIEWS)] = 1,
) -> Response:
    """A picture of one page, without what a photo says of its place."""
    return await send_picture(request, receipt, storage, page)


@router.get(
    f"{ONE}/thumbnail",
    response_class=Response,
    responses=read_problems(NotFound, StorageUnavailable) | _file("image/webp"),
)
async def receipt_thumbnail(
    request: Request, receipt: ShownReceiptDependency, storage: StorageDependency
) -> Response:
    """A small picture of the first page."""
    return await send_picture(request, receipt, storage)


@router.delete(
    ONE,
    status_code=204,
    responses=write_problems(Forbidden, NotFound, NotPending),
)
async def remove_receipt(
    ticket_id: int,
    receipt_id: int,
    connection: ConnectionDependency,
    user: FilerDependency,
) -> None:
    """Remove a file from your own pending ticket."""
    await actions.remove_receipt(connection, ticket_id, receipt_id, actor=user)
