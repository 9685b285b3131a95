"""What becomes of requests under way when the server is told to end."""

import asyncio
import json
import socket
import time
from urllib.parse import urlsplit

from tests.command_line import CommandLineTestCase, Running, execute
from tests.harness import new_database, ticket_json

# Longer than requests get, and than a busy machine needs besides: only what hangs takes longer.
PATIENCE = 60


class Shutdown(CommandLineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.url = new_database()

    def test_what_is_under_way_is_answered_and_nobody_else_is_let_in(self) -> None:
        server = self.start_server("--workers", "1")
        self.end_in_the_middle_of_a_request(server)

    def test_several_workers_do_the_same(self) -> None:
        server = self.start_server("--workers", "2")
        self.end_in_the_middle_of_a_request(server)

    def test_a_request_that_never_ends_is_not_waited_for(self) -> None:
        servers = [self.start_server("--workers", workers) for workers in ("1", "2")]
        connections = [self.half_a_request(server)[0] for server in servers]
        began = time.monotonic()
        for server in servers:
            server.process.terminate()
        for server, connection in zip(servers, connections, strict=True):
            self.assertEqual(server.process.wait(PATIENCE), 0)
            # It was given its time, and nothing was made of its half.
            self.assertGreater(time.monotonic() - began, 9)
            self.assertTrue(connection.recv(1000).startswith(b"HTTP/1.1 500 "))
        self.assertEqual(self.rows("SELECT action FROM events WHERE ticket_id IS NOT NULL"), [])

    def end_in_the_middle_of_a_request(self, server: Running) -> None:
        connection, rest = self.half_a_request(server)
        server.process.terminate()
        self.wait_until_refused(server)
        self.assertIsNone(server.process.poll())
        connection.sendall(rest)
        with connection.makefile("rb") as answer:
            head, _, body = answer.read().partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 201 "), head)
        ticket = json.loads(body)["id"]
        self.assertEqual(server.process.wait(PATIENCE), 0)
        self.assertEqual(
            self.rows("SELECT ticket_id, action FROM events WHERE ticket_id IS NOT NULL"),
            [(ticket, "ticket.created")],
        )

    def start_server(self, *arguments: str) -> Running:
        return self.start("serve", *arguments, DATABASE_URL=self.url, SECRET_KEY="x" * 40)

    def half_a_request(self, server: Running) -> tuple[socket.socket, bytes]:
        """One that files a ticket, up to the middle of its body; and the rest."""
        if not hasattr(self, "client"):
            self.client = self.register(server.address)
        body = json.dumps(ticket_json()).encode()
        connection = self.connect(server)
        self.addCleanup(connection.close)
        connection.sendall(
            b"POST /api/tickets HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nExpect: 100-continue\r\n"
            + f"Authorization: {self.client.headers['Authorization']}\r\n".encode()
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
        )
        # Not the server alone, the application too has begun with it.
        self.assertIn(b"100 Continue", connection.recv(1000))
        connection.sendall(body[:20])
        return connection, body[20:]

    def connect(self, server: Running) -> socket.socket:
        target = urlsplit(server.address)
        return socket.create_connection((target.hostname or "", target.port or 0), PATIENCE)

    def wait_until_refused(self, server: Running) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                self.connect(server).close()
            except ConnectionRefusedError:
                return
            time.sleep(0.02)
        self.fail("New connections are still taken.")

    def rows(self, query: str) -> list[tuple[object, ...]]:
        return asyncio.run(execute(self.url, query))
