"""Putting a file's content into the object store, and a symlink in its place.

At each moment the content is at its place in the work tree, or in the store,
or at both: first it is locked (no longer writable), hashed and given its second
name in the store; then a finished symlink is renamed over the first.  A file
that somebody changes meanwhile is left as it was.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

from rookery.annex import keys, store
from rookery.annex.checksum import CHUNK, Hasher, hasher_of, verified
from rookery.annex.keys import Key
from rookery.annex.nearby.content_locks import freeze, thaw
from rookery.annex.nearby.placing import made
from rookery.annex.rules import Rules
from rookery.core.errors import RookeryError
from rookery.git.repo import Repo

# What a pointer file begins with.
POINTER = b"/annex/objects/"

_SPECIAL = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX


class LeftAlone(RookeryError):
    """This file is not as we need it; nothing was done to it, and git-annex may know better."""


class CorruptObject(RookeryError):
    """The store holds other content under the key of this file, which was left where it is."""


class Storing:
    """Stores files of one repository."""

    def __init__(self, repo: Repo, rules: Rules, drafts: Path) -> None:
        self._repo = repo
        self._rules = rules
        self._shared = rules.shared
        self._root = str(repo.root)
        self._objects = os.path.join(repo.commondir, store.OBJECTS)
        here = os.listdir(self._objects) if os.path.isdir(self._objects) else []
        self._both_layouts = store.has_both_layouts(here)
        self._there = set(here)  # the highest folders, of which there are 1,024: most files find theirs
        self._draft = os.path.join(drafts, ".rookery-link")

    def put(self, path: str, backend: str, *, heard: Callable[[int], None] | None = None) -> str:
        """Store one file and leave its symlink; gives the key.

        Raises LeftAlone, CorruptObject, OSError: the file is there as before.
        """
        file = f"{self._root}/{path}"  # not joined part by part: of thousands of files in a row that is to be seen
        extension = ""
        if backend.endswith("E"):
            kept = keys.kept_extension(path, longest=self._rules.longest, most=self._rules.most)
            if kept is None:
                raise LeftAlone(f"the extension of {path}")
            extension = kept
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            before = os.fstat(handle)
            _require_plain(before, path)
            os.fchmod(handle, self._shared.content(stat.S_IMODE(before.st_mode)))
            try:
                return self._stored(file, path, handle, before, backend, extension, heard)
            except BaseException:
                if _is_only_there(file, handle):
                    os.fchmod(handle, stat.S_IMODE(before.st_mode))
                raise
        finally:
            os.close(handle)

    def _stored(
        self,
        file: str,
        path: str,
        handle: int,
        before: os.stat_result,
        backend: str,
        extension: str,
        heard: Callable[[int], None] | None,
    ) -> str:
        hasher = hasher_of(backend)
        assert hasher is not None, backend
        _hash(handle, before.st_size, hasher, heard)
        key = str(Key(backend, hasher.hexdigest() + extension, before.st_size))
        target = store.link_target(key, path)
        place = f"{self._objects}/{target.rpartition('annex/objects/')[2]}"
        ours = self._link_into_store(file, key, place, before)
        try:
            if not _same(os.fstat(handle), before) or not os.path.samestat(os.lstat(file), before):
                raise LeftAlone(f"{path} was changed while it was being added")
            self._put_link(file, target, before)
        except BaseException:
            if ours:
                _take_back(place, file)
            raise
        return key

    def _link_into_store(self, file: str, key: str, place: str, before: os.stat_result) -> bool:
        """Give the content its name in the store; False if it has one already."""
        folder = place.rpartition("/")[0]
        only = before.st_nlink == 1 and not self._both_layouts
        if not (only and self._made(folder)):  # in one that was just made there is nothing
            if os.path.lexists(place):
                self._require_sound(key, place, before)
                return False
            if before.st_nlink > 1 or (
                self._both_layouts and os.path.lexists(store.candidates(self._repo, key)[1])
            ):
                raise LeftAlone("a file with several names, or content in the other layout")
            self._made(folder)
        mode = thaw(folder)
        try:
            os.link(file, place, follow_symlinks=False)
        except FileExistsError:
            self._require_sound(key, place, before)
            return False
        finally:
            freeze(folder, mode, self._shared)
        return True

    def _made(self, folder: str) -> bool:
        top = folder[len(self._objects) + 1 :].partition("/")[0]
        new = made(folder, self._shared, levels=2 if top in self._there else 3)
        self._there.add(top)
        return new

    def _require_sound(self, key: str, place: str, before: os.stat_result) -> None:
        """See that what is in the store may stand for the file, whose content goes then."""
        found = os.lstat(place)
        if os.path.samestat(found, before):
            return  # whoever began this was killed
        if before.st_nlink > 1:
            raise LeftAlone("a file with several names")
        if found.st_nlink > 1:  # it is taken back, should it turn out to have changed
            raise LeftAlone("content that is being taken in for another file")
        if not verified(key, place):
            raise CorruptObject(
                f"the annex has corrupt content for it under the key {key}",
                hints=[f"move the corrupt content out of the way: git annex fsck --key {key}"],
            )

    def _put_link(self, file: str, target: str, before: os.stat_result) -> None:
        draft = f"{self._draft}.{os.getpid()}.{threading.get_ident()}"
        try:
            os.symlink(target, draft)
        except FileExistsError:
            os.unlink(draft)  # of one that was killed, and had our number
            os.symlink(target, draft)
        # The link is as old as the file, as git-annex makes it.
        os.utime(draft, ns=(before.st_atime_ns, before.st_mtime_ns), follow_symlinks=False)
        os.replace(draft, file)


def _require_plain(found: os.stat_result, path: str) -> None:
    mode = found.st_mode
    if not stat.S_ISREG(mode) or mode & _SPECIAL or not mode & stat.S_IRUSR or found.st_nlink > 2:
        raise LeftAlone(f"{path} is no plain file")


def _same(now: os.stat_result, before: os.stat_result) -> bool:
    return (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def _hash(handle: int, size: int, hasher: Hasher, heard: Callable[[int], None] | None) -> None:
    done = 0
    while done <= size:
        wanted = min(CHUNK, size - done + 1)
        piece = os.read(handle, wanted)
        if not done and piece.startswith(POINTER):
            raise LeftAlone("a file that looks like a pointer")
        hasher.update(piece)
        done += len(piece)
        if heard is not None:
            heard(done)
        if len(piece) < wanted:  # the end, of a plain file
            break
    if done != size:
        raise LeftAlone("the file changed while it was read")


def _is_only_there(file: str, handle: int) -> bool:
    """Say whether an open file still has its name, and no other."""
    now = os.fstat(handle)
    return now.st_nlink == 1 and os.path.lexists(file) and os.path.samestat(os.lstat(file), now)


def _take_back(place: str, file: str) -> None:
    """Remove what was put into the store, if the content has its own name still.

    What was changed or replaced while we had it is not what its key says; what
    has become a link already (an interruption came late) stays.
    """
    if os.path.samestat(os.lstat(file), os.lstat(place)) or not os.path.islink(file):
        folder = os.path.dirname(place)
        thaw(folder)
        os.unlink(place)
        os.rmdir(folder)
