"""A repository's files as one zip archive, annexed ones with their content, made while it is sent.

What cannot be in it is named in a file of the archive, so that nobody takes a
part for the whole: content that is not here, and subdatasets, which are repositories of their own.
"""

from __future__ import annotations

import io
import stat
import time
from collections.abc import Generator, Iterator
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from rookery.core.process import encode
from rookery.git import modes
from rookery.hub.domain.access import Actor
from rookery.hub.domain.errors import NotFound
from rookery.hub.domain.ports.objects import Reader
from rookery.hub.services.browsing import BrowsingService, File, Place
from rookery.hub.services.contents import ContentService

LEFT_OUT = "NOT-IN-THIS-ARCHIVE.txt"
PIECE = 1 << 18


class _Sink(io.RawIOBase):
    """What is written waits here until somebody takes it."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        self._waiting += memoryview(data)  # type: ignore[arg-type]  # bytes of some kind
        return memoryview(data).nbytes  # type: ignore[arg-type]  # the same

    def take(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


class ArchiveService(NamedTuple):
    """Makes archives of what may be read."""

    browsing: BrowsingService
    contents: ContentService

    def zipped(self, actor: Actor, place: Place, folder: str = "") -> Generator[bytes, None, None]:
        """Yield a zip archive of all files of a commit, or of one of its folders, below the repository's name."""
        sink, left_out = _Sink(), []
        seconds = float(self.browsing.commits(place, limit=1)[0].committer.date.partition(" ")[0])
        with ZipFile(sink, "w", strict_timestamps=False) as out:
            for file in self.browsing.walk(place, folder):
                info = _info(place, file, seconds)
                reason = yield from self._member(actor, place, file, info, out, sink)
                if reason:
                    left_out.append(f"{file.path}: {reason}\n")
            if left_out:
                named = ZipInfo(f"{place.repository.name}/{LEFT_OUT}", _moment(seconds))
                out.writestr(named, encode("".join(left_out)), ZIP_DEFLATED)
        yield sink.take()

    def _member(
        self, actor: Actor, place: Place, file: File, info: ZipInfo, out: ZipFile, sink: _Sink
    ) -> Generator[bytes, None, str]:
        """Yield one file of the archive; give the reason if it cannot be in it."""
        if file.kind == "dataset":
            return "a subdataset, with a repository of its own"
        if file.target is not None and file.key is None:
            out.writestr(info, encode(file.target), ZIP_STORED)
            return ""
        pieces: Iterator[bytes] = self.browsing.bytes_of(place, file)
        if file.key is not None:
            try:
                reader = self.contents.open(actor, place.repository.id, file.key)
            except NotFound:
                return f"the content of {file.key} is not here"
            pieces = _all_of(reader, file)
        with out.open(info, "w", force_zip64=True) as member:
            for piece in pieces:
                member.write(piece)
                yield sink.take()
        return ""


def _all_of(reader: Reader, file: File) -> Iterator[bytes]:
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


def _moment(seconds: float) -> tuple[int, int, int, int, int, int]:
    at = time.gmtime(max(seconds, 315532800.0))  # zip knows no time before 1980
    return at.tm_year, at.tm_mon, at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec


def _info(place: Place, file: File, seconds: float) -> ZipInfo:
    path = encode(file.path).decode("utf-8", "replace")
    info = ZipInfo(f"{place.repository.name}/{path}", _moment(seconds))
    link = file.mode == modes.SYMLINK and file.key is None
    kind = stat.S_IFLNK | 0o777 if link else stat.S_IFREG | (file.mode & 0o777 or 0o644)
    info.external_attr = kind << 16
    info.compress_type = ZIP_STORED if file.key is not None else ZIP_DEFLATED
    return info
