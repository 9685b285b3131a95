"""What commands begin with: the settings, the key, a transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import Database
from expenses.database.migrations import ensure_direct
from expenses.errors import CannotStart
from expenses.notifications.delivery import channels_of
from expenses.observability.logs import configure
from expenses.settings import KEY_COMMAND, Settings, read_settings, secret_key_in


def command_settings() -> Settings:
    settings = read_settings()
    configure(settings.log_format)
    return settings


def settings_without_pooler() -> Settings:
    settings = command_settings()
    ensure_direct(settings)
    return settings


def ensure_secret_key(settings: Settings) -> None:
    if settings.database_url is not None and settings.secret_key is None:
        raise CannotStart(
            "SECRET_KEY is not set, and DATABASE_URL is. Set it to a long random text, the same "
            f"for every process: for example what `{KEY_COMMAND}` prints."
        )


def with_secret_key(settings: Settings) -> Settings:
    """Fill in the key that the server itself would use."""
    ensure_secret_key(settings)
    key = settings.secret_key or secret_key_in(settings.data_dir)
    return settings.model_copy(update={"secret_key": key})


@asynccontextmanager
async def transaction(address: str, settings: Settings) -> AsyncIterator[AsyncConnection]:
    async with (
        Database(address, settings.database_pooler, channels_of(settings)) as database,
        database.transaction() as connection,
    ):
        yield connection
