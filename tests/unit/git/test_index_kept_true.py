"""What an index knows of files and of trees stays right when others are written into it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from rookery.git import index, index_update, modes, objects
from rookery.git.index import NewEntry
from rookery.git.private_index import cached_trees, private_index, tree_of
from rookery.git.repo import Repo
from support.counting import programs_started

LOOK = ("-c", "core.trustctime=false", "--no-optional-locks", "status", "--porcelain")


def modified_unseen(repo: Repo, name: str) -> None:
    """Change a file so that only the age of the index tells: same size, same second, as quick as programs are."""
    file = repo.root / name
    repo.run("add", name)
    repo.run("write-tree")  # so that the index knows its trees
    seen = file.stat()
    file.write_bytes(file.read_bytes().swapcase())
    os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    os.utime(repo.gitdir / "index", ns=(seen.st_atime_ns, seen.st_mtime_ns))


def later(repo: Repo) -> None:
    """Let the second end in which a file and its index were written."""
    second = int((repo.gitdir / "index").stat().st_mtime)
    while int(time.time()) <= second:
        time.sleep(0.02)


@pytest.mark.parametrize("way", ["update", "alone"])
def test_a_change_in_the_second_of_the_index_is_still_seen_when_another_file_is_written(
    saved: Repo, way: str
) -> None:
    modified_unseen(saved, "a")
    assert saved.text(*LOOK).split() == ["M", "a"]
    later(saved)
    entry = NewEntry("new", modes.FILE, objects.hash_blob(saved, b"new"))
    (saved.root / "new").write_bytes(b"new")
    if way == "update":
        with index_update.updated_entries(saved, [entry]) as unknown:
            assert unknown == ["a"]
    else:
        index_update.put_alone(saved, [entry])
    assert " M a" in saved.run(*LOOK).stdout.decode().splitlines()


def test_what_did_not_change_in_that_second_keeps_its_stat_data(saved: Repo) -> None:
    (saved.root / "link").symlink_to("a")
    saved.run("add", "link")
    written = (saved.gitdir / "index").stat().st_mtime_ns
    for name in ("a", "b", "sub/c"):
        os.utime(saved.root / name, ns=(written, written))
    saved.run("add", "--refresh", ".")
    known = {e.path: (e.size, e.mtime_ns) for e in index.read_index(saved)}
    later(saved)
    entry = NewEntry("new", modes.FILE, objects.hash_blob(saved, b"new"))
    with index_update.updated_entries(saved, [entry]) as unknown:
        assert unknown == ["new"]
    now = {e.path: (e.size, e.mtime_ns) for e in index.read_index(saved)}
    assert {path: now[path] for path in known} == known


@pytest.mark.parametrize("how", ["gone", "grown", "another kind", "not to be looked at"])
def test_what_git_sees_or_shall_not_see_is_left_as_it_is(saved: Repo, how: str) -> None:
    file = saved.root / "a"
    modified_unseen(saved, "a")
    if how == "grown":
        file.write_bytes(file.read_bytes() * 2)
    elif how == "not to be looked at":
        saved.run("update-index", "--skip-worktree", "a")
        os.utime(saved.gitdir / "index", ns=(file.stat().st_mtime_ns, file.stat().st_mtime_ns))
    else:
        file.unlink()
    if how == "another kind":
        file.symlink_to("b")
    before = {e.path: e.size for e in index.read_index(saved)}
    entry = NewEntry("new", modes.FILE, objects.hash_blob(saved, b"new"))
    with index_update.updated_entries(saved, [entry]) as unknown:
        assert unknown == ["new"]
    now = {e.path: e.size for e in index.read_index(saved)}
    assert now == {**before, "new": 0}


@pytest.fixture(params=[100, 0], ids=["few", "many"], autouse=True)
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more links than these a private index knows the files, and becomes the real one."""
    monkeypatch.setattr(index_update, "_FEW", request.param)


def put(view: Repo, entries: Sequence[NewEntry]) -> None:
    index_update.put_alone(view, [entry for entry in entries if not entry.mode])
    index_update.put_links(view, [entry.path for entry in entries if entry.mode], lambda _: "nowhere")


def commit(repo: Repo, *entries: NewEntry, meanwhile: Callable[[], object] = bool) -> None:
    """Do what a save does: commit entries by way of a private index, and bring the real one along."""
    head = repo.text("rev-parse", "HEAD")
    before = tree_of(repo, head)
    assert before is not None
    with private_index(repo, tree=head) as view:
        put(view, entries)
        meanwhile()
        tree = index.write_tree(view)
        with index_update.kept_up_to_date(repo, entries, view, trees=(before, tree)):
            pass
    made = repo.text("commit-tree", "-m", "x", "-p", head, tree)
    repo.run("update-ref", "HEAD", made)


def new(repo: Repo, name: str) -> NewEntry:
    (repo.root / name).symlink_to("nowhere")
    return NewEntry(name, modes.SYMLINK, objects.hash_blob(repo, b"nowhere"))


