"""Writing tar and zip archives that appear whole, with the same bytes for the same content."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import os
import stat
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal, Protocol

COMPRESSION_LEVEL = 6  # gzip's own choice: the last percent is dear


class Pack(Protocol):
    """An archive that is being written; `path` is what it will be called."""

    path: Path

    def file(self, name: str, content: IO[bytes], size: int, mode: int) -> None:
        """Add a file from an open one."""

    def blob(self, name: str, content: bytes, mode: int) -> None:
        """Add a file with this content."""

    def link(self, name: str, target: str) -> None:
        """Add a symbolic link."""

    def folder(self, name: str) -> None:
        """Add an empty folder."""


class _Tar:
    def __init__(self, path: Path, tar: tarfile.TarFile, date: int) -> None:
        self.path = path
        self._tar = tar
        self._date = date

    def _info(self, name: str, mode: int) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.mode, info.mtime, info.uname, info.gname = mode, self._date, "root", "root"
        return info

    def file(self, name: str, content: IO[bytes], size: int, mode: int) -> None:
        info = self._info(name, mode)
        info.size = size
        self._tar.addfile(info, content)

    def blob(self, name: str, content: bytes, mode: int) -> None:
        self.file(name, io.BytesIO(content), len(content), mode)

    def link(self, name: str, target: str) -> None:
        info = self._info(name, 0o777)
        info.type, info.linkname = tarfile.SYMTYPE, target
        self._tar.addfile(info)

    def folder(self, name: str) -> None:
        info = self._info(name, 0o755)
        info.type = tarfile.DIRTYPE
        self._tar.addfile(info)


class _Zip:
    def __init__(self, path: Path, archive: zipfile.ZipFile, date: int) -> None:
        self.path = path
        self._zip = archive
        self._date = max(time.gmtime(date)[:6], (1980, 1, 1, 0, 0, 0))  # zip knows no earlier time

    def _info(self, name: str, mode: int) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self._date)
        info.compress_type = self._zip.compression
        info.create_system = 3  # Unix: the upper half of external_attr is a mode
        info.external_attr = mode << 16
        return info

    def file(self, name: str, content: IO[bytes], size: int, mode: int) -> None:
        info = self._info(name, stat.S_IFREG | mode)
        info.file_size = size  # tells whether 64-bit fields are needed
        with self._zip.open(info, "w") as out:
            while piece := content.read(1 << 18):
                out.write(piece)

    def blob(self, name: str, content: bytes, mode: int) -> None:
        self._zip.writestr(self._info(name, stat.S_IFREG | mode), content)

    def link(self, name: str, target: str) -> None:
        self._zip.writestr(self._info(name, stat.S_IFLNK | 0o777), os.fsencode(target))

    def folder(self, name: str) -> None:
        info = self._info(f"{name}/", stat.S_IFDIR | 0o755)
        info.external_attr |= 0x10  # and for MS-DOS a directory
        self._zip.writestr(info, b"")


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """Write beside a file and rename when the block ends well; nothing is left of it otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(draft, "wb") as out:
            yield out
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def tar_pack(path: Path, compression: Literal["gz", "bz2", ""], date: int) -> Iterator[Pack]:
    """Write a tar archive; `date` is the time of everything in it."""
    with contextlib.ExitStack() as stack:
        out: Any = stack.enter_context(_whole(path))
        if compression == "gz":
            out = stack.enter_context(gzip.GzipFile("", "wb", COMPRESSION_LEVEL, out, mtime=date))
        if compression == "bz2":
            out = stack.enter_context(bz2.BZ2File(out, "wb"))
        tar = stack.enter_context(tarfile.open(fileobj=out, mode="w:", format=tarfile.PAX_FORMAT))
        yield _Tar(path, tar, date)


@contextlib.contextmanager
def zip_pack(path: Path, compression: Literal["gz", "bz2", ""], date: int) -> Iterator[Pack]:
    """Write a zip archive; any compression is zip's own."""
    method = zipfile.ZIP_DEFLATED if compression else zipfile.ZIP_STORED
    with _whole(path) as out, zipfile.ZipFile(out, "w", method, compresslevel=COMPRESSION_LEVEL) as archive:
        yield _Zip(path, archive, date)
