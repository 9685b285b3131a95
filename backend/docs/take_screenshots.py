"""The README's pictures, taken from the demo company.

From the top level: uv run --project backend python backend/docs/take_screenshots.py
Needs a Chromium on the PATH.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright

from expenses.demo import PASSWORD

PICTURES = Path(__file__).parent / "screenshots"
DANA, LINA = "dana@contoso.example", "lina@contoso.example"
DESKTOP, PHONE = (1280, 860), (390, 844)

# Name, who, path, size of the window, colour scheme.
SHOTS = (
    ("tickets", DANA, "/admin/ticket/list", DESKTOP, "light"),
    ("overview", DANA, "/admin/overview", DESKTOP, "light"),
    ("employees", DANA, "/admin/employee/list", DESKTOP, "light"),
    ("history", DANA, "/admin/history", DESKTOP, "dark"),
    ("my-tickets", LINA, "/tickets", DESKTOP, "light"),
    ("my-tickets-phone", LINA, "/tickets", PHONE, "dark"),
)


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("No Chromium found.")
    PICTURES.mkdir(exist_ok=True)
    with demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        for name, email, path, size, scheme in SHOTS:
            take(browser, address, name, email, path, size, scheme)


@contextlib.contextmanager
def demo() -> Iterator[str]:
    """The address of a demo that ends, with its data, when it is not needed any more."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            ["expenses", "demo", "--port", str(port)], env=os.environ | {"DATA_DIR": folder}
        )
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until_ready(address)
            yield address
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def wait_until_ready(address: str) -> None:
    for _ in range(300):
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/ready").status_code == 200:
                return
        time.sleep(0.1)
    sys.exit("The demo was not ready within half a minute.")


def take(
    browser: Browser,
    address: str,
    name: str,
    email: str,
    path: str,
    size: tuple[int, int],
    scheme: str,
) -> None:
    context = browser.new_context(
        base_url=address,
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-US",
    )
    page = context.new_page()
    page.goto("/login")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.goto(path)
    page.screenshot(path=PICTURES / f"{name}.png")
    context.close()


if __name__ == "__main__":
    main()
