"""PostgreSQL: the engine and its transactions, migrations, and the server that comes along."""