def test_an_index_that_is_the_commit_is_copied_and_stays_so_over_commits(saved: Repo) -> None:
    for name in ("one", "sub/two", "three"):
        entry = new(saved, name)
        with programs_started() as started:
            commit(saved, entry)
        assert not [argv for argv in started.programs if "read-tree" in argv]
        assert cached_trees((saved.gitdir / "index").read_bytes())[0] == saved.text(
            "rev-parse", "HEAD^{tree}"
        )
        assert saved.text("status", "--porcelain") == ""
    saved.run("fsck", "--cache", "--strict")


def test_an_index_that_forgot_its_trees_is_compared(saved: Repo) -> None:
    saved.run("read-tree", "--empty")
    saved.run("add", ".")  # no cached trees now
    assert cached_trees((saved.gitdir / "index").read_bytes())[0] is None
    commit(saved, new(saved, "one"))
    assert cached_trees((saved.gitdir / "index").read_bytes())[0] == saved.text("rev-parse", "HEAD^{tree}")


@pytest.mark.parametrize("other", ["staged", "intended", "removed", "rewritten"])
def test_what_else_is_in_the_index_is_not_in_the_commit_nor_forgotten(saved: Repo, other: str) -> None:
    if other == "removed":
        saved.run("rm", "-q", "--cached", "b")
    else:
        name = "b" if other == "rewritten" else "else"
        (saved.root / name).write_text("else")
        saved.run("add", *(["-N"] if other == "intended" else []), name)
    before = saved.text("status", "--porcelain")
    commit(saved, new(saved, "one"))
    assert saved.text("show", "--name-only", "--format=", "HEAD") == "one"
    assert saved.text("status", "--porcelain") == before
    assert saved.text("rev-parse", "HEAD^{tree}") != cached_trees((saved.gitdir / "index").read_bytes())[0]


@pytest.mark.parametrize("few", [0], indirect=True)
def test_many_links_are_looked_at_once(saved: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_update, "stat_of", None)  # what looks at files when the real index is written
    commit(saved, new(saved, "one"), new(saved, "two"), NewEntry("b", 0, ""))
    (saved.root / "b").unlink()
    raw = (saved.gitdir / "index").read_bytes()
    assert saved.text("status", "--porcelain") == ""
    saved.run("update-index", "--refresh")
    assert (saved.gitdir / "index").read_bytes() == raw, "Git had nothing to add"


@pytest.mark.parametrize("later_link", ["elsewhere", "somewhen", None])
def test_a_link_that_is_replaced_before_the_commit_is_seen(saved: Repo, later_link: str | None) -> None:
    def replaced() -> None:
        link = saved.root / "one"
        seen = link.lstat()
        link.unlink()
        if later_link:
            link.symlink_to(later_link[: seen.st_size])
            os.utime(link, ns=(seen.st_atime_ns, seen.st_mtime_ns), follow_symlinks=False)

    commit(saved, new(saved, "one"), new(saved, "two"), meanwhile=replaced)
    assert saved.text("status", "--porcelain").split() == ["M" if later_link else "D", "one"]


def test_what_is_known_of_other_files_is_kept(saved: Repo) -> None:
    def learnt() -> None:
        os.utime(saved.root / "a", ns=(1_000_000_000, 1_000_000_000))
        saved.run("update-index", "--refresh")

    commit(saved, new(saved, "one"), new(saved, "two"), meanwhile=learnt)
    known = {entry.path: entry.mtime_ns for entry in index.read_index(saved)}
    assert known["a"] == 1_000_000_000 and all(known.values())


@pytest.mark.parametrize("how", ["packed", "unborn", "replaced"])
def test_where_git_has_to_be_asked_it_is(saved: Repo, how: str) -> None:
    head = saved.text("rev-parse", "HEAD")
    if how == "packed":
        saved.run("gc", "-q")
    elif how == "replaced":
        saved.run("replace", head, saved.text("commit-tree", "-m", "x", f"{head}^{{tree}}"))
    else:
        (saved.gitdir / "index").unlink()
    with programs_started() as started, private_index(saved, tree=head) as view:
        assert [e.path for e in index.read_index(view)] == ["a", "b", "sub/c"]
    assert [argv[1] for argv in started.programs] == ["read-tree"]


@pytest.mark.parametrize("small", [0, 1 << 16])
def test_a_copy_is_as_old_as_what_it_is_of(saved: Repo, small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rookery.git.private_index.SMALL", small)
    modified_unseen(saved, "a")
    real = saved.gitdir / "index"
    later(saved)
    with private_index(saved, tree=saved.text("rev-parse", "HEAD")) as view:
        assert Path(index.index_file(view)).stat().st_mtime_ns == real.stat().st_mtime_ns
        view.run("update-index", "--add", "-z", "--stdin", stdin=b"a\0")
        (entry,) = index.entries_at(view, ["a"])
    assert entry.sha == objects.hash_blob(saved, (saved.root / "a").read_bytes())
