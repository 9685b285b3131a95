"""`expenses doctor`, on real mail servers and receivers that are in order or are not."""

import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import MSG_PEEK, create_connection, create_server
from typing import Any
from unittest.mock import patch

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Session

from tests.command_line import Ended, free_port
from tests.observability.test_doctor import HEALTHY, HIDDEN, DoctorTestCase
from tests.receivers import MailServer as RealMailServer

# Ends a server that listens for connections.
END = b"end"


class MailServer(DoctorTestCase):
    def mail_url(
        self, box: "WatchedServer", user: str = "", scheme: str = "smtp", end: str = ""
    ) -> str:
        return f"{scheme}://{user}127.0.0.1:{box.port}{end}"

    def look(self, url: str) -> Ended:
        return self.examine(SMTP_URL=url, MAIL_FROM="expenses@contoso.example")

    def test_one_that_answers_is_left_without_a_mail(self) -> None:
        with WatchedServer() as box:
            ended = self.look(self.mail_url(box))
        self.assertIn("Problems: 0. Warnings: 0.", ended.stdout)
        self.assert_found(ended, "ok", "mail server at", "without encryption", "No e-mail was sent")
        self.assertEqual(box.commands, ["QUIT"])

    def test_one_that_takes_the_password(self) -> None:
        with WatchedServer(password=HIDDEN) as box:
            user = f"{HIDDEN}%40contoso.example:{HIDDEN}@"
            ended = self.look(self.mail_url(box, user, end="?starttls=false"))
        self.assert_found(ended, "ok", "mail server at", "accepts user and password")
        self.assertEqual(box.commands, ["EHLO", "AUTH", "QUIT"])

    def test_one_that_does_not(self) -> None:
        with WatchedServer(password="another one") as box:
            ended = self.look(self.mail_url(box, f"{HIDDEN}:{HIDDEN}@", end="?starttls=false"))
        self.assert_found(
            ended, "problem", "mail server at", "rejects this user", "535", "SMTP_URL"
        )

    def test_one_that_knows_no_passwords(self) -> None:
        with WatchedServer() as box:
            ended = self.look(self.mail_url(box, f"{HIDDEN}:{HIDDEN}@", end="?starttls=false"))
        self.assert_found(ended, "problem", "mail server at", "AUTH extension is not supported")

    def test_one_without_tls(self) -> None:
        with WatchedServer(password=HIDDEN) as box:
            ended = self.look(self.mail_url(box, f"{HIDDEN}:{HIDDEN}@"))
            self.assert_found(ended, "problem", "mail server at", "STARTTLS", "smtps://")
            self.assertEqual(box.commands, ["EHLO"])
            ended = self.look(self.mail_url(box, scheme="smtps"))
            self.assert_found(ended, "problem", "mail server at", "does not speak TLS")

    def test_one_with_tls(self) -> None:
        certificate = self.enterContext(own_certificate())
        for scheme, end, words in (
            ("smtp", "?starttls=true", "with STARTTLS"),
            ("smtps", "", "with TLS"),
        ):
            with (
                self.subTest(scheme=scheme),
                WatchedServer(password=HIDDEN, certificate=certificate, scheme=scheme) as box,
            ):
                url = self.mail_url(box, f"{HIDDEN}:{HIDDEN}@", scheme, end)
                self.assert_found(self.look(url), "problem", "mail server at", "not trusted")
                with patch.dict(os.environ, SSL_CERT_FILE=str(certificate)):
                    self.assert_found(self.look(url), "ok", "mail server at", words, "accepts user")

    def test_one_that_waits_for_tls_is_told_apart(self) -> None:
        certificate = self.enterContext(own_certificate())
        with (
            WatchedServer(certificate=certificate, scheme="smtps") as box,
            patch("expenses.observability.doctor.messages.TIMEOUT", 0.5),
        ):
            ended = self.look(self.mail_url(box))
        self.assert_found(ended, "problem", "mail server at", "does not answer", "smtps://")

    def test_where_nobody_listens(self) -> None:
        for host in ("127.0.0.1", "localhost"):
            url = f"smtp://ann:{HIDDEN}@{host}:{free_port()}"
            self.assert_found(
                self.look(url), "problem", f"mail server at {host}:", "nothing is listening there"
            )
        url = f"smtp://ann:{HIDDEN}@no-such-host.invalid"
        self.assert_found(self.look(url), "problem", "mail server at", "cannot be resolved")

    def test_what_is_missing_beside_it_is_told(self) -> None:
        with WatchedServer() as box:
            ended = self.examine(SMTP_URL=self.mail_url(box), PUBLIC_URL="")
        self.assert_found(ended, "warning", "Set MAIL_FROM and PUBLIC_URL", "http://localhost:8000")


