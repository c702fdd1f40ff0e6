"""`create-sibling-webdav`: siblings on a real server, what is refused, and what is left behind."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.dataset.sources import default_target
from support.deposits import Deposits
from support.programs import Program
from support.webdav import PASSWORD, USER, WebDav

LOGIN = {"WEBDAV_USERNAME": USER, "WEBDAV_PASSWORD": PASSWORD}
COMMAND = "create-sibling-webdav"


@pytest.fixture
def knowing(cli: Program) -> Program:
    """`rookery` of somebody whose environment has the login."""
    return cli.having(LOGIN)


@pytest.fixture
def pushing(knowing: Program, deposits: Deposits) -> Program:
    """Give the same, where Git finds our remote helper, and not DataLad's of the same name."""
    return knowing.having({"PATH": deposits.ours.env["PATH"]})


def remotes(git: Program, ds: Path) -> list[str]:
    return sorted(git("remote", cwd=ds).lines)


def test_pushing_sends_the_content_and_then_the_history(
    pushing: Program, git: Program, webdav: WebDav, tiny_dataset: Path, tmp_path: Path
) -> None:
    url = f"{webdav.url}/ds"
    made = pushing(COMMAND, url, "-s", "dav", cwd=tiny_dataset)
    address = f"datalad-annex::?type=webdav&encryption=none&exporttree=no&url={url.replace(':', '%3A')}"
    assert made.lines[:2] == [
        f"create_sibling_webdav.storage(ok): . [dav-storage: {url}]",
        f"create_sibling_webdav(ok): . [dav: {address}]",
    ]
    webdav.requests.clear()
    pushing("push", "--to", "dav", cwd=tiny_dataset)
    content = [number for number, r in enumerate(webdav.requests) if r.method == "MOVE" and "MD5E" in r.path]
    history = [
        number
        for number, r in enumerate(webdav.requests)
        if r.method in ("PUT", "MOVE") and re.search("XDLR[AB]", r.path)
    ]
    assert content and history and max(content) < min(history)
    pushing("clone", git("remote", "get-url", "dav", cwd=tiny_dataset).text, tmp_path / "copy")
    copy = tmp_path / "copy"
    enabled = pushing("-f", "json", "siblings", "enable", "-s", "dav-storage", cwd=copy).records[0]
    if "hints" in enabled:  # git-annex since 2026 wants a person to have seen the place
        assert enabled["message"][1] == url and "verifyremote" in enabled["hints"][0]
        git("annex", "verifyremote", "dav-storage", "--safe", "1", cwd=copy)
    pushing("get", ".", cwd=copy)
    assert (copy / "data" / "one.dat").read_bytes() == (tiny_dataset / "data" / "one.dat").read_bytes()


def test_files_for_people_and_a_clone_by_the_short_address(
    pushing: Program, git: Program, webdav: WebDav, tiny_dataset: Path, tmp_path: Path
) -> None:
    pushing(COMMAND, f"{webdav.url}/ds", "-s", "dav", "--mode", "filetree", cwd=tiny_dataset)
    pushing("push", "--to", "dav", cwd=tiny_dataset)
    assert (webdav.root / "ds" / "notes.txt").read_text() == "first line\n"
    short = webdav.url.replace("http://", "webdav://") + "/ds"
    cloned = pushing("-f", "json", "clone", short, tmp_path / "copy").records
    source = next(r["source"] for r in cloned if "source" in r)
    assert source["giturl"] == (
        f"datalad-annex::{webdav.url}/ds?type=webdav&encryption=none&exporttree=yes&url={{noquery}}"
    )
    assert (tmp_path / "copy" / "notes.txt").is_symlink()


def test_pushing_to_files_for_people_exports_them(
    knowing: Program, git: Program, webdav: WebDav, tiny_dataset: Path, tmp_path: Path
) -> None:
    words = [COMMAND, f"{webdav.url}/ds", "-s", "dav", "--mode", "filetree-only", "--storage-name", "files"]
    knowing(*words, cwd=tiny_dataset)
    foretold = knowing("-f", "json", "push", "--to", "files", "--dry-run", cwd=tiny_dataset).records
    assert [r["action"] for r in foretold] == ["copy [dry-run]"] and not webdav.asked("PUT", "notes")
    sent = knowing("-f", "json", "push", "--to", "files", cwd=tiny_dataset).records
    assert {r["action"] for r in sent} == {"copy"} and {r["status"] for r in sent} == {"ok"}
    assert (webdav.root / "ds" / "notes.txt").read_text() == "first line\n"
    assert (webdav.root / "ds" / "data" / "two.dat").stat().st_size == 2000
    assert (webdav.root / "ds" / ".datalad" / "config").is_file()
    webdav.requests.clear()
    knowing("push", "--to", "files", cwd=tiny_dataset)
    assert webdav.requests == [], "nothing has changed, so nobody is asked"
    git("mv", "notes.txt", "words.txt", cwd=tiny_dataset)
    knowing("save", "-m", "Rename", cwd=tiny_dataset)
    knowing("push", "--to", "files", cwd=tiny_dataset)
    assert sorted(p.name for p in (webdav.root / "ds").glob("*.txt")) == ["words.txt"]


