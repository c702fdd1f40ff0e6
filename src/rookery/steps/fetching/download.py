"""Fetching URLs into files: whole or not at all, and from where the last try ended.

What has come so far is kept in a private folder, with what names its version
(ETag, Last-Modified); the next try, or the next command, asks for the rest if
the server still has the same.  Only complete content gets its final name.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rookery.core import files
from rookery.core.context import Context
from rookery.core.errors import AccessFailedError, DownloadError, IncompleteDownloadError, LockedError
from rookery.core.log import get_log
from rookery.core.sizes import natural
from rookery.steps.fetching.web import Answer, Web

log = get_log("rookery.download")

PIECE = 1 << 18
ENOUGH_TO_START_COUNTING_ANEW = 1 << 20
LONGEST_PAUSE = 60.0
PARTIAL_KEPT_FOR = 30 * 24 * 3600.0  # seconds; nobody comes back for what is older


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
    """What has come of one URL so far: the bytes, and which version of the content they are of."""

    def __init__(self, folder: Path, url: str) -> None:
        name = hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:40]
        self.path = folder / f"{name}.part"
        self._about = folder / f"{name}.json"

    def known(self) -> tuple[int, str | None]:
        """Give the number of bytes and their version; (0, None) if there is nothing to go on from."""
        try:
            validator = json.loads(self._about.read_text())["validator"]
            size = self.path.stat().st_size
        except (FileNotFoundError, ValueError, KeyError):
            return 0, None
        return (size, validator) if validator else (0, None)

    def begin(self, answer: Answer) -> None:
        """Make the bytes end where an answer begins, and note its version: in this order, for the case of a kill."""
        with open(self.path, "ab") as out:
            out.truncate(answer.start)
        files.write(self._about, json.dumps({"validator": answer.validator}))

    def forget(self) -> None:
        """Remove it."""
        self.path.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)


class Downloader:
    """Fetches the URLs of one command.  `keep` is the private folder; near the targets, files are just renamed."""

    def __init__(self, ctx: Context, keep: Path, *, retries: int) -> None:
        self._ctx = ctx
        self._keep = keep
        self._retries = retries
        self.web = Web(ctx.env)
        keep.mkdir(parents=True, exist_ok=True)
        self._remove_old()

    def _remove_old(self) -> None:
        oldest = self._ctx.clock() - PARTIAL_KEPT_FOR
        for file in self._keep.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another command cleans up too
                if file.stat().st_mtime < oldest:
                    file.unlink()

    def fetch(self, url: str, target: Target) -> Fetched:
        """Fetch a URL (without a login in it).  Raises DownloadError and its kinds; then nothing is at the target.

        After a broken connection or a server in trouble it tries again, as
        often as `retries` says; progress of some size starts the count anew.
        """
        with self._partial(url) as partial:
            count, best = 0, 0
            while True:
                try:
                    return self._attempt(url, target, partial)
                except (AccessFailedError, IncompleteDownloadError) as e:
                    here = partial.known()[0]
                    if here - best >= ENOUGH_TO_START_COUNTING_ANEW:
                        count, best = 0, here
                    count += 1
                    if count > self._retries or (isinstance(e, AccessFailedError) and not e.again):
                        if here:
                            e.hints.append("the same command goes on from what has come so far")
                        raise
                    pause = min(0.5 * count**1.2, LONGEST_PAUSE)
                    log.info(
                        "Retrying (%d out of %d) in %.1f seconds after: %s", count, self._retries, pause, e
                    )
                    time.sleep(pause)
                except BaseException as e:
                    if not isinstance(e, KeyboardInterrupt):
                        partial.forget()
                    raise

    @contextlib.contextmanager
    def _partial(self, url: str) -> Iterator[Partial]:
        """Take hold of what came of a URL; if another command fetches the same, begin an own one."""
        partial = Partial(self._keep, url)
        try:
            with files.locked(partial.path.with_suffix(".lock"), wait=0):
                yield partial
        except LockedError:
            own = Partial(self._keep, f"{os.getpid()} {url}")
            try:
                yield own
            finally:
                own.forget()

    def _attempt(self, url: str, target: Target, partial: Partial) -> Fetched:
        start, validator = partial.known()
        with self.web.open(url, start=start, validator=validator) as answer:
            path = _destination(target, answer)
            self._require_space(answer, path)
            partial.begin(answer)
            size = self._receive(url, answer, partial, path.name)
        if answer.modified is not None:
            os.utime(partial.path, (self._ctx.clock(), answer.modified))
        _place(partial.path, path, overwrite=target.overwrite)
        partial.forget()
        return Fetched(path, size)

    def _require_space(self, answer: Answer, path: Path) -> None:
        free = shutil.disk_usage(self._keep).free
        if answer.total is not None and answer.total - answer.start > free:
            raise DownloadError(
                f"Not enough space to download {answer.url} into {path}"
                f" ({natural(answer.total - answer.start)} to come, {natural(free)} free)",
                hints=["make room, or drop content that has other copies"],
            )

    def _receive(self, url: str, answer: Answer, partial: Partial, label: str) -> int:
        """Write the body behind what is here; give the size of all.  Raises DownloadError if it is not all."""
        progress = self._ctx.progress
        done = answer.start
        progress.start(url, label, answer.total)
        try:
            progress.set(url, done)
            with open(partial.path, "ab") as out:
                while piece := _read(url, answer, done):
                    try:
                        out.write(piece)
                    except OSError as e:
                        raise _cannot_write(url, e) from e
                    done += len(piece)
                    progress.set(url, done)
        except OSError as e:  # what was still in the buffer
            raise _cannot_write(url, e) from e
        finally:
            progress.finish(url)
        if answer.total is not None and done < answer.total:
            raise _interrupted(url, done, answer.total)
        if answer.total is not None and done > answer.total:
            raise DownloadError(
                f"Download of {url} finished with {done} bytes, {answer.total} were announced"
            )
        return done


def _read(url: str, answer: Answer, done: int) -> bytes:
    try:
        return answer.body.read(PIECE)
    except (http.client.HTTPException, OSError) as e:
        raise _interrupted(url, done, answer.total, cause=e) from e


def _interrupted(
    url: str, done: int, total: int | None, *, cause: Exception | None = None
) -> IncompleteDownloadError:
    whole = "an unknown total" if total is None else natural(total)
    why = f" -caused by- {cause}" if cause is not None else ""
    return IncompleteDownloadError(
        f"Transfer of {url} was interrupted ({natural(done)} of {whole} stored){why}"
    )


def _cannot_write(url: str, error: OSError) -> DownloadError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DownloadError(
            f"Ran out of space while downloading {url}",
            hints=["make room, or drop content that has other copies"],
        )
    return DownloadError(f"Failed to download {url}: {error}")


def _destination(target: Target, answer: Answer) -> Path:
    """Say where content goes.  Raises DownloadError if there is no name for it, or something is there."""
    path = target.path
    if target.is_folder:
        if not answer.name:
            raise DownloadError(
                f"File name could not be determined from {answer.url}", hints=["name the file with -O/--path"]
            )
        path = path / answer.name
    if os.path.lexists(path) and not target.overwrite:
        raise DownloadError(f"Path {path} already exists", hints=["replace it with -o/--overwrite"])
    if path.is_dir() and not path.is_symlink():
        raise DownloadError(f"Path {path} is a folder")
    return path


def _place(source: Path, path: Path, *, overwrite: bool) -> None:
    """Give complete content its name, in one step.  Raises DownloadError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.stat(source).st_dev != os.stat(path.parent).st_dev:
            source = _copied(source, path)
        if overwrite:
            os.replace(source, path)
        else:
            _link(source, path)
    except FileExistsError as e:
        raise DownloadError(f"Path {path} already exists") from e
    except OSError as e:
        raise _cannot_write(str(path), e) from e


def _copied(source: Path, path: Path) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}.download")
    try:
        shutil.copy2(source, draft)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _link(source: Path, path: Path) -> None:
    """Rename, but never over something that has come there in the meantime."""
    try:
        os.link(source, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        os.rename(source, path)
    else:
        source.unlink()
