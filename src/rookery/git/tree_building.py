"""New versions of a large tree, built here: `git fast-import` looks for a file's folder by going through all others.

With the 4,096 folders of a git-annex branch that takes as long as everything
else that it does (100,000 location logs: 1 of 2 s).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from rookery.core.process import encode
from rookery.git.objects import ObjectMissing, read_many
from rookery.git.pack_stream import TREE, store
from rookery.git.repo import Repo
from rookery.git.trees import Stored, parse_tree

# So many files are put into trees at a time, which bounds what is kept of old ones.
AT_A_TIME = 20_000

_FILE, _FOLDER = b"100644", b"40000"

# The entries of a folder, by name.
_Folder = dict[bytes, Stored]


def renewed(repo: Repo, treeish: str, paths: Iterable[str], blob_of: Callable[[str], str]) -> str:
    """Store the tree that a tree becomes with plain files at these paths, and give its name.

    `blob_of` gives the blob of each, which need not be stored yet.  What was at
    these paths gives way.  The names of objects must be SHA-1.  Raises
    CommandError, ObjectMissing; nothing refers to what may be stored by then.
    """
    building = _Building(repo.with_env(GIT_NO_REPLACE_OBJECTS="1"), treeish, blob_of)
    ordered = sorted(paths)
    store(repo, _count_folders(ordered) + 1, building.trees(ordered))
    return building.name


class _Building:
    """The trees on the way to a new one; `name` is that of the new one when all others have been given."""

    def __init__(self, repo: Repo, treeish: str, blob_of: Callable[[str], str]) -> None:
        self.name = ""
        self._repo = repo
        self._blob_of = blob_of
        (self._root,) = self._read([f"{treeish}^{{tree}}"])

    def trees(self, paths: Sequence[str]) -> Iterator[tuple[int, bytes]]:
        """Yield each tree that is new, for a pack; `paths` are in order."""
        news: dict[str, _Folder] = {"": {}}
        for some in _by_top(paths):
            yield from self._below(some, news)
        content = _written(self._root, news[""])
        self.name = _name(content).hex()
        yield TREE, content

    def _below(self, paths: Iterable[str], news: dict[str, _Folder]) -> Iterator[tuple[int, bytes]]:
        """Yield the trees below the root for some paths; `news` has what is new in the root, and keeps that alone."""
        for path in paths:
            folder, _, name = path.rpartition("/")
            while folder not in news:
                news[folder] = {}
                folder = folder.rpartition("/")[0]
            raw = encode(name)
            news[path.rpartition("/")[0]][raw] = (_FILE, raw, bytes.fromhex(self._blob_of(path)))
        by_depth = sorted(filter(None, news), key=lambda folder: folder.count("/"))
        old = self._old(by_depth)
        for folder in reversed(by_depth):
            content = _written(old.get(folder, {}), news.pop(folder))
            above, _, name = folder.rpartition("/")
            raw = encode(name)
            news[above][raw] = (_FOLDER, raw, _name(content))
            yield TREE, content

    def _old(self, by_depth: Sequence[str]) -> dict[str, _Folder]:
        """Read those of some folders that are there, the highest first."""
        old = {"": self._root}
        for _, level in groupby(by_depth, key=lambda folder: folder.count("/")):
            found: dict[str, str] = {}
            for folder in level:
                above, _, name = folder.rpartition("/")
                entry = old.get(above, {}).get(encode(name))
                if entry is not None and _is_folder(entry):
                    found[folder] = entry[2].hex()
            old.update(zip(found, self._read(found.values()), strict=True))
        return old

    def _read(self, names: Iterable[str]) -> Iterator[_Folder]:
        for one in read_many(self._repo, names):
            if one is None or one.kind != "tree":
                raise ObjectMissing(
                    f"a tree is missing in {self._repo.root}", hints=["look into it: git fsck"]
                )
            yield {entry[1]: entry for entry in parse_tree(one.content)}


def _by_top(paths: Sequence[str]) -> Iterator[list[str]]:
    """Cut paths in order into parts of which none has a folder of the root in common with another."""
    some: list[str] = []
    for _, together in groupby(paths, key=lambda path: path.partition("/")[0]):
        some += together
        if len(some) >= AT_A_TIME:
            yield some
            some = []
    yield some


def _count_folders(paths: Iterable[str]) -> int:
    """Count the folders above some paths in order, without the root."""
    count = 0
    before: list[str] = []
    for path in paths:
        folders = path.split("/")[:-1]
        if folders != before:
            alike = [one == other for one, other in zip(folders, before, strict=False)]
            count += len(folders) - (alike.index(False) if False in alike else len(alike))
            before = folders
    return count


def _written(old: _Folder, new: _Folder) -> bytes:
    """Write a tree down: in the order of names, where those of folders count as if they ended with a slash."""
    entries = {**old, **new} if old else new
    ordered = sorted(entries.values(), key=lambda one: one[1] + b"/" if _is_folder(one) else one[1])
    return b"".join([b"%s %s\0%s" % entry for entry in ordered])


def _is_folder(entry: Stored) -> bool:
    return entry[0].endswith(_FOLDER)


def _name(content: bytes) -> bytes:
    import hashlib  # start-up

    return hashlib.sha1(b"tree %d\0%s" % (len(content), content), usedforsecurity=False).digest()