def test_the_export_of_another_clone_is_not_pushed_over(
    knowing: Program, git: Program, webdav: WebDav, tiny_dataset: Path, tmp_path: Path
) -> None:
    words = [COMMAND, f"{webdav.url}/ds", "-s", "dav", "--mode", "filetree-only", "--storage-name", "files"]
    knowing(*words, cwd=tiny_dataset)
    knowing("push", "--to", "files", cwd=tiny_dataset)
    knowing("clone", tiny_dataset, tmp_path / "copy")
    copy = tmp_path / "copy"
    knowing("siblings", "enable", "-s", "files", cwd=copy)
    answer = knowing("push", "--to", "files", cwd=copy, code=1)
    assert (
        "refuse to export to files" in answer.stdout and "git annex export HEAD --to files" in answer.stdout
    )


@pytest.mark.parametrize("scheme", ["webdav", "webdavs"])
def test_the_short_address_means_what_it_means_to_datalad(cli: Program, tmp_path: Path, scheme: str) -> None:
    short = f"{scheme}://127.0.0.1:9/some/place"
    meant = short.replace("webdav", "http")
    answer = cli("-f", "json", "clone", short, code=1).records[-1]
    assert answer["source"]["giturl"] == (
        f"datalad-annex::{meant}?type=webdav&encryption=none&exporttree=yes&url={{noquery}}"
    )
    assert answer["path"] == str(tmp_path / "place")
    other = cli(
        "-c", f"datalad.clone.url-substitute.webdav=,^webdavs?://.*$,{tmp_path}/mine", "-f", "json", "clone", short,
        code=1,
    )  # fmt: skip
    assert other.records[-1]["source"]["giturl"] == f"{tmp_path}/mine"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("datalad-annex::?type=webdav&url=https%3A//example.org/data/my%20ds/", "my ds"),
        ("datalad-annex::?type=directory&directory=/store/ds.git", "ds"),
        ("datalad-annex::file:///store/ds?type=directory&directory={path}", "ds"),
        ("datalad-annex::?type=S3&bucket=nest", "nest"),
        ("datalad-annex::?type=external&externaltype=x", "deposit"),
    ],
)
def test_the_clone_of_a_deposit_has_a_name(address: str, name: str) -> None:
    assert default_target(address) == name


def test_nothing_secret_is_shown_or_written_into_the_settings(
    cli: Program, webdav: WebDav, tiny_dataset: Path, keyring_file: Path, git: Program
) -> None:
    cli("credentials", "set", "nest", f"user={USER}", "type=user_password", "secret=-", stdin=PASSWORD)
    answer = cli("-l", "debug", COMMAND, f"{webdav.url}/ds", "--credential", "nest", cwd=tiny_dataset)
    assert PASSWORD not in answer.stdout + answer.stderr
    settings = git("config", "-l", cwd=tiny_dataset).text
    assert "dlacredential=nest" in settings and PASSWORD not in settings
    assert PASSWORD not in git("show", "git-annex:remote.log", cwd=tiny_dataset).text
    assert "last-used" in cli("credentials", "get", "nest").text


def test_a_login_that_is_refused_leaves_no_sibling(
    cli: Program, git: Program, webdav: WebDav, tiny_dataset: Path
) -> None:
    answer = cli(
        COMMAND, f"{webdav.url}/ds", cwd=tiny_dataset, code=1, env={**LOGIN, "WEBDAV_PASSWORD": "wrong one"}
    )
    assert (
        "refused" in answer.stderr and "WEBDAV_USERNAME" in answer.stderr and "wrong one" not in answer.stderr
    )
    assert remotes(git, tiny_dataset) == []
    assert "needs a login" in cli(COMMAND, f"{webdav.url}/ds", cwd=tiny_dataset, code=1).stderr


def test_a_server_that_fails_leaves_no_sibling_that_depends_on_nothing(
    knowing: Program, git: Program, webdav: WebDav, tiny_dataset: Path
) -> None:
    webdav.fail("MKCOL", "/ds")
    answer = knowing("-f", "json", COMMAND, f"{webdav.url}/ds", "-s", "dav", cwd=tiny_dataset, code=1)
    assert [(r["action"], r["status"]) for r in answer.records] == [
        ("create_sibling_webdav.storage", "error")
    ]
    assert remotes(git, tiny_dataset) == []
    knowing(COMMAND, f"{webdav.url}/ds", "-s", "dav", cwd=tiny_dataset)
    assert remotes(git, tiny_dataset) == ["dav", "dav-storage"]


