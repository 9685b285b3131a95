"""Checks of settings that can be read, and still do not fit together or are not safe."""

from pydantic import SecretStr
from zxcvbn import zxcvbn

from expenses.observability.doctor.findings import Finding
from expenses.settings import KEY_COMMAND, Settings

# Powers of ten, of guesses. A key can be tried out offline, on cookies that anybody can get; a code
# only by registering, which is throttled.
_GUESSED_OFFLINE = 16
_GUESSED_ONLINE = 8


def _secret_key(settings: Settings) -> Finding:
    key = settings.secret_key
    if key is not None and _is_guessed(key, _GUESSED_OFFLINE):
        return Finding(
            "problem",
            "SECRET_KEY can be guessed, and cookies forged with it. Set it to a long random text, "
            f"such as what `{KEY_COMMAND}` prints.",
        )
    if key is not None:
        return Finding("ok", "SECRET_KEY is set and hard to guess.")
    if settings.database_url is not None:
        return Finding(
            "problem",
            "SECRET_KEY is not set, but DATABASE_URL is: the server does not start. Set it to a "
            f"long random text, the same for every process, such as what `{KEY_COMMAND}` prints.",
        )
    return Finding("ok", f"SECRET_KEY is not set. The server keeps one in {settings.data_dir}.")


def _employer_code(settings: Settings) -> Finding:
    code = settings.employer_code
    if settings.registration == "invited":
        return Finding("ok", "REGISTRATION is invited: nobody needs EMPLOYER_CODE.")
    if code is None:
        return Finding(
            "warning",
            "EMPLOYER_CODE is not set: anyone can register as an employer. Set it to a code that "
            "only employers are told.",
        )
    if _is_guessed(code, _GUESSED_ONLINE):
        return Finding(
            "warning",
            "EMPLOYER_CODE can be guessed. Set it to a longer code, such as four random words.",
        )
    return Finding("ok", "EMPLOYER_CODE is set and hard to guess.")


def _registration(settings: Settings) -> Finding:
    who = {
        "open": "anybody can register",
        "domains": "people register by an e-mail of " + ", ".join(settings.registration_domains),
        "invited": "only people with an invitation can register",
    }
    return Finding("ok", f"REGISTRATION is {settings.registration}: {who[settings.registration]}.")


def _allowed_hosts(settings: Settings) -> Finding:
    hosts, public = settings.allowed_hosts, _public_host(settings)
    if "*" in hosts:
        return Finding(
            "warning",
            "ALLOWED_HOSTS accepts requests for any host name. Set it to the names of your site.",
        )
    if public is not None and not any(_covers(host, public) for host in hosts):
        return Finding(
            "problem",
            f"ALLOWED_HOSTS does not include {public}, the host of PUBLIC_URL: requests there are "
            f"refused. Add {public}.",
        )
    return Finding("ok", f"ALLOWED_HOSTS accepts {', '.join(hosts)}.")


def _cookie_secure(settings: Settings) -> Finding:
    public, is_https = _public_host(settings), settings.public_url.scheme == "https"
    if settings.cookie_secure and public is not None and not is_https:
        return Finding(
            "problem",
            "COOKIE_SECURE is true, but PUBLIC_URL begins with http://: browsers drop the cookie, "
            "and nobody can log in. Serve the site over https, or set COOKIE_SECURE=false.",
        )
    if is_https and not settings.cookie_secure:
        return Finding(
            "warning",
            "COOKIE_SECURE is false, but PUBLIC_URL begins with https://: cookies are sent over "
            "http as well. Set COOKIE_SECURE=true.",
        )
    if not is_https and public not in {None, "localhost", "127.0.0.1"}:
        return Finding(
            "warning",
            "PUBLIC_URL begins with http://: passwords are sent unencrypted. Put an HTTPS proxy in "
            "front of the site, then set PUBLIC_URL to https://… and COOKIE_SECURE=true.",
        )
    return Finding("ok", f"COOKIE_SECURE is {str(settings.cookie_secure).lower()}.")


def _trusted_proxies(settings: Settings) -> Finding:
    proxies = ", ".join(map(str, settings.trusted_proxies))
    if settings.public_url.scheme == "https" and not proxies:
        return Finding(
            "warning",
            "TRUSTED_PROXIES is not set, but PUBLIC_URL begins with https://: everyone seems to "
            "have the proxy's IP address, and shares its limit on failed log-ins. Set it to the "
            "address of that proxy.",
        )
    return Finding("ok", f"TRUSTED_PROXIES is {proxies or 'not set'}.")


def _mail_addresses(settings: Settings) -> Finding:
    if settings.smtp_url is None:
        return Finding("ok", "SMTP_URL is not set: no e-mails are sent.")
    effect = (
        f"e-mails come from {settings.mail_from}, and their links lead to {settings.public_url}"
    )
    missing = [name for name in ("MAIL_FROM", "PUBLIC_URL") if not _is_set(settings, name)]
    if missing:
        names = " and ".join(missing)
        return Finding("warning", f"Set {names}, as SMTP_URL is set: otherwise {effect}.")
    return Finding("ok", f"MAIL_FROM and PUBLIC_URL are set: {effect}.")


SETTINGS_CHECKS = (
    _secret_key,
    _employer_code,
    _registration,
    _allowed_hosts,
    _cookie_secure,
    _trusted_proxies,
    _mail_addresses,
)


def _is_guessed(secret: SecretStr, guesses: int) -> bool:
    """Whether it takes fewer guesses than this power of ten; by its first 72 characters."""
    return bool(zxcvbn(secret.get_secret_value()[:72])["guesses_log10"] < guesses)


def _covers(pattern: str, host: str) -> bool:
    return pattern == host or (pattern.startswith("*") and host.endswith(pattern[1:]))


def _public_host(settings: Settings) -> str | None:
    return settings.public_url.host if _is_set(settings, "PUBLIC_URL") else None


def _is_set(settings: Settings, variable: str) -> bool:
    return variable.lower() in settings.model_fields_set
