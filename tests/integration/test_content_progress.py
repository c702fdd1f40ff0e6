"""The progress of `get` and `drop`: one total that comes true, and an end in every case."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.core.context import Context
from rookery.operations.drop import drop
from rookery.operations.get import get
from support.programs import Program
from support.recorder import Recorder
from support.samples import binary
from support.web import WebServer


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def clone(tiny_dataset: Path, datalad: Program, tmp_path: Path) -> Path:
    datalad("clone", tiny_dataset, tmp_path / "clone")
    return tmp_path / "clone"


Contexts = Callable[..., Context]

WHOLE = 1000 + 2000 + len("first line\n")


def test_get_counts_bytes_and_drop_counts_keys(clone: Path, context: Contexts, recorder: Recorder) -> None:
    ctx = context(clone)._replace(progress=recorder)
    list(get.function(ctx, ["."]))
    assert recorder.only == ("Getting content", "B", WHOLE, WHOLE)
    dropping = Recorder()
    list(drop.function(ctx._replace(progress=dropping), ["."]))
    assert dropping.only == ("Dropping", "keys", 3, 3)


def test_what_fails_is_not_shown_as_done(
    tiny_dataset: Path, clone: Path, context: Contexts, recorder: Recorder, annex: Program
) -> None:
    annex("drop", "--force", "data/two.dat", cwd=tiny_dataset)
    ctx = context(clone)._replace(progress=recorder)
    list(get.function(ctx, ["."]))
    assert recorder.only == ("Getting content", "B", WHOLE - 2000, WHOLE - 2000)
    shutil.move(tiny_dataset, tiny_dataset.with_name("gone"))
    dropping = Recorder()
    list(drop.function(ctx._replace(progress=dropping), ["."]))
    assert dropping.only == ("Dropping", "keys", 0, 0)


def test_a_content_with_two_names_counts_once(
    tiny_dataset: Path, clone: Path, context: Contexts, recorder: Recorder, annex: Program, git: Program
) -> None:
    shutil.copy(tiny_dataset / "data/one.dat", tiny_dataset / "again.dat")
    annex("add", "-q", "again.dat", cwd=tiny_dataset)
    git("commit", "-qm", "Again", cwd=tiny_dataset)
    git("pull", "-q", "origin", "HEAD", cwd=clone)
    list(get.function(context(clone)._replace(progress=recorder), ["."]))
    assert recorder.only == ("Getting content", "B", WHOLE, WHOLE)


def test_subdatasets_have_one_total_together(
    new_dataset: Callable[..., Path],
    datalad: Program,
    inside: Callable[..., object],
    context: Contexts,
    recorder: Recorder,
    tmp_path: Path,
) -> None:
    top = new_dataset("top", files={"top.dat": binary(500, seed=3)})
    for number, name in enumerate(("one", "two")):
        datalad("create", "-d", top, top / name, cwd=top)
        (top / name / "same-name.dat").write_bytes(binary(100 + number, seed=number))
    datalad("save", "-r", "-d", top)
    datalad("clone", top, tmp_path / "clone")
    inside("get", "-n", "-r", ".", cwd=tmp_path / "clone")
    ctx = context(tmp_path / "clone")._replace(progress=recorder)
    list(get.function(ctx, ["."], recursive=True))
    assert recorder.only == ("Getting content", "B", 701, 701)
    dropping = Recorder()
    list(drop.function(ctx._replace(progress=dropping), recursive=True))
    assert dropping.only == ("Dropping", "keys", 3, 3)


def test_all_keys_are_counted_too(clone: Path, context: Contexts, recorder: Recorder) -> None:
    list(get.function(context(clone), ["."]))
    list(drop.function(context(clone)._replace(progress=recorder), what="allkeys"))
    assert recorder.only == ("Dropping", "keys", 3, 3)


def test_the_task_ends_when_its_reader_leaves(clone: Path, context: Contexts, recorder: Recorder) -> None:
    running = get.function(context(clone)._replace(progress=recorder), ["."])
    next(running)
    running.close()  # type: ignore[attr-defined]  # it is a generator
    assert len(recorder.ended) == 1


@pytest.mark.parametrize("recursive", [False, True])
def test_interrupted_get_shows_no_half_content_and_goes_on(
    recursive: bool,
    new_dataset: Callable[..., Path],
    datalad: Program,
    annex: Program,
    cli: Program,
    web: WebServer,
) -> None:
    """The signal reaches `rookery` alone, as a scheduler or a service manager sends it."""
    top = new_dataset("top", files={})
    folders = [top]
    if recursive:
        folders = [top / "one", top / "two"]
        for folder in folders:
            datalad("create", "-d", top, folder, cwd=top)
    content = binary(600_000, seed=5)
    urls = [web.put(f"{number}.dat", content) for number in range(len(folders))]
    for folder, url in zip(folders, urls, strict=True):
        annex("addurl", "-q", "--file=big.dat", url, cwd=folder)
        annex("drop", "-q", "--force", "big.dat", cwd=folder)
        datalad("save", "-d", folder)
    gates = [web.hold(f"/{number}.dat", after=500_000) for number in range(len(folders))]
    command = [*cli.argv, "get", *(["-r"] if recursive else []), "."]
    process = subprocess.Popen(command, cwd=top, env=cli.env, stderr=subprocess.DEVNULL)
    try:
        for gate in gates:
            assert gate.reached.wait(60)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 3
    finally:
        for gate in gates:
            gate.open()
        process.kill()
        process.wait()
    for folder in folders:
        assert not (folder / "big.dat").exists()
        assert not list((folder / ".git/annex/objects").rglob("*/MD5E*/MD5E*"))
    cli("get", *(["-r"] if recursive else []), ".", cwd=top)
    assert all((folder / "big.dat").read_bytes() == content for folder in folders)


def test_records_of_a_subdataset_come_before_it_is_done(
    new_dataset: Callable[..., Path], datalad: Program, annex: Program, context: Contexts, web: WebServer
) -> None:
    top = new_dataset("top", files={})
    for name in ("one", "two"):
        datalad("create", "-d", top, top / name, cwd=top)
        for file in ("a.dat", "b.dat"):
            annex("addurl", "-q", f"--file={file}", web.put(f"{name}-{file}", name + file), cwd=top / name)
        annex("drop", "-q", "--force", ".", cwd=top / name)
        datalad("save", "-d", top / name)
    datalad("save", "-d", top)
    gates = [web.hold(f"/{name}-b.dat") for name in ("one", "two")]
    records = get.function(context(top), ["."], recursive=True)
    try:
        got: set[str] = set()
        while len(got) < 2:  # each held up at its second file
            record = next(records)
            if record["type"] == "file":
                got.add(record["path"])
        assert got == {str(top / "one/a.dat"), str(top / "two/a.dat")}
    finally:
        for gate in gates:
            gate.open()
    rest = {r["path"] for r in records if r["type"] == "file"}
    assert rest == {str(top / "one/b.dat"), str(top / "two/b.dat")}
