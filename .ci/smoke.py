"""Starts the demo as the README says, logs in, files a ticket, and stops it again."""

import contextlib
import re
import signal
import socket
import subprocess
import sys
import time

import httpx

from expenses.demo import PASSWORD


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until_ready(address: str, demo: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if demo.poll() is not None:
            sys.exit(f"The demo ended with status {demo.returncode}.")
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/ready").status_code == 200:
                return
        time.sleep(0.2)
    sys.exit("The demo was not ready within a minute.")


def file_a_ticket(address: str) -> None:
    with httpx.Client(base_url=address, follow_redirects=True) as browser:
        page = browser.post("/login", data={"email": "niall@contoso.example", "password": PASSWORD})
        key = re.search(r'name="key" value="([^"]+)"', page.text)
        assert key, page.text
        ticket = {
            "key": key[1],
            "spent_on": "2026-01-02",
            "amount": "12.50",
            "currency": "USD",
            "category": "meals",
            "description": "Filed by the smoke test",
            "links": "https://example.com/receipt",
        }
        page = browser.post("/tickets", data=ticket)
        assert page.status_code == 200 and "Filed by the smoke test" in page.text, page.text


def main() -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    demo = subprocess.Popen(["expenses", "demo", "--port", str(port)])
    try:
        wait_until_ready(address, demo)
        file_a_ticket(address)
    finally:
        demo.send_signal(signal.SIGTERM)
        status = demo.wait(30)
    assert status == 0, f"The demo ended with status {status}."
    print("The demo ran, filed a ticket and stopped.")


main()
