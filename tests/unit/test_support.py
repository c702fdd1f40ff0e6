"""What the tests stand on does what it says."""

from __future__ import annotations

import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from rookery.core.context import Context
from support.comparison import missing_from, normalised
from support.counting import GitTrace, Started, changes_made, files_opened
from support.home import Home
from support.programs import Program
from support.samples import ODD_NAMES, UNDECODABLE_NAME, binary, picture, write_tree
from support.secure_shell import SecureShell
from support.web import WebServer


def test_the_home_is_private(home: Home, git: Program) -> None:
    assert os.environ["HOME"] == str(home.path)
    assert git("config", "--global", "user.email").text == "robin@example.org"
    assert git("config", "--system", "user.email", code=None).stdout == ""


def test_git_annex_is_found_by_the_full_environment_only(home: Home) -> None:
    assert shutil.which("git-annex", path=home.env["PATH"])
    assert not shutil.which("git-annex", path=home.bare_env["PATH"])


def test_an_unexpected_exit_code_fails_with_what_was_said(git: Program) -> None:
    with pytest.raises(AssertionError, match="not-a-command"):
        git("not-a-command")
    assert git("not-a-command", code=1).stderr


def test_datasets_of_one_test_have_identities_of_their_own(
    new_dataset: Callable[..., Path], git: Program, datalad: Program
) -> None:
    one, two = new_dataset("one"), new_dataset("two", files={"a/b.dat": binary()})
    for key in ("annex.uuid",):
        assert git("config", key, cwd=one).text != git("config", key, cwd=two).text
    assert datalad("-f", "json", "status", cwd=one).records[0]["state"] == "clean"
    assert (one / "data" / "one.dat").is_symlink()
    assert [p.name for p in two.iterdir() if not p.name.startswith(".")] == ["a"]


def test_programs_are_counted(
    context: Callable[..., Context],
    count_programs: Callable[[], AbstractContextManager[Started]],
    tmp_path: Path,
) -> None:
    with count_programs() as started:
        context().runner.run(["git", "--version"], cwd=tmp_path)
    assert started.programs == [("git", "--version")]


def test_git_below_other_programs_is_seen(annex: Program, git_trace: GitTrace, tmp_path: Path) -> None:
    annex("version", "--raw", env=git_trace.env)
    assert git_trace.commands()


def test_opened_files_are_listed_each_time_and_only_below_the_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "outside").write_text("x")
    with files_opened(tmp_path / "in") as opened:
        (tmp_path / "in" / "one").write_text("x")
        os.close(os.open(tmp_path / "in" / "one", os.O_RDONLY))
        (tmp_path / "outside").read_text()
    (tmp_path / "in" / "one").read_text()
    assert opened == [str(tmp_path / "in" / "one")] * 2


def test_changes_are_listed_by_name_and_openings_are_none(tmp_path: Path) -> None:
    with changes_made(tmp_path) as changed:
        (tmp_path / "one").mkdir()
        (tmp_path / "one" / "two").write_text("x")
        (tmp_path / "one" / "two").chmod(0o600)
    assert changed == [str(tmp_path / "one"), str(tmp_path / "one" / "two")]


def test_the_web_server_gives_whole_files_and_parts(web: WebServer) -> None:
    url = web.put("a/file.bin", binary(100))
    assert urllib.request.urlopen(url).read() == binary(100)
    part = urllib.request.Request(url, headers={"Range": "bytes=90-"})
    with urllib.request.urlopen(part) as answer:
        assert (answer.status, answer.read()) == (206, binary(100)[90:])
    assert [r.range for r in web.asked("/a/file.bin")] == [None, "bytes=90-"]


def test_the_web_server_misbehaves_as_told_and_then_stops(web: WebServer) -> None:
    url = web.put("file", b"content")
    web.fail("/file", 503, times=1)
    web.corrupt("/file")
    with pytest.raises(urllib.error.HTTPError, match="503") as failure:
        urllib.request.urlopen(url)
    failure.value.close()
    assert urllib.request.urlopen(url).read() != b"content"
    assert urllib.request.urlopen(url).read() == b"content"


def test_an_answer_waits_at_its_gate(web: WebServer) -> None:
    url = web.put("file", b"content")
    gate = web.hold("/file", after=3)
    with urllib.request.urlopen(url) as answer:
        assert answer.read(3) == b"con"
        assert gate.reached.wait(10)
        gate.open()
        assert answer.read() == b"tent"


def test_ssh_reaches_the_box_and_finds_git_annex_there(sshbox: SecureShell, home: Home) -> None:
    ssh = Program(["ssh"], home.env)
    assert ssh(sshbox.host, "echo $HOME").text == str(home.path)
    assert ssh(sshbox.host, "command -v git-annex-shell").text


def test_pictures_are_pictures_and_odd_names_can_be_written(tmp_path: Path) -> None:
    assert picture().startswith(b"\xff\xd8")
    assert picture(form="PNG").startswith(b"\x89PNG")
    write_tree(tmp_path / "odd", dict.fromkeys((*ODD_NAMES, UNDECODABLE_NAME), "x"))
    assert len(list((tmp_path / "odd").iterdir())) == len(ODD_NAMES) + 1


def test_records_are_compared_by_inclusion() -> None:
    ours = normalised(
        [{"path": "/a/ds", "status": "ok", "copies": 2}, {"gitshasum": "0" * 40, "mtime": 1}],
        {"/a": "<here>"},
    )
    assert ours == [{"path": "<here>/ds", "status": "ok", "copies": 2}, {"gitshasum": "<sha>"}]
    assert missing_from(ours, [{"path": "<here>/ds", "status": "ok"}]) == []
    assert missing_from(ours, [{"path": "<here>/ds", "status": "ok", "type": None}]) == []
    assert missing_from(ours, [{"path": "<here>/ds", "status": "error"}]) == [
        "None <here>/ds: status is 'ok', not 'error'"
    ]
