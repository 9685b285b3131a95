"""Checks of settings against each other."""

from collections.abc import Iterator
from ipaddress import ip_address

from pydantic import SecretStr
from zxcvbn import zxcvbn

from expenses.notifications.mail_server import mail_server
from expenses.observability.doctor.findings import Finding, ok, problem, warning
from expenses.settings import KEY_COMMAND, Settings, UnusableSetting

# Powers of ten, of guesses. A key can be tried out offline, on cookies that anybody can get; a code
# only by registering, which is throttled.
_GUESSED_OFFLINE = 16
_GUESSED_ONLINE = 8
_NEVER_GUESSED = 28
_NEW_KEY = f"Set it to a long random text, for example what `{KEY_COMMAND}` prints."


def check_settings(settings: Settings, unusable: list[UnusableSetting]) -> list[Finding]:
    findings = [_unusable(one) for one in unusable]
    if not findings:
        findings.append(ok("settings", "every variable that is set can be read."))
    told = {finding.subject for finding in findings}
    for check in (_secret_key, _tokens, _employer_code, _hosts, _https, _pooler, _messages):
        # A default that replaces an unusable value is not worth a finding.
        findings += [finding for finding in check(settings) if finding.subject not in told]
    return findings


def _unusable(one: UnusableSetting) -> Finding:
    sentence = one.problem[:1].lower() + one.problem[1:]
    return problem(
        one.variable,
        f"{sentence.rstrip('.')}.",
        f"Set {one.variable} to what backend/docs/settings.md says, or leave it out where "
        "it has a default.",
    )


def _secret_key(settings: Settings) -> Iterator[Finding]:
    key = settings.secret_key
    if key is None and settings.database_url is not None:
        yield problem(
            "SECRET_KEY",
            "is not set, and DATABASE_URL is; the server does not start.",
            f"{_NEW_KEY} It is the same for every process.",
        )
    elif key is None:
        path = settings.data_dir / "secret_key"
        yield ok("SECRET_KEY", f"is not set; the server keeps one in {path}.")
    else:
        yield _strength_of(key)


def _strength_of(key: SecretStr) -> Finding:
    guesses = _guesses(key)
    if guesses < _GUESSED_OFFLINE:
        return problem("SECRET_KEY", "can be guessed, and cookies forged with it.", _NEW_KEY)
    if guesses < _NEVER_GUESSED:
        return warning("SECRET_KEY", "is short or follows a pattern.", _NEW_KEY)
    return ok("SECRET_KEY", "is set and hard to guess.")


def _guesses(secret: SecretStr) -> float:
    """Estimate how many guesses a secret takes, as a power of ten; from 72 characters at most."""
    return float(zxcvbn(secret.get_secret_value()[:72])["guesses_log10"])


def _tokens(settings: Settings) -> Iterator[Finding]:
    for subject, secret in (
        ("METRICS_TOKEN", settings.metrics_token),
        ("WEBHOOK_SECRET", settings.webhook_secret),
    ):
        if secret is not None and _guesses(secret) < _GUESSED_OFFLINE:
            yield warning(subject, "can be guessed.", _NEW_KEY)


def _employer_code(settings: Settings) -> Iterator[Finding]:
    if settings.employer_code is None:
        yield warning(
            "EMPLOYER_CODE",
            "is not set: anyone may register as an employer.",
            "Set EMPLOYER_CODE to a code that only employers are told.",
        )
    elif _guesses(settings.employer_code) < _GUESSED_ONLINE:
        yield warning(
            "EMPLOYER_CODE",
            "can be guessed: it is short or follows a pattern.",
            "Set EMPLOYER_CODE to a longer code, such as four random words.",
        )
    else:
        yield ok("EMPLOYER_CODE", "is set: registering as an employer takes the code.")


def _hosts(settings: Settings) -> Iterator[Finding]:
    hosts, public = settings.allowed_hosts, _public_host(settings)
    if "*" in hosts:
        yield warning(
            "ALLOWED_HOSTS",
            "accepts requests for any host name.",
            "Set ALLOWED_HOSTS to your host names alone, such as expenses.yourcompany.example.",
        )
    elif public is not None and not any(_fits(public, host) for host in hosts):
        yield problem(
            "ALLOWED_HOSTS",
            f"does not include {public}, the host of PUBLIC_URL: requests there are refused.",
            f"Add {public} to ALLOWED_HOSTS.",
        )
    else:
        yield ok("ALLOWED_HOSTS", f"accepts {', '.join(hosts)}.")


