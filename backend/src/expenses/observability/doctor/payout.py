"""Checks that payout details can be decrypted. They only read."""

from pathlib import Path

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.observability.doctor.findings import Finding
from expenses.payments.rotation import condition
from expenses.settings import Settings


async def check_payout_details(connection: AsyncConnection, settings: Settings) -> list[Finding]:
    key = settings.secret_key or _key_in(settings.data_dir)
    if key is None:
        return []
    found = await condition(connection, settings.model_copy(update={"secret_key": key}))
    if found.unreadable:
        return [
            Finding(
                "problem",
                f"Of {found.stored} stored payout details, {found.unreadable} cannot be decrypted: "
                "they were encrypted with another SECRET_KEY, or tampered with. Set "
                "SECRET_KEY_PREVIOUS to the earlier key, or have them entered again.",
            )
        ]
    if found.previous:
        return [
            Finding(
                "warning",
                f"Of {found.stored} stored payout details, {found.previous} still need "
                "SECRET_KEY_PREVIOUS. Run `expenses encrypt-again`, then remove it.",
            )
        ]
    if settings.secret_key_previous is not None:
        return [Finding("ok", "SECRET_KEY_PREVIOUS is no longer needed. Remove it.")]
    return [Finding("ok", f"All stored payout details ({found.stored}) can be decrypted.")]


def _key_in(data_dir: Path) -> SecretStr | None:
    """Read the key that the server keeps, without making one."""
    path = data_dir / "secret_key"
    return SecretStr(path.read_text()) if path.is_file() else None
