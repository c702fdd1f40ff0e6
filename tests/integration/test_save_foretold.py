"""`save --dry-run`, the progress of a save, and the files that it leaves to the programs that write them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rookery.core.context import Context
from rookery.dataset.model import Dataset
from rookery.steps.saving.commit import commit_changes
from support.counting import programs_started
from support.programs import Program
from support.samples import ODD_NAMES, UNDECODABLE_NAME, binary, write_tree

if TYPE_CHECKING:
    from support.inside import Inside

OPEN_FILES = "datalad.save.skip-openfiles"


@pytest.fixture
def ds(new_dataset: Callable[..., Path]) -> Path:
    """Give a dataset where text goes to Git."""
    return new_dataset("ds", procedure="text2git", files={"text": "one\n", "data.bin": binary(500)})


def records_of(answer: Any, ds: Path) -> dict[str, dict[str, Any]]:
    return {r["path"].removeprefix(f"{ds}").lstrip("/"): r for r in answer.records}


def everything_in(folder: Path) -> dict[str, tuple[int, int]]:
    """Note what is in a dataset, but for git-annex's own lock files and caches."""
    own = ("keysdb", "lck", "othertmp", "mergedrefs", "sentinal", "smudge")
    return {
        str(p): (p.lstat().st_size, p.lstat().st_mtime_ns)
        for p in folder.rglob("*")
        if not p.is_dir() and not any(word in str(p) for word in own)
    }


def test_a_dry_run_tells_git_or_annex_for_every_file_and_changes_nothing(
    inside: Inside, ds: Path, git: Program
) -> None:
    names = [*ODD_NAMES, UNDECODABLE_NAME]
    for number, name in enumerate(names):
        (ds / name).write_bytes(binary(100 + number) if number % 2 else b"text\n")
    write_tree(ds, {"new.bin": binary(120), ".datalad/x": "y\n", ".hidden.bin": binary(30)})
    (ds / "text").write_text("changed\n")
    (ds / "data.bin").unlink()
    before = everything_in(ds)
    with programs_started() as started:
        told = records_of(inside("-f", "json", "save", "--dry-run", cwd=ds), ds)
    assert len(started) <= 8
    assert everything_in(ds) == before
    assert {p: told[p]["destination"] for p in ("new.bin", ".datalad/x", ".hidden.bin", "text")} == {
        "new.bin": "annex",
        ".datalad/x": "git",
        ".hidden.bin": "annex",
        "text": "git",
    }
    assert told["new.bin"]["message"] == "would go to the annex, 120 bytes"
    assert told["data.bin"]["action"] == "delete [dry-run]"
    assert told["data.bin"]["message"] == "500 bytes, kept by the annex and the history"
    total = sum(r["bytesize"] for r in told.values() if r.get("destination") == "annex")
    assert told[""]["bytes_to_annex"] == total
    assert "deleted: 1" in told[""]["message"]
    inside("save", cwd=ds)
    listed = [line.split("\t", 1) for line in git("ls-tree", "-rz", "HEAD", cwd=ds).stdout.split("\0")[:-1]]
    became = {path: entry for entry, path in listed}
    for path, record in told.items():
        if "destination" in record and "\ufffd" not in path:
            assert became[path].startswith("120000") == (record["destination"] == "annex"), path


def test_a_dry_run_heeds_how_the_save_is_asked_for(inside: Inside, ds: Path) -> None:
    write_tree(ds, {"new.bin": binary(120), "notes": "text\n"})
    told = records_of(inside("-f", "json", "save", "--dry-run", "--to-git", cwd=ds), ds)
    assert (told["new.bin"]["destination"], told["notes"]["destination"]) == ("git", "git")
    assert told[""]["bytes_to_git"] == 125
    told = records_of(
        inside("-f", "json", "-c", "annex.largefiles=anything", "save", "--dry-run", cwd=ds), ds
    )
    assert (told["new.bin"]["destination"], told["notes"]["destination"]) == ("annex", "annex")


def test_a_dry_run_says_what_of_the_staged_would_be_left_behind(
    inside: Inside, ds: Path, git: Program, annex: Program
) -> None:
    (ds / "text").write_text("staged\n")
    git("add", "text", cwd=ds)
    (ds / "text").write_text("later\n")
    (ds / "kept.bin").write_bytes(binary(70))
    annex("add", "kept.bin", cwd=ds)
    annex("unlock", "kept.bin", cwd=ds)
    told = records_of(inside("-f", "json", "save", "--dry-run", cwd=ds), ds)
    assert "in no commit" in told["text"]["message"]
    assert (told["kept.bin"]["destination"], told["kept.bin"]["bytesize"]) == ("annex", 70)


def test_nothing_to_save_has_nothing_to_tell(inside: Inside, ds: Path) -> None:
    assert inside("save", "--dry-run", cwd=ds).stdout == ""


class Recorder:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.began: list[tuple[str, int | None, str]] = []
        self.done: list[int] = []
        self.ended = 0

    def start(self, task: str, label: str, total: int | None = None, unit: str = "B") -> None:
        """Remember a task."""
        self.began.append((label, total, unit))

    def set(self, task: str, done: int) -> None:
        """Remember how far it is."""
        self.done.append(done)

    def grow(self, task: str, total: int) -> None:
        """Totals are known from the start."""
        raise AssertionError(task)

    def finish(self, task: str) -> None:
        """Count ends."""
        self.ended += 1


