"""download-url against a web server on loopback that misbehaves when it is told to."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from rookery.api import Dataset
from support.counting import Started
from support.home import Home
from support.inside import Inside
from support.programs import Program
from support.samples import binary
from support.web import WebServer

ONE_TRY = ("-c", "datalad.downloaders.retry=0")
TWO_TRIES = ("-c", "datalad.downloaders.retry=1")


@pytest.fixture
def ds(new_dataset: Callable[..., Path]) -> Path:
    return new_dataset("ds", files={})


def partials(ds: Path) -> list[Path]:
    return list((ds / ".git" / "rookery" / "downloads").glob("*.part"))


def test_the_lines_are_those_of_datalad(inside: Inside, ds: Path, web: WebServer) -> None:
    url = web.put("a.dat", "hello\n")
    answer = inside("download-url", url, cwd=ds)
    assert answer.lines == [
        f"download_url(ok): {ds}/a.dat (file)",
        "add(ok): a.dat (file)",
        "save(ok): . (dataset)",
        "action summary:",
        "  add (ok: 1)",
        "  download_url (ok: 1)",
        "  save (ok: 1)",
    ]
    assert f"[INFO] Downloading '{url}' into directory '{ds}/'" in answer.stderr


def test_content_can_be_dropped_and_comes_back_from_the_web(
    inside: Inside, annex: Program, git: Program, ds: Path, web: WebServer
) -> None:
    urls = [web.put(name, binary(1000, seed=n)) for n, name in enumerate(("one.dat", "two.dat"))]
    inside("download-url", *urls, "-O", "in/", cwd=ds)
    assert git("log", "-1", "--format=%B", cwd=ds).text.rstrip() == (
        "[DATALAD] Download URLs\n\nURLs:\n  " + "\n  ".join(urls)
    )
    for name, url in zip(("one.dat", "two.dat"), urls, strict=True):
        assert f"web: {url}" in annex("whereis", f"in/{name}", cwd=ds).stdout
    annex("drop", "in", cwd=ds)
    annex("get", "in", cwd=ds)
    assert (ds / "in" / "two.dat").read_bytes() == binary(1000, seed=1)
    assert git("status", "--porcelain", cwd=ds).text == ""


@pytest.mark.native
def test_no_git_annex_is_needed_for_any_number_of_urls(
    inside: Inside, ds: Path, web: WebServer, count_programs: Callable[[], AbstractContextManager[Started]]
) -> None:
    urls = [web.put(f"{n}.dat", binary(100, seed=n)) for n in range(12)]
    with count_programs() as started:
        inside("download-url", *urls, cwd=ds)
    assert not [argv for argv in started.programs if argv[0] == "git-annex"]
    assert len(started) <= 20  # with git-annex it was as many, and those that it started


@pytest.mark.parametrize("message", [None, "my message"])
def test_message(inside: Inside, git: Program, ds: Path, web: WebServer, message: str | None) -> None:
    url = web.put("a.dat", "x")
    inside("download-url", url, *(["-m", message] if message else []), cwd=ds)
    wanted = message or f"[DATALAD] Download URLs\n\nURLs:\n  {url}"
    assert git("log", "-1", "--format=%B", cwd=ds).text.rstrip() == wanted


def test_nosave_leaves_a_plain_file(inside: Inside, git: Program, ds: Path, web: WebServer) -> None:
    inside("download-url", "--nosave", web.put("a.dat", "x"), "-O", "sub/b.dat", cwd=ds)
    assert git("status", "--porcelain", "-uall", cwd=ds).text == "?? sub/b.dat"
    assert stat.S_ISREG(os.lstat(ds / "sub" / "b.dat").st_mode)


def test_outside_a_dataset_it_just_downloads(inside: Inside, web: WebServer, tmp_path: Path) -> None:
    place = tmp_path / "plain"
    place.mkdir()
    answer = inside("download-url", web.put("a.dat", "x"), cwd=place)
    assert answer.lines == [f"download_url(ok): {place}/a.dat (file)"]
    assert [p.name for p in place.iterdir()] == ["a.dat"]


def test_a_file_that_exists_is_kept_unless_told_otherwise(
    inside: Inside, git: Program, ds: Path, web: WebServer
) -> None:
    url = web.put("a.dat", "first\n")
    inside("download-url", url, cwd=ds)
    web.put("a.dat", "second\n")
    refused = inside("download-url", url, cwd=ds, code=1)
    assert (
        refused.lines[0]
        == f"download_url(error): {ds}/ (file) [DownloadError(Path {ds}/a.dat already exists)]"
    )
    assert (ds / "a.dat").read_text() == "first\n"
    inside("download-url", "-o", url, cwd=ds)
    assert (ds / "a.dat").read_text() == "second\n"
    assert git("status", "--porcelain", cwd=ds).text == ""


def test_several_urls_need_a_folder(inside: Inside, ds: Path, web: WebServer) -> None:
    urls = [web.put("a", "x"), web.put("b", "y")]
    answer = inside("download-url", *urls, "-O", "one", cwd=ds, code=1)
    assert "[When specifying multiple urls, --path should point to a directory target" in answer.text
    assert web.requests == []


def test_a_failed_url_does_not_keep_the_others(inside: Inside, ds: Path, web: WebServer) -> None:
    good = web.put("good.dat", "x")
    answer = inside("-f", "json", "download-url", f"{web.url}/missing", good, cwd=ds, code=1)
    assert [(r["action"], r["status"]) for r in answer.records] == [
        ("download_url", "error"),
        ("download_url", "ok"),
        ("add", "ok"),
        ("save", "ok"),
    ]
    assert answer.records[0]["error_message"] == f"Access to {web.url}/missing has failed: not found"


def test_a_name_that_the_server_gives_stays_in_the_folder(inside: Inside, ds: Path, web: WebServer) -> None:
    web.headers["Content-Disposition"] = 'attachment; filename="../../../etc/evil name.dat"'
    inside("download-url", web.put("q", "x"), "-O", "in/", cwd=ds)
    assert (ds / "in" / "evil name.dat").read_text() == "x"


def test_the_name_is_that_of_the_last_redirect(inside: Inside, ds: Path, web: WebServer) -> None:
    web.put("real name.dat", "x")
    web.redirect("/start", f"{web.url}/middle")
    web.redirect("/middle", f"{web.url}/real%20name.dat")
    inside("download-url", f"{web.url}/start", cwd=ds)
    assert (ds / "real name.dat").read_text() == "x"


def test_a_local_folder_is_no_file(inside: Inside, ds: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    answer = inside("download-url", f"file://{tmp_path}/folder/", cwd=ds, code=1)
    assert "AccessDeniedError" in answer.text


def test_it_goes_on_where_the_connection_broke(inside: Inside, ds: Path, web: WebServer) -> None:
    content = binary(300_000, seed=3)
    url = web.put("big.dat", content)
    web.truncate("/big.dat", after=100_000)
    answer = inside(*TWO_TRIES, "download-url", url, cwd=ds)
    assert "Retrying (1 out of 1)" in answer.stderr
    assert (ds / "big.dat").read_bytes() == content
    assert [r.range for r in web.asked("/big.dat")] == [None, "bytes=100000-"]
    assert web.asked("/big.dat")[1].headers["if-range"].startswith('"')


def test_the_next_command_goes_on_where_the_last_one_ended(inside: Inside, ds: Path, web: WebServer) -> None:
    content = binary(300_000, seed=3)
    url = web.put("big.dat", content)
    web.truncate("/big.dat", after=100_000)
    answer = inside(*ONE_TRY, "download-url", url, cwd=ds, code=1)
    assert "IncompleteDownloadError(Transfer of" in answer.text
    assert "100.0 kB of 300.0 kB stored" in answer.text
    assert not (ds / "big.dat").exists()
    inside("download-url", url, cwd=ds)
    assert (ds / "big.dat").read_bytes() == content
    assert web.asked("/big.dat")[-1].range == "bytes=100000-"
    assert partials(ds) == []


def test_changed_content_is_not_mixed_with_the_old(inside: Inside, ds: Path, web: WebServer) -> None:
    url = web.put("big.dat", b"a" * 300_000)
    web.truncate("/big.dat", after=100_000)
    inside(*ONE_TRY, "download-url", url, cwd=ds, code=1)
    web.put("big.dat", b"b" * 300_000)
    inside("download-url", url, cwd=ds)
    assert (ds / "big.dat").read_bytes() == b"b" * 300_000


@pytest.mark.parametrize("without", ["ranges", "validators"])
def test_a_server_that_cannot_resume_is_asked_for_all(
    inside: Inside, ds: Path, web: WebServer, without: str
) -> None:
    setattr(web, without, False)
    url = web.put("big.dat", binary(300_000, seed=3))
    web.truncate("/big.dat", after=100_000)
    inside(*TWO_TRIES, "download-url", url, cwd=ds)
    assert (ds / "big.dat").read_bytes() == binary(300_000, seed=3)


def test_a_server_in_trouble_is_asked_again(inside: Inside, ds: Path, web: WebServer) -> None:
    url = web.put("a.dat", "x")
    web.fail("/a.dat", 503, times=1)
    inside(*TWO_TRIES, "download-url", url, cwd=ds)
    assert (ds / "a.dat").read_text() == "x"


def test_a_server_in_lasting_trouble_is_an_error(inside: Inside, ds: Path, web: WebServer) -> None:
    url = web.put("a.dat", "x")
    web.fail("/a.dat", 500)
    answer = inside(*ONE_TRY, "download-url", url, cwd=ds, code=1)
    assert f"[AccessFailedError(Access to {url} has failed: status code 500)]" in answer.text
    assert not (ds / "a.dat").exists()


def test_nobody_listening_is_an_error(inside: Inside, ds: Path) -> None:
    answer = inside(*ONE_TRY, "download-url", "http://127.0.0.1:9/a", cwd=ds, code=1)
    assert "[AccessFailedError(Failed to establish a new session in 1 attempt" in answer.text


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_says_what_to_do(inside: Inside, ds: Path, web: WebServer, status: int) -> None:
    url = web.put("a.dat", "x")
    web.fail("/a.dat", status)
    record = inside("-f", "json", "download-url", url, cwd=ds, code=1).records[0]
    assert record["message"] == f"AccessDeniedError(Access to {url} has failed: status code {status})"
    assert record["hints"]


def test_a_login_in_the_url_is_used_and_kept_nowhere(
    inside: Inside, git: Program, annex: Program, ds: Path, web: WebServer
) -> None:
    web.put("private/a.dat", "x")
    web.protect("/private", "robin", "s3cr3t word")
    url = f"{web.url.replace('://', '://robin:s3cr3t%20word@')}/private/a.dat"
    answer = inside("-f", "json", "-l", "debug", "download-url", url, cwd=ds)
    assert (ds / "a.dat").read_text() == "x"
    told = answer.stdout + answer.stderr + git("log", "--all", "-p", cwd=ds).stdout
    told += annex("whereis", "a.dat", cwd=ds).stdout + str(list((ds / ".git" / "rookery").rglob("*")))
    assert "s3cr3t" not in told
    assert f"web: {web.url}/private/a.dat" in told


def test_a_login_of_the_netrc_file_is_used(inside: Inside, home: Home, ds: Path, web: WebServer) -> None:
    web.put("private/a.dat", "x")
    web.protect("/private", "robin", "s3cr3t")
    netrc = home.path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login robin password s3cr3t\n")
    netrc.chmod(0o600)
    inside("download-url", f"{web.url}/private/a.dat", cwd=ds)
    assert (ds / "a.dat").read_text() == "x"


def test_a_login_does_not_follow_a_redirect_to_another_server(
    inside: Inside, ds: Path, web: WebServer, tmp_path: Path
) -> None:
    other_root = tmp_path / "other"
    other_root.mkdir()
    with WebServer(other_root).running() as other:
        other.put("a.dat", "x")
        web.redirect("/a.dat", f"{other.url}/a.dat")
        inside("download-url", f"{web.url.replace('://', '://robin:s3cr3t@')}/a.dat", cwd=ds)
        assert "authorization" in web.asked("/a.dat")[0].headers
        assert "authorization" not in other.asked("/a.dat")[0].headers


def test_a_redirect_to_a_local_file_is_refused(
    inside: Inside, ds: Path, web: WebServer, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    web.redirect("/a", f"file://{secret}")
    inside(*ONE_TRY, "download-url", f"{web.url}/a", cwd=ds, code=1)
    assert not (ds / "secret").exists()


def test_a_local_file(inside: Inside, annex: Program, ds: Path, tmp_path: Path) -> None:
    source = tmp_path / "söurce file.dat"
    source.write_bytes(binary(100))
    answer = inside("download-url", source.as_uri(), "-O", "copy.dat", cwd=ds)
    assert (ds / "copy.dat").read_bytes() == binary(100)
    assert "git-annex does not fetch file: URLs" in answer.stderr
    assert source.as_uri() in annex("whereis", "copy.dat", cwd=ds).stdout


def test_an_unknown_scheme_is_an_error(inside: Inside, ds: Path) -> None:
    answer = inside("download-url", "gopher://example.org/x", cwd=ds, code=1)
    assert "Do not know how to handle url gopher://example.org/x for scheme gopher" in answer.text


def test_it_says_when_git_annex_will_not_fetch_from_there(inside: Inside, ds: Path, web: WebServer) -> None:
    options = ("-c", "annex.security.allowed-ip-addresses=")
    answer = inside(*options, "download-url", web.put("a.dat", "x"), cwd=ds)
    assert "git-annex does not fetch from the private address 127.0.0.1" in answer.stderr
    answer = inside(*options, "download-url", *(web.put(name, name) for name in ("b.dat", "c.dat")), cwd=ds)
    assert answer.stderr.count("git-annex does not fetch from the private address 127.0.0.1") == 1
    assert f"2 URLs of {web.url.rstrip('/')} are remembered" in answer.stderr


def test_interrupted_it_leaves_nothing_half_done_and_goes_on(cli: Program, ds: Path, web: WebServer) -> None:
    content = binary(600_000, seed=5)
    url = web.put("big.dat", content)
    gate = web.hold("/big.dat", after=500_000)
    process = subprocess.Popen(
        [*cli.argv, "download-url", url], cwd=ds, env=cli.env, stderr=subprocess.DEVNULL
    )
    try:
        assert gate.reached.wait(60)
        while not (partials(ds) and partials(ds)[0].stat().st_size):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 3
    finally:
        gate.open()
        process.kill()
        process.wait()
    assert not (ds / "big.dat").exists()
    cli("download-url", url, cwd=ds)
    assert (ds / "big.dat").read_bytes() == content
    assert web.asked("/big.dat")[-1].range is not None


def test_a_subdataset_gets_what_is_downloaded_into_it(
    inside: Inside, git: Program, datalad: Program, ds: Path, web: WebServer
) -> None:
    datalad("create", "-d", ".", "sub", cwd=ds)
    inside("download-url", "-d", ".", web.put("a.dat", "x"), "-O", "sub/a.dat", cwd=ds)
    assert git("ls-files", "a.dat", cwd=ds / "sub").text == "a.dat"
    assert git("status", "--porcelain", cwd=ds).text == ""


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_an_archive_is_taken_apart(
    inside: Inside, annex: Program, git: Program, ds: Path, web: WebServer, kind: str
) -> None:
    archive = web.root / f"pack.{kind}"
    members = {"top.dat": binary(50, seed=1), "sub dir/inner+ü.dat": binary(60, seed=2)}
    _pack(archive, members)
    answer = inside("download-url", "--archive", f"{web.url}/pack.{kind}", "-O", "in/", cwd=ds)
    assert f"add-archive-content(ok): in/pack.{kind} (file)" in answer.lines
    assert {str(p.relative_to(ds / "in")) for p in (ds / "in").rglob("*") if not p.is_dir()} == set(members)
    assert git("status", "--porcelain", cwd=ds).text == ""
    assert "dl+archive:MD5E-s" in annex("whereis", "in/top.dat", cwd=ds).stdout
    assert Dataset(ds).repo.get_urls("in/top.dat")[0].startswith("dl+archive:MD5E-s")


def test_without_the_program_for_archives_their_files_are_saved_with_a_note(
    cli: Program, ds: Path, web: WebServer, tmp_path: Path
) -> None:
    _pack(web.root / "pack.zip", {"a.dat": b"x"})
    hidden = tmp_path / "path"
    hidden.mkdir()
    for folder in cli.env["PATH"].split(os.pathsep):
        for file in Path(folder).iterdir() if Path(folder).is_dir() else ():
            if file.name != "git-annex-remote-datalad-archives" and not (hidden / file.name).exists():
                (hidden / file.name).symlink_to(file)
    code = (
        "import os, sys; from rookery.core import environment as e; from rookery.cli.main import main;"
        "e.sys = type('S', (), {'executable': '/nowhere/python'}); sys.exit(main(sys.argv[1:]))"
    )
    python = Program([cli.argv[0], "-c", code], {**cli.env, "PATH": str(hidden)})
    answer = python("download-url", "--archive", f"{web.url}/pack.zip", cwd=ds)
    assert "the program git-annex-remote-datalad-archives is not installed" in answer.stderr
    assert (ds / "a.dat").read_bytes() == b"x"


@pytest.mark.parametrize("name", ["../outside", "/absolute"])
def test_an_archive_cannot_write_elsewhere(inside: Inside, ds: Path, web: WebServer, name: str) -> None:
    with zipfile.ZipFile(web.root / "evil.zip", "w") as out:
        out.writestr(name, "x")
    answer = inside("download-url", "--archive", f"{web.url}/evil.zip", "-O", "in/", cwd=ds, code=1)
    assert "add-archive-content(error): in/evil.zip (file) [evil.zip cannot be unpacked" in answer.text
    assert not (ds / "outside").exists()
    assert not (ds / "in" / "outside").exists()


def test_an_archive_does_not_overwrite(inside: Inside, ds: Path, web: WebServer) -> None:
    _pack(web.root / "pack.zip", {"a.dat": b"new", "b.dat": b"x"})
    (ds / "a.dat").write_bytes(b"mine")
    answer = inside("download-url", "--archive", f"{web.url}/pack.zip", cwd=ds, code=1)
    assert "exists, but would be overwritten by new file a.dat of pack.zip" in answer.text
    assert (ds / "a.dat").read_bytes() == b"mine"
    assert not (ds / "b.dat").exists()


def _pack(archive: Path, members: dict[str, bytes]) -> None:
    if archive.name.endswith(".zip"):
        with zipfile.ZipFile(archive, "w") as out:
            for name, content in members.items():
                out.writestr(name, content)
        return
    with tarfile.open(archive, "w:gz") as out:
        for name, content in members.items():
            file = archive.with_name("member")
            file.write_bytes(content)
            out.add(file, name)
