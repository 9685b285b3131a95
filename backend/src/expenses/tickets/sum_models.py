"""The tables of the sums that the overview shows, and of what has changed since."""

from datetime import date
from decimal import Decimal

from sqlalchemy import BigInteger, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from expenses.database.tables import Base, table_of


class TicketChange(Base):
    """What a ticket counts for since a change, or, below zero, no longer counts for."""

    __tablename__ = "ticket_changes"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    owner_id: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str]
    spent_on: Mapped[date]
    currency: Mapped[str]
    category: Mapped[str]
    is_due: Mapped[bool]
    number: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[Decimal] = mapped_column(Numeric)


class HiddenInSums(Base):
    """An employee whose tickets are not in the sums by day and by month."""

    __tablename__ = "hidden_in_sums"

    owner_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class SumByDay(Base):
    """The pending or approved tickets of a day."""

    __tablename__ = "sums_by_day"

    status: Mapped[str] = mapped_column(primary_key=True)
    spent_on: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[Decimal] = mapped_column(Numeric)


class SumByMonth(Base):
    """The approved tickets of a month, which is named by its first day."""

    __tablename__ = "sums_by_month"

    month: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[Decimal] = mapped_column(Numeric)


class SumByEmployee(Base):
    """An employee's approved tickets of the twelve months up to one."""

    __tablename__ = "sums_by_employee"

    year_to: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[Decimal] = mapped_column(Numeric)

    __table_args__ = (
        Index(
            "ix_sums_by_employee_most",
            "year_to",
            "currency",
            text("amount DESC"),
            "owner_id",
            postgresql_include=["number"],
        ),
    )


class SumOfDue(Base):
    """An employee's approved tickets that are not paid."""

    __tablename__ = "sums_of_due"

    owner_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    currency: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[Decimal] = mapped_column(Numeric)

    __table_args__ = (
        Index(
            "ix_sums_of_due_most",
            "currency",
            text("amount DESC"),
            "owner_id",
            postgresql_include=["number"],
        ),
    )


change_table = table_of(TicketChange)
hidden_table = table_of(HiddenInSums)
day_table = table_of(SumByDay)
month_table = table_of(SumByMonth)
employee_table = table_of(SumByEmployee)
due_table = table_of(SumOfDue)