def test_subdatasets_go_below_whatever_their_names(
    knowing: Program, git: Program, webdav: WebDav, new_dataset: Callable[..., Path]
) -> None:
    top = new_dataset("top")
    knowing("create", "-d", ".", "a dir/süb", cwd=top)
    records = knowing("-f", "json", COMMAND, "-r", f"{webdav.url}/ds/", "-s", "dav", cwd=top).records
    assert [(r["status"], r["name"]) for r in records] == [("ok", "dav-storage"), ("ok", "dav")] * 2
    assert (webdav.root / "ds" / "a dir" / "süb").is_dir()
    one = knowing("-f", "json", COMMAND, "-r", "-R", "0", f"{webdav.url}/o", "-s", "other", cwd=top).records
    assert len(one) == 2


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["ftp://example.org/x"], "not the URL of a WebDAV server"),
        (["https:///x"], "not the URL of a WebDAV server"),
        (["https://me:secret@example.org/x"], "has a login in it"),
        (["https://example.org/x?a=b"], "names no folder"),
        (["https://example.org/x", "-s", "a", "--storage-name", "a"], "must not be equal"),
        (["https://example.org/x", "-s", "-x"], "--name"),
        (["https://example.org/x", "-s", "a..b"], "cannot be the name"),
        (["https://example.org/x", "--mode", "other"], "invalid choice"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_asked(
    cli: Program, tiny_dataset: Path, words: list[str], why: str
) -> None:
    answer = cli(COMMAND, *words, cwd=tiny_dataset, code=2)
    assert why in answer.stderr
    assert "secret@" not in answer.stderr


def test_a_plain_git_repository_gets_a_sibling_for_history_alone(
    knowing: Program, git: Program, webdav: WebDav, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    git("init", plain)
    answer = knowing(COMMAND, f"{webdav.url}/p", "-s", "dav", cwd=plain, code=1)
    assert "use --mode git-only" in answer.stdout
    assert remotes(git, plain) == []
    knowing(COMMAND, f"{webdav.url}/p", "-s", "dav", "--mode", "git-only", cwd=plain)
    assert remotes(git, plain) == ["dav"]


def test_a_clone_enables_the_content_with_a_login_that_is_kept(
    cli: Program, git: Program, webdav: WebDav, tiny_dataset: Path, tmp_path: Path, keyring_file: Path
) -> None:
    cli(COMMAND, f"{webdav.url}/ds", "-s", "dav", "--mode", "annex-only", cwd=tiny_dataset, env=LOGIN)
    cli("push", "--to", "dav-storage", cwd=tiny_dataset)
    copy = tmp_path / "copy"
    cli("clone", tiny_dataset, copy)
    git("remote", "remove", "origin", cwd=copy)
    git("fetch", tiny_dataset, "+git-annex:git-annex", cwd=copy)
    answer = cli("siblings", "enable", "-s", "dav-storage", cwd=copy, code=1)
    assert "needs a login" in answer.stdout and "credentials set" in answer.stdout
    properties = ["type=user_password", f"user={USER}", f"realm={webdav.url}/"]
    cli("credentials", "set", "nest", *properties, "secret=-", stdin=PASSWORD)
    enabled = cli("siblings", "enable", "-s", "dav-storage", cwd=copy)
    if "verifyremote" in enabled.stdout:
        git("annex", "verifyremote", "dav-storage", "--safe", "1", cwd=copy)
    assert remotes(git, copy) == ["dav-storage"]
    cli("get", "notes.txt", cwd=copy)
    assert "last-used" in cli("credentials", "get", "nest").text


def test_an_unencrypted_connection_is_pointed_out(
    knowing: Program, webdav: WebDav, tiny_dataset: Path
) -> None:
    assert (
        "unencrypted" in knowing(COMMAND, f"{webdav.url}/ds", "--mode", "git-only", cwd=tiny_dataset).stderr
    )


def test_python_has_it_too(webdav: WebDav, tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rookery.api import Dataset

    for name, value in LOGIN.items():
        monkeypatch.setenv(name, value)
    records = Dataset(tiny_dataset).create_sibling_webdav(
        f"{webdav.url}/ds", name="dav", mode="annex-only", result_renderer="disabled"
    )
    assert [(r["action"], r["name"]) for r in records] == [("create_sibling_webdav.storage", "dav-storage")]
