"""Users, their sessions, registrations under way, and limited attempts."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from expenses.database.tables import Base, stored_as_text, table_of


class Role(StrEnum):
    EMPLOYEE = "employee"
    EMPLOYER = "employer"


class Scope(StrEnum):
    """What a program's token may do."""

    READ = "read"
    TICKETS_WRITE = "tickets:write"
    DECIDE = "decide"
    PAYMENTS = "payments"


class Actor(Protocol):
    """The user who does something, as far as the rules need to know."""

    @property
    def id(self) -> int: ...
    @property
    def username(self) -> str: ...
    @property
    def role(self) -> Role: ...


class AnyEmployer(NamedTuple):
    """The actor for figures that are the same for every employer."""

    id: int = 0
    username: str = ""
    role: Role = Role.EMPLOYER


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    email: Mapped[str]
    # What nobody else may have. Empty for users of before these were kept who share them.
    email_identity: Mapped[str | None]
    username: Mapped[str]
    username_skeleton: Mapped[str | None]
    role: Mapped[Role] = mapped_column(stored_as_text(Role, "role"))
    # None for those who log in by single sign-on alone.
    password_hash: Mapped[str | None]
    # An employee is suspended then, an employer deactivated.
    suspended_at: Mapped[datetime | None]
    # Name and e-mail are gone for good, and so is the way back.
    erased_at: Mapped[datetime | None]
    decisions_seen_at: Mapped[datetime | None]
    gets_mails: Mapped[bool] = mapped_column(server_default=true())
    # Of their browser when they logged in or chose it last; None where nothing is known.
    language: Mapped[str | None]
    # The last day on which a digest was written for an employer, or there was nothing to write.
    digest_on: Mapped[date | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index("uq_users_email", func.lower(text("email")), unique=True),
        # Partial, so that it is no key: while a key changes, nothing that refers to it is written.
        *(
            Index(
                f"uq_users_{name}", name, unique=True, postgresql_where=text(f"{name} IS NOT NULL")
            )
            for name in ("email_identity", "username_skeleton")
        ),
        Index("ix_users_folded_username", func.folded(text("username"))),
        Index("ix_users_role_id", "role", "id"),
        Index("ix_users_suspended", "id", postgresql_where=text("suspended_at IS NOT NULL")),
        Index(
            "ix_users_folded_text",
            func.folded(text("username")).label("name"),
            func.folded(text("email")).label("address"),
            postgresql_using="gin",
            postgresql_ops={"name": "gin_trgm_ops", "address": "gin_trgm_ops"},
        ),
        CheckConstraint("length(email) BETWEEN 3 AND 254", name="email_length"),
        CheckConstraint("length(username) BETWEEN 1 AND 80", name="username_length"),
        CheckConstraint(
            "erased_at IS NULL OR suspended_at IS NOT NULL", name="erased_are_suspended"
        ),
    )


class UserSession(Base):
    """One browser or program that a user is logged in with."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # It moves on while the session is used, but never beyond `ends_at`.
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]
    idle_for: Mapped[timedelta]
    # When its user was last asked who they are at the issuer of single sign-on, if they were.
    signed_in_at: Mapped[datetime | None]
    # What the browser or program called itself when it logged in, and from where.
    client: Mapped[str | None]
    address: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("length(client) <= 200", name="client_length"),
        CheckConstraint("length(address) <= 200", name="address_length"),
    )


class KnownProgram(Base):
    """A program that a user has logged in with, by a hash of its name and address."""

    __tablename__ = "known_programs"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    mark: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    known_until: Mapped[datetime] = mapped_column(index=True)


class ApiToken(Base):
    """What a program shows in place of a session; it may do what its scopes say."""

    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 80", name="name_length"),
        CheckConstraint("cardinality(scopes) > 0", name="has_scopes"),
    )


class PendingRegistration(Base):
    """An unknown e-mail, kept until username and role are known.

    It comes with its hashed password, or with what single sign-on has said of its user.
    """

    __tablename__ = "pending_registrations"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    email: Mapped[str]
    password_hash: Mapped[str | None]
    issuer: Mapped[str | None]
    subject: Mapped[str | None]
    username: Mapped[str | None]
    role: Mapped[Role | None] = mapped_column(stored_as_text(Role, "role"))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class LinkedAccount(Base):
    """A user's account at an issuer of single sign-on, which calls it `subject`."""

    __tablename__ = "linked_accounts"

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    linked_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (UniqueConstraint("issuer", "user_id", name="uq_linked_accounts_user"),)


class PasswordReset(Base):
    """A link by which a user sets a new password; it works once."""

    __tablename__ = "password_resets"

    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class EmailChange(Base):
    """A link by which a user confirms a new e-mail; it works once."""

    __tablename__ = "email_changes"

    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    email: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Confirmation(Base):
    """An e-mail with which somebody goes on registering, by a link that was mailed there."""

    __tablename__ = "confirmations"

    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    email: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Invitation(Base):
    """An e-mail that may register with a role, by a link that works once; gone once it did."""

    __tablename__ = "invitations"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    email: Mapped[str]
    email_identity: Mapped[str] = mapped_column(unique=True)
    role: Mapped[Role] = mapped_column(stored_as_text(Role, "role"))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    # Who has sent it last; None from the command line.
    invited_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Attempts(Base):
    """How often something limited was tried, until `forgotten_at`."""

    __tablename__ = "attempts"

    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    number: Mapped[int]
    forgotten_at: Mapped[datetime] = mapped_column(index=True)


user_table = table_of(User)
session_table = table_of(UserSession)
known_program_table = table_of(KnownProgram)
token_table = table_of(ApiToken)
pending_registration_table = table_of(PendingRegistration)
linked_account_table = table_of(LinkedAccount)
attempts_table = table_of(Attempts)
password_reset_table = table_of(PasswordReset)
email_change_table = table_of(EmailChange)
confirmation_table = table_of(Confirmation)
invitation_table = table_of(Invitation)
