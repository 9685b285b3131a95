"""The files by which a bank pays a run."""

from decimal import Decimal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from expenses.api.payments import ONE, Amount
from expenses.api.schemas import Person
from expenses.errors import (
    Forbidden,
    InvalidInput,
    NobodyToPay,
    NoCompanyAccount,
    NotFound,
    OwnTicket,
    PayoutUnreadable,
    RunChanged,
)
from expenses.i18n.money import with_decimals
from expenses.payments.files import FileKind, LeftOut, WhyLeftOut, make_file
from expenses.web.dependencies import (
    ConnectionDependency,
    SettingsDependency,
)
from expenses.web.exports.payments import bank_file
from expenses.web.openapi import write_problems
from expenses.web.scopes import PayerDependency

router = APIRouter(prefix="/api/payment-runs", tags=["payments"])


class NewFile(BaseModel):
    kind: FileKind = Field(description="`sepa` is ISO 20022 pain.001.001.09, for EUR alone.")


class LeftOutAnswer(BaseModel):
    """Who is not paid by the file; of a suspended employee only the sum is shown."""

    employee: Person | None
    amount: Amount
    reason: WhyLeftOut

    @classmethod
    def of(cls, left_out: LeftOut, currency: str) -> "LeftOutAnswer":
        share = left_out.share
        return cls(
            employee=(
                None if share.is_hidden else Person(id=share.owner_id, username=share.username)
            ),
            amount=_text(share.amount, currency),
            reason=left_out.why,
        )


class FileAnswer(BaseModel):
    """`amount` is the sum of what the file pays, and `content` the file as text."""

    name: str = Field(examples=["payment-2026-007.xml"])
    media_type: str
    content: str
    employees: int
    amount: Amount
    left_out: list[LeftOutAnswer]


@router.post(
    f"{ONE}/file",
    responses=write_problems(
        Forbidden,
        OwnTicket,
        NotFound,
        RunChanged,
        NobodyToPay,
        NoCompanyAccount,
        PayoutUnreadable,
        InvalidInput,
    ),
)
async def make_payment_file(
    run_id: int,
    body: NewFile,
    connection: ConnectionDependency,
    user: PayerDependency,
    settings: SettingsDependency,
) -> FileAnswer:
    """Make the bank file of a confirmed or a paid run; that it was made is in the history."""
    made = await make_file(connection, run_id, body.kind, actor=user, settings=settings)
    file, currency = bank_file(made, settings), made.run.currency
    return FileAnswer(
        name=file.name,
        media_type=file.media_type,
        content=file.content.decode("utf-8-sig"),
        employees=len(made.payees),
        amount=_text(made.amount, currency),
        left_out=[LeftOutAnswer.of(left_out, currency) for left_out in made.left_out],
    )


def _text(amount: Decimal, currency: str) -> str:
    return str(with_decimals(amount, currency))
