"""The environment, read once."""

import secrets
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from expenses.errors import CannotStart
from expenses.money import Currency


def _known_timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is not a time zone; use a name like Europe/Berlin or Asia/Shanghai")
    return name


def _split_at_commas(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


class Settings(BaseSettings):
    """Each field is the environment variable of the same name in capitals; see the README."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    database_url: str | None = None
    secret_key: SecretStr | None = None
    data_dir: Path = Path(".data")
    employer_code: SecretStr | None = None
    currency: Currency = "USD"
    timezone: Annotated[str, AfterValidator(_known_timezone)] = "UTC"
    cookie_secure: bool = False
    allowed_hosts: Annotated[list[str], NoDecode, BeforeValidator(_split_at_commas)] = [
        "localhost",
        "127.0.0.1",
    ]

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def today(self) -> date:
        """The day it is now where the company is."""
        return datetime.now(self.zone).date()


def read_settings() -> Settings:
    """Raises `CannotStart` that names every variable with an unusable value."""
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"{str(problem['loc'][0]).upper()}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors()
        )
        raise CannotStart("A setting is not usable. %(problems)s.", problems=problems) from None


def secret_key_in(data_dir: Path) -> SecretStr:
    """The key kept in the data folder, made at the first call, readable by its owner alone."""
    path = data_dir / "secret_key"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        candidate = path.with_suffix(f".{secrets.token_hex(4)}")
        candidate.touch(mode=0o600)
        candidate.write_text(secrets.token_urlsafe(48))
        try:
            # A link either makes the whole file appear or finds one there: of two processes
            # that start at once, both end up with the same key.
            path.hardlink_to(candidate)
        except FileExistsError:
            pass
        finally:
            candidate.unlink()
        return SecretStr(path.read_text())
    except OSError as error:
        raise CannotStart(
            "The data folder %(path)s cannot be used (%(problem)s). Set DATA_DIR to another one.",
            path=data_dir,
            problem=error.strerror,
        ) from error
