"""What people use instead, measured beside the application over the same tables."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec

import httpx

from benchmarks import routes, servers
from benchmarks.company import COMMON_WORD
from benchmarks.deployment import Deployment, write_request
from benchmarks.load import TIMEOUT
from benchmarks.measurements import Measurement, always
from benchmarks.routes import Route
from benchmarks.servers import RunningServer
from expenses.errors import CannotStart

DJANGO, SQLADMIN, TEXTBOOK = "Django admin", "stock SQLAdmin", "textbook FastAPI"
FIRST, DEEP, SEARCH = "first page", "deep page", "search, common word"
BY_AMOUNT, CREATE, APPROVE = "by amount", "create", "approve"
EXPORT = "CSV of all"
# What of the application does the same, as a page and as JSON.
PAGES = {
    FIRST: "console list, all",
    DEEP: "console list, all, deep page",
    BY_AMOUNT: "console list, all, by amount",
    SEARCH: "console list, search, common word",
}
ANSWERS = {
    FIRST: "API list, first page",
    DEEP: "API list, deep page",
    BY_AMOUNT: "API list, by amount",
    SEARCH: "API list, search, common word",
    CREATE: routes.CREATE,
    APPROVE: routes.APPROVE,
}
PAGE_ROWS, ANSWER_ROWS = 50, 20
EXPORT_TIMEOUT = 120

_DJANGO_SETTINGS = "benchmarks.others.django_admin.settings"
_UVICORN = ("-m", "uvicorn", "--port", "{port}", "--log-level", "warning", "--no-access-log")
_LOGIN = {"DJANGO_SUPERUSER_USERNAME": "boss", "DJANGO_SUPERUSER_PASSWORD": "measured-2026"}


def ensure_installed() -> None:
    """Raises `CannotStart` where one of them is not."""
    if find_spec("django") is None:
        raise CannotStart("Comparing needs Django and gunicorn: uv run --group benchmarks ...")


def title_of(name: str, what: str) -> str:
    return f"{name}, {what}"


@contextmanager
def others(deployment: Deployment) -> Iterator[dict[str, RunningServer]]:
    """Start them, each as its documentation says and with one worker."""
    database, log = deployment.database, deployment.log
    django = {"DJANGO_SETTINGS_MODULE": _DJANGO_SETTINGS, "DJANGO_SUPERUSER_EMAIL": "b@example.com"}
    for command in (("migrate", "-v", "0"), ("createsuperuser", "--noinput")):
        subprocess.run(  # noqa: S603
            [sys.executable, "-m", "django", *command],
            env=servers.environment(database, **django, **_LOGIN),
            check=True,
            capture_output=True,
        )
    gunicorn = ("-m", "gunicorn", "--workers", "1", "--bind", "127.0.0.1:{port}")
    with (
        servers.started(
            (*gunicorn, "django.core.wsgi:get_wsgi_application()"),
            database,
            log.with_suffix(".django.log"),
            "/admin/login/",
            **django,
        ) as django_admin,
        servers.started(
            (*_UVICORN, "benchmarks.others.stock_sqladmin:app"),
            database,
            log.with_suffix(".sqladmin.log"),
            "/admin/",
        ) as sqladmin,
        servers.started(
            (*_UVICORN, "benchmarks.others.textbook:app"),
            database,
            log.with_suffix(".textbook.log"),
            "/openapi.json",
        ) as textbook,
    ):
        yield {DJANGO: django_admin, SQLADMIN: sqladmin, TEXTBOOK: textbook}


def measurements(
    deployment: Deployment, running: dict[str, RunningServer]
) -> Iterator[Measurement]:
    """Reads first: writes change what is read."""
    for name, what, route in _reads(deployment, running):
        server = running[name]
        request = always(routes.checked_request(route, server.address))
        yield Measurement(title_of(name, what), deployment.size, server, request)
    for what, title, path in (
        (CREATE, routes.CREATE, "/tickets"),
        (APPROVE, routes.APPROVE, "/tickets/%d/approve"),
    ):
        request = partial(write_request, title, path, deployment)
        title = title_of(TEXTBOOK, what)
        yield Measurement(title, deployment.size, running[TEXTBOOK], request)


def export_seconds(sqladmin: RunningServer) -> float:
    """Return how long SQLAdmin takes for all tickets as CSV."""
    began = time.perf_counter()
    url = f"{sqladmin.address}/admin/ticket/export/csv"
    httpx.get(url, timeout=EXPORT_TIMEOUT).raise_for_status()
    return time.perf_counter() - began


def _reads(
    deployment: Deployment, running: dict[str, RunningServer]
) -> Iterator[tuple[str, str, Route]]:
    page, answer = deployment.size // 2 // PAGE_ROWS, deployment.size // 2 // ANSWER_ROWS
    browser, program = _django_login(running[DJANGO]), deployment.headers.employer_api
    for name, path, headers, rows, queries in (
        (
            *(DJANGO, "/admin/django_admin/ticket/", browser, PAGE_ROWS),
            {FIRST: "", DEEP: f"p={page}", BY_AMOUNT: "o=-4", SEARCH: f"q={COMMON_WORD}"},
        ),
        (
            *(SQLADMIN, "/admin/ticket/list", {"Accept-Encoding": "gzip"}, PAGE_ROWS),
            {
                FIRST: "",
                DEEP: f"page={page}",
                BY_AMOUNT: "sortBy=amount&sort=desc",
                SEARCH: f"search={COMMON_WORD}",
            },
        ),
        (
            *(TEXTBOOK, "/tickets", program, ANSWER_ROWS),
            {
                FIRST: "",
                DEEP: f"page={answer}",
                BY_AMOUNT: "sort=amount",
                SEARCH: f"q={COMMON_WORD}",
            },
        ),
    ):
        for what, query in queries.items():
            yield name, what, Route(title_of(name, what), f"{path}?{query}", headers, rows)


def _django_login(server: RunningServer) -> dict[str, str]:
    with httpx.Client(base_url=server.address, timeout=TIMEOUT) as client:
        client.get("/admin/login/")
        form = {
            "username": _LOGIN["DJANGO_SUPERUSER_USERNAME"],
            "password": _LOGIN["DJANGO_SUPERUSER_PASSWORD"],
            "csrfmiddlewaretoken": client.cookies["csrftoken"],
            "next": "/admin/",
        }
        answer = client.post("/admin/login/", data=form)
        if answer.status_code != 302:
            answer.raise_for_status()
        return {"Cookie": f"sessionid={client.cookies['sessionid']}", "Accept-Encoding": "gzip"}
