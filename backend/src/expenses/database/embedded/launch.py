"""Runs a program of PostgreSQL for root; started by its path, never imported.

PostgreSQL refuses to run as uid 0. In a user namespace of its own, root appears under another
number and still owns its files: no user is created and no file changes its owner. A process with
threads cannot enter a namespace, so a new process does.
"""

import ctypes
import os
import pwd
import sys
from pathlib import Path
from typing import NoReturn

CLONE_NEWUSER = 0x10000000
FAILED = 125


def main() -> NoReturn:
    _leave_root()
    try:
        os.execv(sys.argv[1], sys.argv[1:])
    except OSError as error:
        # In the namespace, root may no longer enter other users' folders.
        _fail(f"{sys.argv[1]} cannot be run without root's rights: {error.strerror}")


def _leave_root() -> None:
    # initdb looks its user up by number, so it takes the number of a user that exists.
    user = next((entry for entry in pwd.getpwall() if entry.pw_uid != 0), None)
    if user is None:
        _fail("PostgreSQL does not run as root, and no other user is known here")
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if libc.unshare(CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user.pw_uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{user.pw_gid or user.pw_uid} {gid} 1")
    except (OSError, AttributeError) as error:  # only Linux has unshare
        _fail(f"PostgreSQL does not run as root, and a user namespace cannot be made: {error}")


def _fail(problem: str) -> NoReturn:
    sys.stderr.write(f"{problem}\n")
    sys.exit(FAILED)


main()
