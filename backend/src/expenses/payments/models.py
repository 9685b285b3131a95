"""Payment runs, the tickets in them, and where the money goes."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Numeric,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from expenses.database.tables import Base, stored_as_text, table_of


class RunStatus(StrEnum):
    DRAFT = "draft"
    CONFIRMED = "confirmed"
    PAID = "paid"
    CANCELLED = "cancelled"
    VOIDED = "voided"


# Of such a run the tickets are not reopened, banks get files, and employees see their share.
FIXED = (RunStatus.CONFIRMED, RunStatus.PAID)


class PaymentRun(Base):
    """Tickets of one currency that are paid together. People call it by its number: "2026-007"."""

    __tablename__ = "payment_runs"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    number: Mapped[str]
    currency: Mapped[str]
    status: Mapped[RunStatus] = mapped_column(
        stored_as_text(RunStatus, "status"), server_default=RunStatus.DRAFT.value
    )
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    confirmed_at: Mapped[datetime | None]
    # The day on which the bank paid, and what it calls the payment.
    paid_on: Mapped[date | None]
    reference: Mapped[str | None]
    # Of its lines that are paid and active, kept by a trigger.
    paid_tickets: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    paid_amount: Mapped[Decimal] = mapped_column(Numeric, server_default=text("0"))
    # Who cancelled or voided it, and why.
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    # What a client sent to make sure that a repeated request makes no second run.
    idempotency_key: Mapped[str | None]
    # Tells a repeat from another request under the same key.
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (
        Index(None, "status", "id"),
        # For what was paid in each month.
        Index(
            "ix_payment_runs_paid_on",
            "currency",
            "paid_on",
            postgresql_include=["paid_tickets", "paid_amount"],
        ),
        Index("uq_payment_runs_number", "number", unique=True),
        Index(
            "uq_payment_runs_key",
            "created_by_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_code"),
        CheckConstraint("length(reason) BETWEEN 1 AND 500", name="reason_length"),
        CheckConstraint("length(reference) BETWEEN 1 AND 140", name="reference_length"),
        CheckConstraint(
            "(status IN ('cancelled', 'voided')) = (ended_by_id IS NOT NULL)"
            " AND (ended_by_id IS NULL) = (ended_at IS NULL)"
            " AND (confirmed_by_id IS NULL) = (confirmed_at IS NULL)"
            " AND (status <> 'draft' OR confirmed_by_id IS NULL)"
            " AND (status NOT IN ('confirmed', 'paid', 'voided') OR confirmed_by_id IS NOT NULL)"
            " AND (status NOT IN ('paid', 'voided') OR paid_on IS NOT NULL)",
            name="steps_complete",
        ),
    )


class PaymentLine(Base):
    """A ticket in a run, with the amount that is paid; `is_active` until the run has ended.

    The ticket has no foreign key: it was looked up in the same transaction, and may be on another
    node of a sharded database.
    """

    __tablename__ = "payment_lines"

    ticket_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    run_id: Mapped[int] = mapped_column(ForeignKey("payment_runs.id"), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    amount: Mapped[Decimal] = mapped_column(Numeric)
    in_cash: Mapped[bool] = mapped_column(server_default=text("false"))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    paid_at: Mapped[datetime | None]
    paid_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

    __table_args__ = (
        # That its owner has not confirmed it either is seen to by a trigger.
        CheckConstraint("paid_by_id <> owner_id", name="not_paid_by_owner"),
        # A ticket is paid once.
        Index(
            "uq_payment_lines_active", "ticket_id", unique=True, postgresql_where=text("is_active")
        ),
        Index(None, "run_id", "owner_id", "ticket_id"),
        # For what is due and in no run, and for a suspension.
        Index(
            "ix_payment_lines_unpaid",
            "owner_id",
            "ticket_id",
            postgresql_where=text("is_active AND paid_at IS NULL"),
        ),
        CheckConstraint("amount > 0", name="amount_positive"),
    )


class Payout(Base):
    """Where an employee wants their money: encrypted, and what people see of it."""

    __tablename__ = "payout_details"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    encrypted: Mapped[bytes]
    masked: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (CheckConstraint("length(masked) BETWEEN 1 AND 20", name="masked_length"),)


run_table = table_of(PaymentRun)
line_table = table_of(PaymentLine)
payout_table = table_of(Payout)
