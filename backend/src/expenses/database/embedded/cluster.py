"""The cluster: the files in which the server keeps its databases."""

import os
import shutil
import tempfile
from pathlib import Path

from expenses.database.embedded import data_folder
from expenses.database.embedded.programs import binary, run, unprivileged
from expenses.errors import CannotStart


def create_if_missing(cluster: Path, *, durable: bool) -> None:
    """Run initdb, unless the cluster exists. Raises `CannotStart` where it cannot be used."""
    for leftover in cluster.parent.glob("postgres.new-*"):
        # An orphaned initdb may still be writing to it; then the next start removes it.
        shutil.rmtree(leftover, ignore_errors=True)
    if (cluster / "PG_VERSION").exists():
        ensure_same_major_version(cluster)
        return
    # Made elsewhere and renamed: a killed initdb leaves no half-made cluster under its name.
    unfinished = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=cluster.parent))
    options = [
        *("-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-instructions"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        *([] if durable else ["--no-sync"]),
    ]
    try:
        run(unprivileged("initdb", *options, "-D", str(unfinished)))
        unfinished.rename(cluster)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    if durable:
        data_folder.sync(cluster.parent)


def ensure_own(cluster: Path) -> None:
    if cluster.stat().st_uid != os.geteuid():
        raise CannotStart(
            "The data in %(path)s belong to another user. Start this as that user, or set "
            "DATA_DIR to another folder.",
            path=cluster,
        )


def ensure_same_major_version(cluster: Path) -> None:
    there = (cluster / "PG_VERSION").read_text().strip()
    here = run([str(binary("postgres")), "--version"]).split()[-1]
    if here.split(".")[0] != there:
        raise CannotStart(
            "The data in %(path)s is of PostgreSQL %(there)s, and this is %(here)s. "
            "Back it up with the version of Contoso Expenses that made it, and restore it here.",
            path=cluster,
            there=there,
            here=here,
        )