class Webhook(DoctorTestCase):
    def look(self, url: str) -> Ended:
        return self.examine(
            WEBHOOK_URL=f"{url}/{HIDDEN}?t={HIDDEN}", WEBHOOK_SECRET=HEALTHY["SECRET_KEY"][::-1]
        )

    def test_one_that_listens_is_sent_nothing(self) -> None:
        with listening() as (port, received):
            ended = self.look(f"http://ann:{HIDDEN}@127.0.0.1:{port}")
        self.assertIn("Problems: 0. Warnings: 0.", ended.stdout)
        self.assert_found(
            ended, "ok", "receiver at", f"127.0.0.1:{port} is listening", "Nothing was posted"
        )
        self.assertEqual(received, [b""])

    def test_one_with_a_certificate(self) -> None:
        certificate = self.enterContext(own_certificate())
        with listening(certificate) as (port, received):
            url = f"https://127.0.0.1:{port}"
            self.assert_found(
                self.look(url), "problem", "receiver at", "not trusted", "SSL_CERT_FILE"
            )
            with patch.dict(os.environ, SSL_CERT_FILE=str(certificate)):
                self.assert_found(self.look(url), "ok", "receiver at", "trusted")
                other_name = self.look(f"https://localhost:{port}")
                self.assert_found(other_name, "problem", "receiver at", "not trusted")
        self.assertEqual({*received}, {b""})

    def test_one_that_does_not_speak_tls(self) -> None:
        with WatchedServer() as box:
            ended = self.look(f"https://127.0.0.1:{box.port}")
        self.assert_found(ended, "problem", "receiver at", "does not speak TLS")

    def test_where_nobody_listens(self) -> None:
        for url, *words in (
            (f"http://127.0.0.1:{free_port()}", "at 127.0.0.1:", "nothing is listening there"),
            (f"http://localhost:{free_port()}", "at localhost:", "nothing is listening there"),
            ("https://no-such-host.invalid", "at no-such-host.invalid:443", "cannot be resolved"),
        ):
            self.assert_found(self.look(url), "problem", "receiver", *words)

    def test_one_behind_a_proxy_is_not_looked_at(self) -> None:
        with patch.dict(HEALTHY, NO_PROXY="", https_proxy=f"http://ann:{HIDDEN}@127.0.0.1:1"):
            ended = self.look("https://hooks.contoso.example")
        self.assert_found(ended, "ok", "receiver at hooks.contoso.example:443", "proxy")


class WatchedServer(RealMailServer):
    """Writes down what it is asked, and takes no mail."""

    def __init__(
        self, *, password: str | None = None, certificate: Path | None = None, scheme: str = "smtp"
    ) -> None:
        tls = context_of(certificate) if certificate is not None else None
        is_encrypted = scheme == "smtps"
        super().__init__(
            tls=tls if is_encrypted else None,
            starttls=None if is_encrypted else tls,
            takes_passwords=password is not None,
        )
        self.commands: list[str] = []
        self._password = password

    # What aiosmtpd asks.

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, connection: Session, _envelope: object, name: str, answers: list[str]
    ) -> list[str]:
        self.commands.append("EHLO")
        connection.host_name = name
        return answers

    async def handle_MAIL(self, *_: object) -> str:  # noqa: N802
        self.commands.append("MAIL")
        return "550 No mail is to come"

    async def handle_QUIT(self, *_: object) -> str:  # noqa: N802
        self.commands.append("QUIT")
        return "221 Bye"

    def authenticate(self, *arguments: Any) -> AuthResult:
        assert self._password is not None
        self.commands.append("AUTH")
        is_right = arguments[-1].password == self._password.encode()
        return AuthResult(success=is_right, handled=False)


@contextmanager
def listening(certificate: Path | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """A port, and what each of those who came has sent."""
    received: list[bytes] = []
    context = context_of(certificate) if certificate is not None else None

    def take() -> None:
        while True:
            connection, _ = listener.accept()
            with connection:
                if connection.recv(len(END), MSG_PEEK) == END:
                    return
                received.append(all_of(connection, context))

    with create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield listener.getsockname()[1], received
        # It comes last, after everyone else has been accepted.
        with create_connection(listener.getsockname()) as last:
            last.sendall(END)
            thread.join()


def all_of(connection: Any, context: ssl.SSLContext | None) -> bytes:
    try:
        if context is not None:
            connection = context.wrap_socket(connection, server_side=True)
        with connection:
            data: bytes = connection.recv(1000)
            return data
    except OSError:
        # It was hung up on, as it is with a certificate that is not trusted.
        return b""


@contextmanager
def own_certificate() -> Iterator[Path]:
    """Of an authority that nobody knows, for 127.0.0.1; the key and the authority in one file."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem
    with trustme.Blob(certificate.bytes() + authority.cert_pem.bytes()).tempfile() as path:
        yield Path(path)


def context_of(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context
