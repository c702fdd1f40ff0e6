"""A repository's files as one archive, annexed ones with their content, made while it is sent.

What cannot be in it is named in a file of the archive, so that nobody takes a
part for the whole: content that is not here, and subdatasets, which are repositories of their own.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import NamedTuple

from rookery.core.process import encode
from rookery.git import modes
from rookery.hub.domain.access import Actor
from rookery.hub.domain.errors import NotFound
from rookery.hub.domain.ports.objects import Reader
from rookery.hub.services.archive_kinds import Kind, Member
from rookery.hub.services.browsing import BrowsingService, File, Place
from rookery.hub.services.contents import ContentService

LEFT_OUT = "NOT-IN-THIS-ARCHIVE.txt"
PIECE = 1 << 18


class ArchiveService(NamedTuple):
    """Makes archives of what may be read."""

    browsing: BrowsingService
    contents: ContentService

    def made(self, kind: Kind, actor: Actor, place: Place, folder: str = "") -> Generator[bytes, None, None]:
        """Yield an archive of all files of a commit, or of one of its folders, below the repository's name."""
        seconds = int(self.browsing.commits(place, limit=1)[0].committer.date.partition(" ")[0])
        return kind.write(self._members(actor, place, folder), max(seconds, 0))

    def _members(self, actor: Actor, place: Place, folder: str) -> Iterator[Member]:
        """Yield the files one after the other, each to be read before the next; at last what is not among them."""
        top, left_out = encode(place.repository.name), []
        for file in self.browsing.walk(place, folder):
            path = top + b"/" + encode(file.path)
            if file.kind == "dataset":
                left_out.append(f"{file.path}: a subdataset, with a repository of its own\n")
            elif file.target is not None and file.key is None:
                yield Member(path, modes.SYMLINK, 0, _just(b""), target=encode(file.target))
            elif file.key is None:
                yield Member(path, file.mode, file.size or 0, self.browsing.bytes_of(place, file))
            else:
                try:
                    reader = self.contents.open(actor, place.repository.id, file.key)
                except NotFound:
                    left_out.append(f"{file.path}: the content of {file.key} is not here\n")
                    continue
                mode = modes.FILE if file.mode == modes.SYMLINK else file.mode
                yield Member(path, mode, reader.size, _all_of(reader, file), dense=True)
        if left_out:
            said = encode("".join(left_out))
            yield Member(top + b"/" + encode(LEFT_OUT), modes.FILE, len(said), _just(said))


def _just(data: bytes) -> Generator[bytes, None, None]:
    yield data


def _all_of(reader: Reader, file: File) -> Generator[bytes, None, None]:
    """Yield all of a content; if it ends early, so does the archive, and who gets it sees that it is not whole."""
    left = reader.size
    try:
        while piece := reader.read(PIECE):
            left -= len(piece)
            yield piece
    finally:
        reader.close()
    if left:
        raise OSError(f"the content of {file.key} ended {left} bytes before its end")
