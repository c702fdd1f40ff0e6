"""Datasets to start from, made once by the real DataLad and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from support.programs import Program
from support.samples import binary, write_tree

TINY: Mapping[str, str | bytes] = {
    "notes.txt": "first line\n",
    "data/one.dat": binary(1000, seed=1),
    "data/two.dat": binary(2000, seed=2),
}


class DatasetFactory:
    """Gives copies of prepared datasets.

    The first asked for within one test is a copy of template 0, the second of
    template 1 and so on: two datasets in one test never share an identity or an
    annex UUID.  `datalad` is the program that makes them, for session-wide templates
    of a test module's own.
    """

    def __init__(self, templates: Path, datalad: Program) -> None:
        self._templates = templates
        self.datalad = datalad

    def template(self, number: int, procedure: str | None, files: Mapping[str, str | bytes] | None) -> Path:
        """Give the folder of a template; make it if this is its first use."""
        kind = "tiny" if files is None else "empty"
        path = self._templates / f"{kind}-{procedure or 'plain'}-{number}"
        if not path.exists():
            options = ["-c", procedure] if procedure else []
            self.datalad("create", *options, path)
            if files is None:
                write_tree(path, TINY)
                self.datalad("save", "-d", path, "-m", "Add the tiny files")
        return path

    def copy(
        self,
        to: Path,
        *,
        number: int = 0,
        procedure: str | None = None,
        files: Mapping[str, str | bytes] | None = None,
    ) -> Path:
        """Copy a template to `to`; `files` replace the tiny ones (an empty mapping: nothing but an empty dataset)."""
        shutil.copytree(self.template(number, procedure, files), to, symlinks=True)
        if files:
            write_tree(to, files)
            self.datalad("save", "-d", to, "-m", "Add files")
        return to
