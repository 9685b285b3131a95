"""Whether the mail server would take mails. It is asked for nothing but that."""

import ssl

import aiosmtplib

from expenses.notifications.mail_server import MailServer, mail_server
from expenses.observability.doctor.findings import Finding, ok, problem, unreachable
from expenses.settings import Settings

_SUBJECT = "mail server"
# In seconds, for each of its answers; less than all of it has.
PATIENCE = 5
_ENCRYPTED = {"tls": "with TLS", "starttls": "with STARTTLS", "none": "without encryption"}


async def check_mail_server(settings: Settings) -> list[Finding]:
    assert settings.smtp_url is not None
    server = mail_server(settings.smtp_url)
    smtp = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.encryption == "tls",
        start_tls=False,
        tls_context=None if server.encryption == "none" else ssl.create_default_context(),
        local_hostname=settings.public_url.host,
        timeout=PATIENCE,
    )
    try:
        return [await _talk(smtp, server)]
    finally:
        smtp.close()


async def _talk(smtp: aiosmtplib.SMTP, server: MailServer) -> Finding:
    where = f"{server.host}:{server.port}"
    try:
        await smtp.connect()
        await smtp.ehlo()
        lacking = await _encrypt(smtp, server, where) or await _log_in(smtp, server, where)
        await smtp.quit()
    except aiosmtplib.SMTPResponseException as error:
        # What it says is not repeated: some servers repeat what they were sent.
        return problem(
            _SUBJECT,
            f"{where} does not talk with us as a mail server does (SMTP {error.code}).",
            "See whether it lets this machine send mails, and whether the port is the right one.",
        )
    except (aiosmtplib.SMTPException, OSError) as error:
        return _broken_off(error, where)
    login = ", and takes user and password" if server.username is not None else ""
    return lacking or ok(
        _SUBJECT, f"{where} answers {_ENCRYPTED[server.encryption]}{login}. No mail was sent."
    )


async def _encrypt(smtp: aiosmtplib.SMTP, server: MailServer, where: str) -> Finding | None:
    if server.encryption != "starttls":
        return None
    if not smtp.supports_extension("starttls"):
        return problem(
            _SUBJECT,
            f"{where} does not offer STARTTLS, and no mail is sent without.",
            "Begin SMTP_URL with smtps:// where the port has TLS from its first byte; end it with "
            "?starttls=false where nobody else can listen in.",
        )
    await smtp.starttls()
    await smtp.ehlo()
    return None


async def _log_in(smtp: aiosmtplib.SMTP, server: MailServer, where: str) -> Finding | None:
    if server.username is None:
        return None
    if not smtp.supports_extension("auth"):
        return problem(
            _SUBJECT,
            f"{where} takes no user and password on such a connection.",
            "Leave them out of SMTP_URL, or use the port where it takes them, mostly 465 or 587.",
        )
    try:
        await smtp.login(server.username, server.password or "")
    except aiosmtplib.SMTPAuthenticationError as error:
        return problem(
            _SUBJECT,
            # With some, the user is as secret as the password.
            f"{where} does not take this user with this password (SMTP {error.code}).",
            "Put the right ones into SMTP_URL; in them, @ is written %40, : is %3A and / is %2F.",
        )
    return None


def _broken_off(error: Exception, where: str) -> Finding:
    cause = error.__cause__ or error
    is_silence = isinstance(cause, aiosmtplib.SMTPException | ConnectionResetError)
    if isinstance(cause, OSError) and not is_silence:
        return unreachable(_SUBJECT, cause, where)
    return problem(
        _SUBJECT,
        f"{where} takes the connection, and then says nothing that a mail server would.",
        "See whether a mail server listens there, and whether it wants TLS from its first byte: "
        "then SMTP_URL begins with smtps://.",
    )
