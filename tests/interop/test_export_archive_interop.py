"""Interop item 26: the same listing as DataLad's archive."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from support.programs import Program
from support.samples import binary


def test_listing_sizes_and_modes_are_those_of_datalads_archive(
    cli: Program, datalad: Program, new_dataset: Callable[..., Path], tmp_path: Path
) -> None:
    ds = new_dataset(
        "ds", procedure="text2git", files={"t x.txt": "text\n", "d/ü.dat": binary(900), "run": "#!"}
    )
    (ds / "run").unlink()
    (ds / "run").write_text("#!/bin/sh\n")
    (ds / "run").chmod(0o755)
    (ds / "link").symlink_to("t x.txt")
    datalad("create", "-d", ds, ds / "sub")
    datalad("save", "-d", ds)
    for program, name in ((cli, "ours"), (datalad, "theirs")):
        (tmp_path / name).mkdir()
        for kind in ("tar", "zip"):
            program("export-archive", "-t", kind, tmp_path / name / "out", cwd=ds)
    ours, theirs = (_listing(tmp_path / name / "out.tar.gz") for name in ("ours", "theirs"))
    assert ours == theirs
    mine, other = (zipfile.ZipFile(tmp_path / name / "out.zip").namelist() for name in ("ours", "theirs"))
    assert sorted(mine) == sorted(other)


def _listing(archive: Path) -> list[tuple[object, ...]]:
    with tarfile.open(archive) as tar:
        return [(m.name, m.type, m.size, m.linkname, m.mtime, m.issym() or m.mode) for m in tar.getmembers()]
