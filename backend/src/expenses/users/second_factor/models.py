"""Passkeys, recovery codes, and log-ins between their two steps."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from expenses.database.tables import Base, stored_as_text, table_of


class Purpose(StrEnum):
    """What a challenge is answered for."""

    ADD = "add"
    SECOND_STEP = "second-step"
    LOG_IN = "log-in"


class Passkey(Base):
    """The public half of a key pair; the other half never leaves the user's device."""

    __tablename__ = "passkeys"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    # How often it was used, as its device says; always 0 for those that do not count.
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("length(name) BETWEEN 1 AND 80", name="name_length"),)


class RecoveryCode(Base):
    """A code that stands in for a passkey, once."""

    __tablename__ = "recovery_codes"

    code_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)


class PendingLogIn(Base):
    """A log-in whose password was right, until the second step."""

    __tablename__ = "pending_log_ins"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    # What the password was compared with: after a new password, the log-in begins anew.
    password_hash: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class PasskeyChallenge(Base):
    """A random number that a passkey signs; it works once."""

    __tablename__ = "passkey_challenges"

    challenge_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    purpose: Mapped[Purpose] = mapped_column(stored_as_text(Purpose, "purpose"))
    # Nobody, where the passkey itself says whose it is.
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    expires_at: Mapped[datetime] = mapped_column(index=True)


passkey_table = table_of(Passkey)
recovery_code_table = table_of(RecoveryCode)
pending_log_in_table = table_of(PendingLogIn)
challenge_table = table_of(PasskeyChallenge)
