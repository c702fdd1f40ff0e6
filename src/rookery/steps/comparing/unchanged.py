"""What a total needs to know of the annexed files of the index: sizes, and whether the content is here; no records.

Git may look for changes meanwhile: who knows them leaves those out.  Four times
as fast as records, and no process for locked files.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rookery.annex.files import keys_of_blobs, located
from rookery.annex.keys import key_of_link, size_of
from rookery.annex.store import opened
from rookery.core.files import opened_folder
from rookery.core.many import Part
from rookery.core.process import decode
from rookery.git import modes
from rookery.git.index import contents_listed
from rookery.git.repo import Repo
from rookery.git.trees import Selection

# A link as git-annex makes it: the place in the object store, and the size that the key tells.
_LINK = re.compile(
    rb"(?:\.\./)*\.git/annex/objects/([^/]+/[^/]+/([A-Za-z0-9_]+-s([0-9]+)(?:-[mSC][0-9]+)*--[^/]+)/\2)",
    re.DOTALL,
)

# A size, and whether that is here (None: nobody asked).
Size = tuple[int, bool | None]


class Blob(NamedTuple):
    """A content in Git, as listings of annexed files want to have it."""

    path: str
    mode: int
    sha: str


def annexed_sizes(repo: Repo, paths: Sequence[str], part: Part, *, presence: bool) -> dict[bytes, Size]:
    """Give the sizes of a part of the annexed files in the index at or below `paths`, as the work tree's links say."""
    wanted = Selection(paths)
    listed = [one for one in part.of(contents_listed(repo)) if not paths or decode(one[0]) in wanted]
    links = [path for path, mode, _ in listed if mode == modes.SYMLINK]
    found: dict[bytes, Size] = {}
    equal: dict[Size, Size] = {}  # of thousands that are alike one is sent to another process
    gone = set()
    with opened_folder(repo.root) as root, opened(repo) as objects:
        store = _Store(repo, root, objects, presence=presence)
        for path in links:
            there, size = store.looked_at(path)
            if size is not None:
                found[path] = equal.setdefault(size, size)
            elif not there:
                gone.add(path)
        rest = {
            path: Blob(decode(path), mode, sha)
            for path, mode, sha in listed
            if path in gone or mode not in (modes.SYMLINK, modes.GITLINK)
        }
        found.update(store.sizes_of_blobs(rest))
    return found


class _Store:
    """The work tree's links, and the objects that they lead to."""

    def __init__(self, repo: Repo, root: int | None, objects: int | None, *, presence: bool) -> None:
        self._repo = repo
        self._root = root
        self._objects = objects
        self._presence = presence

    def looked_at(self, path: bytes) -> tuple[bool, Size | None]:
        """Say whether a link is there, and what the size of its content is (None: it is not annexed)."""
        target = self.link_at(path)
        return (False, None) if target is None else (True, self.size_of(path, target))

    def link_at(self, path: bytes) -> bytes | None:
        """Read a link of the work tree; None where there is none, as in a sparse checkout."""
        if self._root is None:
            return None
        try:
            return os.readlink(path, dir_fd=self._root)
        except OSError:
            return None

    def size_of(self, path: bytes, target: bytes) -> Size | None:
        """Give the size of what a link leads to; None if that is no annexed content."""
        usual = _LINK.fullmatch(target)
        if usual and not self._presence:
            return int(usual[3]), None
        if usual and self._objects is not None:
            try:
                if stat.S_ISREG(os.stat(usual[1], dir_fd=self._objects).st_mode):
                    return int(usual[3]), True
            except OSError:
                pass  # not here, or in the other layout
        link = decode(target)
        key = key_of_link(link)
        return self._looked_for(decode(path), key, link) if key else None

    def sizes_of_blobs(self, blobs: dict[bytes, Blob]) -> Iterator[tuple[bytes, Size]]:
        """Give the sizes of unlocked files, and of links that are not in the work tree."""
        keys = keys_of_blobs(self._repo, blobs.values()) if blobs else {}
        for path, blob in blobs.items():
            if blob.sha in keys:
                yield path, self._looked_for(blob.path, *keys[blob.sha])

    def _looked_for(self, path: str, key: str, link: str | None) -> Size:
        size = size_of(key)
        if not self._presence:
            return size or 0, None
        file = located(self._repo, path, key, link)
        if size is None:
            size = os.stat(file.objpath).st_size if file.present else 0
        return size, file.present
