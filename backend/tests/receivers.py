"""What messages are sent to in the tests: a real mail server and a real web server, in threads."""

import asyncio
import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tests.command_line import free_port

OK = "250 OK"

# What aiosmtpd says of itself is not what is tested.
logging.getLogger("mail").addHandler(logging.NullHandler())
logging.getLogger("mail").propagate = False


class MailServer:
    """A real one, in a thread of its own; away until it is opened. aiosmtpd asks its methods.

    With `tls`, encrypted from the first byte on, or by STARTTLS.
    """

    def __init__(
        self,
        *,
        port: int | None = None,
        tls: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
        takes_passwords: bool = False,
    ) -> None:
        self.port = port or free_port()
        self.url = f"smtp://127.0.0.1:{self.port}"
        self._tls = tls
        self._options: dict[str, Any] = {"hostname": "localhost", "enable_SMTPUTF8": True}
        if starttls is not None:
            self._options |= {"tls_context": starttls}
        if takes_passwords:
            self._options |= {"authenticator": self.authenticate, "auth_require_tls": False}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def authenticate(self, *arguments: Any) -> AuthResult:
        """The last argument holds user and password."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> None:
        for patience in range(50, -1, -1):
            try:
                self._server = await self._loop.create_server(
                    lambda: SMTP(self, loop=self._loop, **self._options),
                    "127.0.0.1",
                    self.port,
                    ssl=self._tls,
                )
            except OSError:
                # Whoever connects while nobody listens may be given this port for a moment.
                if not patience:
                    raise
                await asyncio.sleep(0.1)
            else:
                return

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # Connections are closed in the next rounds of the loop.
        await asyncio.sleep(0.05)


class MailBox(MailServer):
    """Takes what it is sent, or answers as it is told to."""

    def __init__(self, *, port: int | None = None, takes_passwords: bool = False) -> None:
        super().__init__(port=port, takes_passwords=takes_passwords)
        self.mails: list[EmailMessage] = []
        self.passwords: list[object] = []
        self.recipient_answer = OK
        # Each mail waits for it after all of it has come; a slow server's seconds come on top.
        self.takes_mails = threading.Event()
        self.takes_mails.set()
        self.seconds = 0.0
        self.has_begun = threading.Event()

    def __exit__(self, *_: object) -> None:
        self.takes_mails.set()
        super().__exit__()

    @property
    def ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for mail in self.mails]

    # What aiosmtpd asks.

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: object
    ) -> str:
        if self.recipient_answer == OK:
            envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self.has_begun.set()
        await asyncio.sleep(self.seconds)
        await asyncio.to_thread(self.takes_mails.wait, 30)
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        assert [address.addr_spec for address in mail["To"].addresses] == envelope.rcpt_tos
        self.mails.append(mail)
        return OK

    def authenticate(self, *arguments: Any) -> AuthResult:
        self.passwords.append(arguments[-1])
        return AuthResult(success=True)


def words_of(mail: EmailMessage) -> str:
    content: str = mail.get_content()
    return content.replace("\r\n", "\n")


class Posted(NamedTuple):
    headers: dict[str, str]
    body: bytes


class Hook:
    """Answers 200, or first what stands in `answers`."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.answers: list[int] = []
        self.takes = threading.Event()
        self.takes.set()
        self.url = ""


@contextmanager
def listening_hook() -> Iterator[Hook]:
    hook = Hook()

    def take(posted: Posted) -> int:
        hook.posted.append(posted)
        hook.takes.wait(30)
        return hook.answers.pop(0) if hook.answers else 200

    with receiving(take) as address:
        hook.url = f"{address}/hook"
        try:
            yield hook
        finally:
            hook.takes.set()


@contextmanager
def receiving(take: Callable[[Posted], int]) -> Iterator[str]:
    """The address of a web server that hands on what is posted, and answers with that status."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = take(Posted({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(status)
            if status in (301, 307):
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)