def _fits(name: str, host: str) -> bool:
    return name == host or (host.startswith("*") and name.endswith(host[1:]))


def _public_host(settings: Settings) -> str | None:
    """Return the host of PUBLIC_URL; None where it is not set."""
    if "public_url" not in settings.model_fields_set:
        return None
    return settings.public_url.host


def _https(settings: Settings) -> Iterator[Finding]:
    public = _public_host(settings)
    if public is None:
        return
    if settings.public_url.scheme == "https":
        yield from _behind_https(settings)
    elif settings.cookie_secure:
        yield problem(
            "COOKIE_SECURE",
            "is true, and PUBLIC_URL begins with http://: browsers drop the cookie, and nobody "
            "can log in.",
            "Serve the site over https and set PUBLIC_URL to that, or set COOKIE_SECURE=false.",
        )
    elif not is_this_machine(public):
        yield warning(
            "PUBLIC_URL",
            "begins with http://: passwords are sent unencrypted.",
            "Put an HTTPS proxy in front of the site, then set PUBLIC_URL to https://… and "
            "COOKIE_SECURE=true.",
        )


def _behind_https(settings: Settings) -> Iterator[Finding]:
    if settings.cookie_secure:
        yield ok("COOKIE_SECURE", "is true, as PUBLIC_URL with https asks for.")
    else:
        yield warning(
            "COOKIE_SECURE",
            "is false, and PUBLIC_URL begins with https://: cookies are sent over http as well.",
            "Set COOKIE_SECURE=true.",
        )
    if not settings.trusted_proxies:
        yield warning(
            "TRUSTED_PROXIES",
            "is not set, but the site is behind an HTTPS proxy: all users appear to come from the "
            "proxy's address and share its limits on failed log-ins.",
            "Set TRUSTED_PROXIES to the address of that proxy.",
        )


def _pooler(settings: Settings) -> Iterator[Finding]:
    if settings.database_pooler is not None and settings.database_url is None:
        yield problem(
            "DATABASE_POOLER",
            "is set, and DATABASE_URL is not; the embedded PostgreSQL has no pooler, and "
            "its tables would not be created.",
            "Remove DATABASE_POOLER, or set DATABASE_URL to the address of the pooler.",
        )


def _messages(settings: Settings) -> Iterator[Finding]:
    if settings.smtp_url is None:
        yield ok("SMTP_URL", "is not set: no e-mails are sent.")
    else:
        yield from _mails(settings)
    if settings.webhook_url is None:
        yield ok("WEBHOOK_URL", "is not set: nothing is posted to other systems.")
    elif settings.webhook_url.scheme == "http" and not is_this_machine(
        settings.webhook_url.host or ""
    ):
        yield warning(
            "WEBHOOK_URL",
            "begins with http://: messages are sent unencrypted.",
            "Set WEBHOOK_URL to the receiver's https:// address.",
        )


def _mails(settings: Settings) -> Iterator[Finding]:
    assert settings.smtp_url is not None
    server = mail_server(settings.smtp_url)
    if server.password and server.encryption == "none" and not is_this_machine(server.host):
        yield warning(
            "SMTP_URL",
            "has a password that is sent unencrypted.",
            "Leave ?starttls=false out, or use smtps://.",
        )
    if "public_url" not in settings.model_fields_set:
        yield warning(
            "PUBLIC_URL",
            f"is not set, and SMTP_URL is: the links in mails lead to {settings.public_url}.",
            "Set PUBLIC_URL to where people reach the site.",
        )
    if "mail_from" not in settings.model_fields_set:
        yield warning(
            "MAIL_FROM",
            f"is not set, and SMTP_URL is: mails come from {settings.mail_from}, which few mail "
            "servers accept.",
            "Set MAIL_FROM to an address of your company.",
        )


def is_this_machine(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
