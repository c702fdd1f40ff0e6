"""Patches as Git writes them: what they say makes the new file of the old one, whatever is in either."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery.core.process import Runner
from rookery.git import patches
from rookery.git.patches import Patch, read_changes, read_patches
from rookery.git.repo import Repo
from support.history import FILE, LINK, History
from support.home import Home

# Lines that look like parts of a patch, and some that are none.
lines = st.sampled_from(
    ["", "a", "b", "diff --git a/x b/x", "@@ -1,2 +1,2 @@", "--- a", "+++ b", "\\ no", "ü\r"]
)
texts = st.tuples(st.lists(lines, max_size=12), st.booleans()).map(
    lambda told: "\n".join(told[0]) + ("\n" if told[0] and told[1] else "")
)


@pytest.fixture
def bare(tmp_path: Path, home: Home) -> Repo:
    place = tmp_path / "bare.git"
    runner = Runner(home.env)
    runner.run(["git", "init", "-q", "--bare", "-b", "main", place], cwd=tmp_path)
    return Repo(place, place, runner, bare=True)


def patched(old: str, patch: Patch) -> str:
    """Apply a patch as a person would read it."""
    before, after, at = re.findall(r"[^\n]*\n|[^\n]+", old), [], 0
    for hunk in patch.hunks:
        first = hunk.old - any(line.kind != "+" for line in hunk.lines)
        after += before[at:first]
        at = first
        for line in hunk.lines:
            text = line.text + "\n" * line.ends
            if line.kind != "+":
                assert before[at] == text
                at += 1
            if line.kind != "-":
                after.append(text)
    return "".join(after + before[at:])


@given(st.lists(st.binary(max_size=20), max_size=20))
def test_anything_is_read_without_harm(said: list[bytes]) -> None:
    list(read_patches([b"diff --git a/x b/x", b"@@ -1,3 +1 @@ x", *said]))


def test_what_git_says_makes_the_new_file_of_the_old_one(bare: Repo) -> None:
    @settings(max_examples=12)
    @given(st.lists(st.tuples(texts, texts), min_size=4, max_size=12))
    def holds(pairs: list[tuple[str, str]]) -> None:
        history = History()
        history.commit("old", {f"f{n}": old for n, (old, _) in enumerate(pairs)}, branch="main")
        history.commit("new", {f"f{n}": new for n, (_, new) in enumerate(pairs)})
        new = history.write(bare.gitdir)
        old = bare.text("rev-parse", "main~")
        told = read_changes(bare, old, new)
        changed = {f"f{n}": pair for n, pair in enumerate(pairs) if pair[0] != pair[1]}
        assert {one.path for one, _ in told.found} == set(changed)
        for one, patch in told.found:
            before, after = changed[one.path]
            assert patch is not None
            assert patched(before, patch) == after
        bare.run("update-ref", "-d", "refs/heads/main")

    holds()


def test_kinds_that_change_large_files_and_renames_keep_their_places(bare: Repo) -> None:
    history = History().commit(
        "1", {"a": (LINK, "t"), "b": "1\n", "c": "x\n" * 9, "large": "y\n", "z": "1\n"}
    )
    large = "line\n" * (patches.LARGEST_TEXT // 4)
    history.commit(
        "2", {"a": "file\n", "b": (FILE, b"\0binary"), "c": None, "d": "x\n" * 9, "large": large, "z": "2\n"}
    )
    new = history.write(bare.gitdir)
    told = read_changes(bare, bare.text("rev-parse", "main~"), new)
    by_path = {one.path: (one, patch) for one, patch in told.found}
    a = by_path["a"][1]
    assert a is not None
    assert [line.text for hunk in a.hunks for line in hunk.lines] == ["t", "file"]
    assert by_path["b"][1] == Patch((), binary=True)
    assert (by_path["d"][0].status, by_path["d"][0].from_path) == ("R", "c")
    assert by_path["large"][1] == Patch((), binary=True)
    z = by_path["z"][1]
    assert z is not None
    assert (z.added, z.removed) == (1, 1)


def test_a_long_list_is_read_in_pages_and_counted_whole(bare: Repo) -> None:
    new = History().commit("1", {f"f{n:04}": f"{n}\n" for n in range(50)}).write(bare.gitdir)
    first = read_changes(bare, None, new, limit=20)
    last = read_changes(bare, None, new, skip=40, limit=20)
    assert (len(first.found), first.total, len(last.found), last.total) == (20, 50, 10, 50)
    assert [one.path for one, patch in last.found if patch and patch.added] == [
        f"f{n:04}" for n in range(40, 50)
    ]
    assert read_changes(bare, None, new, skip=60).found == []


def test_more_than_can_be_shown_is_left_out(bare: Repo) -> None:
    new = History().commit("1", {f"f{n}": "line\n" * 100 for n in range(40)}).write(bare.gitdir)
    told = read_changes(bare, None, new, most=4000)
    shown = [patch for _, patch in told.found if patch is not None]
    assert 0 < len(shown) < 40
    assert all(patch.added == 100 for patch in shown)
    assert told.found[-1][1] is None
