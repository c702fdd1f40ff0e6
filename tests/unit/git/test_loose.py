"""Objects in files of their own, read without a process: as Git reads them, or Git is asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.git import loose, objects
from rookery.git.repo import Repo, open_repo
from support.counting import programs_started
from support.programs import Program
from support.samples import ODD_NAMES, UNDECODABLE_NAME


def by_git(repo: Repo, names: list[str]) -> list[objects.Object | None]:
    """Ask Git, more than is ever read here."""
    many = [*names, *["nothing"] * loose.MOST]
    return list(objects.read_many(repo, many))[: len(names)]


def test_what_git_says_without_a_process(saved: Repo) -> None:
    for name in (*ODD_NAMES, UNDECODABLE_NAME):
        (saved.root / "sub" / name).write_text("odd", errors="surrogateescape")
    saved.run("add", ".")
    saved.run("commit", "-qm", "Odd")
    commit = saved.text("rev-parse", "HEAD")
    tree = saved.text("rev-parse", "HEAD^{tree}")
    plain = [commit, tree, f"{commit}:a", f"{tree}:sub/c", f"{commit}:sub", f"{commit}:no", f"{commit}:a/b"]
    names = [*plain, *(f"{commit}:sub/{name}" for name in (*ODD_NAMES, UNDECODABLE_NAME) if "\n" not in name)]
    assert len(names) <= loose.MOST
    with programs_started() as started:
        found = list(objects.read_many(saved, names))
        sizes = list(objects.stat_many(saved, names))
    assert len(started) == 0
    assert found == by_git(saved, names)
    assert [one and one.size for one in sizes] == [one and len(one.content) for one in found]


def packed(repo: Repo) -> None:
    repo.run("gc", "-q", "--prune=now")


def replaced(repo: Repo) -> None:
    repo.run("replace", "HEAD:a", "HEAD:b")


def replaced_and_packed(repo: Repo) -> None:
    replaced(repo)
    repo.run("pack-refs", "--all")


@pytest.mark.parametrize("change", [packed, replaced, replaced_and_packed])
def test_what_is_elsewhere_or_replaced_is_as_git_says(saved: Repo, change: Callable[[Repo], None]) -> None:
    commit = saved.text("rev-parse", "HEAD")
    change(saved)
    names = [f"{commit}:a", f"{commit}:sub/c", f"{commit}:none", saved.text("rev-parse", "HEAD:a")]
    assert list(objects.read_many(saved, names)) == by_git(saved, names)


def test_large_missing_and_strange_names_are_git_s(saved: Repo) -> None:
    large = objects.hash_blob(saved, os.urandom(loose._LARGE + 1))
    strange = [
        "1" * 40,
        "HEAD",
        "HEAD:a",
        "HEAD:./a",
        ":a",
        f"{saved.text('rev-parse', 'HEAD')[:9]}:a",
        "../" * 10,
    ]
    for name in (large, *strange):
        with pytest.raises(loose.NotLoose):
            loose.read_all(saved, [name])
        assert list(objects.read_many(saved, [name])) == by_git(saved, [name])


def test_another_place_for_objects_is_git_s(saved: Repo, tmp_path: Path) -> None:
    name = objects.hash_blob(saved, b"here")
    with pytest.raises(loose.NotLoose):
        loose.read_all(saved.with_env(GIT_OBJECT_DIRECTORY=str(tmp_path)), [name])


@pytest.mark.parametrize("damage", ["cut", "flipped", "exchanged"])
def test_a_damaged_object_is_not_taken(saved: Repo, damage: str) -> None:
    name, other = (objects.hash_blob(saved, text * 50) for text in (b"some", b"other"))
    files = [saved.gitdir / "objects" / sha[:2] / sha[2:] for sha in (name, other)]
    raw = files[0].read_bytes()
    files[0].chmod(0o644)
    spoilt = {
        "cut": raw[:-6],
        "flipped": raw[:12] + bytes([raw[12] ^ 1]) + raw[13:],
        "exchanged": files[1].read_bytes(),
    }
    files[0].write_bytes(spoilt[damage])
    with pytest.raises(loose.NotLoose):
        loose.read_all(saved, [name])


def test_names_of_64_digits_are_git_s(tmp_path: Path, git: Program, saved: Repo) -> None:
    git("init", "-q", "--object-format=sha256", tmp_path / "wide")
    wide = open_repo(tmp_path / "wide", saved.runner)
    name = objects.hash_blob(wide, b"wide")
    assert [one and one.content for one in objects.read_many(wide, [name])] == [b"wide"]
