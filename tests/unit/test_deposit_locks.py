"""The lock of a deposit: one holds it, a stale one is taken over by one, what was lost is noticed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from rookery.core.errors import LockedError, UsageError
from rookery.deposit.transport.locks import KEPT, FolderCell, Held, Lease, LockLost, Policy, take


def test_one_holds_it_until_it_is_released(tmp_path: Path) -> None:
    one, two = Lease(FolderCell(tmp_path / "lock")), Lease(FolderCell(tmp_path / "lock"))
    held = one.acquire("a", now=0, lasting=60)
    assert held is not None
    assert two.acquire("b", now=59, lasting=60) is None
    one.release(held)
    assert two.acquire("b", now=59, lasting=60) is not None


def test_a_stale_lock_is_taken_over_and_its_holder_learns_it(tmp_path: Path) -> None:
    lease = Lease(FolderCell(tmp_path / "lock"))
    old = lease.acquire("a", now=0, lasting=60)
    assert old is not None
    new = lease.acquire("b", now=61, lasting=60)
    assert new is not None
    with pytest.raises(LockLost):
        lease.refresh(old, now=62, lasting=60)
    lease.release(old)
    assert lease.acquire("c", now=62, lasting=60) is None, "the old holder cannot release the new one's lock"


def test_a_refreshed_lock_lives_on(tmp_path: Path) -> None:
    lease = Lease(FolderCell(tmp_path / "lock"))
    held = lease.acquire("a", now=0, lasting=60)
    for now in range(50, 1000, 50):
        assert held is not None
        held = lease.refresh(held, now=now, lasting=60)
        assert lease.acquire("b", now=now + 49, lasting=60) is None


def test_many_who_break_a_stale_lock_at_once_leave_one_holder(tmp_path: Path) -> None:
    for attempt in range(20):
        folder = tmp_path / str(attempt)
        Lease(FolderCell(folder)).acquire("gone", now=0, lasting=60)
        winners: list[Held] = []
        start = threading.Barrier(6)

        def race(
            token: str,
            folder: Path = folder,
            start: threading.Barrier = start,
            winners: list[Held] = winners,
        ) -> None:
            start.wait()
            held = Lease(FolderCell(folder)).acquire(token, now=100, lasting=60)
            if held is not None:
                winners.append(held)

        threads = [threading.Thread(target=race, args=(f"w{n}",)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(winners) == 1


def test_one_who_slept_through_many_holders_does_not_get_a_number_that_was_cleared_away(
    tmp_path: Path,
) -> None:
    cell = FolderCell(tmp_path / "lock")
    slept = cell.get()
    assert slept is None
    tag = None
    for _ in range(KEPT + 3):
        tag = cell.swap(b"x", tag=tag)
        assert tag is not None
    assert cell.swap(b"late", tag=None) is None
    assert cell.get() == (b"x", tag)
    assert len(list((tmp_path / "lock").iterdir())) <= KEPT


def test_policies(tmp_path: Path) -> None:
    lease = Lease(FolderCell(tmp_path / "lock"))
    assert take(lease, Policy.OFF, "a", now=0) is None
    assert take(None, Policy.AUTO, "a", now=0) is None
    with pytest.raises(UsageError, match="dlalock=require"):
        take(None, Policy.REQUIRE, "a", now=0)
    assert take(lease, Policy.AUTO, "a", now=0) is not None
    with pytest.raises(LockedError, match="another push"):
        take(lease, Policy.REQUIRE, "b", now=1)
