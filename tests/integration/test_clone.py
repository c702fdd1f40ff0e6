"""clone: from everywhere, into everywhere, and nothing left behind where it fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support.inside import Inside
from support.programs import Program
from support.secure_shell import SecureShell
from support.web import WebServer

NewDataset = Callable[..., Path]


def test_a_path_is_cloned_with_its_annex_and_file_names(
    inside: Inside, annex: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    answer = inside("clone", tiny_dataset, "copy", cwd=tmp_path)
    copy = tmp_path / "copy"
    assert answer.lines == [f"install(ok): {copy} (dataset)"]
    assert os.path.islink(copy / "data" / "one.dat")
    assert not (copy / "data" / "one.dat").exists()
    annex("get", "data/one.dat", cwd=copy)
    assert (copy / "data" / "one.dat").read_bytes() == (tiny_dataset / "data" / "one.dat").read_bytes()
    assert "rookery" not in (copy / ".git" / "config").read_text()


def test_without_a_path_the_folder_is_named_like_the_source(
    inside: Inside, tiny_dataset: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    inside("clone", f"file://{tiny_dataset}", cwd=tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "ds" / "notes.txt").is_symlink()


def test_the_same_source_again_is_not_needed_and_another_is_refused(
    inside: Inside, new_dataset: NewDataset, tmp_path: Path
) -> None:
    one, other = new_dataset("one"), new_dataset("other")
    inside("clone", one, "copy", cwd=tmp_path)
    for spelling in (str(one), "one", f"file://{one}"):
        again = inside("-f", "json", "clone", spelling, "copy", cwd=tmp_path)
        assert [r["status"] for r in again.records] == ["notneeded"]
    refused = inside("clone", other, "copy", cwd=tmp_path, code=1)
    assert "target path already exists and not empty, refuse to clone into target path" in refused.text
    assert (tmp_path / "copy" / "notes.txt").is_symlink()


def test_a_source_that_is_not_there_leaves_nothing(inside: Inside, tmp_path: Path) -> None:
    answer = inside("-f", "json", "clone", "nowhere", "copy", cwd=tmp_path, code=1)
    (record,) = answer.records
    assert record["status"] == "error"
    assert record["message"][0].startswith("Failed to clone from any candidate source URL.")
    assert not (tmp_path / "copy").exists()
    (tmp_path / "empty").mkdir()
    inside("clone", "nowhere", "empty", cwd=tmp_path, code=1)
    assert list((tmp_path / "empty").iterdir()) == []


def test_what_is_at_the_target_stays(inside: Inside, tiny_dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    (tmp_path / "file").write_text("mine")
    inside("clone", tiny_dataset, "mine", cwd=tmp_path, code=1)
    inside("clone", tiny_dataset, "file", cwd=tmp_path, code=1)
    assert (tmp_path / "mine" / "file").read_text() == "mine"
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    "source",
    ["ext::sh -c 'touch hacked'", "fd::17", "--upload-pack=touch hacked", "ssh://-oProxyCommand=x/y", ""],
)
def test_a_source_cannot_start_a_program(inside: Inside, tmp_path: Path, source: str) -> None:
    inside("clone", "--", source, "copy", cwd=tmp_path, code=None)
    assert list(tmp_path.iterdir()) == []


def test_a_web_server_shows_a_work_tree_at_dot_git(
    inside: Inside, git: Program, new_dataset: NewDataset, web: WebServer, tmp_path: Path
) -> None:
    served = new_dataset("web/served")
    git("update-server-info", cwd=served)
    answer = inside("-f", "json", "clone", f"{web.url}/served", "copy", cwd=tmp_path)
    assert answer.records[-1]["source"]["giturl"] == f"{web.url}/served/.git"
    assert (tmp_path / "copy" / "notes.txt").is_symlink()


def test_over_ssh_as_url_and_as_host_and_path(
    inside: Inside, sshbox: SecureShell, tiny_dataset: Path, tmp_path: Path
) -> None:
    inside("clone", sshbox.url(tiny_dataset), "one", cwd=tmp_path)
    inside("clone", f"{sshbox.host}:{tiny_dataset}", "two", cwd=tmp_path)
    for name in ("one", "two"):
        lines = inside("siblings", cwd=tmp_path / name).lines
        assert lines[0] == ".: here(+) [git]"
        assert lines[1].startswith(".: origin(+) [")


def test_with_a_superdataset_the_clone_is_registered_and_nothing_else_saved(
    inside: Inside, git: Program, new_dataset: NewDataset
) -> None:
    above = new_dataset("above")
    new_dataset("source")
    (above / "unsaved.txt").write_text("unsaved")
    git("add", "unsaved.txt", cwd=above)
    answer = inside("clone", "-d", ".", "../source", "parts/one", cwd=above)
    assert answer.lines[:4] == [
        "install(ok): parts/one (dataset)",
        "add(ok): parts/one (dataset)",
        "add(ok): .gitmodules (file)",
        "save(ok): . (dataset)",
    ]
    assert git("log", "-1", "--format=%s", cwd=above).text == "[DATALAD] Added subdataset"
    assert git("show", "--format=", "--name-only", cwd=above).lines == [".gitmodules", "parts/one"]
    assert git("status", "--porcelain", cwd=above).lines == ["A  unsaved.txt"]
    listed = dict(line.split("=", 1) for line in git("config", "-f", ".gitmodules", "-l", cwd=above).lines)
    assert listed["submodule.parts/one.url"] == "../source"
    assert listed["submodule.parts/one.datalad-url"] == "../source"


def test_a_target_outside_of_the_superdataset_is_refused(
    inside: Inside, new_dataset: NewDataset, tmp_path: Path
) -> None:
    above = new_dataset("above")
    answer = inside("clone", "-d", ".", above, "../outside", cwd=above, code=1)
    assert "not in specified target dataset" in answer.text
    assert not (tmp_path / "outside").exists()


def test_origins_of_the_origin_become_siblings(inside: Inside, tiny_dataset: Path, tmp_path: Path) -> None:
    inside("clone", "ds", "second", cwd=tmp_path)
    (tmp_path / "deep").mkdir()
    answer = inside("clone", "second", "deep/third", cwd=tmp_path)
    assert answer.lines[:3] == [
        "update(ok): . (dataset)",
        "configure-sibling(ok): . (sibling)",
        f"install(ok): {tmp_path}/deep/third (dataset)",
    ]
    assert inside("siblings", cwd=tmp_path / "deep" / "third").lines == [
        ".: here(+) [git]",
        ".: origin(+) [../../second (git)]",
        ".: origin-2(+) [../../ds (git)]",
    ]
    inside("get", "data/one.dat", cwd=tmp_path / "deep" / "third")


def test_reckless_ephemeral_uses_the_content_in_place(
    inside: Inside, git: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    inside("clone", "--reckless", "ephemeral", tiny_dataset, "copy", cwd=tmp_path)
    copy = tmp_path / "copy"
    assert (copy / ".git" / "annex").resolve() == tiny_dataset / ".git" / "annex"
    assert (copy / "data" / "one.dat").read_bytes()
    assert git("config", "annex.private", cwd=copy).text == "true"
    assert git("config", "remote.origin.annex-ignore", cwd=copy).text == "true"
    assert git("config", "datalad.clone.reckless", cwd=copy).text == "ephemeral"
    assert len(git("show", "git-annex:uuid.log", cwd=tiny_dataset).lines) == 1
    inside("drop", "data/one.dat", cwd=copy, code=1)
    assert (tiny_dataset / "data" / "one.dat").exists()


def test_reckless_auto_and_shared(inside: Inside, git: Program, tiny_dataset: Path, tmp_path: Path) -> None:
    inside("clone", "--reckless=auto", tiny_dataset, "auto", cwd=tmp_path)
    assert git("config", "annex.hardlink", cwd=tmp_path / "auto").text == "true"
    uuid = git("config", "annex.uuid", cwd=tmp_path / "auto").text
    assert f"{uuid} 0 " in git("show", "git-annex:trust.log", cwd=tmp_path / "auto").text
    inside("clone", "--reckless=shared-group", tiny_dataset, "shared", cwd=tmp_path)
    assert git("config", "core.sharedRepository", cwd=tmp_path / "shared").text == "1"
    refused = inside("clone", "--reckless=brave", tiny_dataset, "brave", cwd=tmp_path, code=2)
    assert "unknown reckless mode 'brave'" in refused.stderr


def test_clones_below_inherit_reckless_from_local_settings_only(
    inside: Inside, git: Program, new_dataset: NewDataset
) -> None:
    source, above = new_dataset("source"), new_dataset("above")
    git("config", "-f", ".datalad/config", "datalad.clone.reckless", "auto", cwd=above)
    inside("clone", "-d", ".", source, "one", cwd=above)
    assert git("config", "annex.hardlink", cwd=above / "one", code=1).text == ""
    git("config", "datalad.clone.reckless", "auto", cwd=above)
    inside("clone", "-d", ".", source, "two", cwd=above)
    assert git("config", "annex.hardlink", cwd=above / "two").text == "true"


def test_git_clone_options_and_description(
    inside: Inside, git: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    git("branch", "other", cwd=tiny_dataset)
    inside(
        "clone",
        "-D",
        "my place",
        tiny_dataset,
        "copy",
        "--branch",
        "other",
        "--origin",
        "source",
        cwd=tmp_path,
    )
    copy = tmp_path / "copy"
    assert git("branch", "--show-current", cwd=copy).text == "other"
    assert "my place" in git("show", "git-annex:uuid.log", cwd=copy).text
    assert inside("siblings", cwd=copy).lines[1].startswith(".: source(+)")


def test_a_source_whose_head_names_no_branch(
    inside: Inside, git: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    git("symbolic-ref", "HEAD", "refs/heads/gone", cwd=tiny_dataset)
    inside("clone", tiny_dataset, "copy", cwd=tmp_path)
    assert git("branch", "--show-current", cwd=tmp_path / "copy").text == "main"
    assert (tmp_path / "copy" / "notes.txt").is_symlink()


def test_a_plain_repository_gets_no_annex(inside: Inside, git: Program, tmp_path: Path) -> None:
    git("init", "-q", "plain", cwd=tmp_path)
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=tmp_path / "plain")
    inside("clone", "plain", "copy", cwd=tmp_path)
    assert inside("siblings", cwd=tmp_path / "copy").lines == [
        ".: here(?) [git]",
        ".: origin(?) [../plain (git)]",
    ]


def test_special_remotes_are_enabled_by_themselves_or_named(
    inside: Inside, annex: Program, new_dataset: NewDataset, tmp_path: Path
) -> None:
    source = new_dataset("source")
    for name, auto in (("always", "true"), ("asked", "false")):
        (tmp_path / name).mkdir()
        settings = ["type=directory", f"directory={tmp_path / name}", "encryption=none"]
        annex("initremote", name, *settings, f"autoenable={auto}", cwd=source)
    annex(
        "initremote",
        "lost",
        "type=external",
        "externaltype=nosuchhelper",
        "encryption=none",
        cwd=source,
        code=None,
    )
    answer = inside("clone", source, "copy", cwd=tmp_path)
    assert "asked not auto-enabled, enable with:" in answer.stderr
    inside("siblings", "enable", "-s", "asked", cwd=tmp_path / "copy", code=None)


def test_settings_replace_parts_of_a_source(inside: Inside, tiny_dataset: Path, tmp_path: Path) -> None:
    rule = f"datalad.clone.url-substitute.mine=,^short:(.*)$,{tiny_dataset.parent}/\\1"
    answer = inside("-f", "json", "-c", rule, "clone", "short:ds", "copy", cwd=tmp_path)
    assert answer.records[-1]["source"]["giturl"] == str(tiny_dataset)


def test_a_procedure_runs_on_the_clone(inside: Inside, tiny_dataset: Path, tmp_path: Path) -> None:
    answer = inside("clone", "-c", "text2git", tiny_dataset, "copy", cwd=tmp_path)
    assert [line.partition(":")[0] for line in answer.lines[:2]] == ["run(ok)", "install(ok)"]
    assert "largerthan=0" in (tmp_path / "copy" / ".gitattributes").read_text()
    inside("clone", "-c", "nosuch", tiny_dataset, "other", cwd=tmp_path, code=1)
    assert not (tmp_path / "other").exists()


def test_the_api_gives_a_dataset(tiny_dataset: Path, tmp_path: Path) -> None:
    from rookery.api import Dataset, clone

    made = clone(str(tiny_dataset), str(tmp_path / "copy"), result_renderer="disabled")
    assert isinstance(made, Dataset)
    assert made.id == Dataset(tiny_dataset).id
