"""Traces for OpenTelemetry: a span for each request, and one in it for each statement.

On where the standard variables name a collector; what else they say, the SDK reads by itself.
Spans are made here and not by an instrumentation, whose attributes hold addresses with all that
people look for: what is exported is what this module writes, and no more.
"""

import asyncio
import os
import re
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, get_current_span
from sqlalchemy import Connection, event
from sqlalchemy.engine import ExceptionContext
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from expenses import VERSION
from expenses.database.engine import Database
from expenses.observability.logs import request_id
from expenses.web.route_names import NO_ROUTE, method_of, route_of

SERVICE = "contoso-expenses"
# A collector that does not answer is waited for no longer when the server ends.
FLUSH_SECONDS = 2

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_BEGAN = "span began"
_FIRST_WORD = re.compile(r"\w+")


class Traces:
    """A worker's spans on their way to the collector, which a thread brings them to."""

    def __init__(self) -> None:
        # Not for everybody: loading it takes memory, and half a second at each start.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        ours = Resource({"service.name": SERVICE, "service.version": VERSION})
        self._provider = TracerProvider(
            resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self.tracer: Tracer = self._provider.get_tracer("expenses", VERSION)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield
        # A thread of its own, which the interpreter does not wait for.
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        await asyncio.to_thread(sending.join, FLUSH_SECONDS)


def wanted_traces() -> Traces | None:
    """What the environment asks for, in the words of OpenTelemetry."""
    is_off = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    has_none = os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"
    if is_off or has_none or not any(os.environ.get(name) for name in _ENDPOINTS):
        return None
    return Traces()


class TracesMiddleware:
    """Behind the log of requests, whose number for a request leads to its span."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self.app = app
        self.tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = method_of(scope)
        with self.tracer.start_as_current_span(
            method,
            context=extract(Headers(scope=scope)),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": method,
                "expenses.request": request_id.get() or "",
            },
            # Messages of exceptions may hold anything.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:

            async def note_status(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _note_status(span, message["status"])
                await send(message)

            try:
                await self.app(scope, receive, note_status)
            except Exception as error:
                _note_error(span, error)
                raise
            finally:
                route = route_of(scope)
                if route != NO_ROUTE:
                    span.update_name(f"{method} {route}")
                    span.set_attribute("http.route", route)


def follow(database: Database, tracer: Tracer) -> None:
    """Have a span written for each statement that a traced request sends. It names no values."""

    def write(statement: str, began: int, error: BaseException | None = None) -> None:
        # Not whether it is recording: the driver tells a moment later, when it may have ended.
        if not get_current_span().get_span_context().trace_flags.sampled:
            return
        operation = _FIRST_WORD.findall(statement)[0].upper()
        span = tracer.start_span(
            operation,
            kind=SpanKind.CLIENT,
            start_time=began,
            attributes={
                "db.system.name": "postgresql",
                "db.operation.name": operation,
                "db.query.text": statement,
            },
        )
        if error is not None:
            _note_error(span, error)
        span.end()

    def note_begin(
        connection: Connection, _cursor: Any, statement: str, _values: Any, context: Any, _many: Any
    ) -> None:
        # What is searched for is written into the statement that is sent, but not into this one.
        text = str(context.compiled) if context.compiled else statement
        connection.info[_BEGAN] = (text, time.time_ns())

    def note_end(connection: Connection, *_: Any) -> None:
        statement, began = connection.info.pop(_BEGAN)
        write(statement, began)

    def note_failure(context: ExceptionContext) -> None:
        begun = context.connection.info.pop(_BEGAN, None) if context.connection else None
        if begun is not None:
            statement, began = begun
            write(statement, began, context.original_exception)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note_begin)
    event.listen(engine, "after_cursor_execute", note_end)
    event.listen(engine, "handle_error", note_failure)


def _note_status(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_attribute("error.type", str(status))
        span.set_status(StatusCode.ERROR)


def _note_error(span: Span, error: BaseException) -> None:
    """By its kind alone: its words may name a person."""
    span.set_attribute("error.type", getattr(error, "sqlstate", None) or type(error).__qualname__)
    span.set_status(StatusCode.ERROR)
