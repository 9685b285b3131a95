"""Traces for OpenTelemetry: a span for each request, and one in it for each statement.

Enabled by OpenTelemetry's standard variables, which the SDK reads itself. Spans are created here
and not by an instrumentation library, whose attributes would hold search texts and other personal
data.
"""

import asyncio
import os
import re
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any

from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, get_current_span
from sqlalchemy import Connection, event
from sqlalchemy.engine import ExceptionContext

from expenses.database.engine import Database
from expenses.observability.logs import request_id
from expenses.version import VERSION

SERVICE = "contoso-expenses"
# A collector that does not answer is waited for no longer when the server ends.
FLUSH_SECONDS = 2

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_BEGAN = "span began"
_FIRST_WORD = re.compile(r"\w+")


class Traces:
    """The spans of a worker, sent to the collector by a thread."""

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

    def request_span(self, method: str, headers: Mapping[str, str]) -> AbstractContextManager[Span]:
        """Start the span of a request, as a child of the caller's where the headers name one."""
        return self.tracer.start_as_current_span(
            method,
            context=extract(headers),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": method,
                "expenses.request": request_id.get() or "",
            },
            # Messages of exceptions may hold anything.
            record_exception=False,
            set_status_on_exception=False,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield
        # A thread of its own, which the interpreter does not wait for.
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        await asyncio.to_thread(sending.join, FLUSH_SECONDS)


def requested_traces() -> Traces | None:
    """Make traces where OpenTelemetry's environment variables ask for them."""
    is_off = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    has_none = os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"
    if is_off or has_none or not any(os.environ.get(name) for name in _ENDPOINTS):
        return None
    return Traces()


def finish_span(
    span: Span, method: str, route: str | None, status: int | None, error: BaseException | None
) -> None:
    """Name the span of a request for its route, and note its outcome."""
    if route is not None:
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)
    if status is not None:
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_attribute("error.type", str(status))
            span.set_status(StatusCode.ERROR)
    if error is not None:
        _note_error(span, error)


def trace_statements(database: Database, tracer: Tracer) -> None:
    """Write a span for each statement that a traced request sends, without its values."""

    def note_begin(
        connection: Connection, _cursor: Any, statement: str, _values: Any, context: Any, _many: Any
    ) -> None:
        # What is searched for is written into the statement that is sent, but not into this one.
        text = str(context.compiled) if context.compiled else statement
        connection.info[_BEGAN] = (text, time.time_ns())

    def note_end(connection: Connection, *_: Any) -> None:
        statement, began = connection.info.pop(_BEGAN)
        _write_statement(tracer, statement, began)

    def note_failure(context: ExceptionContext) -> None:
        begun = context.connection.info.pop(_BEGAN, None) if context.connection else None
        if begun is not None:
            statement, began = begun
            _write_statement(tracer, statement, began, context.original_exception)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note_begin)
    event.listen(engine, "after_cursor_execute", note_end)
    event.listen(engine, "handle_error", note_failure)


def _write_statement(
    tracer: Tracer, statement: str, began: int, error: BaseException | None = None
) -> None:
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


def _note_error(span: Span, error: BaseException) -> None:
    """Note an error by its type alone: its message may name a person."""
    span.set_attribute("error.type", getattr(error, "sqlstate", None) or type(error).__qualname__)
    span.set_status(StatusCode.ERROR)
