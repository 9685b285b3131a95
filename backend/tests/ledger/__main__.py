"""The long form, as a command."""

import argparse
import asyncio
import sys

from tests.ledger.run import run

parser = argparse.ArgumentParser(prog="python -m tests.ledger", description=__doc__)
parser.add_argument("--seconds", type=float, default=600)
outcome = asyncio.run(run(parser.parse_args().seconds))
for name, number in sorted(outcome.counts.items()):
    print(f"{number:8} {name}")  # noqa: T201
sys.exit("\n".join(outcome.discrepancies[:50]) or None)
