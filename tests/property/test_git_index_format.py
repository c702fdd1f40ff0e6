"""Whatever Git writes into an index, the native reader says the same as Git."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rookery.core.process import Runner, encode
from rookery.git import index, modes
from rookery.git.repo import open_repo
from support.counting import programs_started
from support.home import Home

part = st.text(
    st.characters(codec="utf-8", exclude_characters="\0/", exclude_categories=("Cs",)),
    min_size=1,
    max_size=40,
).filter(lambda name: name not in (".", "..") and ".git" not in name.lower() and "git~" not in name.lower())
paths = st.lists(part, min_size=1, max_size=4).map("/".join).filter(lambda p: len(encode(p)) < 4000)
long_path = st.integers(4080, 4110).map(lambda n: "/".join(["d" * 250] * 16)[: n - 1] + "x")
kind = st.sampled_from([modes.FILE, modes.EXECUTABLE, modes.SYMLINK, modes.GITLINK])
listing = st.dictionaries(st.one_of(paths, long_path), st.tuples(kind, st.integers(1, 16**8)), max_size=25)


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
