"""A lock that another process holds."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

_PROGRAM = (
    "import fcntl, sys; f = open(sys.argv[1], 'a+'); fcntl.lockf(f, getattr(fcntl, sys.argv[2])); "
    "print(flush=True); sys.stdin.read()"
)


@contextlib.contextmanager
def held(file: Path, kind: Literal["LOCK_SH", "LOCK_EX"]) -> Iterator[None]:
    """Lock a file as git-annex does, for the block; it is made if it is not there."""
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, file, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.communicate(b"")
