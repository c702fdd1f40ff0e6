"""What is annexed, what is here, who has it: read natively, compared with git-annex's own answers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.annex import branch, identity, remotes
from rookery.annex.files import index_files, tree_files
from rookery.annex.keys import hashdirlower
from rookery.annex.numcopies import required_copies
from rookery.annex.store import is_present, size_here
from rookery.core.environment import program_environment
from rookery.core.process import Runner
from rookery.git.repo import Repo, open_repo
from support.home import Home
from support.programs import Program


@pytest.fixture
def opened(home: Home) -> Callable[[Path], Repo]:
    runner = Runner(program_environment(home.env))
    return lambda path: open_repo(path, runner)


def whereis(annex: Program, path: Path) -> dict[str, set[str]]:
    answer = annex("whereis", "--json", "--all", cwd=path, code=None)
    return {r["key"]: {w["uuid"] for w in r["whereis"]} for r in answer.records}


@pytest.fixture
def odd(new_dataset: Callable[..., Path], annex: Program, git: Program) -> Path:
    path = new_dataset("odd")
    names = ["with space.bin", "new\nline.bin", "-dash.bin", "ünïcode.bin", "deep/er/five.bin", ".hidden"]
    for number, name in enumerate([*names, os.fsdecode(b"not\xffutf8.bin")]):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(b"\0%d" % number)
    annex("add", "-c", "annex.dotfiles=true", ".", cwd=path)
    annex("unlock", "deep", cwd=path)
    (path / "plain.txt").write_text("not annexed")
    annex("add", "--force-small", "plain.txt", cwd=path)
    annex("drop", "--force", "with space.bin", cwd=path)
    git("commit", "-qm", "Add odd names", cwd=path)
    return path


def test_annexed_files_are_those_that_git_annex_finds(
    odd: Path, annex: Program, opened: Callable[[Path], Repo]
) -> None:
    files = {f.path: f for f in index_files(opened(odd))}
    told = annex("find", "--include=*", "--format=${file}\\000${key}\\000", cwd=odd).stdout.split("\0")
    assert {p: f.key for p, f in files.items()} == dict(zip(told[::2], told[1::2], strict=False))
    assert not files["deep/er/five.bin"].locked and files["-dash.bin"].locked
    assert [p for p, f in files.items() if not f.present] == ["with space.bin"]
    assert all(Path(f.objpath).is_file() == f.present for f in files.values())
    assert size_here(opened(odd), files["-dash.bin"].key) == 2


def test_content_is_found_wherever_its_key_may_be_filed(
    tiny_dataset: Path, git: Program, annex: Program, opened: Callable[[Path], Repo]
) -> None:
    """In the folders of a bare repository, and where a link names folders that are not its key's; or nowhere."""
    repo = opened(tiny_dataset)
    one, two, _ = (f for f in index_files(repo))
    lower = tiny_dataset / ".git/annex/objects" / hashdirlower(one.key) / one.key
    lower.parent.mkdir(parents=True)
    Path(one.objpath).parent.rename(lower)
    wrong = (tiny_dataset / two.path).readlink().parent
    folders = "00/00" if wrong.parent.parts[-2:] != ("00", "00") else "11/11"
    target = wrong.parent.parent.parent / folders / two.key / two.key
    (tiny_dataset / two.path).unlink()
    (tiny_dataset / two.path).symlink_to(target)
    git("add", two.path, cwd=tiny_dataset)
    files = {f.path: f for f in index_files(repo)}
    assert sorted(annex("find", cwd=tiny_dataset).lines) == sorted(p for p, f in files.items() if f.present)
    assert files[one.path].objpath == str(lower / one.key)
    assert files[two.path].objpath == two.objpath
    annex("drop", "--force", ".", cwd=tiny_dataset)
    assert [f.path for f in index_files(repo) if f.present] == []


def test_paths_limit_the_listing_and_trees_are_read_alike(odd: Path, opened: Callable[[Path], Repo]) -> None:
    repo = opened(odd)
    assert [f.path for f in index_files(repo, ["deep", "-dash.bin"])] == ["-dash.bin", "deep/er/five.bin"]
    assert [f.path for f in tree_files(repo, "HEAD", ["deep/"])] == ["deep/er/five.bin"]


def test_a_listing_starts_at_most_two_programs(odd: Path, opened: Callable[[Path], Repo]) -> None:
    repo = opened(odd)
    started: list[tuple[str, ...]] = []
    repo.runner.listeners.append(started.append)
    assert len(list(index_files(repo))) == 10
    assert len(started) <= 2


