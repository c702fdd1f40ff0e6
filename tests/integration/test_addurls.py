"""`addurls`: what becomes of the rows of a table, and that nothing is lost or half done."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from rookery import api
from rookery.core.context import Context
from rookery.operations.addurls import addurls
from rookery.steps.fetching import addition
from support.counting import Started
from support.inside import Inside
from support.programs import Program
from support.recorder import Recorder
from support.samples import binary
from support.web import WebServer


@pytest.fixture
def ds(new_dataset: Callable[..., Path]) -> Path:
    return new_dataset("ds", files={})


def given_table(ds: Path, *rows: dict[str, str]) -> str:
    file = ds.parent / "table.json"
    file.write_text(json.dumps(rows))
    return str(file)


def test_a_new_dataset_is_made_and_set_up(cli: Program, git: Program, web: WebServer, tmp_path: Path) -> None:
    table = given_table(tmp_path / "new", {"u": web.put("a.txt", b"text\n"), "n": "é 1.txt"})
    cli("addurls", "-d", "new", table, "{u}", "sub//deep//{n}", "-c", "text2git", cwd=tmp_path)
    assert (tmp_path / "new/sub/deep/é 1.txt").read_bytes() == b"text\n"
    assert not (tmp_path / "new/sub/deep/é 1.txt").is_symlink()
    for place in ("new", "new/sub", "new/sub/deep"):
        assert git("status", "--porcelain", cwd=tmp_path / place).text == ""


def test_a_login_in_a_table_is_neither_recorded_nor_shown(cli: Program, ds: Path, git: Program) -> None:
    table = given_table(ds, {"u": "https://me:secret@example.org/a.dat", "n": "a.dat"})
    before = git("rev-parse", "git-annex", cwd=ds).text
    answer = cli("addurls", table, "{u}", "{n}", cwd=ds, code=1)
    assert "has a login in it" in answer.stdout
    assert "secret" not in answer.stdout + answer.stderr
    assert git("rev-parse", "git-annex", cwd=ds).text == before


def test_a_file_that_cannot_be_replaced_stays(cli: Program, ds: Path, web: WebServer) -> None:
    (ds / "mine.dat").write_bytes(b"years of work")
    table = given_table(
        ds, {"u": f"{web.url}/missing", "n": "mine.dat"}, {"u": web.put("b", binary(9)), "n": "b"}
    )
    answer = cli("-f", "json", "addurls", table, "{u}", "{n}", "--ifexists", "overwrite", cwd=ds, code=1)
    assert [(r["action"], r["status"]) for r in answer.records if r["path"].endswith("mine.dat")] == [
        ("addurls", "error")
    ]
    assert (ds / "mine.dat").read_bytes() == b"years of work"
    assert sorted(p.name for p in ds.iterdir() if p.name[0] != "." or "replaced" in p.name) == [
        "b",
        "mine.dat",
    ]


def test_a_file_is_replaced_where_that_is_wished(cli: Program, ds: Path, web: WebServer) -> None:
    table = given_table(ds, {"u": web.put("b", binary(9)), "n": "b"})
    (ds / "b").write_bytes(b"old")
    cli("addurls", table, "{u}", "{n}", "--ifexists", "overwrite", cwd=ds)
    assert (ds / "b").read_bytes() == binary(9)


def test_the_name_comes_from_the_server(cli: Program, ds: Path, web: WebServer) -> None:
    web.headers["Content-Disposition"] = 'attachment; filename="said.dat"'
    table = given_table(ds, {"u": web.put("x", binary(9))})
    cli("addurls", table, "{u}", "{_url_filename_root}-1{_url_filename_ext}", cwd=ds)
    assert (ds / "said-1.dat").read_bytes() == binary(9)


def test_content_is_dropped_afterwards(cli: Program, ds: Path, web: WebServer) -> None:
    table = given_table(ds, {"u": web.put("x.dat", binary(9)), "n": "x.dat"})
    answer = cli("addurls", table, "{u}", "{n}", "--drop-after", cwd=ds)
    assert any(line.startswith("drop(ok)") for line in answer.lines)
    assert (ds / "x.dat").is_symlink() and not (ds / "x.dat").exists()
    cli("get", "x.dat", cwd=ds)
    assert (ds / "x.dat").read_bytes() == binary(9)


def test_nothing_is_saved_if_so_wished(cli: Program, git: Program, ds: Path, web: WebServer) -> None:
    table = given_table(ds, {"u": web.put("x.dat", binary(9)), "n": "x.dat"})
    cli("addurls", table, "{u}", "{n}", "--nosave", cwd=ds)
    assert git("status", "--porcelain", cwd=ds).text == "A  x.dat"


def test_a_bucket_names_the_version(cli: Program, annex: Program, ds: Path, web: WebServer) -> None:
    web.put("x.dat", binary(9))
    web.headers["x-amz-version-id"] = "v1"
    url = "http://bucket.s3.amazonaws.com/x.dat"
    table = given_table(ds, {"u": url, "n": "x.dat"})
    cli("addurls", table, "{u}", "{n}", "--version-urls", "--fast", cwd=ds, env={"http_proxy": web.url})
    assert f"{url}?versionId=v1" in annex("whereis", "x.dat", cwd=ds).text


def test_a_version_that_cannot_be_looked_up_is_told(cli: Program, git: Program, ds: Path) -> None:
    table = given_table(ds, {"u": "s3://bucket/x.dat", "n": "sub//x.dat"})
    answer = cli("addurls", table, "{u}", "{n}", "--version-urls", cwd=ds, code=1)
    assert "cannot be looked up" in answer.text
    assert list(ds.glob("s*")) == []


def test_a_file_in_a_subdataset_needs_two_slashes(cli: Program, ds: Path, web: WebServer) -> None:
    cli("create", "-d", ".", "sub", cwd=ds)
    table = given_table(ds, {"u": web.put("x.dat", binary(9)), "n": "x.dat"})
    answer = cli("addurls", table, "{u}", "sub/{n}", cwd=ds, code=1)
    assert "write //" in answer.text
    assert not (ds / "sub/x.dat").exists()


def test_any_number_of_files_takes_the_same_programs(
    inside: Inside, ds: Path, web: WebServer, count_programs: Callable[[], AbstractContextManager[Started]]
) -> None:
    counts = []
    for name, number in (("few", 2), ("many", 12)):
        rows = [
            {"u": web.put(f"{name}{n}", binary(9, seed=n)), "n": f"{name}/{n}", "w": "x"}
            for n in range(number)
        ]
        table = given_table(ds, *rows)
        with count_programs() as started:
            inside("addurls", table, "{u}", "{n}", cwd=ds)
        counts.append(len(started))
    assert counts[0] == counts[1]


def test_rows_come_on_standard_input(cli: Program, ds: Path, web: WebServer) -> None:
    rows = json.dumps([{"u": web.put("x.dat", binary(9)), "n": "x.dat"}])
    cli("addurls", "-", "{u}", "{n}", cwd=ds, stdin=rows)
    assert (ds / "x.dat").read_bytes() == binary(9)


def test_a_table_that_is_not_there_is_told(cli: Program, ds: Path) -> None:
    answer = cli("addurls", "none.csv", "{u}", "{n}", cwd=ds, code=1)
    assert "none.csv" in answer.text


def test_records_of_python_are_added_in_several_datasets_at_once(ds: Path, web: WebServer) -> None:
    rows = [{"u": web.put(f"{n}.dat", binary(9, seed=n)), "n": str(n), "s": f"s{n % 3}"} for n in range(6)]
    records = api.addurls(rows, "{u}", "{s}//{n}", dataset=ds, jobs=2, result_renderer="disabled")
    assert {record["status"] for record in records} == {"ok"}
    assert sum(record["action"] == "addurl" for record in records) == 6
    assert all((ds / f"s{n % 3}/{n}").read_bytes() == binary(9, seed=n) for n in range(6))


def test_files_are_counted_and_large_ones_have_a_bar_of_their_own(
    ds: Path, web: WebServer, context: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addition, "LARGE", 1000)
    rows = [
        {"u": web.put("l.dat", binary(5000)), "n": "l.dat"},
        {"u": web.put("s.dat", binary(9)), "n": "s.dat"},
    ]
    recorder = Recorder()
    ctx = context(ds)._replace(progress=recorder)
    list(addurls.function(ctx, rows, "{u}", "{n}"))
    whole, large = f"addurls {ds}", f"addurls {ds} l.dat"
    assert recorder.total.pop(whole) == recorder.done[whole] == 2
    assert set(recorder.total) <= {large}, "git-annex need not tell of a file that comes at once"
    assert set(recorder.ended) == {whole, *recorder.total}


@pytest.mark.native
def test_git_annex_is_asked_for_nothing_that_is_plain(
    inside: Inside, ds: Path, web: WebServer, count_programs: Callable[[], AbstractContextManager[Started]]
) -> None:
    table = given_table(
        ds, *({"u": web.put(f"{n}.dat", binary(9, seed=n)), "n": f"{n}.dat"} for n in range(8))
    )
    with count_programs() as started:
        inside("addurls", "-x", "*", table, "{u}", "{n}", cwd=ds)
    assert not [argv for argv in started.programs if argv[0] == "git-annex"]
    assert {request.method for request in web.requests} == {"GET"}


def test_a_redirect_to_a_private_address_is_not_followed(
    inside: Inside, git: Program, ds: Path, web: WebServer
) -> None:
    port = web.url.rpartition(":")[2]
    web.put("inside.dat", b"what only this machine can reach")
    web.redirect("/public.dat", f"http://127.0.0.2:{port}/inside.dat")
    git("config", "--unset-all", "annex.security.allowed-ip-addresses", cwd=ds, code=None)
    git("config", "annex.security.allowed-ip-addresses", f"[127.0.0.1]:{port}", cwd=ds)
    table = given_table(ds, {"u": f"{web.url}/public.dat", "n": "a.dat"})
    inside("addurls", table, "{u}", "{n}", cwd=ds, code=1)
    assert not (ds / "a.dat").exists()
    assert not web.asked("/inside.dat")


def test_a_connection_that_breaks_is_no_end(inside: Inside, ds: Path, web: WebServer) -> None:
    content = binary(700_000, seed=4)
    table = given_table(ds, {"u": web.put("big.dat", content), "n": "big.dat"})
    web.truncate("/big.dat", 300_000)
    inside("addurls", table, "{u}", "{n}", cwd=ds)
    assert (ds / "big.dat").read_bytes() == content
