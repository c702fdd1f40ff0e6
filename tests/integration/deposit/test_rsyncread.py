"""Small objects over rsync: what is there, what is certainly not, and what is left to git-annex."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.core.context import Context
from rookery.deposit.terms import layout, url
from rookery.deposit.transport import rsyncread
from support.deposits import Deposits

pytestmark = pytest.mark.skipif(shutil.which("rsync") is None, reason="no rsync on this machine")

SMALL, LARGE, ABSENT = "XDLRB--w-me", "XDLRA--repo-export", "XDLRA--refs"


def test_all_are_read_at_once_and_absent_large_and_unreachable_are_three_things(
    deposits: Deposits, context: Callable[..., Context]
) -> None:
    place, passing = deposits.place("some place"), deposits.place("passing")
    for name, content in ((SMALL, b"register\n"), (LARGE, b"\0" * (rsyncread.LARGEST + 1))):
        path = place / layout.path_of(name, exported=False)
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    (place / layout.path_of("XDLRB--link", exported=False)).parent.mkdir(parents=True)
    (place / layout.path_of("XDLRB--link", exported=False)).symlink_to("/etc/hostname")
    runner = context(env=deposits.ours.env).runner

    read = rsyncread.reader_for(url.parse(deposits.url("rsync", "some place")), passing, runner)
    assert read is not None
    before = runner.started
    assert read([SMALL, LARGE, ABSENT, "XDLRB--link"]) == {SMALL: b"register\n", ABSENT: None}
    assert runner.started == before + 1
    place.rename(deposits.folder / "moved")
    assert read([SMALL, ABSENT]) == {}
    assert not list(passing.iterdir())


@pytest.mark.parametrize("more", ["&chunk=1MiB", "&sameas=x"])
def test_what_git_annex_stores_otherwise_only_git_annex_reads(
    deposits: Deposits, context: Callable[..., Context], more: str
) -> None:
    address = url.parse(deposits.url("rsync", more=more))
    assert rsyncread.reader_for(address, Path(), context(env=deposits.ours.env).runner) is None


def test_the_words_of_a_daemon_are_understood() -> None:
    path = layout.path_of(ABSENT, exported=False)
    said = f'rsync: [sender] link_stat "/{path}" (in shelf) failed: No such file or directory (2)\n'
    assert dict(rsyncread._arrived({ABSENT: path}, Path("/nowhere"), said.encode())) == {ABSENT: None}
    refused = said.replace("No such file or directory (2)", "Permission denied (13)")
    assert dict(rsyncread._arrived({ABSENT: path}, Path("/nowhere"), refused.encode())) == {}
