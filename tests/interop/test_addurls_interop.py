"""Interop item 27: the same table by both tools gives the same tree, URLs, metadata and records."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.comparison import SideBySide, missing_from
from support.programs import Program
from support.samples import binary
from support.web import WebServer

Prepare = Callable[[Path], SideBySide]


@pytest.fixture
def table(tmp_path: Path, web: WebServer) -> Path:
    """Give a table of four files, two of which have the same content."""
    rows = ["link,who,group,empty,md5"]
    for n, (who, group) in enumerate([("ann", "g1"), ("bob", "g1"), ("cy d", "g2"), ("eve", "g2")]):
        content = binary(400, seed=n // 2)
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        rows.append(f"{web.put(f'f{n}.tar.gz', content)},{who},{group},,{md5}")
    file = tmp_path / "table.csv"
    file.write_text("\n".join(rows) + "\n")
    return file


def of_all(annex: Program, ds: Path, *command: str) -> Any:
    """Give what git-annex says of each file, without what differs between two runs."""
    found = {}
    for line in annex(*command, "--json", cwd=ds).lines:
        record = json.loads(line)
        fields = {k: v for k, v in record.get("fields", {}).items() if not k.endswith("lastchanged")}
        urls = [sorted(place["urls"]) for place in record.get("whereis", ()) if place["urls"]]
        found[record["file"]] = (record["key"], fields, urls)
    return found


def same(both: SideBySide, git: Program, annex: Program, *places: str) -> None:
    """Hold files, URLs, metadata and history of both sides to each other."""
    for place in places:
        ours, theirs = both.root / "ours" / place, both.root / "theirs" / place
        for command in ("whereis", "metadata"):
            assert of_all(annex, ours, command) == of_all(annex, theirs, command)
        for question in (("ls-files",), ("log", "--format=%B"), ("status", "--porcelain")):
            assert git(*question, cwd=ours).text == git(*question, cwd=theirs).text
        assert not git("status", "--porcelain", cwd=ours).text


def test_a_table_with_subdatasets_gives_the_same(
    side_by_side: Prepare,
    git: Program,
    annex: Program,
    new_dataset: Callable[..., Path],
    table: Path,
) -> None:
    both = side_by_side(new_dataset("ds", files={}))
    words = ("addurls", str(table), "{link}", "in/{group}//{who}{_url_basename_ext}")
    ours, theirs = both.records(*words)
    assert missing_from(ours, theirs) == []
    same(both, git, annex, ".", "in/g1", "in/g2")
    ours, theirs = both.lines(*words, "--ifexists", "skip")
    assert sorted(ours) == sorted(theirs)


@pytest.mark.parametrize(
    "options",
    [
        ["-x", "^e|who", "-m", "name={1}-{group}"],
        ["--missing-value", "none", "--fast"],
        ["-x", "*", "--on-collision", "take-first"],
        ["--key", "et:MD5-s400--{md5}"],
        ["--key", "MD5-s400--{md5}", "-x", ""],
    ],
)
def test_options_give_the_same(
    options: list[str],
    side_by_side: Prepare,
    git: Program,
    annex: Program,
    new_dataset: Callable[..., Path],
    table: Path,
) -> None:
    both = side_by_side(new_dataset("ds", files={}))
    ours, theirs = both.records("addurls", str(table), "{0}", "{_url_hostname}/{1}-{group}.{_url0}", *options)
    assert missing_from(ours, theirs) == []
    same(both, git, annex, ".")


def test_what_is_foretold_and_refused_is_the_same(
    side_by_side: Prepare, new_dataset: Callable[..., Path], table: Path
) -> None:
    both = side_by_side(new_dataset("ds", files={}))
    fine = ("addurls", str(table), "{link}", "{group}//{who}_{_repindex}")
    ours, theirs = both.run(*fine, "-n")
    told = [
        [line for line in one.stderr.splitlines() if "Would" in line or "Metadata" in line]
        for one in (ours, theirs)
    ]
    assert [line.strip().replace("/ours", "") for line in told[0]] == [
        line.strip().replace("/theirs", "") for line in told[1]
    ]
    assert len(told[0]) == 10
    for name in ("{group}", "{nope}", "{9}"):
        ours_, theirs_ = both.lines("addurls", str(table), "{link}", name)
        assert ours_[0] == theirs_[0] == "exit 1"
        assert ours_[1].split(":")[0] == theirs_[1].split(":")[0] or ours_ == theirs_
        assert not (both.root / "ours" / "g1").exists()


def logs(git: Program, ds: Path) -> dict[str, set[str]]:
    """Give what the git-annex branch says, without times and the repository's own uuid."""
    own = git("config", "annex.uuid", cwd=ds).text
    found = {}
    for name in git("ls-tree", "-r", "--name-only", "git-annex", cwd=ds).lines:
        if name.endswith((".log", ".web")) and "/" in name:
            text = git("show", f"git-annex:{name}", cwd=ds).text.replace(own, "here")
            found[name] = {line.partition(" ")[2] for line in text.splitlines()}
    return found


def test_what_we_fetch_and_what_git_annex_fetches_is_the_same(
    side_by_side: Prepare,
    git: Program,
    annex: Program,
    new_dataset: Callable[..., Path],
    web: WebServer,
    tmp_path: Path,
) -> None:
    ds = new_dataset("ds", files={"there.dat": binary(70, seed=7)})
    (ds / ".gitattributes").write_text(
        "*.txt annex.largefiles=nothing\n*.sha annex.backend=SHA256\n* annex.backend=MD5E\n"
    )
    (ds / ".gitignore").write_text("ignored*\n")
    git("add", "-A", cwd=ds)
    git("commit", "-qm", "rules", cwd=ds)
    web.redirect("/moved", f"{web.url}/a.tar.gz")
    web.fail("/broken", 500)
    web.protect("/secret", "me", "word")
    contents = {
        "a.tar.gz": binary(400, seed=1), "same.dat": binary(400, seed=1), "t.txt": b"text\n", "noext": binary(9),
        "x.sha": binary(300, seed=2), "empty": b"", "page.html": b"<!DOCTYPE html>\n<html></html>\n",
        "ignored.dat": b"no", "secret": b"secret", "there.dat": binary(70, seed=7),
        "sub/deep/with space.dat": binary(90, seed=3), "x.torrent": binary(50),
    }  # fmt: skip
    rows = [(web.put(name.replace(" ", "-"), content), name) for name, content in contents.items()]
    rows += [(f"{web.url}/moved", "moved"), (f"{web.url}/broken", "broken"), (f"{web.url}/none", "none")]
    table = tmp_path / "table.json"
    table.write_text(json.dumps([{"u": url, "n": name, "who": "me"} for url, name in rows]))
    both = side_by_side(ds)
    ours, theirs = both.records("addurls", str(table), "{u}", "{n}")
    good = [[r for r in records if r["status"] == "ok"] for records in (ours, theirs)]
    assert missing_from(*good) == []
    failed = [{Path(r["path"]).name for r in records if r["status"] == "error"} for records in (ours, theirs)]
    assert failed[0] == failed[1] == {"ignored.dat", "broken", "none", "secret", "x.torrent"}
    same(both, git, annex, ".")
    assert logs(git, both.root / "ours") == logs(git, both.root / "theirs")
    annex("fsck", "--quiet", cwd=both.root / "ours")
