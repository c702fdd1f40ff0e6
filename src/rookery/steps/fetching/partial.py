"""What has come of a URL so far, whether it is all, and how it gets its place.

Kept in a private folder, with what names its version (ETag, Last-Modified), for
the next try or the next command.  Only complete content gets its final name.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import shutil
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

from rookery.core import files
from rookery.core.errors import DownloadError, LockedError
from rookery.core.renaming import CannotRename, rename_to_free
from rookery.steps.fetching.web import Answer

_serial = itertools.count()


class Target(NamedTuple):
    """Where content goes: to `path`, or below it under the name that the server gives."""

    path: Path
    is_folder: bool
    overwrite: bool = False


class Fetched(NamedTuple):
    """Content that arrived."""

    path: Path
    size: int


class Partial:
    """What has come of one URL so far: the bytes, which version of the content they are of, and whether it is all."""

    def __init__(self, folder: Path, url: str) -> None:
        name = hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:40]
        self.path = folder / f"{name}.part"
        self.lock = folder / f"{name}.lock"
        self._about = folder / f"{name}.json"

    def _note(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._about.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return {}

    @property
    def noted(self) -> bool:
        """Whether anything is known of it."""
        return os.path.exists(self._about)

    def known(self) -> tuple[int, str | None]:
        """Give the number of bytes and their version; (0, None) if there is nothing to go on from."""
        validator = self._note().get("validator")
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return 0, None
        return (size, validator) if validator else (0, None)

    def begin(self, answer: Answer) -> None:
        """Make the bytes end where an answer begins, and note its version: in this order, for the case of a kill."""
        with open(self.path, "ab") as out:
            out.truncate(answer.start)
        files.write(self._about, json.dumps({"validator": answer.validator}))

    def end(self, answer: Answer) -> None:
        """Note that this is all of it."""
        note = {"validator": answer.validator, "name": answer.name, "whole": marks(os.stat(self.path))}
        files.write(self._about, json.dumps(note))

    def whole(self) -> str | None:
        """Give the name that the server gave to what has come whole; None if it is not all here."""
        note = self._note()
        try:
            same = note.get("whole") == marks(os.lstat(self.path))
        except FileNotFoundError:
            return None
        return str(note["name"]) if same else None

    def forget(self) -> None:
        """Remove it."""
        self.path.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)


class Claim:
    """What has come of a URL so far, held for us alone from its first use on; to be closed."""

    def __init__(self, keep: Path, url: str) -> None:
        self._keep, self._url = keep, url
        self._shared = Partial(keep, url)
        self._held: Partial | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, *failure: object) -> None:
        self._stack.close()

    def known(self) -> tuple[int, str | None]:
        """Give the number of bytes and their version; (0, None) if there is nothing to go on from."""
        return self.hold().known() if self._held is not None or self._shared.noted else (0, None)

    def hold(self) -> Partial:
        """Take hold of it; if another command fetches the same, begin an own one."""
        if self._held is None:
            try:
                self._stack.enter_context(files.locked(self._shared.lock, wait=0))
                self._held = self._shared
            except LockedError:
                self._held = self.own()
        return self._held

    def own(self) -> Partial:
        """Give a place that no other command knows."""
        return Partial(self._keep, f"{os.getpid()} {next(_serial)} {self._url}")

    def forget(self) -> None:
        """Remove what came, if it was held at all."""
        if self._held is not None:
            self._held.forget()


class Placed:
    """Files that have their names and are not saved yet: by these notes they are known again after a kill."""

    def __init__(self, keep: Path) -> None:
        self._file = keep / f"placed.{os.getpid()}.{time.monotonic_ns()}.jsonl"

    def note(self, brought: Brought) -> None:
        """Note a file that is about to get its name."""
        line = json.dumps([os.fspath(brought.path), marks(os.stat(brought.partial.path))])
        with open(self._file, "a") as out:
            out.write(line + "\n")


def settled(keep: Path) -> None:
    """Remove the notes of files that are where they were to be: ours, and those of commands that are gone."""
    for file in keep.glob("placed.*.jsonl"):
        process = int(file.name.split(".")[1])
        if process != os.getpid():
            try:
                os.kill(process, 0)
                continue
            except PermissionError:
                continue
            except ProcessLookupError:
                pass
        file.unlink(missing_ok=True)


def placed_before(keep: Path) -> dict[str, list[int]]:
    """Give the marks of files that commands have put somewhere, and perhaps were killed before they took them in."""
    found = {}
    for file in sorted(keep.glob("placed.*.jsonl")) if keep.is_dir() else ():
        for line in file.read_text().splitlines():
            with suppress(ValueError):  # the last line of one that was killed while it wrote
                path, seen = json.loads(line)
                found[path] = seen
    return found


def marks(found: os.stat_result) -> list[int]:
    """Give what a file is known again by when it was renamed."""
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns]


class Brought(NamedTuple):
    """Content that has come whole, and waits for its place; `noted` if the private folder says what it is."""

    partial: Partial
    target: Target
    path: Path
    size: int
    noted: bool

    def place(self) -> Fetched:
        """Give it its name, and forget the download.

        Raises DownloadError, for instance if something has come there meanwhile.
        """
        try:
            _place(self.partial.path, self.path, overwrite=self.target.overwrite)
        except DownloadError:
            self.partial.path.unlink(missing_ok=True)
            raise
        finally:
            if self.noted:
                self.partial.forget()
        return Fetched(self.path, self.size)


def cannot_write(url: str, error: OSError) -> DownloadError:
    """Say what the system refused while content was written down."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DownloadError(
            f"Ran out of space while downloading {url}",
            hints=["make room, or drop content that has other copies"],
        )
    return DownloadError(f"Failed to download {url}: {error}")


def _place(source: Path, path: Path, *, overwrite: bool) -> None:
    """Give complete content its name, in one step.  Raises DownloadError."""
    try:
        try:
            _rename(source, path, overwrite=overwrite)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            _rename(source, path, overwrite=overwrite)
    except FileExistsError as e:
        raise DownloadError(f"Path {path} already exists") from e
    except OSError as e:
        raise cannot_write(str(path), e) from e


def _rename(source: Path, path: Path, *, overwrite: bool) -> None:
    try:
        _rename_here(source, path, overwrite=overwrite)
    except OSError as e:
        if e.errno != errno.EXDEV:
            raise
        draft = path.with_name(f".{path.name}.{os.getpid()}.download")
        try:
            shutil.copy2(source, draft)
            _rename_here(draft, path, overwrite=overwrite)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def _rename_here(source: Path, path: Path, *, overwrite: bool) -> None:
    """Rename, but never over something that has come there in the meantime, unless that is wished."""
    if overwrite:
        os.replace(source, path)
        return
    try:
        rename_to_free(str(source), str(path))
    except CannotRename:
        _link(source, path)


def _link(source: Path, path: Path) -> None:
    try:
        os.link(source, path)
    except FileExistsError:
        raise
    except OSError as e:
        if e.errno in (errno.EXDEV, errno.ENOENT):
            raise
        os.rename(source, path)  # a file system without hard links
    else:
        source.unlink()
