"""Takes the README's screenshots from a demo that has just been started.

In one terminal: DATA_DIR=/tmp/screenshots uv run --project backend expenses demo
In another:      uv run --project backend python backend/docs/take_screenshots.py

Needs Chromium and fonts for all the names (Debian: fonts-liberation, fonts-wqy-microhei).
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from expenses.demo import PASSWORD

FOLDER = Path(__file__).parent / "screenshots"
DANA, LINA = "dana@contoso.example", "lina@contoso.example"
DESKTOP, PHONE = (1280, 860), (390, 844)

# Name, user, path, size of the window, colour scheme.
SCREENSHOTS = (
    ("tickets", DANA, "/admin/ticket/details/97", DESKTOP, "light"),
    ("payments", DANA, "/admin/payments", DESKTOP, "light"),
    ("overview", DANA, "/admin/overview", DESKTOP, "light"),
    ("employees", DANA, "/admin/employee/list", DESKTOP, "light"),
    ("history", DANA, "/admin/history", DESKTOP, "dark"),
    ("my-tickets", LINA, "/tickets", DESKTOP, "light"),
    ("my-tickets-phone", LINA, "/tickets", PHONE, "dark"),
)


def main(address: str = "http://127.0.0.1:8000") -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, email, path, (width, height), scheme in SCREENSHOTS:
            page = browser.new_page(
                base_url=address,
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
                locale="en-US",
            )
            page.goto("/login")
            page.fill("#email", email)
            page.fill("#password", PASSWORD)
            page.click("main button[type=submit]")
            page.goto(path)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=FOLDER / f"{name}.png")
            page.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
