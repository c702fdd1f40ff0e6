"""What a push, a fetch and a clone cost: bytes and files, not seconds."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from support.deposits import Deposits, content_of

LARGE = 6 << 20  # above what the legacy pair follows at every push


def large_history(deposits: Deposits) -> tuple[Path, str]:
    """Make a repository whose history is large, and push it."""
    source = deposits.repository()
    (source / "large").write_bytes(random.Random(1).randbytes(LARGE))
    deposits.ours("add", "large", cwd=source)
    deposits.ours("commit", "-q", "-m", "large", cwd=source)
    url = deposits.url()
    deposits.ours("remote", "add", "dep", url, cwd=source)
    deposits.ours("push", "-q", "dep", "main", cwd=source)
    return source, url


def sent_by_push(deposits: Deposits, source: Path) -> tuple[int, int]:
    """Push, and count files and bytes that are new or replaced."""
    before = content_of(deposits.place())
    deposits.ours("push", "-q", "dep", "main", cwd=source)
    after = content_of(deposits.place())
    changed = [name for name in after if before.get(name) != after[name]]
    return len(changed), sum(len(after[name][2]) for name in changed)


def test_a_line_costs_a_line_however_large_the_history_is(deposits: Deposits) -> None:
    source, _ = large_history(deposits)
    costs = []
    for number in range(4):
        deposits.commit(source, "file0", f"line {number}\n")
        costs.append(sent_by_push(deposits, source))
    assert max(sent for _, sent in costs) < 10_000
    assert costs[1][0] == costs[3][0], "as many files at the last as at the first"
    assert costs[3][1] - costs[1][1] < 400, "and hardly more bytes"


@pytest.mark.campaign
def test_the_thousandth_push_costs_what_the_tenth_did(deposits: Deposits) -> None:
    source, _ = large_history(deposits)
    costs = {}
    for number in range(1, 1001):
        deposits.commit(source, "file0", f"line {number}\n")
        costs[number] = sent_by_push(deposits, source)
    assert costs[1000][1] < costs[10][1] + 4_000
    parts = [name for name in content_of(deposits.place()) if "/SHA256" in name]
    assert len(parts) < 2_100, "records and parts, of which those put together wait for compact"


def test_a_fetch_of_nothing_reads_less_than_a_thousand_bytes_and_a_push_of_nothing_writes_nothing(
    deposits: Deposits,
) -> None:
    source, _ = large_history(deposits)
    before = content_of(deposits.place())
    assert "up-to-date" in deposits.ours("push", "dep", "main", cwd=source).stderr
    traced = deposits.folder / "opened"
    deposits.ours(
        "fetch", "dep", cwd=source, env={"WATCH_OPENED": str(traced), "WATCH_PLACE": str(deposits.place())}
    )
    assert content_of(deposits.place()) == before
    opened = [Path(line) for line in traced.read_text().splitlines()]
    read = sum(file.stat().st_size for file in opened if file.is_file())
    assert 0 < read < 1000


def annexes_started(deposits: Deposits, *command: str | Path, cwd: Path | None = None) -> int:
    """Run a command of Git's, and count how often our helper starts git-annex for it."""
    note = deposits.folder / "started"
    note.unlink(missing_ok=True)
    deposits.ours(*command, cwd=cwd, env={"WATCH_STARTED": str(note)})
    return sum(line.startswith("git-annex ") for line in note.read_text().splitlines())


def test_git_annex_is_started_a_few_times_however_many_have_pushed_and_how_often(deposits: Deposits) -> None:
    """An external special remote is a program of its own, often a slow one, that git-annex starts each time."""
    source = deposits.repository()
    url = deposits.url("external")
    deposits.ours("push", "-q", url, "main", cwd=source)
    for name in ("berta", "carla"):
        deposits.ours("clone", "-q", url, name)
        for _ in range(2):
            deposits.commit(deposits.folder / name, name, f"by {name}\n")
            deposits.ours("push", "-q", "origin", f"HEAD:{name}", cwd=deposits.folder / name)
            (deposits.folder / name / name).unlink()
            deposits.ours("commit", "-q", "-am", "gone", cwd=deposits.folder / name)
    # The second is for the own register, which is not there yet: whether that is certain another process says.
    assert annexes_started(deposits, "clone", "-q", url, "clone") <= 2 + 1  # and its initremote
    clone = deposits.folder / "clone"
    assert annexes_started(deposits, "fetch", "-q", cwd=clone) <= 2
    deposits.commit(clone, "more")
    assert annexes_started(deposits, "push", "-q", "origin", "HEAD:main", cwd=clone) <= 6
    deposits.commit(clone, "more", "again\n")
    assert annexes_started(deposits, "push", "-q", "origin", "HEAD:main", cwd=clone) <= 3


def test_a_clone_stores_the_history_once(deposits: Deposits) -> None:
    _, url = large_history(deposits)
    deposits.ours("clone", "-q", url, "clone")
    git = deposits.folder / "clone" / ".git"
    stored = sum(file.stat().st_size for file in git.rglob("*") if file.is_file())
    assert LARGE < stored < LARGE * 1.2
