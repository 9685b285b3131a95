"""A check that the mail server accepts a connection and the log-in. No mail is sent."""

import ssl

import aiosmtplib

from expenses.notifications.mail_server import MailServer, mail_server
from expenses.observability.doctor.findings import Finding, ok, problem, unreachable
from expenses.settings import Settings

_SUBJECT = "mail server"
# In seconds, for each response; less than the whole check may take.
TIMEOUT = 5
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
        timeout=TIMEOUT,
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
        # Its text is not shown: some servers repeat what they were sent.
        return problem(
            _SUBJECT,
            f"{where} does not behave like a mail server (SMTP {error.code}).",
            "Check that it lets this machine send mails, and that the port is right.",
        )
    except (aiosmtplib.SMTPException, OSError) as error:
        return _broken_off(error, where)
    login = ", and accepts user and password" if server.username is not None else ""
    return lacking or ok(
        _SUBJECT, f"{where} answers {_ENCRYPTED[server.encryption]}{login}. No mail was sent."
    )


async def _encrypt(smtp: aiosmtplib.SMTP, server: MailServer, where: str) -> Finding | None:
    if server.encryption != "starttls":
        return None
    if not smtp.supports_extension("starttls"):
        return problem(
            _SUBJECT,
            f"{where} does not offer STARTTLS, which SMTP_URL requires.",
            "Use smtps:// if the port expects TLS at once, or add ?starttls=false if the network "
            "is private.",
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
            f"{where} does not accept a user and password on this connection.",
            "Remove them from SMTP_URL, or use the port for them, usually 465 or 587.",
        )
    try:
        await smtp.login(server.username, server.password or "")
    except aiosmtplib.SMTPAuthenticationError as error:
        return problem(
            _SUBJECT,
            # With some providers the user name is a secret, too.
            f"{where} rejects this user and password (SMTP {error.code}).",
            "Correct them in SMTP_URL; in them, write @ as %40, : as %3A and / as %2F.",
        )
    return None


def _broken_off(error: Exception, where: str) -> Finding:
    cause = error.__cause__ or error
    is_silence = isinstance(cause, aiosmtplib.SMTPException | ConnectionResetError)
    if isinstance(cause, OSError) and not is_silence:
        return unreachable(_SUBJECT, cause, where)
    return problem(
        _SUBJECT,
        f"{where} accepts the connection but does not respond like a mail server.",
        "Check that a mail server listens there. If it expects TLS at once, SMTP_URL begins with "
        "smtps://.",
    )
