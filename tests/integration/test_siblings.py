"""siblings: listing, adding, configuring, enabling and removing the places a dataset is shared with."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from support.counting import Started
from support.inside import Inside
from support.programs import Program

NewDataset = Callable[..., Path]


def test_the_sign_tells_whether_there_is_an_annex(
    inside: Inside, git: Program, new_dataset: NewDataset, tmp_path: Path
) -> None:
    ds, other = new_dataset("ds"), new_dataset("other")
    git("init", "-q", "--bare", "bare.git", cwd=tmp_path)
    git("remote", "add", "silent", "/nowhere", cwd=ds)
    assert inside("siblings", "add", "-s", "full", "--url", other, cwd=ds).lines == [
        f".: full(+) [{other} (git)]"
    ]
    assert inside("siblings", "add", "-s", "empty", "--url", "../bare.git", cwd=ds).lines == [
        ".: empty(-) [../bare.git (git)]"
    ]
    assert inside("siblings", cwd=ds).lines == [
        ".: here(+) [git]",
        ".: silent(?) [/nowhere (git)]",
        f".: full(+) [{other} (git)]",
        ".: empty(-) [../bare.git (git)]",
    ]


def test_a_sibling_that_does_not_answer_is_added_all_the_same(inside: Inside, tiny_dataset: Path) -> None:
    answer = inside("siblings", "add", "-s", "far", "--url", "https://127.0.0.1:1/data", cwd=tiny_dataset)
    assert answer.lines == [".: far(-) [https://127.0.0.1:1/data (git)]"]


def test_adding_twice_or_with_too_little_is_refused(inside: Inside, tiny_dataset: Path) -> None:
    ds = tiny_dataset
    inside("siblings", "add", "-s", "one", "--url", "/nowhere", cwd=ds)
    again = inside("siblings", "add", "-s", "one", "--url", "/elsewhere", cwd=ds, code=1)
    assert again.lines == [
        "add-sibling(error): . (sibling) [sibling is already known: one, use `configure` instead?]"
    ]
    inside("siblings", "add", "-s", "two", cwd=ds, code=2)
    inside("siblings", "add", "--url", "/nowhere", cwd=ds, code=2)
    inside("siblings", "add", "-s", "bad name", "--url", "/nowhere", cwd=ds, code=1)
    inside("siblings", "add", "-s", "-x", "--url", "/nowhere", cwd=ds, code=2)
    inside("siblings", "add", "-s", "two", "--url", "ext::sh -c true", cwd=ds, code=1)
    inside("siblings", "remove", cwd=ds, code=2)
    assert len(inside("siblings", cwd=ds).lines) == 2


def test_the_name_is_that_of_the_machine_unless_given(inside: Inside, tiny_dataset: Path) -> None:
    answer = inside("siblings", "add", "--url", "https://127.0.0.1:1/me/data", cwd=tiny_dataset)
    assert answer.lines == [".: 127.0.0.1(-) [https://127.0.0.1:1/me/data (git)]"]


def test_unknown_names(inside: Inside, tiny_dataset: Path) -> None:
    ds = tiny_dataset
    asked = inside("siblings", "query", "-s", "nobody", cwd=ds, code=1)
    assert asked.lines[0] == "query-sibling(error): . (sibling) [unknown sibling name]"
    removed = inside("siblings", "remove", "-s", "nobody", cwd=ds)
    assert removed.lines == [f'Warning: No sibling "nobody" in dataset {ds}']
    inside("siblings", "configure", "-s", "nobody", "--publish-by-default", "main", cwd=ds, code=1)
    inside("siblings", "configure", cwd=ds, code=1)
    enabled = inside("siblings", "enable", "-s", "nobody", cwd=ds, code=1)
    assert "cannot enable sibling 'nobody', not known" in enabled.text


def test_configuring(inside: Inside, git: Program, new_dataset: NewDataset, tmp_path: Path) -> None:
    ds, other = new_dataset("ds"), new_dataset("other")
    inside("siblings", "add", "-s", "storage", "--url", "/nowhere", cwd=ds)
    inside("siblings", "add", "-s", "hub", "--url", other, "--pushurl", "ssh://127.0.0.1:1/x", cwd=ds)
    assert git("config", "remote.hub.annexurl", cwd=ds).text == "ssh://127.0.0.1:1/x", (
        "content goes with pushes"
    )
    told = inside(
        "-f",
        "json",
        "siblings",
        "configure",
        *("-s", "hub"),
        *("--publish-depends", "storage"),
        *("--publish-by-default", "refs/heads/main"),
        *("--annex-wanted", "present"),
        *("--annex-required", "anything"),
        *("--annex-group", "mine", "--annex-groupwanted", "include=*.dat"),
        *("-D", "the hub"),
        "--fetch",
        cwd=ds,
    ).records
    assert [(r["action"], r["status"]) for r in told] == [("update", "ok"), ("configure-sibling", "ok")]
    assert told[1]["datalad-publish-depends"] == "storage"
    assert told[1]["annex-wanted"] == "present"
    assert told[1]["annex-required"] == "anything"
    assert told[1]["annex-group"] == "mine"
    assert told[1]["annex-groupwanted"] == "include=*.dat"
    assert told[1]["annex-description"] == "the hub [hub]"
    assert git("rev-parse", "refs/remotes/hub/main", cwd=ds).text
    unknown = inside("siblings", "configure", "-s", "hub", "--publish-depends", "lost", cwd=ds, code=1)
    assert "unknown sibling(s) specified as publication dependency: {'lost'}" in unknown.text
    inside("siblings", "configure", "-s", "hub", "--url", "/new", cwd=ds)
    assert git("config", "remote.hub.url", cwd=ds).text == "/new"


def test_here_is_configured_like_the_others(inside: Inside, tiny_dataset: Path) -> None:
    inside(
        "siblings",
        "configure",
        "-s",
        "here",
        "-D",
        "my laptop",
        "--annex-wanted",
        "standard",
        cwd=tiny_dataset,
    )
    (record,) = inside("-f", "json", "siblings", "-s", "here", cwd=tiny_dataset).records
    assert record["annex-description"] == "my laptop"
    assert record["annex-wanted"] == "standard"
    assert record["annex-version"] == "10"


def test_a_plain_repository_takes_no_annex_settings(inside: Inside, git: Program, tmp_path: Path) -> None:
    git("init", "-q", "plain", cwd=tmp_path)
    ds = tmp_path / "plain"
    inside("siblings", "configure", "-s", "here", "-D", "words", cwd=ds, code=1)
    inside("siblings", "enable", "-s", "x", cwd=ds, code=1)
    assert inside("siblings", "add", "-s", "x", "--url", "/nowhere", cwd=ds).lines == [
        ".: x(?) [/nowhere (git)]"
    ]


def test_special_remotes_tell_their_type_and_can_be_enabled(
    inside: Inside, annex: Program, new_dataset: NewDataset, tmp_path: Path
) -> None:
    ds = new_dataset("ds")
    (tmp_path / "store").mkdir()
    settings = ["type=directory", f"directory={tmp_path / 'store'}", "encryption=none", "autoenable=false"]
    annex("initremote", "store", *settings, cwd=ds)
    assert inside("siblings", cwd=ds).lines[1] == ".: store(+) [git]"
    (record,) = inside("-f", "json", "siblings", "-s", "store", cwd=ds).records
    assert record["annex-type"] == "directory"
    inside("siblings", "remove", "-s", "store", cwd=ds)
    assert len(inside("siblings", cwd=ds).lines) == 1


@pytest.mark.parametrize("mirrored", [True, False])
def test_recursion_gives_each_subdataset_its_own_url(
    inside: Inside, new_dataset: NewDataset, mirrored: bool
) -> None:
    ds = new_dataset("ds")
    inside("create", "-d", ".", "sub/one", cwd=ds)
    url = "/nowhere/top" if mirrored else "/nowhere/%NAME"
    answer = inside("siblings", "add", "-r", "-s", "far", "--url", url, cwd=ds)
    expected = ["top", "top/sub/one"] if mirrored else ["ds", "ds-sub-one"]
    assert answer.lines == [
        f".: far(-) [/nowhere/{expected[0]} (git)]",
        f"sub/one: far(-) [/nowhere/{expected[1]} (git)]",
    ]
    assert len(inside("siblings", "-r", cwd=ds).lines) == 4


def test_settings_are_inherited_from_the_superdataset(
    inside: Inside, git: Program, new_dataset: NewDataset
) -> None:
    ds, hub = new_dataset("ds"), new_dataset("hub")
    inside("create", "-d", ".", "sub", cwd=ds)
    for place in (ds, ds / "sub"):
        inside("siblings", "add", "-s", "storage", "--url", "/nowhere", cwd=place)
    inside(
        "siblings",
        "add",
        "-s",
        "hub",
        "--url",
        hub,
        "--publish-depends",
        "storage",
        "--annex-wanted",
        "present",
        cwd=ds,
    )
    inside("siblings", "add", "-s", "hub", "--url", hub, "--inherit", cwd=ds / "sub")
    assert git("config", "remote.hub.datalad-publish-depends", cwd=ds / "sub").text == "storage"
    (record,) = inside("-f", "json", "siblings", "-s", "hub", cwd=ds / "sub").records
    assert record["annex-wanted"] == "present"


def test_a_common_source_needs_a_web_address(inside: Inside, new_dataset: NewDataset) -> None:
    ds, other = new_dataset("ds"), new_dataset("other")
    answer = inside(
        "siblings", "add", "-s", "o", "--url", other, "--as-common-datasrc", "common", cwd=ds, code=1
    )
    assert "URL protocol is not http or https" in answer.text
    inside("siblings", "add", "-s", "p", "--url", other, "--as-common-datasrc", "p", cwd=ds, code=1)


def test_without_annex_info_only_settings_are_read(
    inside: Inside, tiny_dataset: Path, count_programs: Callable[[], AbstractContextManager[Started]]
) -> None:
    with count_programs() as started:
        (record,) = inside("-f", "json", "siblings", "--no-annex-info", cwd=tiny_dataset).records
    assert "annex-description" not in record
    assert len(started) <= 3
    with count_programs() as started:
        inside("siblings", cwd=tiny_dataset)
    assert not [argv for argv in started.programs if "annex" in argv[0]], "asking git-annex is slow"
    logging.getLogger("rookery").setLevel(logging.NOTSET)
