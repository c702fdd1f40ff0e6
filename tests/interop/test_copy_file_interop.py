"""copy-file beside DataLad's: the same lines, and each gets the content that the other has copied the way to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.comparison import SideBySide
from support.inside import Inside
from support.programs import Program
from support.samples import binary
from support.web import WebServer

LINES = (
    ("copy-file", "source/one.dat", "-d", "target"),
    ("copy-file", "source/one.dat", "-d", "target"),
    ("copy-file", "source/text", "source/two.dat", "target/folder", "-d", "target", "-m", "Two"),
    ("copy-file", "source/folder", "-d", "target"),
    ("copy-file", "-r", "source/folder", "-d", "target"),
    ("copy-file", "source/two.dat", "target/renamed"),
    ("copy-file", "source/nothing", "-d", "target"),
    ("copy-file", "source/absent.dat", "source/far.dat", "target/more", "-d", "target"),
    ("copy-file", "source/one.dat", "outside"),
    ("copy-file", "source/one.dat"),
    ("copy-file", "source/one.dat", "outside", "-d", "target"),
)


@pytest.fixture
def prepared(
    new_dataset: Callable[..., Path], inside: Inside, annex: Program, git: Program, web: WebServer
) -> Path:
    """A folder with two datasets; `far.dat` of the first is on the web only, `absent.dat` nowhere."""
    files: dict[str, str | bytes] = {"text": "text\n", "folder/file.dat": binary(70, seed=9)}
    for number, name in enumerate(("one", "two", "absent")):
        files[f"{name}.dat"] = binary(300, seed=number)
    (web.root / "far.dat").write_bytes(binary(500, seed=4))
    source = new_dataset("both/source", procedure="text2git", files=files)
    inside("download-url", "-d", source, "-O", f"{source}/far.dat", f"{web.url}/far.dat", cwd=source)
    annex("drop", "--force", "absent.dat", "far.dat", cwd=source)
    target = new_dataset("both/target", procedure="text2git", files={})
    for place in (source, target):
        git("config", "annex.backend", "MD5E", cwd=place)  # DataLad computes a new key, with the set backend
    return source.parent


def test_both_say_and_copy_the_same(
    prepared: Path, side_by_side: Callable[[Path], SideBySide], git: Program
) -> None:
    side = side_by_side(prepared)
    for words in LINES:
        ours, theirs = side.lines(*words)
        assert ours == theirs, words
    left = [
        git("ls-tree", "-r", "HEAD", cwd=side.root / name / "target").lines for name in ("ours", "theirs")
    ]
    assert left[0] == left[1]
    logs = [git("log", "--format=%s", cwd=side.root / name / "target").lines for name in ("ours", "theirs")]
    assert logs[0] == logs[1]


def test_each_gets_what_the_other_has_copied_the_way_to(
    prepared: Path, side_by_side: Callable[[Path], SideBySide], inside: Inside, datalad: Program
) -> None:
    side = side_by_side(prepared)
    side.run("copy-file", "source/far.dat", "target/far", "-d", "target", code=0)
    datalad("get", "far", cwd=side.root / "ours/target")
    inside("get", "far", cwd=side.root / "theirs/target")
    for name in ("ours", "theirs"):
        assert (side.root / name / "target/far").read_bytes() == binary(500, seed=4)
        assert datalad("status", cwd=side.root / name / "target").lines == [
            "nothing to save, working tree clean"
        ]


def test_records_hold_what_the_others_hold(
    prepared: Path, side_by_side: Callable[[Path], SideBySide]
) -> None:
    side = side_by_side(prepared)
    ours, theirs = side.records("copy-file", "source/one.dat", "source/text", "target", "-d", "target")
    for mine, other in zip(ours, theirs, strict=True):
        assert {key: mine.get(key) for key in other} == other


def test_what_datalads_own_remote_can_fetch_goes_along(
    prepared: Path, side_by_side: Callable[[Path], SideBySide], annex: Program, git: Program
) -> None:
    source = prepared / "source"
    remote = ("type=external", "externaltype=datalad", "encryption=none", "autoenable=true")
    annex("initremote", "datalad", *remote, cwd=source)
    key = annex("lookupkey", "absent.dat", cwd=source).text
    annex("registerurl", key, "s3://bucket/absent.dat", cwd=source)
    annex("setpresentkey", key, git("config", "remote.datalad.annex-uuid", cwd=source).text, "1", cwd=source)
    side = side_by_side(prepared)
    ours, theirs = side.lines("copy-file", "source/absent.dat", "-d", "target")
    assert ours == theirs
    for name in ("ours", "theirs"):
        (record,) = annex("whereis", "--json", "absent.dat", cwd=side.root / name / "target").records
        assert [(place["description"], place["urls"]) for place in record["whereis"]] == [
            ("[datalad]", ["s3://bucket/absent.dat"])
        ]
