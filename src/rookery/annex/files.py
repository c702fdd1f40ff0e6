"""Annexed files: which paths of an index or a tree stand for annexed content, and whether it is here.

Keys are read from the blobs (a symlink's target, a pointer file's text), so a
file that the user changed in the work tree does not confuse anybody.  Two or
three Git processes for any number of files.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, Protocol, TypeVar

from rookery.annex.keys import hashdirmixed, key_of_link, key_of_pointer, size_of
from rookery.annex.store import OBJECTS, candidates, has_both_layouts, opened
from rookery.core.files import opened_folder
from rookery.core.process import decode, encode
from rookery.git.index import IndexEntry, read_index
from rookery.git.objects import name_of_blob, read_many, stat_many
from rookery.git.repo import Repo
from rookery.git.trees import Selection, ls_tree

# A pointer is one line with a file name of at most 255 bytes in it.  git-annex would look into files up to
# 32 KiB for one, which no program writes; reading every small text file for that would make listings slow.
LIKELY_POINTER = 1024

# Entries looked at together: bounds the memory, costs three processes each.
CHUNK = 10_000


class Listed(Protocol):
    """What an index entry and a tree entry have in common."""

    @property
    def mode(self) -> int:
        """Give Git's mode bits."""

    @property
    def sha(self) -> str:
        """Give the name of the blob."""

    @property
    def path(self) -> str:
        """Give the path below the top."""


AnyListed = TypeVar("AnyListed", bound=Listed)


class AnnexedFile(NamedTuple):
    """One annexed file: its path below the top, key, form (symlink or pointer), and where its content belongs."""

    path: str
    key: str
    locked: bool
    present: bool
    repo: Repo
    elsewhere: str | None = None  # most are where their key says: not noted for each of very many

    @property
    def objpath(self) -> str:
        """Where the content is, or would be."""
        return self.elsewhere or candidates(self.repo, self.key)[0]

    @property
    def size(self) -> int | None:
        """The size that the key tells."""
        return size_of(self.key)


def index_entries(repo: Repo, paths: Sequence[str] = ()) -> Iterator[IndexEntry]:
    """Yield what the index holds at or below `paths` (relative to the top), each path once, no process."""
    wanted = Selection(paths)
    last = None
    for entry in read_index(repo):
        if entry.path != last and entry.path in wanted:
            last = entry.path  # an unsettled merge has a path up to three times
            yield entry


def index_files(repo: Repo, paths: Sequence[str] = ()) -> Iterator[AnnexedFile]:
    """Yield the annexed files that the index holds at or below `paths`."""
    return annexed(repo, index_entries(repo, paths))


def tree_files(repo: Repo, treeish: str, paths: Sequence[str] = ()) -> Iterator[AnnexedFile]:
    """Yield the annexed files of a commit or tree at or below `paths`."""
    return annexed(repo, ls_tree(repo, treeish, paths))


def annexed(repo: Repo, entries: Iterable[Listed]) -> Iterator[AnnexedFile]:
    """Pick the annexed files out of a listing, in its order."""
    with opened(repo) as folder:
        store = None if folder is None or repo.bare else _Store(folder)
        for entry, key, target in with_keys(repo, entries):
            if key is not None:
                found = None if store is None or target is None else store.look(repo, entry.path, key, target)
                yield found or located(repo, entry.path, key, target)


def located(repo: Repo, path: str, key: str, target: str | None) -> AnnexedFile:
    """Find the content of one annexed file whose key, and link target if it is locked, is known."""
    place, present = _object(repo, key, target)
    elsewhere = None if place == candidates(repo, key)[0] else place
    return AnnexedFile(path, key, target is not None, present, repo, elsewhere)


class _Store:
    """The store of a repository with a work tree, looked into from its own folder: most files are told in one call."""

    def __init__(self, folder: int) -> None:
        self._folder = folder
        self._both_layouts: bool | None = None

    def look(self, repo: Repo, path: str, key: str, target: str) -> AnnexedFile | None:
        """Find the content of a locked file; None if it has to be looked for elsewhere too."""
        inside = target.rpartition("annex/objects/")[2]
        if inside[2:3] != "/" or inside[5:6] != "/" or inside.count("/") != 3:
            return None  # of tuned folders, or no link as git-annex writes them here
        try:
            here = stat.S_ISREG(os.stat(inside, dir_fd=self._folder).st_mode)
        except OSError:
            here = False
        if not here and (inside[:5] != hashdirmixed(key) or self._has_both_layouts()):
            return None
        return AnnexedFile(path, key, True, here, repo)

    def _has_both_layouts(self) -> bool:
        if self._both_layouts is None:
            self._both_layouts = has_both_layouts(os.listdir(self._folder))
        return self._both_layouts


