"""The environment, read once."""

import re
import secrets
from datetime import date, datetime, timedelta
from decimal import Decimal
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AnyUrl,
    BeforeValidator,
    Field,
    HttpUrl,
    IPvAnyNetwork,
    Secret,
    SecretStr,
    UrlConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    validate_email,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from expenses.errors import CannotStart
from expenses.i18n.lines import Name
from expenses.i18n.money import Currency

# Shorter secrets could be guessed. A key is tried out offline, on cookies that anybody can get.
MIN_SECRET_LENGTH = 16
MIN_KEY_LENGTH = 32
KEY_COMMAND = "openssl rand -base64 48"

_HOST = re.compile(r"\*|(\*\.)?[A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\]")


def _split_at_commas(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _amounts(value: object) -> object:
    """Read "50 EUR, 500 CNY"."""
    if not isinstance(value, str):
        return value
    pairs = [part.split() for part in value.split(",") if part.strip()]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError("is not a list of amounts with their currencies")
    return {currency: amount for amount, currency in pairs}


def _iban(text: str) -> str:
    # Imported where it is needed: it takes half a second.
    from schwifty import IBAN

    return str(IBAN(text))


def _bic(text: str) -> str:
    from schwifty import BIC

    return str(BIC(text))


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError(f"{text} is not a host name; leave out https:// and the port")
    return text.lower()


def _domain(text: str) -> str:
    """Write a domain as it stands in an e-mail that was checked."""
    try:
        return validate_email(f"someone@{text}")[1].partition("@")[2].lower()
    except ValueError:
        raise ValueError(f"{text} is not the domain of e-mails") from None


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < MIN_SECRET_LENGTH:
        raise ValueError(f"is too short; use {MIN_SECRET_LENGTH} characters or more")
    return secret


def _long_enough_key(key: SecretStr) -> SecretStr:
    if len(key.get_secret_value()) < MIN_KEY_LENGTH:
        raise ValueError(
            f"is too short; use {MIN_KEY_LENGTH} random characters or more, "
            f"such as those that `{KEY_COMMAND}` prints"
        )
    return key


def _site(url: HttpUrl) -> HttpUrl:
    if url.path != "/" or url.query or url.fragment or url.username or url.password:
        raise ValueError("has more than the site's address")
    return url


def _mail_server(url: AnyUrl) -> AnyUrl:
    if url.path not in {None, "", "/"} or url.fragment:
        raise ValueError("has a path, which mail servers don't")
    if url.query not in {None, "starttls=true", "starttls=false"}:
        raise ValueError("has another option than starttls=true or starttls=false")
    return url


def _issuer(url: HttpUrl) -> HttpUrl:
    if url.scheme != "https" and url.host not in {"localhost", "127.0.0.1", "[::1]"}:
        raise ValueError("does not start with https://")
    if url.query or url.fragment or url.username or url.password:
        raise ValueError("has more than the issuer's address")
    return url


def _sender(text: str) -> str:
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"] = text
        [address] = mail["From"].addresses
    except (ValueError, IndexError):
        raise ValueError("is not one e-mail address") from None
    if mail["From"].defects or not address.domain:
        raise ValueError("is not one e-mail address")
    return text


LogFormat = Literal["readable", "json"]
SecondFactor = Literal["optional", "employers", "everybody"]
PaymentApproval = Literal["second-employer"]
Registration = Literal["open", "domains", "invited"]
# What stands before PostgreSQL: PgBouncer, which gives each transaction any of its connections.
Pooler = Literal["transaction"]
PaymentColumn = Literal[
    "name", "account", "iban", "bic", "bank", "amount", "currency", "reference", "email", "run"
]
Above = Annotated[Decimal, Field(ge=0, max_digits=13, decimal_places=3)]
Bic = Annotated[str, AfterValidator(_bic)]
Company = Annotated[Name, Field(min_length=1, max_length=70)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Domain = Annotated[str, AfterValidator(_domain)]
Hours = Annotated[float, Field(ge=0.1, le=24 * 365)]
Host = Annotated[str, AfterValidator(_host)]
Iban = Annotated[str, AfterValidator(_iban)]
Issuer = Annotated[HttpUrl, AfterValidator(_issuer)]
Key = Annotated[SecretStr, AfterValidator(_long_enough_key)]
LongSecret = Annotated[SecretStr, AfterValidator(_long_enough)]
Sender = Annotated[str, AfterValidator(_sender)]
Site = Annotated[HttpUrl, AfterValidator(_site)]
SmtpUrl = Annotated[
    AnyUrl,
    UrlConstraints(allowed_schemes=["smtp", "smtps"], host_required=True),
    AfterValidator(_mail_server),
]
StorageUrl = Annotated[AnyUrl, UrlConstraints(allowed_schemes=["file", "s3", "gs", "az"])]
SeparatedByCommas = (NoDecode, BeforeValidator(_split_at_commas))


class Settings(BaseSettings):
    """Each field is the environment variable of the same name in capitals; see docs/settings.md."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    database_url: str | None = None
    database_replica_url: str | None = None
    database_pooler: Pooler | None = None
    secret_key: Key | None = None
    secret_key_previous: Key | None = None
    data_dir: Path = Path(".data")
    employer_code: SecretStr | None = None
    currency: Currency = "USD"
    timezone: ZoneInfo = Field(ZoneInfo("UTC"), examples=["Europe/Berlin"])
    cookie_secure: bool = False
    allowed_hosts: Annotated[list[Host], *SeparatedByCommas] = Field(
        ["localhost", "127.0.0.1"],
        min_length=1,
        examples=["expenses.yourcompany.example or *.yourcompany.example"],
    )
    trusted_proxies: Annotated[list[IPvAnyNetwork], *SeparatedByCommas] = Field(
        [], examples=["10.0.0.7 or 10.0.0.0/8"]
    )
    session_hours: Hours = 14 * 24
    session_idle_hours: Hours = 3 * 24
    login_attempts: Count = 10
    address_attempts: Count = 300
    address_registrations: Count = 100
    second_factor: SecondFactor = "optional"
    oidc_issuer: Issuer | None = Field(
        None, examples=["https://login.yourcompany.example/realms/staff"]
    )
    oidc_client_id: str | None = Field(None, validate_default=True)
    oidc_client_secret: SecretStr | None = Field(None, validate_default=True)
    oidc_name: Annotated[Name, Field(min_length=1, max_length=40)] = "SSO"
    oidc_employer_group: str | None = None
    oidc_only: bool = False
    log_format: LogFormat = "readable"
    metrics_token: LongSecret | None = None
    public_url: Site = Field(
        HttpUrl("http://localhost:8000"), examples=["https://expenses.yourcompany.example"]
    )
    smtp_url: Secret[SmtpUrl] | None = Field(
        None, examples=["smtp://user:password@host:587 or smtps://user:password@host:465"]
    )
    mail_from: Sender = Field(
        "Contoso Expenses <expenses@localhost>",
        examples=["Expenses <expenses@yourcompany.example>"],
    )
    # After SMTP_URL, which confirming addresses needs.
    registration: Registration = "open"
    registration_domains: Annotated[list[Domain], *SeparatedByCommas] = Field(
        [], validate_default=True, examples=["yourcompany.example"]
    )
    storage_url: StorageUrl | None = Field(
        None,
        examples=["s3://bucket/folder, gs://bucket, az://container or file:///srv/receipts"],
    )
    upload_megabytes: Count = 500
    receipt_above: Annotated[dict[Currency, Above], NoDecode, BeforeValidator(_amounts)] = Field(
        {}, examples=["50 EUR, 500 CNY"]
    )
    company: Company = "Contoso"
    company_iban: Iban | None = Field(None, examples=["DE89 3704 0044 0532 0130 00"])
    company_bic: Bic | None = Field(None, examples=["COBADEFFXXX"])
    payment_approval: PaymentApproval | None = None
    payment_csv_columns: Annotated[list[PaymentColumn], *SeparatedByCommas] = Field(
        ["name", "account", "bank", "amount", "currency", "reference", "email"],
        min_length=1,
        examples=["name, account, bank, amount, currency, reference, email"],
    )
    webhook_url: HttpUrl | None = Field(
        None, examples=["https://hooks.yourcompany.example/expenses"]
    )
    webhook_secret: LongSecret | None = Field(None, validate_default=True)

    @field_validator("database_replica_url")
    @classmethod
    def _replica_has_a_primary(cls, address: str | None, info: ValidationInfo) -> str | None:
        if address is not None and info.data.get("database_url") is None:
            raise ValueError(
                "is set, but DATABASE_URL, the database that it is a replica of, is not"
            )
        return address

    @field_validator("registration")
    @classmethod
    def _addresses_can_be_confirmed(
        cls, registration: Registration, info: ValidationInfo
    ) -> Registration:
        if registration == "domains" and info.data.get("smtp_url", "not usable") is None:
            raise ValueError(
                "is domains, but SMTP_URL is not set; addresses are confirmed by e-mail first"
            )
        return registration

    @field_validator("registration_domains")
    @classmethod
    def _domains_are_looked_at(cls, domains: list[Domain], info: ValidationInfo) -> list[Domain]:
        registration = info.data.get("registration")
        if registration == "domains" and not domains:
            raise ValueError("is not set, but REGISTRATION is domains")
        if registration == "open" and domains:
            raise ValueError("is set, but REGISTRATION is not domains: anybody could register")
        return domains

    @field_validator("webhook_secret")
    @classmethod
    def _webhook_is_signed(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if secret is None and info.data.get("webhook_url"):
            raise ValueError(
                "is not set, but WEBHOOK_URL is; it signs what is posted there. "
                f"Use, for example, what `{KEY_COMMAND}` prints"
            )
        return secret

    @field_validator("oidc_client_id", "oidc_client_secret")
    @classmethod
    def _issuer_knows_us(cls, value: object, info: ValidationInfo) -> object:
        if value is None and info.data.get("oidc_issuer"):
            raise ValueError("is not set, but OIDC_ISSUER is; the issuer gives it to you")
        return value

    @field_validator("oidc_only")
    @classmethod
    def _somebody_can_log_in(cls, is_only: bool, info: ValidationInfo) -> bool:
        if is_only and not info.data.get("oidc_issuer"):
            raise ValueError("is true, but OIDC_ISSUER is not set; nobody could log in")
        return is_only

    @property
    def session_lifetime(self) -> timedelta:
        return timedelta(hours=self.session_hours)

    @property
    def session_idle(self) -> timedelta:
        return timedelta(hours=self.session_idle_hours)

    def today(self) -> date:
        """Return the current date where the company is."""
        return datetime.now(self.timezone).date()


def read_settings() -> Settings:
    """Raises `CannotStart` that names every variable with an unusable value."""
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(_problem(detail["loc"], detail["msg"]) for detail in error.errors())
        raise CannotStart("A setting is not usable. %(problems)s.", problems=problems) from None


def _problem(location: tuple[int | str, ...], message: str) -> str:
    """Name the variable and not its value, which may hold a password."""
    name = str(location[0])
    examples = Settings.model_fields[name].examples
    example = f"; it looks like {examples[0]}" if examples else ""
    return f"{name.upper()}: {message.removeprefix('Value error, ')}{example}"


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
