from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rookery.core.errors import LockedError
from rookery.git import index, index_lock, modes, objects
from rookery.git.index import NewEntry
from rookery.git.index_update import bring_up_to_date
from rookery.git.private_index import private_index
from rookery.git.repo import Repo, open_repo
from support.counting import programs_started
from support.programs import Program


def as_git_says(repo: Repo) -> list[index.IndexEntry]:
    return list(index._from_git(repo))


@pytest.mark.parametrize("version", [2, 3, 4])
def test_every_version_is_read_without_a_process(saved: Repo, version: int) -> None:
    saved.run("update-index", "--index-version", str(version))
    saved.run("update-index", "--assume-unchanged", "a")
    saved.run("update-index", "--skip-worktree", "b")
    (saved.root / "sub/planned").touch()
    saved.run("add", "-N", "sub/planned")
    with programs_started() as started:
        read = list(index.read_index(saved))
    assert len(started) == 0
    assert read == as_git_says(saved)
    flags = {e.path: (e.assume_valid, e.skip_worktree, e.intent_to_add) for e in read}
    assert flags["a"] == (True, False, False)
    assert flags["b"] == (False, True, False)
    assert flags["sub/planned"] == (False, False, True)


def test_formats_beyond_ours_are_asked_of_git(saved: Repo, tmp_path: Path, git: Program) -> None:
    saved.run("update-index", "--split-index")
    (saved.root / "later").write_text("later")
    saved.run("add", "later")
    assert [e.path for e in index.read_index(saved)] == ["a", "b", "later", "sub/c"]
    git("init", "-q", "--object-format=sha256", tmp_path / "wide")
    wide = open_repo(tmp_path / "wide", saved.runner)
    (wide.root / "f").write_text("x")
    wide.run("add", "f")
    (entry,) = index.read_index(wide)
    assert (entry.path, entry.size, len(entry.sha)) == ("f", 1, 64)


def test_a_sparse_index_is_read_whole(saved: Repo) -> None:
    saved.run("sparse-checkout", "init", "--cone", "--sparse-index")
    assert b"sdir" in (saved.gitdir / "index").read_bytes()
    assert [e.path for e in index.read_index(saved)] == ["a", "b", "sub/c"]


def test_no_index_no_entries(repo: Repo) -> None:
    assert list(index.read_index(repo)) == []


def test_a_private_index_leaves_the_real_one_alone(saved: Repo) -> None:
    before = (saved.gitdir / "index").read_bytes()
    sha = objects.hash_blob(saved, b"new")
    with private_index(saved, tree="HEAD") as view:
        changes = [
            NewEntry("new", modes.FILE, sha),
            NewEntry("sub/c", 0, ""),
            NewEntry("a/b", modes.FILE, sha),
        ]
        index.put_entries(view, changes)
        assert [e.path for e in index.read_index(view)] == ["a/b", "b", "new"]
        tree = index.write_tree(view)
    assert (saved.gitdir / "index").read_bytes() == before
    assert saved.text("ls-tree", "-r", "--name-only", tree).split() == ["a/b", "b", "new"]
    assert list((saved.gitdir / "rookery").iterdir()) == []


def test_what_a_killed_process_left_is_swept(saved: Repo) -> None:
    left = saved.gitdir / "rookery" / "index-999999999-0"
    left.parent.mkdir()
    left.touch()
    with private_index(saved):
        assert not left.exists()


def test_the_users_index_follows_and_keeps_what_else_is_staged(saved: Repo) -> None:
    (saved.root / "b").write_text("staged by the user")
    saved.run("add", "b")
    (saved.root / "a").write_text("committed elsewhere")
    sha = objects.hash_blob(saved, b"committed elsewhere")
    (saved.root / "sub/c").unlink()
    bring_up_to_date(saved, [NewEntry("a", modes.FILE, sha), NewEntry("sub/c", 0, "")])
    found = {e.path: e for e in index.read_index(saved)}
    assert set(found) == {"a", "b"}
    assert found["a"].size == len("committed elsewhere")  # stat data is there: the next status is cheap
    assert saved.text("diff", "--cached", "--name-only").split() == ["a", "b", "sub/c"]
    assert saved.text("diff", "--name-only") == ""


def test_a_locked_index_is_waited_for(saved: Repo) -> None:
    lock = saved.gitdir / "index.lock"
    lock.touch()
    freed = threading.Timer(0.1, lock.unlink)
    freed.start()
    index.put_entries(saved, [NewEntry("a", 0, "")])
    freed.join()
    assert [e.path for e in index.read_index(saved)] == ["b", "sub/c"]


DIES = """
import os, signal, sys
from pathlib import Path
from rookery.git.index_lock import index_lock
from rookery.git.private_index import private_index
sys.addaudithook(lambda event, _: event == sys.argv[2] and os.kill(os.getpid(), signal.SIGKILL))
with index_lock(Path(sys.argv[1])):
    pass
"""


@pytest.mark.parametrize("event", ["fcntl.flock", "os.link", "os.remove"])
def test_a_lock_is_free_again_whenever_its_holder_died(
    saved: Repo, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    file = index.index_file(saved)
    died = subprocess.run([sys.executable, "-c", DIES, str(file), event], check=False)
    assert died.returncode == -signal.SIGKILL
    monkeypatch.setattr(index_lock, "PATIENCE", 0.05)
    with index_lock.index_lock(file):
        pass
    assert not (saved.gitdir / "index.lock").exists()


def test_an_index_locked_for_ever_is_told(saved: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_lock, "PATIENCE", 0.05)
    (saved.gitdir / "index.lock").touch()
    begun = time.monotonic()
    with pytest.raises(LockedError) as caught:
        index.put_entries(saved, [NewEntry("a", 0, "")])
    assert time.monotonic() >= begun + 0.05
    assert "index.lock" in caught.value.hints[0]


def test_a_lock_of_ours_whose_holder_died_is_taken_over(saved: Repo) -> None:
    lock = saved.gitdir / "index.lock"
    lock.write_bytes(index_lock.MARK)
    index.put_entries(saved, [NewEntry("a", 0, "")])
    assert [e.path for e in index.read_index(saved)] == ["b", "sub/c"]
    assert not lock.exists()


def test_a_lock_of_ours_whose_holder_lives_is_respected(saved: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_lock, "PATIENCE", 0.05)
    with index_lock.index_lock(index.index_file(saved)):
        with pytest.raises(LockedError):
            index.put_entries(saved, [NewEntry("a", 0, "")])
        assert (saved.gitdir / "index.lock").exists()
    assert not (saved.gitdir / "index.lock").exists()
