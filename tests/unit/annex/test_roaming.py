"""A lock file that is named beside one object after the other excludes others as one of each object's own would."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from rookery.annex.nearby import content_locks
from rookery.annex.nearby.roaming import RoamingLock
from rookery.annex.permissions import USUAL
from rookery.core.errors import LockedError

pytestmark = pytest.mark.skipif(not content_locks.supported(), reason="no locks of open files here")


@pytest.fixture
def objects(tmp_path: Path) -> list[str]:
    places = [tmp_path / f"K{number}" / f"K{number}" for number in range(3)]
    for place in places:
        place.parent.mkdir()
        place.write_text("content")
        place.parent.chmod(0o555)
    (tmp_path / "parking").mkdir()
    return [str(place) for place in places]


@pytest.fixture
def lock(tmp_path: Path) -> RoamingLock:
    return RoamingLock(str(tmp_path / "parking"), USUAL)


def lock_file(place: str) -> Path:
    return Path(place + content_locks.SUFFIX)


def modes(places: list[str]) -> set[int]:
    return {Path(place).parent.stat().st_mode & 0o777 for place in places}


def test_one_file_serves_all_objects_and_is_gone_in_the_end(
    objects: list[str], lock: RoamingLock, tmp_path: Path
) -> None:
    seen = set()
    for place in objects:
        with lock.removable(place):
            seen.add(lock_file(place).stat().st_ino)
            with pytest.raises(LockedError), content_locks.kept(place):
                pass
        with lock.kept(place):
            seen.add(lock_file(place).stat().st_ino)
            with pytest.raises(LockedError), content_locks.removable(place):
                pass
        assert not lock_file(place).exists()
    assert len(seen) == 1
    assert modes(objects) == {0o555}
    lock.close()
    assert not list((tmp_path / "parking").iterdir())


def test_who_keeps_an_object_with_us_goes_on_keeping_it(objects: list[str], lock: RoamingLock) -> None:
    place = objects[0]
    with lock.kept(place), content_locks.kept(place):
        pass  # the inner one may take the file away no more than the outer one
    handle = None
    with lock.kept(place):
        handle = os.open(lock_file(place), os.O_RDWR)
        content_locks.hold(handle, fcntl.F_RDLCK)
    assert lock_file(place).exists()
    with pytest.raises(LockedError), lock.removable(place):
        pass
    with lock.removable(objects[1]):  # another file is made for the others
        assert lock_file(objects[1]).stat().st_ino != os.fstat(handle).st_ino
    os.close(handle)
    with lock.removable(place):
        pass


def test_a_lock_file_that_is_there_is_used(objects: list[str], lock: RoamingLock) -> None:
    place = objects[0]
    os.chmod(os.path.dirname(place), 0o755)
    lock_file(place).touch()
    with content_locks.kept(place), pytest.raises(LockedError), lock.removable(place):
        pass
    lock_file(place).touch()
    inode = lock_file(place).stat().st_ino
    with lock.removable(place):
        assert lock_file(place).stat().st_ino == inode
    assert not lock_file(place).exists()


def test_a_copy_that_was_promised_to_be_kept_cannot_be_removed(objects: list[str], lock: RoamingLock) -> None:
    os.chmod(os.path.dirname(objects[0]), 0o755)
    Path(objects[0] + content_locks.RETENTION).touch()
    with pytest.raises(LockedError), lock.removable(objects[0]):
        pass


def test_a_lock_whose_file_was_taken_away_begins_anew(
    objects: list[str], lock: RoamingLock, tmp_path: Path
) -> None:
    with lock.removable(objects[0]):
        lock_file(objects[0]).unlink()
    with lock.removable(objects[1]):
        assert lock_file(objects[1]).exists()
    (parked,) = (tmp_path / "parking").iterdir()
    parked.unlink()  # as by somebody who sweeps the folder
    with pytest.raises(FileNotFoundError), lock.removable(objects[2]):
        pass
    with lock.removable(objects[2]):
        assert lock_file(objects[2]).exists()


def test_an_object_whose_folder_is_gone_cannot_be_locked(lock: RoamingLock, objects: list[str]) -> None:
    with pytest.raises(FileNotFoundError), lock.removable(objects[0].replace("K0", "none")):
        pass
    with lock.removable(objects[1]):
        assert lock_file(objects[1]).exists()
