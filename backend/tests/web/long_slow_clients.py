"""Two hundred clients that send and read next to nothing, and one in a hurry."""

import asyncio
import socket
import time
from contextlib import closing
from urllib.parse import urlsplit

import httpx

from expenses.demo import PASSWORD
from tests.command_line import CommandLineTestCase, execute
from tests.observability.test_metrics import ITS_OWN, TOKEN, Figures, figures_in

FORM = "application/x-www-form-urlencoded"
FILES = "multipart/form-data; boundary=x"
# What a browser or a program begins to send, and by whom.
UPLOADS = (
    ("niall", "/api/tickets", "application/json", '{"description": "'),
    ("niall", "/api/tickets/1/receipts", FILES, "--x\r\n"),
    ("niall", "/tickets", FILES, "--x\r\n"),
    ("niall", "/tickets/import", FILES, "--x\r\n"),
    ("dana", "/admin/ticket/decide", FORM, "next="),
    ("dana", "/admin/payments", FORM, "currency="),
)
DOWNLOADS = (
    ("dana", "/admin/ticket/export/csv?status=all"),
    ("dana", "/admin/ticket/export/zip?status=all"),
    ("niall", "/tickets/export.csv"),
    ("niall", "/account/data.zip"),
)
CLIENTS = 200
# So that no download fits into what the system keeps on the way.
MORE_TICKETS = """
INSERT INTO tickets (owner_id, spent_on, amount, currency, category, description)
SELECT id, current_date, 1, 'EUR', 'other', random_text
FROM users, generate_series(1, 500) AS number, LATERAL (
    SELECT string_agg(md5(number || ' ' || part), '') FROM generate_series(1, 15) AS part
) AS random(random_text)
WHERE email = 'niall@contoso.example'
"""


class SlowClients(CommandLineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.company = self.new_demo_company()
        variables = {"DATABASE_URL": self.company, "SECRET_KEY": "x" * 40, "METRICS_TOKEN": TOKEN}
        self.address = self.start("serve", "--workers", "1", **variables).address
        self.cookies = {name: self.log_in(name) for name in ("niall", "dana")}

    async def test_none_of_them_holds_a_connection(self) -> None:
        await execute(self.company, MORE_TICKETS)
        clients = [asyncio.create_task(self.be_slow(number)) for number in range(CLIENTS)]
        try:
            await self.wait_until_no_connection_is_used()
            async with self.browser("niall") as browser:
                began = time.monotonic()
                answer = await browser.get("/tickets")
                self.assertEqual(answer.status_code, 200)
                self.assertLess(time.monotonic() - began, 5)
            self.assertEqual([client for client in clients if client.done()], [])
        finally:
            for client in clients:
                client.cancel()
            await asyncio.gather(*clients, return_exceptions=True)

    async def be_slow(self, number: int) -> None:
        """Send or read a byte now and then; nobody begins in the same moment as the others."""
        await asyncio.sleep(number / 50)
        narrow = await self.narrow_socket()
        reader, writer = await asyncio.open_connection(sock=narrow, limit=1000)
        with closing(writer):
            await self.exchange(number, reader, writer)

    async def exchange(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        is_upload = number % 3 > 0
        if is_upload:
            name, path, kind, begin = UPLOADS[number // 3 % len(UPLOADS)]
            body = f"Content-Type: {kind}\r\nContent-Length: 100000\r\n\r\n{begin}"
            writer.write(self.head("POST", name, path) + body.encode())
        else:
            name, path = DOWNLOADS[number // 3 % len(DOWNLOADS)]
            writer.write(self.head("GET", name, path) + b"\r\n")
            self.assertIn(b" 200 ", await reader.readline())
        while not reader.at_eof():
            await asyncio.sleep(0.2)
            if is_upload:
                writer.write(b"x")
            else:
                await reader.readexactly(1)

    async def narrow_socket(self) -> socket.socket:
        """Open one that takes little at a time, so that the server has to wait."""
        narrow, target = socket.socket(), urlsplit(self.address)
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)
        narrow.setblocking(False)
        await asyncio.get_running_loop().sock_connect(narrow, (target.hostname, target.port))
        return narrow

    async def wait_until_no_connection_is_used(self) -> None:
        """For a second: what is read and sent at once has been, and the rest takes its time."""
        async with self.browser() as prometheus:
            quiet, deadline = 0, time.monotonic() + 60
            while quiet < 10 and time.monotonic() < deadline:
                answer = await prometheus.get("/metrics", headers=ITS_OWN)
                figures = Figures(figures_in(answer.text))
                used = figures.of("expenses_database_connections", state="used")
                quiet = 0 if used else quiet + 1
                await asyncio.sleep(0.1)
        self.assertEqual(quiet, 10)

    def log_in(self, name: str) -> str:
        form = {"email": f"{name}@contoso.example", "password": PASSWORD}
        with httpx.Client(base_url=self.address) as browser:
            browser.post("/login", data=form, headers={"Origin": self.address})
            return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())

    def browser(self, name: str | None = None) -> httpx.AsyncClient:
        headers = {"Cookie": self.cookies[name]} if name else {}
        return httpx.AsyncClient(base_url=self.address, headers=headers, timeout=30)

    def head(self, method: str, name: str, path: str) -> bytes:
        """Return a request's first lines, after which more may come."""
        lines = (
            f"{method} {path} HTTP/1.1",
            f"Host: {urlsplit(self.address).netloc}",
            f"Origin: {self.address}",
            f"Cookie: {self.cookies[name]}",
        )
        return "".join(f"{line}\r\n" for line in lines).encode()
