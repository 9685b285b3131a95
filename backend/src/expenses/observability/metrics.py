"""Metrics for Prometheus. No label holds personal data.

Several processes of one server count into files of a common folder, `PROMETHEUS_MULTIPROC_DIR`,
which the client looks for when it is imported.
"""

from prometheus_client import Gauge, Histogram

from expenses.database.engine import PoolUse

REQUESTS = Histogram(
    "expenses_http_request_duration_seconds",
    "Time from a request's arrival to the end of its response, by route.",
    ["method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
CONNECTIONS = Gauge(
    "expenses_database_connections",
    "Open connections to the database, used and idle.",
    ["state"],
    multiprocess_mode="livesum",
)
CONNECTIONS_LIMIT = Gauge(
    "expenses_database_connections_limit",
    "How many connections the pool opens at most.",
    multiprocess_mode="livesum",
)


def set_connections(use: PoolUse) -> None:
    CONNECTIONS.labels("used").set(use.used)
    CONNECTIONS.labels("idle").set(use.idle)
    CONNECTIONS_LIMIT.set(use.limit)
