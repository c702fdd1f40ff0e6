"""The whole error tree, with exit codes and hints.

    RookeryError
    ├── UsageError                  exit 2: what was typed cannot be understood
    │   └── InsufficientArgumentsError
    │       └── NoDatasetArgumentFound
    │           └── NoDatasetFound
    ├── CommandError                a program failed; keeps argv, code, output
    │   └── OutOfSpaceError
    ├── IncompleteResultsError      some records say "error" or "impossible"
    ├── RemoteNotAvailableError
    ├── FileInGitError, FileNotInAnnexError, NoSuchPathError
    ├── DownloadError
    │   ├── AccessDeniedError       the server wants to know who asks, or refuses
    │   ├── AccessFailedError       the server could not be reached, or is in trouble
    │   └── IncompleteDownloadError
    ├── LostRaceError               somebody else moved the branch, again and again
    └── LockedError                 a lock file is held by somebody else

Names that DataLad has too mean the same here, so that scripts can catch them
(contract 2.4).  An error is for a person: `message` says what,
where and why; `hints` say what to do next, one sentence each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class RookeryError(Exception):
    """Something that a person should read.  `exit_code` is the process's, unless a caller knows better."""

    exit_code: int = 1

    def __init__(self, message: str, *, hints: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hints = list(hints)


class UsageError(RookeryError):
    """What was asked for cannot be understood as a request."""

    exit_code = 2


class InsufficientArgumentsError(UsageError, ValueError):
    """A needed argument is missing and cannot be guessed."""


class NoDatasetArgumentFound(InsufficientArgumentsError):
    """A dataset must be named and was not."""


class NoDatasetFound(NoDatasetArgumentFound):
    """No dataset here, nor in any folder above."""


class CommandError(RookeryError, RuntimeError):
    """A program exited with a code that its caller did not allow.

    `stdout` and `stderr` are decoded text, as far as they were captured.
    """

    def __init__(
        self,
        cmd: Sequence[str] | str = "",
        msg: str = "",
        code: int | None = None,
        stdout: str = "",
        stderr: str = "",
        cwd: str | None = None,
        *,
        hints: Sequence[str] = (),
    ) -> None:
        self.cmd = cmd
        self.msg = msg
        self.code = code
        self.stdout = stdout
        self.stderr = stderr
        self.cwd = cwd
        super().__init__(self.summary(), hints=hints)
        if code:
            self.exit_code = code if code > 0 else 128 - code

    def summary(self) -> str:
        """Give one line: the command, its exit code, where it ran, and the program's own words."""
        import shlex  # start-up: for what has failed

        shown = self.cmd if isinstance(self.cmd, str) else shlex.join(self.cmd)
        text = f"'{shown}' failed"
        if self.code is not None:
            text += f" with exitcode {self.code}"
        if self.cwd:
            text += f" under {self.cwd}"
        said = self.msg or self.stderr.strip()
        return f"{text} [{said}]" if said else text

    def __str__(self) -> str:
        return f"CommandError: {self.summary()}"


class OutOfSpaceError(CommandError):
    """A program stopped because a disk, a quota or git-annex's reserve is full."""


class IncompleteResultsError(RookeryError, RuntimeError):
    """An operation ended with failed records; `failed` holds them.

    Raised after all records (`on_failure="continue"`) or at the first failure
    (`"stop"`), never with `"ignore"`.
    """

    def __init__(
        self,
        results: Sequence[Any] | None = None,
        failed: Sequence[dict[str, Any]] | None = None,
        msg: str | None = None,
    ) -> None:
        self.results = list(results or [])
        self.failed = list(failed or [])
        self.msg = msg
        shown = msg or "Command did not complete successfully"
        super().__init__(f"{shown}. {len(self.failed)} failed: {self.failed!r}" if self.failed else shown)


class RemoteNotAvailableError(RookeryError):
    """A remote or sibling is not configured, or does not answer."""


class FileInGitError(RookeryError):
    """A file's content is in Git where annexed content was needed."""


class NoSuchPathError(RookeryError, FileNotFoundError):
    """A path is nowhere in a repository."""


class FileNotInAnnexError(RookeryError):
    """A file is not known to the annex."""


class DownloadError(RookeryError):
    """A URL could not be fetched; nothing is left at the destination."""


class AccessDeniedError(DownloadError):
    """A server refuses to hand out a URL to us, or to anybody it does not know."""


class AccessFailedError(DownloadError):
    """A server could not be reached or is in trouble; `again` says whether another try may help."""

    def __init__(self, message: str, *, hints: Sequence[str] = (), again: bool = True) -> None:
        super().__init__(message, hints=hints)
        self.again = again


class IncompleteDownloadError(DownloadError):
    """The connection broke before all of the content was here; what came is kept for the next try."""


class LostRaceError(RookeryError):
    """Other writers moved the branch at every try; nothing was committed."""


class LockedError(RookeryError):
    """A lock is held by another process, longer than we were told to wait."""
