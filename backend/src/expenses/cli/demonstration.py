"""Starts the demo, and fills databases with its company."""

import asyncio
from pathlib import Path

import typer

from expenses.cli.serving import serve_with
from expenses.cli.starting import command_settings, ensure_secret_key
from expenses.database.migrations import migrated_database
from expenses.demo import FIXTURES, introduction
from expenses.demo import seed as seed_company
from expenses.server import listening


def demo(port: int) -> None:
    settings = command_settings()
    ensure_secret_key(settings)
    with listening("127.0.0.1", port) as listener, migrated_database(settings) as address:
        asyncio.run(seed_company(address, settings))
        typer.echo(introduction(f"http://127.0.0.1:{port}"))
        serve_with(settings, address, listener, workers=1, is_demo=True)


def seed(fixtures: Path | None) -> None:
    settings = command_settings()
    with migrated_database(settings) as address:
        is_new = asyncio.run(seed_company(address, settings, fixtures or FIXTURES))
    typer.echo("The demo company is in." if is_new else "The demo company was in already.")
