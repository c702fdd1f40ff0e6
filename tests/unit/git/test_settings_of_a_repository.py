"""Attributes, submodules and remotes: what a repository's small files say."""

from __future__ import annotations

from pathlib import Path

import pytest

from rookery.core.errors import CommandError
from rookery.git import attributes, modules, remotes
from rookery.git.private_index import private_index
from rookery.git.repo import Repo, open_repo
from support.programs import Program


def test_attributes_come_from_work_tree_or_index(saved: Repo) -> None:
    (saved.root / ".gitattributes").write_text("*.dat annex.backend=SHA256E -text\nodd\\ * filter\n")
    names = ["x.dat", "sub/new\nline.dat", "plain"]
    found = dict(attributes.check_attributes(saved, ["annex.backend", "text"], names))
    assert found["x.dat"] == {"annex.backend": "SHA256E", "text": "unset"}
    assert found["sub/new\nline.dat"] == {"annex.backend": "SHA256E", "text": "unset"}
    assert found["plain"] == {}
    assert dict(attributes.check_attributes(saved, ["text"], names, cached=True))["x.dat"] == {}
    with private_index(saved, tree="HEAD") as view:
        view.run("add", ".gitattributes")
        assert dict(attributes.check_attributes(view, ["text"], names, cached=True))["x.dat"] == {
            "text": "unset"
        }


def test_gitmodules_are_read_from_work_tree_index_and_commits(saved: Repo) -> None:
    assert modules.read_modules(saved) == []
    assert modules.read_modules(saved, "HEAD:.gitmodules") == []
    modules.edit_module(saved, "data/raw", path="data/raw", url="./data/raw", datalad_id="1-2")
    modules.edit_module(saved, "gone", path="../outside", url="x")
    (raw,) = modules.read_modules(saved)
    assert raw == modules.Submodule("data/raw", "data/raw", "./data/raw", {"datalad-id": "1-2"})
    saved.run("add", ".gitmodules")
    modules.remove_module(saved, "data/raw")
    modules.remove_module(saved, "data/raw")
    assert modules.read_modules(saved) == []
    assert modules.read_modules(saved, ":.gitmodules") == [raw]


def test_submodules_are_renamed_and_edited(saved: Repo) -> None:
    modules.edit_module(saved, "old", path="p", url="u", branch="b")
    modules.rename_module(saved, "old", "new")
    modules.edit_module(saved, "new", branch=None, path="q")
    assert modules.read_modules(saved) == [modules.Submodule("new", "q", "u", {})]


def test_remotes_are_listed_with_all_their_settings(saved: Repo) -> None:
    remotes.add_remote(saved, "gin", "https://example.org/x")
    remotes.configure(saved, "gin", "datalad-publish-depends", "one", "two")
    saved.run("config", "remote.special.annex-externaltype", "ora")
    found = remotes.list_remotes(saved)
    assert found["gin"].url == "https://example.org/x"
    assert found["gin"].settings["datalad-publish-depends"] == ("one", "two")
    assert found["gin"].fetch == ("+refs/heads/*:refs/remotes/gin/*",)
    assert found["special"].url is None
    remotes.configure(saved, "gin", "datalad-publish-depends")
    assert remotes.list_remotes(saved)["gin"].get("datalad-publish-depends") is None
    remotes.rename_remote(saved, "gin", "tonic")
    remotes.remove_remote(saved, "tonic")
    assert set(remotes.list_remotes(saved)) == {"special"}


@pytest.fixture
def origin(saved: Repo, tmp_path: Path, git: Program) -> Repo:
    git("init", "-q", "--bare", tmp_path / "origin.git")
    remotes.add_remote(saved, "origin", str(tmp_path / "origin.git"))
    return open_repo(tmp_path / "origin.git", saved.runner)


def test_a_push_tells_of_each_ref(saved: Repo, origin: Repo) -> None:
    meter: list[bytes] = []
    (new,) = remotes.push(saved, "origin", ["main"], on_progress=meter.append).refs
    assert (new.flag, new.source, new.target, new.summary) == (
        "*",
        "refs/heads/main",
        "refs/heads/main",
        "[new branch]",
    )
    assert meter
    (same,) = remotes.push(saved, "origin", ["main"]).refs
    assert (same.flag, same.summary) == ("=", "[up to date]")
    saved.run("commit", "-q", "--amend", "-m", "Another history")
    report = remotes.push(saved, "origin", ["main"])
    (refused,) = report.refs
    assert (refused.flag, refused.ok, refused.summary, refused.reason) == (
        "!",
        False,
        "[rejected]",
        "non-fast-forward",
    )
    assert "hint:" in report.said
    assert report.code == 1
    (forced,) = remotes.push(saved, "origin", ["+main"]).refs
    assert forced.flag == "+"


def test_fetch_and_ls_remote(saved: Repo, origin: Repo) -> None:
    remotes.push(saved, "origin", ["main:other"])
    assert [r.name for r in remotes.ls_remote(saved, "origin")] == ["refs/heads/other"]
    remotes.fetch(saved, "origin", on_progress=lambda _: None)
    assert saved.text("rev-parse", remotes.tracking_ref("origin", "other")) == saved.text("rev-parse", "HEAD")


def test_a_remote_that_does_not_answer_is_an_error_with_gits_words(saved: Repo) -> None:
    remotes.add_remote(saved, "lost", "/nowhere/at/all")
    for talk in (
        lambda: remotes.fetch(saved, "lost", on_progress=lambda _: None),
        lambda: remotes.push(saved, "lost", ["main"]),
        lambda: remotes.ls_remote(saved, "lost"),
    ):
        with pytest.raises(CommandError, match="nowhere"):
            talk()
