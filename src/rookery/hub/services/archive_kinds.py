"""How archives are written while they are sent: zip, and tar, as it is or packed."""

from __future__ import annotations

import io
import stat
import tarfile
import time
import zlib
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo


class Member(NamedTuple):
    """One file of an archive; a link has a `target` and no bytes.  What is `dense` is not worth compressing.

    Who writes it closes `pieces`, also if nobody listens any more.
    """

    path: bytes
    mode: int
    size: int
    pieces: Generator[bytes, None, None]
    target: bytes | None = None
    dense: bool = False

    @property
    def rights(self) -> int:
        """What a file may be used for, where Git says it or not."""
        return self.mode & 0o777 or 0o644


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


def _zipped(members: Iterable[Member], seconds: int) -> Generator[bytes, None, None]:
    sink = _Sink()
    with ZipFile(sink, "w", strict_timestamps=False) as out:
        for member in members:
            info = _zip_info(member, seconds)
            if member.target is not None:
                out.writestr(info, member.target, ZIP_STORED)
                continue
            with out.open(info, "w", force_zip64=True) as file, closing(member.pieces):
                for piece in member.pieces:
                    file.write(piece)
                    yield sink.take()
    yield sink.take()


def _zip_info(member: Member, seconds: int) -> ZipInfo:
    at = time.gmtime(max(seconds, 315532800))  # zip knows no time before 1980
    moment = at.tm_year, at.tm_mon, at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec
    info = ZipInfo(member.path.decode("utf-8", "replace"), moment)
    kind = stat.S_IFLNK | 0o777 if member.target is not None else stat.S_IFREG | member.rights
    info.external_attr = kind << 16
    info.compress_type = ZIP_STORED if member.dense else ZIP_DEFLATED
    return info


def _tarred(members: Iterable[Member], seconds: int) -> Generator[bytes, None, None]:
    for member in members:
        yield _tar_head(member, seconds)
        written = 0
        with closing(member.pieces):
            for piece in member.pieces:
                written += len(piece)
                yield piece
        if written != member.size:  # what comes next would be taken for a part of this file
            raise OSError(f"{member.path!r} has {written} bytes, not {member.size}")
        yield b"\0" * (-written % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _tar_head(member: Member, seconds: int) -> bytes:
    info = tarfile.TarInfo(member.path.decode("utf-8", "surrogateescape"))
    info.mtime, info.size, info.mode = seconds, member.size, member.rights
    if member.target is not None:
        info.type, info.mode = tarfile.SYMTYPE, 0o777
        info.linkname = member.target.decode("utf-8", "surrogateescape")
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _tarred_and_packed(members: Iterable[Member], seconds: int) -> Generator[bytes, None, None]:
    # As fast as it goes: most of what is annexed is dense, and a hub has other things to do.
    packer = zlib.compressobj(level=1, wbits=zlib.MAX_WBITS | 16)
    with closing(_tarred(members, seconds)) as pieces:
        for piece in pieces:
            yield packer.compress(piece)
    yield packer.flush()


class Kind(NamedTuple):
    """A kind of archive: how its name ends, what it is called in answers, and what writes it."""

    ending: str
    media_type: str
    write: Callable[[Iterable[Member], int], Generator[bytes, None, None]]


KINDS = (
    Kind(".zip", "application/zip", _zipped),
    Kind(".tar", "application/x-tar", _tarred),
    Kind(".tar.gz", "application/gzip", _tarred_and_packed),
)
