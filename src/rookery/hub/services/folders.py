"""One page of a folder, as fast in a folder of 100,000 files as in one of ten.

The tree is read as Git stores it; only the entries on the page are looked into.
Three Git processes, however many files there are.
"""

from __future__ import annotations

from typing import NamedTuple

from rookery.core.process import decode, encode
from rookery.git import modes, trees
from rookery.git.objects import ObjectReader, object_reader, read_many, stat_many
from rookery.git.trees import Entry
from rookery.hub.domain.errors import NotFound
from rookery.hub.services.browsing import GLANCE, File, Place, file_of

_FOLDERS = frozenset({modes.TREE, modes.GITLINK})


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

_Stored = tuple[int, bytes, str]


def folder_page(place: Place, path: str, *, first: int = 0, limit: int = 200) -> FolderPage:
    """Read a page of a folder.  Raises NotFound if there is no such folder."""
    with object_reader(place.repo) as reader:
        stored = _tree(reader, place, path)
    folders = [one for one in stored if one[0] in _FOLDERS]
    rest = [one for one in stored if one[0] not in _FOLDERS]
    shown = [*folders, *rest][first : first + limit]
    named = {
        decode(name).lower(): (mode, name, sha) for mode, name, sha in rest if name[:6].lower() == b"readme"
    }
    readme = next((named[name] for name in _READMES if name in named), None)
    files = _looked_into(place, path, [*shown, *([readme] if readme else [])])
    return FolderPage(files[: len(shown)], len(stored), first, files[-1] if readme else None)


def _tree(reader: ObjectReader, place: Place, path: str) -> list[_Stored]:
    at, missing = place.commit, NotFound(f"{place.repository.path} has no folder {path!r} at {place.ref}")
    found = reader.read(f"{at}^{{tree}}")
    for part in path.strip("/").split("/") if path.strip("/") else ():
        if found is None or found.kind != "tree":
            raise missing
        inside = trees.parse_tree(found.content, len(at))
        name = encode(part)
        sha = next((sha for mode, called, sha in inside if called == name and mode == modes.TREE), None)
        if sha is None:
            raise missing
        found = reader.read(sha)
    if found is None or found.kind != "tree":
        raise missing
    return trees.parse_tree(found.content, len(at))


def _looked_into(place: Place, path: str, stored: list[_Stored]) -> list[File]:
    blobs = [sha for mode, _, sha in stored if mode not in _FOLDERS]
    sizes = {one.sha: one.size for one in stat_many(place.repo, blobs) if one} if blobs else {}
    small = [
        sha for mode, _, sha in stored if sha in sizes and (mode == modes.SYMLINK or sizes[sha] <= GLANCE)
    ]
    told = {one.sha: one.content for one in read_many(place.repo, small) if one} if small else {}
    files = []
    for mode, name, sha in stored:
        kind = "tree" if mode == modes.TREE else "commit" if mode == modes.GITLINK else "blob"
        files.append(file_of(Entry(mode, kind, sha, decode(name), sizes.get(sha)), path, told.get(sha)))
    return files