def with_keys(repo: Repo, entries: Iterable[AnyListed]) -> Iterator[tuple[AnyListed, str | None, str | None]]:
    """Yield each entry with its key (None: not annexed) and, for a locked one, its link target."""
    rest = iter(entries)
    while chunk := list(islice(rest, CHUNK)):
        texts = _texts(repo, chunk, {})
        chunk.reverse()
        while chunk:  # what has been told takes no room any more, beside what is made of it
            entry = chunk.pop()
            key, target = texts.meaning(entry.sha)
            yield entry, key, target if stat.S_ISLNK(entry.mode) else None


def keys_of_blobs(
    repo: Repo, entries: Iterable[Listed], *, sizes: Mapping[str, int] | None = None
) -> dict[str, tuple[str, str | None]]:
    """Map the blobs that stand for annexed content to (key, link target or None).

    `sizes` of blobs that are known already need not be asked for.
    """
    texts = _texts(repo, entries, sizes or {})
    found: dict[str, tuple[str, str | None]] = {}
    for sha in (*texts.targets, *texts.pointers):
        key, target = texts.meaning(sha)
        if key is not None:
            found[sha] = (key, target)
    return found


class _Texts(NamedTuple):
    """What blobs say: the targets of links as they are, of which the key is a part, and the keys of pointers."""

    targets: dict[str, str]
    pointers: dict[str, str]

    def meaning(self, sha: str) -> tuple[str | None, str | None]:
        """Give key and link target of a blob; no key if it stands for no annexed content."""
        target = self.targets.get(sha)
        if target is None:
            return self.pointers.get(sha), None
        key = key_of_link(target)
        return (key_of_pointer(encode(target)), None) if key is None else (key, target)


def _texts(repo: Repo, entries: Iterable[Listed], sizes: Mapping[str, int]) -> _Texts:
    known = dict(sizes)
    links: dict[str, str] = {}  # to a path that has it
    files: dict[str, str] = {}  # to itself: what is found is filed under their names, not under equal ones
    for entry in entries:
        if stat.S_ISLNK(entry.mode):
            links.setdefault(entry.sha, entry.path)
        elif stat.S_ISREG(entry.mode):
            files[entry.sha] = entry.sha
    if unknown := [sha for sha in files if sha not in known]:
        known.update((s.sha, s.size) for s in stat_many(repo, unknown) if s)
    regular = [sha for sha in files if known.get(sha, LIKELY_POINTER + 1) <= LIKELY_POINTER]
    found = _Texts(_read_from_links(repo, links), {})
    rest = {sha: sha for sha in links if sha not in found.targets}
    wanted = [*rest, *regular]
    for blob in read_many(repo, wanted) if wanted else ():
        if blob is None:
            continue
        if (sha := rest.get(blob.sha)) is not None:
            found.targets[sha] = decode(blob.content)
        elif key := key_of_pointer(blob.content):
            found.pointers[files[blob.sha]] = key
    return found


def _read_from_links(repo: Repo, links: Mapping[str, str]) -> dict[str, str]:
    """Read blobs (name to path) from the links of the work tree that are just those: most are, and Git takes longer."""
    if repo.bare:
        return {}
    found = {}
    with opened_folder(repo.root) as root:
        for sha, path in links.items() if root is not None else ():
            try:
                target = os.readlink(encode(path), dir_fd=root)
            except OSError:
                continue  # it is gone, or is something else now
            if name_of_blob(target, len(sha)) == sha:
                found[sha] = decode(target)
    return found


def _object(repo: Repo, key: str, target: str | None) -> tuple[str, bool]:
    looked_at = None
    if target is not None:
        # What the link says holds in a repository with tuned folders too.
        inside = target.replace("\\", "/").rpartition("annex/objects/")[2]
        place = os.path.join(repo.commondir, OBJECTS, inside)
        if os.path.isfile(place):
            return place, True
        looked_at = place
    first, second = candidates(repo, key)
    for place in (first, second):
        if place != looked_at and os.path.isfile(place):
            return place, True
    return first, False
