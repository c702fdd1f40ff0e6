"""What push sends, DataLad and git-annex find; what they send, push takes into account."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery import api
from support.comparison import SideBySide, missing_from
from support.programs import Program
from support.samples import write_tree
from support.secure_shell import SecureShell


def bare(git: Program, ds: Path, place: Path) -> str:
    git("init", "-q", "--bare", place)
    git("remote", "add", "gin", place, cwd=ds)
    return str(place)


def with_files(git: Program, ds: Path, place: Path) -> str:
    git("init", "-q", place)
    git("config", "receive.denyCurrentBranch", "updateInstead", cwd=place)
    git("remote", "add", "gin", place, cwd=ds)
    return str(place)


@pytest.mark.parametrize("make", [bare, with_files])
def test_datalad_clones_and_gets_what_was_pushed(
    cli: Program,
    datalad: Program,
    git: Program,
    annex: Program,
    tiny_dataset: Path,
    tmp_path: Path,
    make: Callable[[Program, Path, Path], str],
) -> None:
    place = make(git, tiny_dataset, tmp_path / "place")
    cli("push", "--to", "gin", cwd=tiny_dataset)
    datalad("clone", place, "clone", cwd=tmp_path)
    assert (
        "get(ok): data/one.dat (file) [from origin...]" in datalad("get", ".", cwd=tmp_path / "clone").lines
    )
    for name in ("notes.txt", "data/one.dat"):
        assert (tmp_path / "clone" / name).read_bytes() == (tiny_dataset / name).read_bytes()
    annex("fsck", "--fast", "-q", cwd=tiny_dataset)
    git("fsck", cwd=place)
    assert "ok" in annex("fsck", "--all", cwd=place).text
    assert datalad("status", cwd=tiny_dataset).text == "nothing to save, working tree clean"


def test_datalad_has_nothing_to_add_to_a_push_of_ours(
    cli: Program, datalad: Program, git: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    bare(git, tiny_dataset, tmp_path / "place")
    cli("push", "--to", "gin", cwd=tiny_dataset)
    assert datalad("push", "--to", "gin", cwd=tiny_dataset).lines == [
        "action summary:",
        "  publish (notneeded: 2)",
    ]


def test_a_ria_store_of_datalads_takes_content_in_its_storage_and_branches_in_its_repository(
    cli: Program, datalad: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    store = f"ria+file://{tmp_path / 'store'}"
    datalad("create-sibling-ria", "-s", "ria", "--new-store-ok", "--alias", "mine", store, cwd=tiny_dataset)
    lines = cli("push", "--to", "ria", cwd=tiny_dataset).lines
    assert lines[0] == "copy(ok): data/one.dat (file) [to ria-storage...]"
    assert lines[-2:] == ["  copy (ok: 3)", "  publish (ok: 2)"]
    assert cli("push", "--to", "ria", cwd=tiny_dataset).lines[-1] == "  publish (notneeded: 2)"
    datalad("clone", f"{store}#~mine", "clone", cwd=tmp_path)
    assert datalad("get", "notes.txt", cwd=tmp_path / "clone").lines == [
        "get(ok): notes.txt (file) [from ria-storage...]"
    ]


def test_content_in_a_special_remote_is_found_by_a_clone_of_the_history(
    cli: Program, datalad: Program, annex: Program, git: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    settings = ["type=directory", f"directory={tmp_path / 'store'}", "encryption=none"]
    annex("initremote", "store", *settings, cwd=tiny_dataset)
    place = bare(git, tiny_dataset, tmp_path / "place")
    git("config", "remote.gin.datalad-publish-depends", "store", cwd=tiny_dataset)
    git("config", "remote.gin.annex-ignore", "true", cwd=tiny_dataset)
    cli("push", "--to", "gin", cwd=tiny_dataset)
    datalad("clone", place, "clone", cwd=tmp_path)
    annex("enableremote", "store", settings[1], cwd=tmp_path / "clone")
    annex("verifyremote", "store", "--safe", "1", cwd=tmp_path / "clone")
    assert datalad("get", "notes.txt", cwd=tmp_path / "clone").lines == [
        "get(ok): notes.txt (file) [from store...]"
    ]


@pytest.mark.parametrize("arguments", [[], ["--data", "nothing"], ["notes.txt"], ["--since", "HEAD~1"]])
def test_the_records_are_datalads(
    side_by_side: Callable[[Path], SideBySide],
    git: Program,
    annex: Program,
    new_dataset: Callable[..., Path],
    tmp_path: Path,
    arguments: list[str],
) -> None:
    (tmp_path / "world").mkdir()
    ds = new_dataset("world/ds")
    git("init", "-q", "--bare", tmp_path / "world" / "place")
    annex("init", cwd=tmp_path / "world" / "place")
    git("remote", "add", "gin", "../place", cwd=ds)
    both = side_by_side(tmp_path / "world")
    for options in (arguments, arguments, ["--since", "^"]):
        ours, theirs = both.records("push", "--to", "gin", *options, at="ds")
        assert missing_from(ours, [r for r in theirs if "/git-annex:" not in r.get("refspec", "")]) == []
        assert len(ours) == len(theirs)


@pytest.fixture
def nested(
    new_dataset: Callable[..., Path], datalad: Program, git: Program, annex: Program, tmp_path: Path
) -> Path:
    """Give a folder with `top`, `top/sub` and `top/sub/deep`, and a sibling `gin` for each."""
    world = tmp_path / "world"
    world.mkdir()
    top = new_dataset("world/top")
    datalad("create", "-d", top, "sub", cwd=top)
    datalad("create", "-d", top / "sub", "deep", cwd=top / "sub")
    write_tree(top, {"sub/s.dat": "s\n", "sub/deep/d.dat": "d\n"})
    datalad("save", "-r", "-d", top)
    for name, up in (("top", ".."), ("top/sub", "../.."), ("top/sub/deep", "../../..")):
        place = world / f"{Path(name).name}.git"
        git("init", "-q", "--bare", place)
        annex("init", cwd=place)
        git("remote", "add", "gin", f"{up}/{place.name}", cwd=world / name)
    return world


def but_git_annex(lines: list[str]) -> list[str]:
    """Leave out what became of the branch git-annex, and count publications whatever became of them.

    git-annex notes a copy on both sides, in whole seconds.  Two such commits made
    within one second are the same commit, and then there is nothing left to push.
    """

    def counted(summary: re.Match[str]) -> str:
        return f"publish ({sum(map(int, re.findall('[0-9]+', summary[1])))})"

    return [re.sub(r"publish \(([^)]*)\)$", counted, line) for line in lines if "/git-annex->" not in line]


def test_recursion_reaches_what_datalad_reaches(
    nested: Path, side_by_side: Callable[[Path], SideBySide], git: Program, cli: Program
) -> None:
    both = side_by_side(nested)
    for arguments in (["sub"], ["sub/s.dat"], ["sub", "-r"], ["-r"], ["-r", "-R1"], ["-r", "--since", "^"]):
        ours, theirs = both.lines("push", "--to", "gin", *arguments, at="top")
        assert but_git_annex(ours) == but_git_annex(theirs), arguments
    for place in ("top", "top/sub", "top/sub/deep"):
        refs = git("ls-remote", "gin", "main", "git-annex", cwd=both.root / "ours" / place).text
        for branch in ("main", "git-annex"):
            here = git("rev-parse", branch, cwd=both.root / "ours" / place).text
            assert f"{here}\trefs/heads/{branch}" in refs
    for side in ("ours", "theirs"):
        write_tree(both.root / side / "top", {"sub/deep/new": "new\n"})
        cli("save", "-r", cwd=both.root / side / "top")
    ours, theirs = both.lines("push", "--to", "gin", "-r", "--since", "^", at="top")
    assert but_git_annex(ours) == but_git_annex(theirs)
    assert "copy(ok): sub/deep/new (file) [to gin...]" in ours


def test_a_subdataset_without_that_sibling_fails_and_the_others_are_pushed(
    nested: Path, side_by_side: Callable[[Path], SideBySide], git: Program
) -> None:
    git("remote", "remove", "gin", cwd=nested / "top" / "sub")
    both = side_by_side(nested)
    ours, theirs = both.lines("push", "--to", "gin", "-r", at="top")
    assert "publish(error): sub (dataset) [Unknown target sibling 'gin'.]" in ours
    assert but_git_annex(ours) == but_git_annex(theirs)


def test_the_python_face_pushes_and_updates(
    nested: Path, git: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ds = api.Dataset(str(nested / "top"))
    done = ds.push(to="gin", recursive=True, result_renderer="disabled")
    assert {r["status"] for r in done} <= {"ok", "notneeded"}
    assert ds.push(to="gin", since="^", result_renderer="disabled")[0]["status"] == "notneeded"
    with pytest.raises(ValueError, match="commitish"):
        ds.push(to="gin", since="")
    (record,) = ds.update(sibling="gin", result_renderer="disabled")
    assert record["action"] == "update"


def test_a_rejected_push_is_told_as_datalad_tells_it(
    side_by_side: Callable[[Path], SideBySide], git: Program, new_dataset: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "world").mkdir()
    ds = new_dataset("world/ds")
    git("init", "-q", "--bare", tmp_path / "world" / "place")
    git("remote", "add", "gin", "../place", cwd=ds)
    git("push", "-q", "gin", "main", cwd=ds)
    git("commit", "-q", "--amend", "-m", "another past", cwd=ds)
    both = side_by_side(tmp_path / "world")
    ours, theirs = both.run("push", "--to", "gin", "--data", "nothing", at="ds", code=1)
    line = "publish(error): . (dataset) [refs/heads/main->gin:refs/heads/main [rejected] (non-fast-forward)]"
    assert line in ours.lines
    assert line in theirs.lines
    hint = theirs.lines[-1]
    assert ours.lines[-1].startswith(hint)


def test_both_push_in_turn_and_no_line_of_git_annex_is_lost(
    cli: Program, datalad: Program, git: Program, annex: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    place = bare(git, tiny_dataset, tmp_path / "place")
    cli("push", "--to", "gin", cwd=tiny_dataset)
    datalad("clone", place, "clone", cwd=tmp_path)
    clone = tmp_path / "clone"
    for turn in range(2):
        write_tree(clone, {f"theirs{turn}": f"theirs {turn}\n"})
        datalad("save", cwd=clone)
        datalad("push", "--to", "origin", cwd=clone)
        cli("update", "-s", "gin", "--how", "merge", cwd=tiny_dataset)
        write_tree(tiny_dataset, {f"ours{turn}": f"ours {turn}\n"})
        cli("save", cwd=tiny_dataset)
        cli("push", "--to", "gin", cwd=tiny_dataset)
        datalad("update", "--how", "merge", cwd=clone)
    for name in ("theirs0", "theirs1"):
        assert annex("whereis", name, cwd=tiny_dataset).stdout.count(" -- ") == 2
    for name in ("ours0", "ours1"):
        assert annex("whereis", name, cwd=clone).stdout.count(" -- ") == 2
    datalad("get", ".", cwd=clone)


def test_git_and_git_annex_may_work_in_between(
    cli: Program, git: Program, annex: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    bare(git, tiny_dataset, place)
    cli("push", "--to", "gin", cwd=tiny_dataset)
    git("mv", "notes.txt", "moved.txt", cwd=tiny_dataset)
    git("rm", "-q", "data/one.dat", cwd=tiny_dataset)
    git("commit", "-q", "-m", "by hand", cwd=tiny_dataset)
    cli("push", "--to", "gin", cwd=tiny_dataset)
    write_tree(tiny_dataset, {"added": "added\n"})
    annex("assist", cwd=tiny_dataset)
    assert cli("push", "--to", "gin", cwd=tiny_dataset).lines[-1] == "  publish (notneeded: 2)"
    annex("copy", "--to", "gin", "--all", cwd=tiny_dataset)
    annex("sync", "gin", "--no-content", cwd=tiny_dataset)
    cli("push", "--to", "gin", cwd=tiny_dataset)
    assert git("rev-parse", "main", cwd=place).text == git("rev-parse", "main", cwd=tiny_dataset).text


def test_over_ssh_a_bare_repository_gets_an_annex_and_the_content(
    cli: Program, datalad: Program, git: Program, tiny_dataset: Path, tmp_path: Path, sshbox: SecureShell
) -> None:
    git("init", "-q", "--bare", tmp_path / "place")
    git("remote", "add", "box", sshbox.url(tmp_path / "place"), cwd=tiny_dataset)
    lines = cli("push", "--to", "box", cwd=tiny_dataset).lines
    assert lines[:3] == [
        "copy(ok): data/one.dat (file) [to box...]",
        "copy(ok): data/two.dat (file) [to box...]",
        "copy(ok): notes.txt (file) [to box...]",
    ]
    datalad("clone", sshbox.url(tmp_path / "place"), "clone", cwd=tmp_path)
    datalad("get", ".", cwd=tmp_path / "clone")
    assert cli("push", "--to", "box", cwd=tiny_dataset).lines[-1] == "  publish (notneeded: 2)"


def test_over_ssh_without_git_annex_there_it_is_said_that_no_content_went(
    cli: Program, git: Program, tiny_dataset: Path, tmp_path: Path, sshbox: SecureShell
) -> None:
    git("init", "-q", "--bare", tmp_path / "place")
    git("remote", "add", "box", sshbox.url(tmp_path / "place"), cwd=tiny_dataset)
    git("config", "remote.box.annex-shell", "/no/such/git-annex-shell", cwd=tiny_dataset)
    answer = cli("push", "--to", "box", cwd=tiny_dataset, code=1)
    assert answer.lines[0] == (
        "copy(impossible): . (dataset) [Target 'box' does not appear to be an annex remote]"
    )
    assert (
        git("rev-parse", "main", cwd=tmp_path / "place").text
        == git("rev-parse", "main", cwd=tiny_dataset).text
    )