def heard_of_a_save(ds: Path, context: Callable[..., Context]) -> Recorder:
    listener = Recorder()
    ctx = context(ds)._replace(progress=listener)
    assert all(r["status"] == "ok" for r in commit_changes(Dataset(ds, ctx)))
    return listener


def test_a_long_file_tells_its_bytes_as_they_are_read(ds: Path, context: Callable[..., Context]) -> None:
    (ds / "long.bin").write_bytes(bytes(8_000_000))
    (ds / "short.bin").write_bytes(binary(50))
    heard = heard_of_a_save(ds, context)
    assert heard.began == [("Saving in ds", 8_000_050, "B")]
    assert heard.done[-1] == 8_000_050 and heard.ended == 1
    assert any(0 < done < 8_000_000 for done in heard.done)


def test_many_small_files_are_counted_and_few_are_not_worth_a_word(
    ds: Path, context: Callable[..., Context]
) -> None:
    write_tree(ds, {f"few/{n}": f"{n}\n" for n in range(3)})
    assert not heard_of_a_save(ds, context).began
    write_tree(ds, {f"many/{n}": f"{n}\n" for n in range(220)})
    heard = heard_of_a_save(ds, context)
    assert heard.began == [("Saving in ds", 220, "files")]
    assert heard.done[-1] == 220 and heard.ended == 1


@contextmanager
def held_open(file: Path, mode: str) -> Iterator[int]:
    """Let another process hold a file open; gives its number."""
    hold = "import sys; f = open(sys.argv[1], sys.argv[2]); print('open', flush=True); sys.stdin.read()"
    argv = [sys.executable, "-S", "-c", hold, str(file), mode]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        yield holder.pid


needs_proc = pytest.mark.skipif(not Path("/proc/self/fdinfo").is_dir(), reason="only Linux shows open files")


@needs_proc
@pytest.mark.parametrize(("choice", "code", "status"), [("error", 1, "impossible"), ("skip", 0, "notneeded")])
def test_a_file_that_is_being_written_is_left_out(
    inside: Inside, ds: Path, git: Program, choice: str, code: int, status: str
) -> None:
    git("config", OPEN_FILES, choice, cwd=ds)
    write_tree(ds, {"log.bin": binary(60), "read.bin": binary(61), "new": "text\n"})
    os.symlink(ds, ds.parent / "other-way")
    with held_open(ds.parent / "other-way" / "log.bin", "ab") as pid, held_open(ds / "read.bin", "rb"):
        foretold = records_of(inside("-f", "json", "save", "--dry-run", cwd=ds, code=code), ds)["log.bin"]
        told = records_of(inside("-f", "json", "save", cwd=ds, code=code), ds)
    assert foretold == told["log.bin"]
    assert (told["log.bin"]["action"], told["log.bin"]["status"]) == ("save", status)
    assert f"open for writing by another process ({pid})" in told["log.bin"]["message"]
    assert told["read.bin"]["status"] == told["new"]["status"] == "ok"
    assert git("status", "--porcelain", cwd=ds).lines == ["?? log.bin"]
    assert inside("save", cwd=ds).lines[0] == "add(ok): log.bin (file)"


@needs_proc
def test_a_file_that_is_being_written_can_be_saved_with_a_warning_or_without(
    inside: Inside, ds: Path, git: Program
) -> None:
    for choice, words in (("warning", "open for writing by other processes"), ("none", "")):
        git("config", OPEN_FILES, choice, cwd=ds)
        (ds / choice).write_text("text\n")
        with held_open(ds / choice, "a"):
            answer = inside("save", cwd=ds)
        assert answer.lines[0] == f"add(ok): {choice} (file)"
        assert words in answer.stderr and bool(words) == ("open for writing" in answer.stderr)


def test_a_choice_that_does_not_exist_is_refused(inside: Inside, ds: Path) -> None:
    (ds / "new").write_text("text\n")
    answer = inside("-c", f"{OPEN_FILES}=maybe", "save", cwd=ds, code=1)
    assert "none of none, skip, warning, error" in answer.stdout


@needs_proc
def test_a_merge_is_not_concluded_without_a_file_that_is_being_written(
    inside: Inside, ds: Path, git: Program
) -> None:
    git("checkout", "-q", "-b", "side", cwd=ds)
    (ds / "text").write_text("theirs\n")
    inside("save", cwd=ds)
    git("checkout", "-q", "-", cwd=ds)
    (ds / "text").write_text("ours\n")
    inside("save", cwd=ds)
    git("merge", "-q", "side", cwd=ds, code=1)
    (ds / "text").write_text("both\n")
    with held_open(ds / "text", "a"):
        answer = inside("-c", f"{OPEN_FILES}=skip", "save", cwd=ds, code=1)
    assert "a merge is in progress" in answer.stdout
    assert (ds / ".git/MERGE_HEAD").exists()
