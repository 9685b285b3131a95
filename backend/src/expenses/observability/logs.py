"""Log lines, readable or as JSON, one per record."""

import json
import logging
import logging.config
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from expenses.settings import LogFormat

# The request that the running code works for.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

# Nobody is told where in the code a line was written, or by which thread: looking that up takes
# longer than writing the line.
logging._srcfile = None
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False

_ESCAPED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\\]")


def configure(log_format: LogFormat) -> None:
    logging.config.dictConfig(configuration(log_format))


def configuration(log_format: LogFormat) -> dict[str, Any]:
    """For the standard library's and uvicorn's `dictConfig`."""
    formatter = {"readable": ReadableFormatter, "json": JsonFormatter}[log_format]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": "INFO", "handlers": ["stderr"]},
        "loggers": {
            # Alembic announces every time which database dialect it talks to.
            "alembic.runtime.plugins": {"level": "WARNING"},
            # Addresses of webhooks may hold a secret.
            "httpx2": {"level": "WARNING"},
        },
    }


class ReadableFormatter(logging.Formatter):
    """Keeps each record on one line, whatever a request put into it."""

    def format(self, record: logging.LogRecord) -> str:
        facts = "".join([f" {name}={value}" for name, value in _fields(record).items()])
        line = _escaped(
            f"{_time(record)} {record.levelname} {record.name}: {record.getMessage()}{facts}"
        )
        if record.exc_info:
            line += "\n    " + "\n    ".join(self.formatException(record.exc_info).splitlines())
        return line


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        } | _fields(record)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return what came in `extra={"fields": {...}}`: never a password, a token or a cookie."""
    fields = {"request": request_id.get(), **getattr(record, "fields", {})}
    return {name: value for name, value in fields.items() if value is not None}


def _time(record: logging.LogRecord) -> str:
    return f"{_second(int(record.created))}.{int(record.msecs):03}+00:00"


@lru_cache(maxsize=2)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _escaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: repr(found[0])[1:-1], text)
