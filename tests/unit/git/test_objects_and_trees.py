from __future__ import annotations

import os
from pathlib import Path

import pytest

from rookery.core.process import encode
from rookery.git import modes, objects, trees
from rookery.git.repo import Repo
from support.samples import ODD_NAMES, UNDECODABLE_NAME


def test_blobs_are_stored_and_read(repo: Repo) -> None:
    sha = objects.hash_blob(repo, b"some\0bytes\n")
    assert objects.read_blob(repo, sha) == b"some\0bytes\n"
    with pytest.raises(objects.ObjectMissing):
        objects.read_blob(repo, "1" * 40)


def test_many_objects_come_in_order_from_one_process(repo: Repo) -> None:
    contents = [os.urandom(size) for size in (0, 1, 70_000, 3)]
    names = [objects.hash_blob(repo, c) for c in contents]
    asked = [names[2], "no such thing", *names]
    found = list(objects.read_many(repo, asked))
    assert [o and o.content for o in found] == [contents[2], None, *contents]
    assert [s and s.size for s in objects.stat_many(repo, asked)] == [70_000, None, 0, 1, 70_000, 3]
    with objects.object_reader(repo) as reader:
        assert reader.read(names[3]) == objects.Object(names[3], "blob", contents[3])
        assert reader.read("nothing") is None
        assert reader.read(names[0]) == objects.Object(names[0], "blob", b"")


def test_trees_are_listed_whatever_the_names(repo: Repo) -> None:
    names = [*ODD_NAMES, UNDECODABLE_NAME]
    for name in names:
        (repo.root / name).write_text(name, errors="surrogateescape")
    (repo.root / "deep/er").mkdir(parents=True)
    (repo.root / "deep/er/link").symlink_to("nowhere")
    repo.run("add", ".")
    tree = repo.text("write-tree")
    entries = {e.path: e for e in trees.ls_tree(repo, tree, sizes=True)}
    assert set(entries) == {*names, "deep/er/link"}
    assert all(entries[name].size == len(encode(name)) for name in names)
    assert entries["deep/er/link"].mode == modes.SYMLINK
    assert [e.path for e in trees.ls_tree(repo, tree, ["deep"])] == ["deep/er/link"]
    assert [e.kind for e in trees.ls_tree(repo, tree, ["deep"], recursive=False)] == ["tree"]


def test_so_many_paths_that_no_command_line_holds_them_still_select(saved: Repo) -> None:
    many = [f"absent/{number:0100d}" for number in range(2000)]
    assert not trees.fit_on_command_line(many)
    assert [e.path for e in trees.ls_tree(saved, "HEAD", [*many, "sub"])] == ["sub/c"]
    (saved.root / "a").write_text("changed")
    saved.run("commit", "-qam", "Change")
    assert [d.path for d in trees.diff_trees(saved, "HEAD^", "HEAD", [*many, "a"])] == ["a"]


def test_differences_between_trees(saved: Repo) -> None:
    root: Path = saved.root
    (root / "a").rename(root / "sub/moved")
    (root / "b").unlink()
    (root / "b").symlink_to("sub")
    saved.run("add", "-A")
    saved.run("commit", "-qm", "Second")
    plain = {d.path: d.status for d in trees.diff_trees(saved, "HEAD^", "HEAD")}
    assert plain == {"a": "D", "b": "T", "sub/moved": "A"}
    moved = {d.path: d for d in trees.diff_trees(saved, "HEAD^", "HEAD", renames=True)}
    assert (moved["sub/moved"].status, moved["sub/moved"].from_path) == ("R", "a")
    assert {d.path for d in trees.diff_trees(saved, None, "HEAD")} == {"b", "sub/c", "sub/moved"}


def test_selections_hold_whole_names_only() -> None:
    chosen = trees.Selection(["data", "x/y/"])
    assert "data/one" in chosen
    assert "data" in chosen
    assert "database" not in chosen
    assert "x/y/z" in chosen
    assert "x" not in chosen
    assert "anything" in trees.Selection(["."])
