"""Tickets, and the keys that keep a repeated request from making a second one."""

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
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from expenses.database.tables import Base, stored_as_text, table_of


class TicketStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"


class PaymentStatus(StrEnum):
    """Of an approved ticket."""

    DUE = "due"
    PAID = "paid"


class Category(StrEnum):
    TRAVEL = "travel"
    LODGING = "lodging"
    MEALS = "meals"
    EQUIPMENT = "equipment"
    SOFTWARE = "software"
    TRAINING = "training"
    OTHER = "other"


_IS_DUE = text("status = 'approved' AND paid_at IS NULL")
_IS_PAID = text("paid_at IS NOT NULL")


class Ticket(Base):
    """One purchase. People call it by its id: "ticket 1042"."""

    __tablename__ = "tickets"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    spent_on: Mapped[date]
    amount: Mapped[Decimal] = mapped_column(Numeric)
    currency: Mapped[str]
    category: Mapped[Category] = mapped_column(stored_as_text(Category, "category"))
    description: Mapped[str]
    merchant: Mapped[str | None]
    links: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    status: Mapped[TicketStatus] = mapped_column(
        stored_as_text(TicketStatus, "status"), server_default=TicketStatus.PENDING.value
    )
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    paid_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())

    __table_args__ = (
        # One for each order that is offered, with and without a status in front.
        Index(None, "status", "id"),
        Index(None, "spent_on", "id"),
        Index(None, "status", "spent_on", "id"),
        Index(None, "amount", "id"),
        Index(None, "status", "amount", "id"),
        Index(None, "owner_id", "id"),
        Index(None, "owner_id", "status", "id"),
        # Holds all that the overview counts and sums, so that it reads no rows.
        Index(
            "ix_tickets_overview",
            "status",
            "spent_on",
            postgresql_include=["currency", "amount", "category", "owner_id"],
        ),
        # What is due, and what is paid.
        Index(
            "ix_tickets_due",
            "owner_id",
            "currency",
            "id",
            postgresql_include=["amount", "decided_at", "spent_on"],
            postgresql_where=_IS_DUE,
        ),
        Index("ix_tickets_paid", "owner_id", "id", postgresql_where=_IS_PAID),
        # Their lists, in each order in which the others would have to be skipped.
        Index("ix_tickets_due_id", "id", postgresql_where=_IS_DUE),
        Index("ix_tickets_due_spent_on", "spent_on", "id", postgresql_where=_IS_DUE),
        Index("ix_tickets_paid_id", "id", postgresql_where=_IS_PAID),
        Index("ix_tickets_paid_spent_on", "spent_on", "id", postgresql_where=_IS_PAID),
        # For the hints at duplicates: the same purchase, or a link that another ticket has.
        Index(None, "owner_id", "spent_on", "amount"),
        Index("ix_tickets_link_keys", func.link_keys(text("links")), postgresql_using="gin"),
        Index(
            "ix_tickets_folded_text",
            func.folded(
                func.ticket_text(text("merchant"), text("description"), text("links"))
            ).label("text"),
            postgresql_using="gin",
            postgresql_ops={"text": "gin_trgm_ops"},
        ),
        Index(
            "ix_tickets_folded_merchant",
            func.folded(text("merchant")).label("text"),
            postgresql_using="gin",
            postgresql_ops={"text": "gin_trgm_ops"},
        ),
        CheckConstraint("decided_by_id <> owner_id", name="not_decided_by_owner"),
        CheckConstraint("paid_at IS NULL OR status = 'approved'", name="paid_is_approved"),
        CheckConstraint("amount > 0", name="amount_positive"),
        # Without a scale, an amount keeps the decimals that its currency has.
        CheckConstraint("amount < 10000000000 AND scale(amount) <= 3", name="amount_size"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_code"),
        CheckConstraint("length(description) BETWEEN 1 AND 500", name="description_length"),
        CheckConstraint("length(merchant) BETWEEN 1 AND 120", name="merchant_length"),
        # Two days, since the company's tomorrow may be the day after tomorrow in UTC.
        CheckConstraint(
            "spent_on <= (created_at AT TIME ZONE 'UTC')::date + 2", name="spent_on_not_later"
        ),
        CheckConstraint(
            "cardinality(links) <= 10"
            " AND length(array_to_string(links, '')) <= 20000"
            " AND array_to_string(links, ' ', ' ') ~* '^(https?://[^ ]+( |$))*$'",
            name="links_are_web_addresses",
        ),
        CheckConstraint(
            "(status IN ('approved', 'denied')) = (decided_by_id IS NOT NULL)"
            " AND (decided_by_id IS NULL) = (decided_at IS NULL)"
            " AND (decided_by_id IS NOT NULL OR decision_reason IS NULL)"
            " AND (status <> 'denied' OR decision_reason IS NOT NULL)"
            " AND length(decision_reason) BETWEEN 1 AND 500",
            name="decision_complete",
        ),
    )


class IdempotencyKey(Base):
    """An idempotency key that a client sent, and the ticket that was created with it.

    `fingerprint` tells a repeat from another ticket under the same key.
    """

    __tablename__ = "idempotency_keys"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(BigInteger)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class ImportHeadings(Base):
    """The headings of a user's spreadsheets, and the fields that the user has chosen for them."""

    __tablename__ = "import_headings"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    headings: Mapped[dict[str, str]] = mapped_column(JSONB)


class SavedFilter(Base):
    """A filter of the list that a user has named, as the query of its address."""

    __tablename__ = "saved_filters"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    query: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 60", name="name_length"),
        CheckConstraint("length(query) BETWEEN 1 AND 8000", name="query_length"),
    )


ticket_table = table_of(Ticket)
import_headings_table = table_of(ImportHeadings)
idempotency_key_table = table_of(IdempotencyKey)
saved_filter_table = table_of(SavedFilter)
