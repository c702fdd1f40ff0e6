"""One page of a folder, as fast in a folder of 100,000 files as in one of ten.

The tree is read as Git stores it; only the entries on the page are looked into.
Three Git processes, however many files there are.
"""

from __future__ import annotations

from typing import NamedTuple

from rookery.core.process import decode
from rookery.git import modes
from rookery.git.objects import object_reader, read_many, stat_many
from rookery.git.trees import Entry, Stored
from rookery.hub.domain.errors import NotFound
from rookery.hub.services.browsing import GLANCE, File, Place, file_of
from rookery.hub.services.stored_trees import FOLDER, SUBDATASET, tree_at

_FOLDERS = frozenset({FOLDER, SUBDATASET})
_KINDS = {FOLDER: "tree", SUBDATASET: "commit"}


class FolderPage(NamedTuple):
    """Some of a folder's entries: folders and subdatasets first, each part as Git sorts it."""

    files: list[File]
    total: int
    first: int  # how many come before
    readme: File | None  # the folder's, wherever it stands

    def others(self, limit: int) -> tuple[int | None, int | None]:
        """Give where the pages before and after begin; None where there is none."""
        after = self.first + limit
        return max(0, self.first - limit) if self.first else None, after if after < self.total else None


# The first of these that is there is a folder's own introduction.
_READMES = ("readme.md", "readme.markdown", "readme.rst", "readme.txt", "readme")


def folder_page(place: Place, path: str, *, first: int = 0, limit: int = 100) -> FolderPage:
    """Read a page of a folder.  Raises NotFound if there is no such folder."""
    with object_reader(place.repo) as reader:
        stored = tree_at(reader, place.commit, path)
    if stored is None:
        raise NotFound(f"{place.repository.path} has no folder {path!r} at {place.ref}")
    folders = [one for one in stored if one[0] in _FOLDERS]
    rest = [one for one in stored if one[0] not in _FOLDERS]
    shown = [*folders, *rest][first : first + limit]
    named = {decode(one[1]).lower(): one for one in rest if one[1][:6].lower() == b"readme"}
    readme = next((named[name] for name in _READMES if name in named), None)
    files = _looked_into(place, path, [*shown, *([readme] if readme else [])])
    return FolderPage(files[: len(shown)], len(stored), first, files[-1] if readme else None)


def _looked_into(place: Place, path: str, stored: list[Stored]) -> list[File]:
    entries = [
        Entry(int(mode, 8), _KINDS.get(mode, "blob"), sha.hex(), decode(name)) for mode, name, sha in stored
    ]
    blobs = [one.sha for one in entries if one.kind == "blob"]
    sizes = {one.sha: one.size for one in stat_many(place.repo, blobs) if one} if blobs else {}
    links = {one.sha for one in entries if one.mode == modes.SYMLINK}
    small = [sha for sha, size in sizes.items() if size <= GLANCE or sha in links]
    told = {one.sha: one.content for one in read_many(place.repo, small) if one} if small else {}
    return [file_of(one._replace(size=sizes.get(one.sha)), path, told.get(one.sha)) for one in entries]
