"""A PostgreSQL server for tests, from what the machine has installed."""

from __future__ import annotations

import glob
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg


def programs() -> Path | None:
    """Give the folder of initdb and postgres; None if there are none."""
    if found := shutil.which("initdb"):
        return Path(os.path.realpath(found)).parent
    # where Debian has them
    return next(map(Path, sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)), None)


class PostgreSQL:
    """A server that listens on a socket in its own folder; it syncs nothing, since a test's data may be lost."""

    def __init__(self) -> None:
        self._made = itertools.count()
        self._folder = Path(tempfile.mkdtemp(prefix="pg"))
        # The server refuses to run as root; Debian's package makes a user for it.
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._as = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(self._folder, "postgres", "postgres")

    def _run(self, name: str, *arguments: str) -> None:
        folder = programs()
        assert folder is not None
        subprocess.run(
            [folder / name, "-D", self._folder / "data", *arguments],
            cwd=self._folder,
            check=True,
            stdout=subprocess.DEVNULL,
            **self._as,
        )

    @contextmanager
    def running(self) -> Iterator[PostgreSQL]:
        """Run it for the length of the block."""
        self._run("initdb", "-U", "hub", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
        quiet = f"-h '' -k {self._folder} -c fsync=off -c max_connections=300"
        self._run("pg_ctl", "start", "-w", "-o", quiet, "-l", str(self._folder / "log"))
        try:
            yield self
        finally:
            self._run("pg_ctl", "stop", "-m", "immediate")
            shutil.rmtree(self._folder)

    def create(self) -> str:
        """Make a database, and give its URL."""
        name = f"hub{next(self._made)}"
        with psycopg.connect(f"host={self._folder} user=hub dbname=postgres", autocommit=True) as wire:
            wire.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://hub@/{name}?host={self._folder}"
