"""A command or program that writes into a locked file: found right after, told, healed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.core import forks, many
from rookery.core.context import Context
from rookery.dataset.model import Dataset
from rookery.steps.saving import guard
from support.inside import Inside
from support.programs import Program

MakeContext = Callable[..., Context]


def object_of(file: Path) -> Path:
    return Path(os.path.realpath(file))


def overwrite(file: Path, text: str = "more\n") -> None:
    """Append through the symlink, as root can; others have to make the object writable first."""
    place = object_of(file)
    os.chmod(place, 0o644)
    with open(file, "a") as out:
        out.write(text)


APPEND = "chmod u+w $(readlink -f {0}); echo more >> {0}"


def fsck_is_clean(annex: Program, ds: Path) -> bool:
    return annex("fsck", "--quiet", cwd=ds, code=None).stderr == ""


def nothing_is_corrupt(annex: Program, ds: Path) -> bool:
    """Say whether all that is here is right; that a former version has no copy any more may be said."""
    said = annex("fsck", "--quiet", cwd=ds, code=None)
    return "Bad file" not in said.stdout + said.stderr


def test_a_run_that_writes_into_a_locked_file_is_an_error_that_names_it(
    cli: Program, git: Program, annex: Program, tiny_dataset: Path
) -> None:
    key = object_of(tiny_dataset / "notes.txt").name
    answer = cli("run", APPEND.format("notes.txt"), cwd=tiny_dataset, code=1)
    assert "guard(error): notes.txt (file) [the command wrote into this locked file; " in answer.stdout
    assert "no other copy of it could be reached" in answer.stdout
    assert key in answer.stdout
    # the new content is a new version, under a key that is true
    assert "add(ok): notes.txt (file)" in answer.lines
    assert (tiny_dataset / "notes.txt").read_text() == "first line\nmore\n"
    assert git("status", "--porcelain", cwd=tiny_dataset).stdout == ""
    assert fsck_is_clean(annex, tiny_dataset)
    # and nobody claims that the former content is here
    assert annex("whereis", "--key", key, cwd=tiny_dataset, code=1).lines[0].startswith("whereis")


def test_the_former_content_comes_back_from_another_copy(
    cli: Program, annex: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    cli("clone", tiny_dataset, clone)
    cli("get", "notes.txt", cwd=clone)
    key = object_of(clone / "notes.txt").name
    answer = cli("run", APPEND.format("notes.txt"), cwd=clone, code=1)
    assert "its former content was fetched again from another copy" in answer.stdout
    assert (clone / "notes.txt").read_text() == "first line\nmore\n"
    assert f"{key}" in annex("find", "--branch", "HEAD^", "--format=${key}\\n", cwd=clone).lines
    assert fsck_is_clean(annex, clone)


def test_an_explicit_run_leaves_the_new_content_as_an_unsaved_change(
    cli: Program, git: Program, annex: Program, tiny_dataset: Path
) -> None:
    command = "echo x > out; " + APPEND.format("notes.txt")
    answer = cli("run", "--explicit", "-o", "out", command, cwd=tiny_dataset, code=1)
    assert "guard(error): notes.txt (file)" in answer.stdout
    assert git("status", "--porcelain", cwd=tiny_dataset).lines == [" T notes.txt"]
    assert (tiny_dataset / "notes.txt").read_text() == "first line\nmore\n"
    assert nothing_is_corrupt(annex, tiny_dataset)


def test_a_failing_command_that_overwrote_content_tells_both(
    cli: Program, annex: Program, tiny_dataset: Path
) -> None:
    answer = cli("run", APPEND.format("notes.txt") + "; exit 5", cwd=tiny_dataset, code=5)
    assert "run(error)" in answer.stdout
    assert "notes.txt: the command wrote into this locked file" in answer.stdout
    assert nothing_is_corrupt(annex, tiny_dataset)


def test_every_overwritten_file_is_named(cli: Program, annex: Program, tiny_dataset: Path) -> None:
    command = f"{APPEND.format('notes.txt')}; {APPEND.format('data/one.dat')}"
    answer = cli("run", command, cwd=tiny_dataset, code=1)
    told = [line for line in (answer.stdout + answer.stderr).splitlines() if "wrote into this locked" in line]
    assert len(told) == 2
    assert all(any(name in line for line in told) for name in ("notes.txt", "data/one.dat"))
    assert fsck_is_clean(annex, tiny_dataset)


def test_content_that_several_files_share_is_set_aside_unless_one_is_the_output(
    cli: Program, annex: Program, new_dataset: Callable[..., Path]
) -> None:
    ds = new_dataset("ds", files={"a": "same\n", "b": "same\n"})
    answer = cli("run", APPEND.format("a"), cwd=ds, code=1)
    assert "what was written is in" in answer.stdout
    place = next((ds / ".git" / "annex" / "bad").iterdir())
    assert place.read_text() == "same\nmore\n"
    assert not (ds / "a").exists() and not (ds / "b").exists()
    assert (ds / "a").is_symlink() and (ds / "b").is_symlink()


def test_a_file_in_a_subdataset_is_watched_too(
    cli: Program, annex: Program, new_dataset: Callable[..., Path]
) -> None:
    top = new_dataset("top", files={})
    cli("create", "-d", top, top / "sub", cwd=top)
    (top / "sub" / "file").write_text("one\n")
    cli("save", "-r", "-d", top, cwd=top)
    answer = cli("run", APPEND.format("sub/file"), cwd=top, code=1)
    assert "guard(error): sub/file (file)" in answer.stdout
    assert fsck_is_clean(annex, top / "sub")


def test_the_content_is_checked_also_when_a_command_is_interrupted(
    cli: Program, annex: Program, tiny_dataset: Path
) -> None:
    command = APPEND.format("notes.txt") + "; kill -INT $PPID; sleep 5"
    answer = cli("run", command, cwd=tiny_dataset, code=3)
    assert "wrote into this locked file" in answer.stderr
    assert nothing_is_corrupt(annex, tiny_dataset)


def test_a_command_that_only_touches_times_or_modes_is_not_accused(cli: Program, tiny_dataset: Path) -> None:
    place = object_of(tiny_dataset / "notes.txt")
    answer = cli("run", f"chmod u+w {place}; touch {place}; chmod u-w {place}", cwd=tiny_dataset)
    assert "guard" not in answer.stdout


def test_a_command_that_hides_its_writing_is_found_all_the_same(cli: Program, tiny_dataset: Path) -> None:
    """Same size and modification time: the change time tells, and the checksum decides."""
    place = object_of(tiny_dataset / "notes.txt")
    write = f"chmod u+w {place}; echo 'FIRST LINE' > {place}"
    command = f"touch -r {place} stamp; {write}; touch -r stamp {place}; rm stamp"
    answer = cli("run", command, cwd=tiny_dataset, code=1)
    assert "guard(error): notes.txt (file)" in answer.stdout


def test_getting_and_dropping_inside_a_command_is_not_accused(
    cli: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    cli("clone", tiny_dataset, clone)
    command = "git annex get -q .; git annex drop -q notes.txt; git annex get -q notes.txt"
    assert "guard" not in cli("run", command, cwd=clone).stdout


# --- without a command to watch ------------------------------------------------------------------


def corrupt(ds: Dataset, *paths: str) -> list[guard.Corrupt]:
    with guard.suspecting(ds, paths) as found:
        return found()


def suspects(context: MakeContext, ds: Path, *paths: str) -> list[str]:
    found = corrupt(Dataset(ds, context(ds)), *paths)
    return [os.path.relpath(path, ds) for one in found for path in one.paths]


def test_what_was_written_into_since_it_was_filed_is_found(context: MakeContext, tiny_dataset: Path) -> None:
    assert suspects(context, tiny_dataset) == []
    overwrite(tiny_dataset / "data" / "one.dat")
    assert suspects(context, tiny_dataset) == ["data/one.dat"]
    assert suspects(context, tiny_dataset, "notes.txt") == []


def test_what_only_looks_younger_is_cleared_and_not_read_again(
    context: MakeContext, tiny_dataset: Path
) -> None:
    place = object_of(tiny_dataset / "notes.txt")
    os.utime(place)
    assert suspects(context, tiny_dataset) == []
    assert place.parent.stat().st_mtime_ns >= place.stat().st_mtime_ns


def test_healing_gives_the_file_its_new_content(
    context: MakeContext, annex: Program, tiny_dataset: Path
) -> None:
    overwrite(tiny_dataset / "notes.txt")
    ds = Dataset(tiny_dataset, context(tiny_dataset))
    (told,) = guard.heal(ds, corrupt(ds), by="a program")
    assert told["status"] == "error"
    assert told["path"] == str(tiny_dataset / "notes.txt")
    assert told["message"].startswith("a program wrote into this locked file")
    assert not (tiny_dataset / "notes.txt").is_symlink()
    assert (tiny_dataset / "notes.txt").read_text() == "first line\nmore\n"
    assert suspects(context, tiny_dataset) == []


def test_a_save_finds_and_heals_what_was_written_into_a_locked_file(
    cli: Program, git: Program, annex: Program, tiny_dataset: Path
) -> None:
    cli("save", cwd=tiny_dataset)  # so that there is a last look to go by
    overwrite(tiny_dataset / "notes.txt")
    answer = cli("save", cwd=tiny_dataset, code=1)
    assert answer.lines[:3] == ["add(ok): notes.txt (file)", "save(ok): . (dataset)", answer.lines[2]]
    assert answer.lines[2].startswith("guard(error): notes.txt (file) [something wrote into this locked file")
    assert (tiny_dataset / "notes.txt").read_text() == "first line\nmore\n"
    assert not git("status", "--porcelain", cwd=tiny_dataset).stdout
    assert fsck_is_clean(annex, tiny_dataset)
    assert cli("save", cwd=tiny_dataset).lines == []


@pytest.mark.parametrize("amend", [False, True])
def test_what_is_found_while_something_else_is_committed_is_saved_too(
    cli: Program, git: Program, annex: Program, tiny_dataset: Path, amend: bool
) -> None:
    """By itself, since the commit does not wait for the look; an amended commit does, and has both."""
    cli("save", cwd=tiny_dataset)
    before = git("rev-parse", "HEAD", cwd=tiny_dataset).text
    overwrite(tiny_dataset / "notes.txt")
    (tiny_dataset / "new").write_text("new\n")
    options = ["--amend", "-m", "Both"] if amend else ["-m", "A commit"]
    answer = cli("save", *options, cwd=tiny_dataset, code=1)
    told = ["add(ok): notes.txt (file)", "add(ok): new (file)"]
    assert sorted(line for line in answer.lines if line.startswith("add")) == sorted(told)
    assert [line for line in answer.lines if line.startswith("save")] == ["save(ok): . (dataset)"]
    assert sum(line.startswith("guard(error)") for line in answer.lines) == 1
    log = git(
        "log", "--format=%s", "--name-only", f"{before}~1..", "--", "new", "notes.txt", cwd=tiny_dataset
    )
    if amend:
        assert log.lines[:4] == ["Both", "", "new", "notes.txt"]
    else:
        assert log.lines[:6] == ["A commit", "", "notes.txt", "A commit", "", "new"]
    assert not git("status", "--porcelain", cwd=tiny_dataset).stdout
    assert fsck_is_clean(annex, tiny_dataset)


def test_in_a_large_dataset_copies_of_the_process_look(
    cli: Program, inside: Inside, tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "WORTH_A_COPY", 0)
    monkeypatch.setattr(forks, "FEWEST", 1)
    copied: list[int] = []
    fork = os.fork

    def counted() -> int:
        copied.append(1)
        return fork()

    monkeypatch.setattr(os, "fork", counted)
    cli("save", cwd=tiny_dataset)
    for name in ("notes.txt", "data/one.dat"):
        overwrite(tiny_dataset / name)
    answer = inside("save", cwd=tiny_dataset, code=1)
    assert len(copied) >= 2  # what is committed is looked at by others
    told = [line for line in answer.lines if line.startswith("guard(error)")]
    assert [line.split()[1] for line in told] == ["data/one.dat", "notes.txt"]
    assert inside("save", cwd=tiny_dataset).lines == []


def test_a_save_of_one_path_looks_there_only(cli: Program, tiny_dataset: Path) -> None:
    overwrite(tiny_dataset / "notes.txt")
    overwrite(tiny_dataset / "data" / "one.dat")
    answer = cli("save", "data", cwd=tiny_dataset, code=1)
    assert "data/one.dat" in answer.stdout
    assert "notes.txt" not in answer.stdout
    assert "notes.txt" in cli("save", cwd=tiny_dataset, code=1).stdout


@pytest.mark.parametrize("backend", ["SHA256E", "SHA1", "SHA3_256", "BLAKE2B256E", "WORM"])
def test_other_keys_are_watched_as_well(cli: Program, git: Program, tiny_dataset: Path, backend: str) -> None:
    (tiny_dataset / "other.txt").write_text("other\n")
    (tiny_dataset / ".gitattributes").write_text(f"* annex.backend={backend}\n")
    cli("save", cwd=tiny_dataset)
    assert object_of(tiny_dataset / "other.txt").name.startswith(f"{backend}-")
    assert cli("run", "true", cwd=tiny_dataset).lines == [f"run(ok): {tiny_dataset} (dataset) [true]"]
    answer = cli("run", APPEND.format("other.txt"), cwd=tiny_dataset, code=1)
    assert "guard(error): other.txt (file)" in answer.stdout
