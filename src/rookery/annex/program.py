"""How git-annex is asked: one process for any number of files, answers as JSON.

`git-annex COMMAND` is started directly, which saves the start of `git`.  Its
failures about single items come as JSON records and are for the caller to
judge; everything else that goes wrong is a CommandError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from rookery.annex.outcome import OUT_OF_SPACE
from rookery.core.errors import CommandError, OutOfSpaceError
from rookery.core.process import Argument, Completed
from rookery.git.repo import Repo

Record = dict[str, Any]

# DataLad always sets this: files whose names begin with a dot follow the same rules as others.
ALWAYS = ("-c", "annex.dotfiles=true")
# A reader must not write: without it every question may merge and commit the git-annex branch.
READING = ("-c", "annex.merge-annex-branches=false")


def argv(command: str, arguments: Sequence[Argument], *, reading: bool = False) -> list[Argument]:
    """Give the argument list for a git-annex command; options of ours come first, so the caller's win."""
    return ["git-annex", command, *ALWAYS, *(READING if reading else ()), *arguments]


def run(
    repo: Repo,
    command: str,
    *arguments: Argument,
    reading: bool = False,
    stdin: bytes | None = None,
    ok: Sequence[int] | None = (0,),
) -> Completed:
    """Run a git-annex command to the end.  Raises CommandError, OutOfSpaceError."""
    try:
        return repo.runner.run(argv(command, arguments, reading=reading), cwd=repo.root, stdin=stdin, ok=ok)
    except CommandError as e:
        raise explained(e) from e.__cause__


def commit_journal(repo: Repo) -> None:
    """Have git-annex merge what was fetched and commit its journal; some of its commands leave that to the next one.

    `setpresentkey --batch` does (10.20261026).  Raises CommandError.
    """
    run(repo, "numcopies", ok=(0, 1))


def records(
    repo: Repo,
    command: str,
    *arguments: Argument,
    reading: bool = False,
    stdin: Iterable[bytes] | None = None,
    on_progress: Callable[[Record], None] | None = None,
) -> Iterator[Record]:
    """Run a command that speaks JSON and yield its records as they come.

    `--json --json-error-messages` are added, and `--json-progress` when
    somebody listens: `on_progress` gets `{"action": {...}, "byte-progress": N,
    ...}` and these are not yielded.  Exit code 1 after a record with
    `"success": false` is not raised, the record says it.  Empty lines (batch
    mode: "nothing to do for this one") are left out.
    """
    import json  # start-up

    options = ["--json", "--json-error-messages", *(["--json-progress"] if on_progress else [])]
    line = argv(command, [*options, *arguments], reading=reading)
    told = False
    try:
        with repo.runner.stream(line, cwd=repo.root, stdin=stdin) as out:
            for raw in out.records():
                if not raw.strip():
                    continue
                record: Record = json.loads(raw.decode("utf-8", "surrogateescape"))
                if "byte-progress" in record:
                    if on_progress:
                        on_progress(record)
                    continue
                told = told or record.get("success") is False
                yield record
    except CommandError as e:
        if not (told and e.code == 1):
            raise explained(e) from e.__cause__


def failure_text(record: Record) -> str:
    """Put together what a failed record says: its messages, then its note, one per line."""
    messages = [str(m).strip() for m in record.get("error-messages") or ()]
    note = str(record.get("note") or "").strip()
    return "\n".join(text for text in (*messages, note) if text)


def explained(error: CommandError) -> CommandError:
    """Give an error its proper kind and next step, judged by what git-annex said last."""
    if OUT_OF_SPACE.search(error.stderr) and not isinstance(error, OutOfSpaceError):
        return OutOfSpaceError(
            error.cmd,
            error.msg,
            error.code,
            error.stdout,
            error.stderr,
            error.cwd,
            hints=["make room, drop content that has other copies, or lower annex.diskreserve"],
        )
    return error


def listed(paths: Iterable[str]) -> Iterator[bytes]:
    """Make the standard input of a `--batch -z` command from paths, in pieces worth a write."""
    piece: list[bytes] = []
    size = 0
    for path in paths:
        piece.append(path.encode("utf-8", "surrogateescape") + b"\0")
        size += len(piece[-1])
        if size > 1 << 15:
            yield b"".join(piece)
            piece, size = [], 0
    if piece:
        yield b"".join(piece)


class Names:
    """Finds the path that a record is about.

    JSON cannot hold a name that is not UTF-8: git-annex writes U+FFFD where it
    must, and so two paths may look the same; they are then given in order.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._exact = frozenset(paths)
        self._blurred: dict[str, list[str]] = {}
        for path in self._exact:
            if (shown := _blurred(path)) != path:
                self._blurred.setdefault(shown, []).append(path)

    def of(self, record: Record) -> str:
        """Give the path as it was asked for."""
        shown = record.get("file") or str((record.get("input") or [""])[0])
        if shown in self._exact:
            return shown
        candidates = self._blurred.get(_blurred(shown))
        if not candidates:
            return shown
        return candidates.pop() if len(candidates) > 1 else candidates[0]


def _blurred(path: str) -> str:
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return re.sub("\ufffd+", "\ufffd", text)
