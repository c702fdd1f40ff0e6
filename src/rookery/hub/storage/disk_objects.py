"""Contents on disk, in git-annex's own layout for bare repositories: `12.git/annex/objects/f87/4d5/KEY/KEY`.

So whoever runs the hub can use git-annex itself on it.  What is not whole is in
`annex/tmp/KEY`, as git-annex has it; a lock on that file keeps uploads of the same content apart.
What is removed is removed under git-annex's own lock.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from rookery.annex import checksum
from rookery.annex.keys import key_file
from rookery.annex.nearby.content_locks import object_here, removable, thawed
from rookery.annex.store import candidates, keys_here
from rookery.core.errors import LockedError
from rookery.core.process import Runner
from rookery.git.repo import Repo
from rookery.hub.domain.errors import InUse, Unavailable
from rookery.hub.storage import disk_links
from rookery.hub.storage.disk_upload import DiskUpload

_NOWAIT = getattr(os, "RWF_NOWAIT", None)  # Linux has it
_NOT_AT_ONCE = frozenset({errno.EAGAIN, errno.EOPNOTSUPP})  # not in memory; a file system that cannot tell


class DiskReader:
    """A file that is open for reading."""

    def __init__(self, handle: int) -> None:
        self._file = os.fdopen(handle, "rb", buffering=0)
        self.size = os.fstat(handle).st_size

    def seek(self, offset: int) -> None:
        """Go on reading there."""
        self._file.seek(offset)

    def read(self, size: int, /) -> bytes:
        """Give the next bytes."""
        return self._file.read(size) or b""

    def at_once(self, size: int, /) -> memoryview | None:
        """Give the next bytes if the system has them in memory (preadv2(2), RWF_NOWAIT)."""
        if _NOWAIT is None:
            return None
        buffer = bytearray(size)
        try:
            got = os.preadv(self._file.fileno(), [buffer], self._file.tell(), _NOWAIT)
        except OSError as e:
            if e.errno not in _NOT_AT_ONCE:
                raise
            return None
        self._file.seek(got, os.SEEK_CUR)
        return memoryview(buffer)[:got]

    def close(self) -> None:
        """Let it go."""
        self._file.close()


class DiskObjects:
    """What `domain.ports.objects` says, below the folder of the repositories."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runner = Runner({})  # no program is started for a content, ever

    def check(self) -> None:
        """See that the folder is there."""
        if not self._folder.is_dir():
            raise Unavailable(f"{self._folder} is not there", hints=["see that its disk is mounted"])

    def place(self, repository: int) -> Path:
        """Give the folder of a repository, there or not."""
        return self._folder / f"{repository:d}.git"

    def _repo(self, repository: int) -> Repo:
        place = self.place(repository)
        return Repo(place, place, self._runner, bare=True)

    def target(self, repository: int, key: str) -> Path:
        """Give the file where content belongs, there or not."""
        return Path(candidates(self._repo(repository), key)[0])

    def _partial(self, repository: int, key: str) -> Path:
        return self.place(repository) / "annex" / "tmp" / key_file(key)

    def size(self, repository: int, key: str) -> int | None:
        """Give the size of what is there now."""
        place = object_here(self._repo(repository), key)
        if place is None:
            return None
        try:
            return os.stat(place).st_size
        except FileNotFoundError:
            return None  # dropped meanwhile

    def sizes(self, repository: int, keys: Iterable[str]) -> dict[str, int]:
        """Give the sizes of those of many that are there."""
        found = {key: self.size(repository, key) for key in keys}
        return {key: size for key, size in found.items() if size is not None}

    def path(self, repository: int, key: str) -> Path | None:
        """Give the file."""
        place = object_here(self._repo(repository), key)
        return None if place is None else Path(place)

    def open(self, repository: int, key: str, offset: int = 0) -> DiskReader | None:
        """Open content for reading."""
        place = object_here(self._repo(repository), key)
        if place is None:
            return None
        try:
            reader = DiskReader(os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW))
        except FileNotFoundError:
            return None
        reader.seek(offset)
        return reader

    def address(self, repository: int, key: str, *, name: str, media_type: str) -> str | None:  # noqa: ARG002 - the port's
        """Give none: what is on the hub's disk comes from the hub."""
        return None

    def held(self, repository: int, key: str) -> int:
        """Say how much of an upload that stopped is here."""
        try:
            return os.stat(self._partial(repository, key)).st_size
        except FileNotFoundError:
            return 0

    def receive(self, repository: int, key: str, offset: int = 0) -> DiskUpload:
        """Begin an upload, or go on."""
        return DiskUpload(key, self._partial(repository, key), self.target(repository, key), offset)

    def link(self, key: str, source: int, target: int) -> int | None:
        """Show the same file in both."""
        place = object_here(self._repo(source), key)
        try:
            return None if place is None else disk_links.share(place, self.target(target, key))
        except FileNotFoundError:
            return None  # dropped meanwhile

    def settle(self, keys: Iterable[str], repository: int) -> None:
        """Have the folders of linked contents on the disk."""
        disk_links.settle(self.target(repository, key) for key in keys)

    def remove(self, repository: int, key: str) -> bool:
        """Remove content.  Raises InUse if a git-annex on this machine keeps it."""
        removed = False
        while (place := object_here(self._repo(repository), key)) is not None:
            try:
                with removable(place), thawed(os.path.dirname(place)):
                    os.unlink(place)
            except LockedError as e:
                raise InUse(f"{key} is being kept by a git-annex on the hub's machine") from e
            except FileNotFoundError:
                continue
            removed = True
        return removed

    def keys(self, repository: int) -> Iterator[str]:
        """Yield every key whose bytes are there."""
        return keys_here(self._repo(repository))

    def verified(self, repository: int, key: str) -> bool | None:
        """Read all of it and compare."""
        place = object_here(self._repo(repository), key)
        return False if place is None else checksum.verified(key, place)

    def set_aside(self, repository: int, key: str) -> None:
        """Move corrupt content to `annex/bad`, where git-annex's fsck puts it too."""
        place = object_here(self._repo(repository), key)
        if place is None:
            return
        bad = self.place(repository) / "annex" / "bad"
        bad.mkdir(exist_ok=True)
        with thawed(os.path.dirname(place)):
            os.rename(place, bad / os.path.basename(place))
        with suppress(OSError):
            os.rmdir(os.path.dirname(place))

    def sweep(self, repository: int, *, older_than: float) -> int:
        """Remove uploads that nobody has gone on with."""
        folder = self.place(repository) / "annex" / "tmp"
        removed = 0
        with suppress(FileNotFoundError):
            for entry in os.scandir(folder):
                if entry.is_file(follow_symlinks=False) and entry.stat().st_mtime < older_than:
                    with suppress(FileNotFoundError):
                        os.unlink(entry)
                        removed += 1
        return removed

    def sweep_removed(self) -> int:
        """Find nothing: contents are in the folder of the history, and went with it."""
        return 0

    def free(self) -> int | None:
        """Give how many bytes there is room for."""
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize
