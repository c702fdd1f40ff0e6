"""Fetching URLs into files: whole or not at all, and from where the last try ended.

What has come so far is kept in a private folder, with what names its version
(ETag, Last-Modified); the next try, or the next command, asks for the rest if
the server still has the same.  Only complete content gets its final name.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import threading
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from rookery.core import files, pool
from rookery.core.context import Context
from rookery.core.errors import AccessFailedError, DownloadError, IncompleteDownloadError
from rookery.core.log import get_log
from rookery.core.progress import Progress
from rookery.core.sizes import natural
from rookery.steps.fetching.partial import Brought, Claim, Fetched, Partial, Target, cannot_write
from rookery.steps.fetching.web import Answer, NothingMoreError, Web

log = get_log("rookery.download")

PIECE = 1 << 18
# Up to here content is kept in memory until it is whole.
SMALL = 1 << 18
ENOUGH_TO_START_COUNTING_ANEW = 1 << 20
LONGEST_PAUSE = 60.0
# As many as browsers open to one server.
AT_ONCE = 6
PARTIAL_KEPT_FOR = 30 * 24 * 3600.0  # seconds; nobody comes back for what is older


class Downloader:
    """Fetches the URLs of one command, also from several threads; to be closed.

    `keep` is the private folder; near the targets, files are just renamed.
    `reserve` bytes of the disk stay free; files that are `dated` are as old as
    the server says.
    """

    def __init__(
        self,
        ctx: Context,
        keep: Path,
        *,
        retries: int,
        web: Web | None = None,
        progress: Progress | None = None,
        reserve: int = 0,
        dated: bool = True,
    ) -> None:
        self._ctx = ctx
        self._keep = keep
        self._retries = retries
        self._progress = progress or ctx.progress
        self._reserve = reserve
        self._dated = dated
        self._pauses = threading.Event()
        self.web = web or Web(ctx.env)
        files.make_folder(keep)
        self._remove_old()

    def __enter__(self) -> Downloader:
        return self

    def __exit__(self, *failure: object) -> None:
        self.web.__exit__(*failure)

    def _remove_old(self) -> None:
        oldest = self._ctx.clock() - PARTIAL_KEPT_FOR
        for file in self._keep.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another command cleans up too
                if file.stat().st_mtime < oldest:
                    file.unlink()

    def stop(self) -> None:
        """Let what is under way in other threads fail at once; what has come of it is kept."""
        self.web.stop()
        self._pauses.set()

    def fetch(self, urls: Sequence[str], target: Target) -> Iterator[Fetched | DownloadError]:
        """Fetch URLs (without a login in them), several at once, and yield what became of each, in order.

        Of one that failed nothing is at the target.  After a broken connection
        or a server in trouble it is tried again, as often as `retries` says;
        progress of some size starts the count anew.
        """
        waiting: dict[int, Brought | DownloadError] = {}
        following = 0
        # What came of a URL before belongs to one at a time.
        at_once = AT_ONCE if len(set(urls)) == len(urls) else 1
        for number, brought in self.bring_all([(url, target) for url in urls], at_once=at_once):
            waiting[number] = brought
            while following in waiting:
                yield _placed(waiting.pop(following))
                following += 1

    def bring_all(
        self, wanted: Sequence[tuple[str, Target]], *, at_once: int = AT_ONCE
    ) -> Iterator[tuple[int, Brought | DownloadError]]:
        """Fetch each URL once, and yield what became of it with its number, in the order in which they come."""

        def work(
            one: tuple[int, tuple[str, Target]],
        ) -> Generator[tuple[int, Brought | DownloadError], None, None]:
            number, (url, target) = one
            try:
                yield number, self.bring(url, target)
            except DownloadError as e:
                yield number, e

        yield from pool.as_they_come(work, list(enumerate(wanted)), at_once=at_once, stop=self.stop)

    def bring(self, url: str, target: Target) -> Brought:
        """Fetch a URL, and leave it to the caller to place it.  Raises DownloadError and its kinds."""
        with Claim(self._keep, url) as claim:
            count, best = 0, 0
            while True:
                try:
                    return self._attempt(url, target, claim)
                except (AccessFailedError, IncompleteDownloadError) as e:
                    here = claim.known()[0]
                    if here - best >= ENOUGH_TO_START_COUNTING_ANEW:
                        count, best = 0, here
                    count += 1
                    lasting = isinstance(e, AccessFailedError) and not e.again
                    if count > self._retries or lasting or self.web.stopped:
                        if here:
                            e.hints.append("the same command goes on from what has come so far")
                        raise
                    pause = min(0.5 * count**1.2, LONGEST_PAUSE)
                    log.info(
                        "Retrying (%d out of %d) in %.1f seconds after: %s", count, self._retries, pause, e
                    )
                    self._pauses.wait(pause)
                except BaseException as e:
                    if not isinstance(e, KeyboardInterrupt):
                        claim.forget()
                    raise

    def _attempt(self, url: str, target: Target, claim: Claim) -> Brought:
        start, validator = claim.known()
        try:
            with self.web.open(url, start=start, validator=validator) as answer:
                path = _destination(target, answer.name, answer.url)
                self._require_space(answer, path)
                if not answer.start and answer.total is not None and answer.total <= SMALL:
                    return self._brought_at_once(url, target, claim, answer, path)
                partial = claim.hold()
                partial.begin(answer)
                size = self._receive(url, answer, partial, path.name)
        except NothingMoreError:
            partial = claim.hold()
            name = partial.whole()
            if name is not None:  # whoever fetched all of it was killed before it had its place
                return Brought(partial, target, _destination(target, name, url), start, True)
            partial.forget()
            raise
        self._date(partial, answer)
        partial.end(answer)
        return Brought(partial, target, path, size, True)

    def _brought_at_once(self, url: str, target: Target, claim: Claim, answer: Answer, path: Path) -> Brought:
        """Receive what is small: it is not worth a note of where it was cut, unless it is."""
        assert answer.total is not None
        pieces: list[bytes] = []
        self._progress.start(url, path.name, answer.total)
        try:
            while piece := _read(url, answer, sum(map(len, pieces))):
                pieces.append(piece)
                self._progress.set(url, sum(map(len, pieces)))
            self._require_all(url, answer, sum(map(len, pieces)))
        except BaseException:
            if pieces:
                partial = claim.hold()
                partial.begin(answer)
                _write(url, partial, pieces)
            raise
        finally:
            self._progress.finish(url)
        own = claim.own()
        _write(url, own, pieces)
        self._date(own, answer)
        if claim.known()[0]:
            claim.hold().forget()
        return Brought(own, target, path, answer.total, False)

    def _date(self, partial: Partial, answer: Answer) -> None:
        if answer.modified is not None and self._dated:
            os.utime(partial.path, (self._ctx.clock(), answer.modified))

    def _require_space(self, answer: Answer, path: Path) -> None:
        free = shutil.disk_usage(self._keep).free - self._reserve
        if answer.total is not None and answer.total - answer.start > free:
            raise DownloadError(
                f"Not enough space to download {answer.url} into {path}"
                f" ({natural(answer.total - answer.start)} to come, {natural(free)} free)",
                hints=["make room, or drop content that has other copies"],
            )

    def _receive(self, url: str, answer: Answer, partial: Partial, label: str) -> int:
        """Write the body behind what is here; give the size of all.  Raises DownloadError if it is not all."""
        progress = self._progress
        done = answer.start
        progress.start(url, label, answer.total)
        try:
            progress.set(url, done)
            with open(partial.path, "ab") as out:
                while piece := _read(url, answer, done):
                    try:
                        out.write(piece)
                    except OSError as e:
                        raise cannot_write(url, e) from e
                    done += len(piece)
                    progress.set(url, done)
        except OSError as e:  # what was still in the buffer
            raise cannot_write(url, e) from e
        finally:
            progress.finish(url)
        self._require_all(url, answer, done)
        return done

    @staticmethod
    def _require_all(url: str, answer: Answer, done: int) -> None:
        if answer.total is not None and done < answer.total:
            raise _interrupted(url, done, answer.total)
        if answer.total is not None and done > answer.total:
            raise DownloadError(
                f"Download of {url} finished with {done} bytes, {answer.total} were announced"
            )


def _placed(brought: Brought | DownloadError) -> Fetched | DownloadError:
    if isinstance(brought, DownloadError):
        return brought
    try:
        return brought.place()
    except DownloadError as e:
        return e


def _write(url: str, partial: Partial, pieces: Sequence[bytes]) -> None:
    try:
        with open(partial.path, "ab") as out:
            out.write(b"".join(pieces))
    except OSError as e:
        raise cannot_write(url, e) from e


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


def _destination(target: Target, name: str, url: str) -> Path:
    """Say where content goes.  Raises DownloadError if there is no name for it, or something is there."""
    path = target.path
    if target.is_folder:
        if not name:
            raise DownloadError(
                f"File name could not be determined from {url}", hints=["name the file with -O/--path"]
            )
        path = path / name
    if os.path.lexists(path) and not target.overwrite:
        raise DownloadError(f"Path {path} already exists", hints=["replace it with -o/--overwrite"])
    if path.is_dir() and not path.is_symlink():
        raise DownloadError(f"Path {path} is a folder")
    return path
