"""PostgreSQL: the engine and its transactions, migrations, and the embedded server."""
