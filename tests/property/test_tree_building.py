"""Trees that are built here are those that Git would build, and packs that are written here are packs for Git."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rookery.core.errors import CommandError
from rookery.core.process import Runner
from rookery.git import modes, objects, pack_stream, tree_building
from rookery.git.index import NewEntry, put_entries
from rookery.git.private_index import private_index
from rookery.git.repo import Repo, open_repo
from support.home import make_home

BLOB = 3

# Some of them come before others as files and after them as folders.
part = st.sampled_from(["a", "a-", "a.b", "a0", "b", "ä", "'", '"', " ", "\udcff", "x" * 300])
paths = st.lists(part, min_size=1, max_size=4).map("/".join)
kind = st.sampled_from([modes.FILE, modes.EXECUTABLE, modes.SYMLINK, modes.GITLINK])
contents = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([0, 15, 16, 2047, 2048, 65_535, 65_536, 300_000]).map(os.urandom),
)


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    folder = tmp_path_factory.mktemp("trees")
    repo = Repo(folder, folder / ".git", Runner(make_home(folder / "home", os.environ).env))
    repo.run("init", "-q")
    return open_repo(folder, repo.runner)


def fitting(wanted: list[str]) -> list[str]:
    """Leave out what cannot be there together: files where others need a folder."""
    return [path for path in wanted if not any(other.startswith(f"{path}/") for other in wanted)]


def by_git(repo: Repo, *rounds: list[NewEntry]) -> str:
    """Have Git build a tree; what is there gives way to what comes."""
    with private_index(repo) as view:
        for entries in rounds:
            put_entries(view, entries)
        return view.text("write-tree", "--missing-ok")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.dictionaries(paths, kind, max_size=12),
    coming=st.lists(paths, unique=True, min_size=1, max_size=12).map(fitting),
    at_a_time=st.integers(1, 4),
)
def test_a_tree_is_the_one_that_git_builds(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, before: dict[str, int], coming: list[str], at_a_time: int
) -> None:
    monkeypatch.setattr(tree_building, "AT_A_TIME", at_a_time)
    there = [NewEntry(path, before[path], "1" * 40) for path in fitting([*before])]
    new = {path: f"{number % 3 + 2:040x}" for number, path in enumerate(coming)}
    old = by_git(repo, there)
    built = tree_building.renewed(repo, old, reversed(coming), new.__getitem__)
    assert built == by_git(repo, there, [NewEntry(path, modes.FILE, sha) for path, sha in new.items()])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(contents, min_size=1, max_size=8))
def test_objects_in_a_pack_are_read_by_git(repo: Repo, texts: list[bytes]) -> None:
    pack_stream.store(repo, len(texts), ((BLOB, text) for text in texts))
    found = objects.read_many(repo, [objects.name_of_blob(text) for text in texts])
    assert [one and (one.kind, one.content) for one in found] == [("blob", text) for text in texts]


def test_of_a_pack_that_ends_early_nothing_is_stored(repo: Repo) -> None:
    packs = repo.commondir / "objects" / "pack"
    before = sorted(os.listdir(packs))
    with pytest.raises(CommandError):
        pack_stream.store(repo, 3, [(BLOB, b"never seen"), (BLOB, b"nor this")])
    assert [name for name in sorted(os.listdir(packs)) if name.endswith(".pack")] == [
        name for name in before if name.endswith(".pack")
    ]


@pytest.mark.parametrize("missing", ["", "a", "a/b"])
def test_a_tree_that_is_missing_is_told(repo: Repo, missing: str) -> None:
    salt = os.urandom(4).hex()
    tree = by_git(repo, [NewEntry(f"a/b/{salt}", modes.FILE, "1" * 40)])
    lost = repo.text("rev-parse", f"{tree}:{missing}")
    (repo.commondir / "objects" / lost[:2] / lost[2:]).unlink()
    with pytest.raises(objects.ObjectMissing, match="tree is missing"):
        tree_building.renewed(repo, tree, ["a/b/new"], lambda _: "2" * 40)