@pytest.mark.parametrize("by_name", [0, 1000])
def test_locations_are_those_of_git_annex(
    odd: Path,
    annex: Program,
    opened: Callable[[Path], Repo],
    by_name: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(branch, "ASK_BY_NAME", by_name)
    repo = opened(odd)
    keys = [f.key for f in index_files(repo)]
    found = {k: {w.uuid for w in places if w.present} for k, places in branch.locations(repo, keys).items()}
    assert found == {**{key: set() for key in keys}, **whereis(annex, odd)}


def test_news_that_are_not_committed_or_not_merged_count_and_nothing_is_written(
    tiny_dataset: Path, git: Program, annex: Program, opened: Callable[[Path], Repo], tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    git("clone", "-q", tiny_dataset, clone)
    annex("init", "clone", cwd=clone)
    annex("get", "data/one.dat", cwd=clone)
    git("fetch", clone, "+refs/heads/git-annex:refs/remotes/clone/git-annex", cwd=tiny_dataset)
    annex("drop", "-c", "annex.alwayscommit=false", "--force", "data/two.dat", cwd=tiny_dataset)
    repo = opened(tiny_dataset)
    assert list((tiny_dataset / ".git/annex/journal").iterdir())
    before = git("show-ref", cwd=tiny_dataset).stdout
    files = {f.path: f.key for f in index_files(repo)}
    known = branch.locations(repo, files.values())
    here, there = identity.uuid(repo), identity.uuid(opened(clone))
    assert {w.uuid: w.present for w in known[files["data/one.dat"]]} == {here: True, there: True}
    assert {w.uuid: w.present for w in known[files["data/two.dat"]]} == {here: False}
    assert git("show-ref", cwd=tiny_dataset).stdout == before


def test_locations_of_a_key_nobody_heard_of_are_none(
    tiny_dataset: Path, opened: Callable[[Path], Repo]
) -> None:
    assert branch.locations(opened(tiny_dataset), ["MD5E-s1--abc"]) == {"MD5E-s1--abc": []}


def test_identity_remotes_and_preferences_are_read_as_git_annex_shows_them(
    tiny_dataset: Path, annex: Program, opened: Callable[[Path], Repo], tmp_path: Path
) -> None:
    (tmp_path / "store dir").mkdir()
    at = tiny_dataset
    annex(
        "initremote",
        "disk",
        "type=directory",
        f"directory={tmp_path}/store dir",
        "encryption=none",
        "autoenable=true",
        cwd=at,
    )
    for words in (
        ["untrust", "disk"],
        ["numcopies", "3"],
        ["mincopies", "2"],
        ["group", "here", "backup"],
        ["wanted", "here", "include=* or present"],
        ["required", "here", "include=*.x"],
        ["groupwanted", "backup", "anything"],
        ["describe", "here", "my nice disk"],
    ):
        annex(*words, cwd=at)
    repo = opened(at)
    here = identity.uuid(repo)
    assert here == annex("info", "here", "--fast", "--json", cwd=at).records[0]["uuid"]
    disk = remotes.configured(repo)["disk"]
    assert disk.special and disk.usable and disk.uuid
    known = remotes.special(repo)[disk.uuid]
    assert (known.name, known.type, known.autoenable) == ("disk", "directory", True)
    assert remotes.trust(repo) == {disk.uuid: "untrusted"}
    assert tuple(required_copies(repo)) == (3, 2)
    assert remotes.preferences(repo) == {
        "wanted": {here: "include=* or present"},
        "required": {here: "include=*.x"},
        "group": {here: "backup"},
        "groupwanted": {"backup": "anything"},
    }
    assert identity.descriptions(repo)[here] == "my nice disk"


def test_a_worktree_shares_the_store(
    tiny_dataset: Path, git: Program, annex: Program, opened: Callable[[Path], Repo], tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    git("worktree", "add", "-q", tree, "HEAD", cwd=tiny_dataset)
    assert all(f.present for f in index_files(opened(tree)))
    annex("find", cwd=tree)  # git-annex turns the `.git` file into a symlink
    assert (tree / ".git").is_symlink()
    assert all(f.present for f in index_files(opened(tree)))
    assert identity.uuid(opened(tree)) == identity.uuid(opened(tiny_dataset))


def test_a_bare_repository_keeps_objects_in_the_other_layout(
    tiny_dataset: Path, git: Program, annex: Program, opened: Callable[[Path], Repo], tmp_path: Path
) -> None:
    bare = tmp_path / "bare.git"
    git("init", "-q", "--bare", bare)
    annex("init", cwd=bare)
    git("remote", "add", "bare", bare, cwd=tiny_dataset)
    annex("copy", "--to=bare", ".", cwd=tiny_dataset)
    keys = [f.key for f in index_files(opened(tiny_dataset))]
    assert len(keys) == 3
    assert all(is_present(opened(bare), key) for key in keys)


def test_an_adjusted_branch_names_its_original(
    tiny_dataset: Path, annex: Program, opened: Callable[[Path], Repo]
) -> None:
    repo = opened(tiny_dataset)
    original = identity.corresponding_branch(repo)
    assert not identity.is_managed_branch(repo)
    annex("adjust", "--unlock", cwd=tiny_dataset)
    assert identity.is_managed_branch(repo)
    assert identity.corresponding_branch(repo) == original
    assert {f.locked for f in index_files(repo)} == {False}
