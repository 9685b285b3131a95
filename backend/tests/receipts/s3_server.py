"""An S3 server that listens, keeps what it is sent, and can be killed in the middle of that."""

import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import obstore
from obstore.store import S3Store

from tests.command_line import free_port

BUCKET = "receipts"
# How much of an original arrives before the server dies.
HALF = 1_000_000


class S3Server:
    """Moto's server. It holds all in memory, and replays a recording when it is started again."""

    def __init__(self, folder: Path) -> None:
        self._recording = folder / "recording"
        self._log = folder / "log"
        self._port = free_port()
        self._relay = _Relay(self)
        self.variables = {
            "STORAGE_URL": f"s3://{BUCKET}/company",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._relay.server_address[1]}",
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": "secret",
            # Whatever this machine goes through to the world, it is not for 127.0.0.1.
            "NO_PROXY": "*",
        }
        self.start()
        with self._client() as client:
            client.put(f"/{BUCKET}").raise_for_status()

    def start(self) -> None:
        recorded = {
            "MOTO_ENABLE_RECORDING": "true",
            "MOTO_RECORDER_FILEPATH": str(self._recording),
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._port)],
                env=os.environ | recorded,
                stdout=log,
                stderr=log,
            )
        self._wait_until_it_listens()
        if self._recording.exists():
            with self._client() as client:
                client.post("/moto-api/recorder/replay-recording").raise_for_status()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def kill_during_the_next_upload(self) -> None:
        self._relay.is_armed = True

    def close(self) -> None:
        self._relay.shutdown()
        self._relay.server_close()
        self.kill()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port))

    def names(self) -> list[str]:
        """All that is in the bucket, asked for without the application."""
        store = S3Store(
            BUCKET,
            endpoint=f"http://127.0.0.1:{self._port}",
            access_key_id="somebody",
            secret_access_key="secret",
            client_options={"allow_http": True},
        )
        return sorted(each["path"] for each in obstore.list(store).collect())

    def _client(self) -> httpx.Client:
        # Moto tells its services apart by the signature, and does not check it.
        scope = "somebody/20261130/us-east-1/s3/aws4_request"
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self._port}",
            headers={"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}"},
            trust_env=False,
        )

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError), self.connect():
                return
            time.sleep(0.05)
        raise AssertionError(self._log.read_text())


class _Relay(socketserver.ThreadingTCPServer):
    """Stands before the server, and sees how much of an upload has arrived."""

    daemon_threads = True

    def __init__(self, server: S3Server) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.server = server
        self.is_armed = False
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Connection(socketserver.BaseRequestHandler):
    server: _Relay

    def handle(self) -> None:
        with suppress(OSError), self.server.server.connect() as there:
            answers = threading.Thread(target=self._answer, args=(there,), daemon=True)
            answers.start()
            self._forward(there)
            there.shutdown(socket.SHUT_WR)
            answers.join()

    def _forward(self, there: socket.socket) -> None:
        arrived: int | None = None
        while piece := self.request.recv(64 * 1024):
            if b"PUT " in piece and b"/original HTTP/1.1" in piece:
                arrived = 0
            there.sendall(piece)
            if arrived is not None and self.server.is_armed:
                arrived += len(piece)
                if arrived > HALF:
                    self.server.is_armed = False
                    self.server.server.kill()

    def _answer(self, there: socket.socket) -> None:
        with suppress(OSError):
            while piece := there.recv(64 * 1024):
                self.request.sendall(piece)
        with suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)
