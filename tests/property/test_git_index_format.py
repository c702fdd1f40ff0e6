"""Whatever Git writes into an index, the native reader says the same as Git."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rookery.core.process import Runner, encode
from rookery.git import index, index_update, modes, objects
from rookery.git.private_index import private_index
from rookery.git.repo import open_repo
from support.counting import programs_started
from support.home import Home

part = st.text(
    st.characters(codec="utf-8", exclude_characters="\0/"),
    min_size=1,
    max_size=40,
).filter(lambda name: name not in (".", "..") and ".git" not in name.lower() and "git~" not in name.lower())
paths = st.lists(part, min_size=1, max_size=4).map("/".join).filter(lambda p: len(encode(p)) < 4000)
long_path = st.integers(4080, 4110).map(lambda n: "/".join(["d" * 250] * 16)[: n - 1] + "x")
kind = st.sampled_from([modes.FILE, modes.EXECUTABLE, modes.SYMLINK, modes.GITLINK])
listing = st.dictionaries(st.one_of(paths, long_path), st.tuples(kind, st.integers(1, 16**8)), max_size=25)


small = st.sampled_from(
    ["a", "b", "a/b", "a/c", "a/b/c", "d/e/f", "d/e", "d", "d/g", "h-i", "h/i", "x" * 5000]
)
states = st.dictionaries(small, st.tuples(kind, st.integers(1, 9)), max_size=9)


def without_clashes(files: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Leave out what cannot be there together: files where others need a folder."""
    return {p: v for p, v in files.items() if not any(q.startswith(p + "/") for q in files)}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=states, changes=states, gone=st.lists(small, max_size=4), version=st.sampled_from([2, 4]))
def test_native_update_does_what_git_does(
    home: Home,
    before: dict[str, tuple[int, int]],
    changes: dict[str, tuple[int, int]],
    gone: list[str],
    version: int,
) -> None:
    with tempfile.TemporaryDirectory(dir=home.path) as folder:
        runner = Runner(home.env)
        runner.run(["git", "init", "-q", folder], cwd=folder)
        repo = open_repo(Path(folder), runner)
        names = [objects.hash_blob(repo, b"%d" % n) for n in range(10)]

        def entries(files: dict[str, tuple[int, int]]) -> list[index.NewEntry]:
            return [index.NewEntry(p, m, names[n]) for p, (m, n) in without_clashes(files).items()]

        index.put_entries(repo, entries(before) or [index.NewEntry("only", modes.FILE, names[0])])
        repo.run("update-index", "--index-version", str(version))
        repo.run("write-tree", "--missing-ok")  # so that there are cached trees to keep right
        update = [*(index.NewEntry(p, 0, "") for p in gone if p not in changes), *entries(changes)]
        with private_index(repo) as view:
            shutil.copy(index.index_file(repo), index.index_file(view))
            index.put_entries(view, update)
            expected = list(index._from_git(view))
            tree = view.text("write-tree", "--missing-ok")
        with programs_started() as started:
            with index_update.updated_entries(repo, update) as unknown:
                assert unknown is not None
        assert len(started) == 0
        assert [e[:4] for e in index._from_git(repo)] == [e[:4] for e in expected]
        assert list(index.read_index(repo)) == list(index._from_git(repo))
        assert repo.text("write-tree", "--missing-ok") == tree
        assert repo.run("fsck", ok=None).stdout.count(b"index") == 0


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=listing, version=st.sampled_from([2, 3, 4]), marks=st.lists(st.sampled_from("vstn"), max_size=25)
)
def test_reader_agrees_with_git(
    home: Home, files: dict[str, tuple[int, int]], version: int, marks: list[str]
) -> None:
    with tempfile.TemporaryDirectory(dir=home.path) as folder:
        runner = Runner(home.env)
        runner.run(["git", "init", "-q", folder], cwd=folder)
        repo = open_repo(Path(folder), runner)
        index.put_entries(repo, [index.NewEntry(p, m, f"{n:040x}") for p, (m, n) in files.items()])
        staged = list(index.read_index(repo))
        marked = dict(zip((e.path for e in staged), marks, strict=False))
        for option, letter in (("--assume-unchanged", "v"), ("--skip-worktree", "s")):
            chosen = b"".join(encode(p) + b"\0" for p, mark in marked.items() if mark == letter)
            repo.run("update-index", option, "-z", "--stdin", stdin=chosen)
        conflicted = [
            b"100644 %040x %d\t%s\0" % (7, stage, encode(p))
            for p, mark in marked.items()
            if mark == "t"
            for stage in (1, 2, 3)
        ]
        gone = [index.NewEntry(p, 0, "") for p, mark in marked.items() if mark == "t"]
        index.put_entries(repo, gone)
        repo.run("update-index", "-z", "--index-info", stdin=b"".join(conflicted))
        repo.run("update-index", "--index-version", str(version))
        expected = list(index._from_git(repo))
        with programs_started() as started:
            read = list(index.read_index(repo))
        assert read == expected
        assert len(started) == 0
