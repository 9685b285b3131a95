"""Receipts, with what their invoices say."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Numeric, func, text
from sqlalchemy.orm import Mapped, mapped_column

from expenses.database.tables import Base, stored_as_text, table_of
from expenses.receipts.inspection import Kind


class Receipt(Base):
    """A file of a ticket, or a draft: one whose ticket is not filed yet.

    The file itself is in the storage, under its SHA-256. `invoice_key` is what all copies of one
    invoice share, however each file was made.
    """

    __tablename__ = "receipts"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"))
    name: Mapped[str]
    kind: Mapped[Kind] = mapped_column(stored_as_text(Kind, "kind"))
    size: Mapped[int]
    sha256: Mapped[str]
    pages: Mapped[int]
    invoice_reader: Mapped[str | None]
    invoice_number: Mapped[str | None]
    invoice_code: Mapped[str | None]
    invoice_date: Mapped[date | None]
    invoice_amount: Mapped[Decimal | None] = mapped_column(Numeric)
    invoice_currency: Mapped[str | None]
    invoice_merchant: Mapped[str | None]
    invoice_key: Mapped[str | None]
    added_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index(None, "ticket_id", "id"),
        Index("ix_receipts_drafts", "owner_id", "id", postgresql_where=text("ticket_id IS NULL")),
        # For the hints that a file or an invoice was claimed before, and for tidying up.
        Index(None, "sha256"),
        Index(None, "invoice_key"),
        CheckConstraint("length(name) BETWEEN 1 AND 255", name="name_length"),
        CheckConstraint("size > 0", name="size_positive"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_form"),
    )


receipt_table = table_of(Receipt)
