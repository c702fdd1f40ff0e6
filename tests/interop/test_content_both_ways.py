"""Content that one tool put somewhere is found, fetched and dropped by the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.inside import Inside
from support.programs import Program
from support.web import WebServer

ALLOWED = ("-c", "annex.security.allowed-ip-addresses=all")


@pytest.mark.parametrize("downloader", ["ours", "datalad"])
def test_a_downloaded_file_is_dropped_and_had_again_by_both(
    tiny_dataset: Path, cli: Program, datalad: Program, web: WebServer, annex: Program, downloader: str
) -> None:
    (web.root / "page.dat").write_bytes(b"\0from the web")
    first, second = (cli, datalad) if downloader == "ours" else (datalad, cli)
    first(*ALLOWED, "download-url", "-d", tiny_dataset, f"{web.url}/page.dat", cwd=tiny_dataset)
    for tool in (second, first):
        dropped = tool(*ALLOWED, "drop", "page.dat", cwd=tiny_dataset)
        assert dropped.lines == ["drop(ok): page.dat (file)"]
        got = tool(*ALLOWED, "get", "page.dat", cwd=tiny_dataset)
        assert got.lines == ["get(ok): page.dat (file) [from web...]"]
    annex("fsck", "--fast", cwd=tiny_dataset)


@pytest.mark.parametrize("pusher", ["ours", "datalad"])
def test_the_last_copy_may_go_once_it_was_pushed(
    tiny_dataset: Path,
    cli: Program,
    datalad: Program,
    git: Program,
    annex: Program,
    tmp_path: Path,
    pusher: str,
) -> None:
    store = tmp_path / "store.git"
    git("init", "-q", "--bare", store)
    annex("init", cwd=store)
    git("remote", "add", "store", store, cwd=tiny_dataset)
    cli("drop", "notes.txt", cwd=tiny_dataset, code=1)
    (cli if pusher == "ours" else datalad)("push", "--to", "store", cwd=tiny_dataset)
    annex("numcopies", "2", cwd=tiny_dataset)
    refused = cli("-f", "json", "drop", "notes.txt", cwd=tiny_dataset, code=1)
    assert "1 out of 2" in refused.records[0]["message"]
    annex("numcopies", "1", cwd=tiny_dataset)
    cli("drop", "notes.txt", cwd=tiny_dataset)
    assert not (tiny_dataset / "notes.txt").exists()
    datalad("get", "notes.txt", cwd=tiny_dataset)
    assert (tiny_dataset / "notes.txt").read_text() == "first line\n"


@pytest.mark.parametrize("adjusted_by", ["clone", "origin"])
def test_adjusted_branches_get_and_drop_whole_files(
    tiny_dataset: Path, datalad: Program, inside: Inside, annex: Program, tmp_path: Path, adjusted_by: str
) -> None:
    if adjusted_by == "origin":
        annex("adjust", "--unlock", cwd=tiny_dataset)
    datalad("clone", tiny_dataset, tmp_path / "clone")
    clone = tmp_path / "clone"
    if adjusted_by == "clone":
        annex("adjust", "--unlock", cwd=clone)
    inside("get", ".", cwd=clone)
    assert (clone / "notes.txt").read_text() == "first line\n"
    assert datalad("status", "--annex", "all", cwd=clone).lines[-1] == "nothing to save, working tree clean"
    inside("drop", ".", cwd=clone)
    assert datalad("-f", "json", "get", "notes.txt", cwd=clone).records[0]["status"] == "ok"


def test_a_linked_work_tree_shares_content_with_its_repository(
    tiny_dataset: Path, datalad: Program, inside: Inside, git: Program, tmp_path: Path
) -> None:
    datalad("clone", tiny_dataset, tmp_path / "clone")
    git("worktree", "add", "-q", tmp_path / "tree", "-b", "other", cwd=tmp_path / "clone")
    inside("get", "notes.txt", cwd=tmp_path / "tree")
    assert (tmp_path / "tree/notes.txt").read_text() == "first line\n"
    assert (tmp_path / "clone/notes.txt").read_text() == "first line\n"
    assert inside("whereis", "notes.txt", cwd=tmp_path / "clone").lines[0] == "whereis notes.txt (2 copies)"
    inside("drop", "notes.txt", cwd=tmp_path / "tree")
    assert not (tmp_path / "clone/notes.txt").exists()


def test_a_dataset_reached_through_a_symlink_is_worked_on(
    tiny_dataset: Path, datalad: Program, cli: Program, tmp_path: Path
) -> None:
    datalad("clone", tiny_dataset, tmp_path / "clone")
    (tmp_path / "link").symlink_to(tmp_path / "clone")
    answer = cli("get", "data/one.dat", cwd=tmp_path / "link")
    assert answer.lines == ["get(ok): data/one.dat (file) [from origin...]"]
    answer = cli("drop", tmp_path / "link" / "data", cwd=tmp_path / "link")
    assert answer.lines[0] == "drop(ok): data/one.dat (file)"
    # DataLad's get refuses the other name of the same place
    answer = cli("get", tmp_path / "clone" / "data" / "one.dat", cwd=tmp_path / "link")
    assert answer.lines == ["get(ok): data/one.dat (file) [from origin...]"]


def test_a_subdataset_with_its_repository_in_the_superdataset_goes_whole(
    new_dataset: Callable[..., Path], datalad: Program, inside: Inside, git: Program, tmp_path: Path
) -> None:
    top = new_dataset("top")
    datalad("create", "-d", top, top / "sub", cwd=top)
    (top / "sub" / "c.dat").write_text("c")
    datalad("save", "-r", "-d", top)
    datalad("clone", top, tmp_path / "clone")
    datalad("get", "-n", "sub", cwd=tmp_path / "clone")
    git("submodule", "absorbgitdirs", "sub", cwd=tmp_path / "clone")
    inside("get", "sub", cwd=tmp_path / "clone")
    assert (tmp_path / "clone/sub/c.dat").read_text() == "c"
    inside("drop", "--what", "all", "sub", cwd=tmp_path / "clone")
    assert list((tmp_path / "clone/sub").iterdir()) == []
    assert not (tmp_path / "clone/.git/modules/sub").exists()
    datalad("get", "sub/c.dat", cwd=tmp_path / "clone")
    assert git("status", "--porcelain", cwd=tmp_path / "clone").text == ""
