"""The application, where everything meets."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from expenses import api, console, portal
from expenses.database.engine import Database
from expenses.database.replica import open_replica
from expenses.errors import CannotStart, ExpensesError
from expenses.notifications import delivery as deliveries
from expenses.observability.traces import Traces, requested_traces, trace_statements
from expenses.receipts.storage import Storage, open_storage
from expenses.settings import KEY_COMMAND, Settings, read_settings
from expenses.version import VERSION
from expenses.web import health, housekeeping, metrics, openapi
from expenses.web.exports.tickets import MEDIA_TYPES
from expenses.web.failures import UnexpectedErrorMiddleware
from expenses.web.instrumentation import InstrumentationMiddleware
from expenses.web.pages.assets import assets
from expenses.web.pages.language import LanguageMiddleware
from expenses.web.problems import respond
from expenses.web.security.body_limit import BodyLimitMiddleware
from expenses.web.security.cookies import SESSION, cookie_name
from expenses.web.security.headers import SecurityHeadersMiddleware
from expenses.web.security.hosts import HostMiddleware
from expenses.web.security.origin import SameOriginMiddleware

# Exports are streamed: each of their pieces is to leave at once. Receipts are compressed as they
# are, and would keep all others waiting for a tenth of a second.
NOT_COMPRESSED = (
    *DEFAULT_EXCLUDED_CONTENT_TYPES,
    *MEDIA_TYPES.values(),
    "application/pdf",
    "image/heic",
)
HANDLED = (ExpensesError, HTTPException, RequestValidationError)
logger = logging.getLogger(__name__)


def create_app(
    settings: Settings | None = None,
    database: Database | None = None,
    storage: Storage | None = None,
) -> FastAPI:
    """Create the application; without arguments, from the environment.

    Raises `CannotStart` where `DATABASE_URL` or `SECRET_KEY` is missing.
    """
    settings = settings or read_settings()
    database = database or _database(settings)
    replica = open_replica(settings)
    traces = _traces(database, replica)
    app = FastAPI(
        title="Contoso Expenses",
        version=VERSION,
        summary="Tickets filed by employees, decided by employers.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        middleware=_middleware(settings, database, traces),
        exception_handlers=dict.fromkeys(HANDLED, respond),
        lifespan=_lifespan,
        # Its own would tell of the addresses that people ask for.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.settings = settings
    app.state.database = database
    app.state.replica = replica
    app.state.storage = storage or open_storage(settings)
    app.state.traces = traces
    # Routes are tried one after the other: the two that stand for many come first.
    app.mount("/static", assets, name="static")
    console.mount(app, database)
    api.mount(app)
    app.include_router(health.router)
    app.include_router(metrics.router)
    portal.mount(app)
    openapi.describe(app, api.TAGS)
    return app


def _traces(*databases: Database | None) -> Traces | None:
    traces = requested_traces()
    if traces is not None:
        for database in filter(None, databases):
            trace_statements(database, traces.tracer)
    return traces


def _database(settings: Settings) -> Database:
    if settings.database_url is None:
        raise CannotStart(
            "DATABASE_URL is not set. `expenses serve` starts with a database of its own."
        )
    return Database(
        settings.database_url, settings.database_pooler, deliveries.channels_of(settings)
    )


def _middleware(settings: Settings, database: Database, traces: Traces | None) -> list[Middleware]:
    """List the middleware from the outside in."""
    if settings.secret_key is None:
        raise CannotStart(
            "SECRET_KEY is not set. It signs the browsers' cookies; set it to a long random text, "
            f"the same for every process: for example what `{KEY_COMMAND}` prints."
        )
    proxies = [str(proxy) for proxy in settings.trusted_proxies]
    behind_proxy = [Middleware(ProxyHeadersMiddleware, trusted_hosts=proxies)] if proxies else []
    return [
        *behind_proxy,
        Middleware(
            InstrumentationMiddleware,
            measured=database if settings.metrics_token else None,
            traces=traces,
        ),
        Middleware(SecurityHeadersMiddleware, https=settings.cookie_secure),
        Middleware(HostMiddleware, allowed_hosts=settings.allowed_hosts),
        Middleware(GZipMiddleware, compresslevel=5, exclude_content_types=NOT_COMPRESSED),
        Middleware(
            SessionMiddleware,
            secret_key=settings.secret_key.get_secret_value(),
            session_cookie=cookie_name(SESSION, settings),
            max_age=int(settings.session_lifetime.total_seconds()),
            https_only=settings.cookie_secure,
        ),
        # What follows may answer with a page, and pages need the session and its language.
        Middleware(LanguageMiddleware),
        Middleware(SameOriginMiddleware),
        Middleware(UnexpectedErrorMiddleware),
        Middleware(BodyLimitMiddleware),
    ]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    if settings.registration == "invited":
        logger.info("REGISTRATION is invited: registering takes an invitation.")
    elif settings.employer_code is None:
        logger.warning("EMPLOYER_CODE is not set: anyone may register as an employer.")
    else:
        logger.info("EMPLOYER_CODE is set: registering as an employer takes the code.")
    traces: Traces | None = app.state.traces
    async with (
        traces.running() if traces else nullcontext(),
        app.state.database as database,
        app.state.replica or nullcontext(),
        housekeeping.running(database, app.state.storage),
        deliveries.running(database, settings),
    ):
        yield
