"""The environment, read once."""

import re
import secrets
from datetime import date, datetime, timedelta
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from expenses.errors import CannotStart
from expenses.i18n.money import Currency
from expenses.notifications.addresses import (
    SHORTEST_SECRET,
    MailServerAddress,
    Sender,
    Site,
    WebAddress,
    WebhookSecret,
)

LogFormat = Literal["readable", "json"]
Pooler = Literal["transaction"]
"""What stands between the application and PostgreSQL: a pooler that gives each transaction any of
its connections, so that nothing may be left on one for later."""


def _known_timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is not a time zone; use a name like Europe/Berlin or Asia/Shanghai")
    return name


def _split_at_commas(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _network(text: str) -> str:
    try:
        ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            f"{text} is not an address or a network; use 10.0.0.7 or 10.0.0.0/8"
        ) from None
    return text


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError(
            f"{text} is not a name alone; use expenses.yourcompany.example, without https:// and "
            "without port, or *.yourcompany.example for all names below it"
        )
    return text.lower()


def _somebody(hosts: list[str]) -> list[str]:
    if not hosts:
        raise ValueError("names nothing, and nobody is let in; use localhost, or leave it out")
    return hosts


_HOST = re.compile(r"\*|(\*\.)?[A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\]")

Separated = (NoDecode, BeforeValidator(_split_at_commas))
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Hours = Annotated[float, Field(ge=0.1, le=24 * 365)]


def _not_guessable(token: SecretStr) -> SecretStr:
    if len(token.get_secret_value().encode()) < SHORTEST_SECRET:
        raise ValueError(f"is too short; it takes {SHORTEST_SECRET} characters or more")
    return token


MetricsToken = Annotated[SecretStr, AfterValidator(_not_guessable)]


class Settings(BaseSettings):
    """Each field is the environment variable of the same name in capitals; see docs/settings.md."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    database_url: str | None = None
    database_pooler: Pooler | None = None
    secret_key: SecretStr | None = None
    data_dir: Path = Path(".data")
    employer_code: SecretStr | None = None
    currency: Currency = "USD"
    timezone: Annotated[str, AfterValidator(_known_timezone)] = "UTC"
    cookie_secure: bool = False
    allowed_hosts: Annotated[
        list[Annotated[str, AfterValidator(_host)]], AfterValidator(_somebody), *Separated
    ] = ["localhost", "127.0.0.1"]
    trusted_proxies: Annotated[list[Annotated[str, AfterValidator(_network)]], *Separated] = []
    session_hours: Hours = 14 * 24
    session_idle_hours: Hours = 3 * 24
    login_attempts: Count = 10
    address_attempts: Count = 300
    address_registrations: Count = 100
    log_format: LogFormat = "readable"
    metrics_token: MetricsToken | None = None
    public_url: Site = "http://localhost:8000"
    smtp_url: MailServerAddress | None = None
    mail_from: Sender = "Contoso Expenses <expenses@localhost>"
    webhook_url: WebAddress | None = None
    webhook_secret: WebhookSecret = Field(default=None, validate_default=True)

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def session_lifetime(self) -> timedelta:
        return timedelta(hours=self.session_hours)

    @property
    def session_idle(self) -> timedelta:
        return timedelta(hours=self.session_idle_hours)

    def today(self) -> date:
        """The day it is now where the company is."""
        return datetime.now(self.zone).date()


class Unusable(NamedTuple):
    variable: str
    sentence: str


def read_settings() -> Settings:
    """Raises `CannotStart` that names every variable with an unusable value."""
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(f"{name}: {sentence}" for name, sentence in _unusable(error))
        raise CannotStart("A setting is not usable. %(problems)s.", problems=problems) from None


def usable_settings() -> tuple[Settings, list[Unusable]]:
    """For looking at, not for running: defaults stand in for what is not usable."""
    try:
        return Settings(), []
    except ValidationError as error:
        unusable = _unusable(error)
        names = {name.lower() for name, _ in unusable}
        stand_ins = {name: Settings.model_fields[name].get_default() for name in names}
        if "webhook_secret" in names:
            # Its own default is not usable everywhere.
            stand_ins["webhook_secret"] = SecretStr(secrets.token_urlsafe())
        return Settings(**stand_ins), unusable


def _unusable(error: ValidationError) -> list[Unusable]:
    return [
        Unusable(str(problem["loc"][0]).upper(), problem["msg"].removeprefix("Value error, "))
        for problem in error.errors()
    ]


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
