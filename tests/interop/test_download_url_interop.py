"""Interop item 4: what one tool downloads, the other drops and gets back from the web."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from support.comparison import SideBySide, missing_from
from support.programs import Program
from support.samples import binary
from support.web import WebServer


def test_datalad_drops_and_gets_what_we_downloaded(
    cli: Program, datalad: Program, new_dataset: Callable[..., Path], web: WebServer
) -> None:
    ds = new_dataset("ds", files={})
    cli("download-url", web.put("a.dat", binary(500)), "-O", "in/", cwd=ds)
    datalad("drop", "in/a.dat", cwd=ds)
    assert not (ds / "in" / "a.dat").exists()
    answer = datalad("get", "in/a.dat", cwd=ds)
    assert answer.lines == ["get(ok): in/a.dat (file) [from web...]"]
    assert (ds / "in" / "a.dat").read_bytes() == binary(500)
    assert datalad("status", cwd=ds).lines == ["nothing to save, working tree clean"]


def test_the_same_download_gives_the_same_records_lines_and_tree(
    side_by_side: Callable[[Path], SideBySide], git: Program, new_dataset: Callable[..., Path], web: WebServer
) -> None:
    both = side_by_side(new_dataset("ds", files={}))
    one, two = web.put("one.dat", binary(500, seed=1)), web.put("two.dat", binary(600, seed=2))
    ours, theirs = both.lines("download-url", one)
    assert ours == theirs
    ours, theirs = both.lines("download-url", one, "-O", "d/", "-o")
    assert ours == theirs
    mine, other = both.records("download-url", two, one, "-O", "dir/")
    assert missing_from(mine, other) == []
    mine, other = both.records("download-url", f"{web.url}/missing")
    assert missing_from(mine, other) == []
    trees = [git("rev-parse", "HEAD^{tree}", cwd=both.root / side).text for side in ("ours", "theirs")]
    assert trees[0] == trees[1]
    logs = [git("log", "--format=%B", cwd=both.root / side).text for side in ("ours", "theirs")]
    assert logs[0] == logs[1]
