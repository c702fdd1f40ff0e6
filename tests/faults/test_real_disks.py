"""Disks that are full, and disks that cannot be written: what is said is so, and all goes on when there is room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from support.datasets import DatasetFactory
from support.home import ENGINE
from support.programs import Answer, Program
from support.samples import binary
from support.waiting import until

MEGABYTE = 1_000_000


class Disk:
    """A file system of its own, in memory, of a size that can be changed."""

    def __init__(self, at: Path) -> None:
        self.at = at
        at.mkdir()

    def mount(self, megabytes: int) -> bool:
        """Say whether it could be mounted, which only root can do."""
        argv = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(self.at)]
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0

    def again(self, options: str) -> None:
        """Mount it again with other options: `size=20m`, `ro`, `rw`."""
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.at)], check=True)

    def unmount(self) -> None:
        """Throw it away."""
        subprocess.run(["umount", "-l", str(self.at)], check=True)

    def fill(self, leave: int) -> Path:
        """Fill it but for so many bytes, and give the file that does so."""
        filler = self.at / "filler"
        room = os.statvfs(self.at)
        filler.write_bytes(bytes(max(0, room.f_bavail * room.f_frsize - leave)))
        return filler


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Disk]]:
    """Give a factory of small disks; skip where none can be mounted."""
    with ExitStack() as mounted:

        def make(megabytes: int) -> Disk:
            made = Disk(tmp_path / f"disk{megabytes}")
            if os.geteuid() != 0 or not made.mount(megabytes):
                pytest.skip("only root can mount a disk")
            mounted.callback(made.unmount)
            return made

        yield make


@pytest.fixture
def source(dataset_factory: DatasetFactory, git: Program, tmp_path: Path) -> Path:
    """Give a dataset with one file of 6 MB."""
    made = dataset_factory.copy(tmp_path / "source", files={"big.dat": binary(6 * MEGABYTE)})
    git("config", "--global", "annex.diskreserve", "0", cwd=tmp_path)
    return made


def known_by_the_index(ds: Path, git: Program) -> None:
    """Let Git have no question about the files of a dataset.

    It would ask git-annex's filter, which never answers where its database cannot
    be written (10.20261026): then `git status` hangs, and so does all that needs it.
    """
    for name in git("ls-files", cwd=ds).lines:
        os.utime(ds / name, (10**9, 10**9), follow_symlinks=False)
    git("status", cwd=ds)


def given_room_at_last(cli: Program, *words: str, cwd: Path, filler: Path) -> Answer:
    """Run a command on a full disk; where git-annex does the work and waits for room, give it some.

    SQLite cannot make the 32 KiB of `keysdb/db-shm` then, and git-annex (10.20261026) opens its
    database again and again, some hundred times a second, without a word: the filter that `git
    status` asks, too.  It gives up after minutes, and goes on as soon as there is room.  Our own
    engine has to come to its end by itself.
    """
    if ENGINE in ("", "native"):
        return cli(*words, cwd=cwd, code=None)
    argv = [*cli.argv, *words]
    index = cwd / ".git/annex/keysdb/db-shm"
    with subprocess.Popen(
        argv,
        cwd=cwd,
        env={**cli.env, "PWD": str(cwd)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:

        def waits() -> bool:
            room = os.statvfs(cwd)
            with suppress(FileNotFoundError):
                return room.f_bavail * room.f_frsize + index.stat().st_size < 32_768
            return False

        try:
            until(lambda: process.poll() is not None or waits())
            if process.poll() is None:
                filler.unlink()
            out, errors = process.communicate(timeout=100)
        finally:
            process.kill()
    return Answer(tuple(map(os.fsdecode, argv)), process.returncode, out, errors)


def sound(git: Program, *repositories: Path) -> None:
    """See that git-annex finds all that the logs claim, in copies, so that nothing is mended on the way."""
    for repository in repositories:
        git("fsck", "--no-dangling", "--no-progress", cwd=repository)
        git("annex", "fsck", "--quiet", "--all", "--numcopies=1", cwd=repository)


def test_a_get_onto_a_full_disk(
    source: Path, disk: Callable[[int], Disk], cli: Program, git: Program, datalad: Program
) -> None:
    small = disk(4)
    clone = small.at / "clone"
    datalad("clone", source, clone)
    for room in (0, 100_000):
        git("config", "annex.diskreserve", "0", cwd=clone)
        filler = small.fill(room) if room else None
        answer = cli("get", "big.dat", cwd=clone, code=1)
        assert "room" in answer.stdout or "space" in answer.stdout, answer
        assert not (clone / "big.dat").exists()
        if filler is not None:
            filler.unlink()
    small.again("size=40m")
    cli("get", "big.dat", cwd=clone)
    assert (clone / "big.dat").read_bytes() == binary(6 * MEGABYTE)
    sound(git, clone, source)


def test_a_push_onto_a_full_disk(
    source: Path, disk: Callable[[int], Disk], cli: Program, git: Program
) -> None:
    small = disk(4)
    sibling = small.at / "sibling.git"
    git("init", "-q", "--bare", sibling)
    git("annex", "init", "-q", "sibling", cwd=sibling)
    git("remote", "add", "sibling", sibling, cwd=source)
    answer = cli("push", "--to", "sibling", cwd=source, code=1)
    assert "big.dat" in answer.stdout
    uuid = git("config", "annex.uuid", cwd=sibling).text
    assert uuid not in git("annex", "whereis", "big.dat", cwd=source).stdout
    small.again("size=40m")
    cli("push", "--to", "sibling", cwd=source)
    assert uuid in git("annex", "whereis", "big.dat", cwd=source).stdout
    sound(git, sibling, source)


def test_git_annex_is_not_asked_to_take_files_in_on_a_full_disk(
    dataset_factory: DatasetFactory, disk: Callable[[int], Disk], cli: Program, git: Program
) -> None:
    """It would try for minutes, and then leave an empty file in the work tree (10.20261026)."""
    small = disk(8)
    ds = dataset_factory.copy(small.at / "ds")
    git("config", "rookery.engine", "stock", cwd=ds)
    known_by_the_index(ds, git)
    (ds / "new.dat").write_bytes(binary(20_000))
    filler = small.fill(20_000)
    answer = cli("save", "-m", "full", cwd=ds, code=1)
    assert "No space left on device: git-annex was not started" in answer.stdout + answer.stderr
    assert (ds / "new.dat").read_bytes() == binary(20_000)
    filler.unlink()
    cli("save", "-m", "again", cwd=ds)
    assert (ds / "new.dat").is_symlink()
    sound(git, ds)


@pytest.mark.parametrize("leave", [0, 20_000, 60_000])
def test_a_save_on_a_full_disk(
    leave: int, dataset_factory: DatasetFactory, disk: Callable[[int], Disk], cli: Program, git: Program
) -> None:
    small = disk(8)
    ds = dataset_factory.copy(small.at / "ds")
    known_by_the_index(ds, git)
    for number in range(8):
        (ds / f"new{number}.dat").write_bytes(binary(20_000, seed=number))
    filler = small.fill(leave)
    answer = cli("save", "-m", "full", cwd=ds, code=None)
    if answer.code:
        assert answer.code == 1
        said = answer.stdout + answer.stderr
        assert "No space left" in said or "Out of diskspace" in said, answer  # the latter is Git's
    filler.unlink()
    for number in range(8):
        assert (ds / f"new{number}.dat").read_bytes() == binary(20_000, seed=number)
    cli("save", "-m", "again", cwd=ds)
    assert git("status", "--porcelain", cwd=ds).text == ""
    assert len(git("ls-files", "new*", cwd=ds).lines) == 8
    sound(git, ds)


def test_a_drop_on_a_full_disk(
    source: Path, disk: Callable[[int], Disk], cli: Program, git: Program, datalad: Program
) -> None:
    small = disk(30)
    clone = small.at / "clone"
    datalad("clone", source, clone)
    cli("get", ".", cwd=clone)
    filler = small.fill(0)
    answer = given_room_at_last(cli, "drop", ".", cwd=clone, filler=filler)
    assert (clone / "big.dat").exists() == (answer.code != 0), answer
    filler.unlink(missing_ok=True)
    cli("drop", ".", cwd=clone)
    sound(git, clone, source)
    assert (source / "big.dat").exists()


def test_a_dataset_that_cannot_be_written(
    dataset_factory: DatasetFactory, disk: Callable[[int], Disk], cli: Program, git: Program, tmp_path: Path
) -> None:
    small = disk(20)
    ds = dataset_factory.copy(small.at / "ds")
    git("clone", "-q", ds, tmp_path / "clone")
    git("annex", "init", "-q", "clone", cwd=tmp_path / "clone")
    (ds / "new.dat").write_bytes(b"\0new")
    small.again("ro")
    for words in (["save", "-m", "no"], ["drop", "notes.txt"], ["unlock", "notes.txt"]):
        answer = cli(*words, cwd=ds, code=1)
        assert "Traceback" not in answer.stderr, answer
    assert "Read-only file system" in cli("save", cwd=ds, code=1).stderr
    cli("get", ".", cwd=tmp_path / "clone")
    # The copy there cannot be locked: it is either looked at in another way, or ours stays.
    cli("drop", "notes.txt", cwd=tmp_path / "clone", code=None)
    assert (ds / "notes.txt").exists()
    small.again("rw")
    cli("save", "-m", "yes", cwd=ds)
    sound(git, ds, tmp_path / "clone")
