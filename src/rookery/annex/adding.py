"""Files from URLs and from keys: git-annex makes them, one process for any number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rookery.annex import program
from rookery.annex.content import hearing
from rookery.annex.outcome import Listener
from rookery.annex.program import Names, failure_text
from rookery.core.errors import CommandError
from rookery.git.repo import Repo


class Added(NamedTuple):
    """What became of one file; `key` is None for content that went to Git."""

    path: str
    key: str | None
    ok: bool
    message: str


def add_urls(
    repo: Repo,
    url_of: Mapping[str, str],
    *,
    fast: bool = False,
    jobs: int | str | None = None,
    on_progress: Listener | None = None,
) -> Iterator[Added]:
    """Add files (path -> URL) by `git annex addurl`, which stages them; every path gets an answer.

    `fast` does not fetch content.  A URL must not hold white space: it ends there.
    """
    options = [
        *(["--fast"] if fast else []),
        *([f"--jobs={jobs}"] if jobs not in (None, 1, "auto") else []),
    ]
    pairs = [f"{url} {path}" for path, url in url_of.items()]
    hear = hearing(on_progress, Names(url_of))
    yield from _made(repo, "addurl", [*options, "--with-files"], pairs, list(url_of), hear)


def add_keys(repo: Repo, key_of: Mapping[str, str]) -> Iterator[Added]:
    """Make files (path -> key) whose content need not be anywhere, and stage them; every path gets an answer."""
    pairs = [f"{key} {path}" for path, key in key_of.items()]
    for added in _made(repo, "fromkey", ["--force"], pairs, list(key_of), None):
        yield added._replace(key=key_of[added.path])


def _made(
    repo: Repo,
    command: str,
    options: Sequence[str],
    pairs: Sequence[str],
    paths: Sequence[str],
    hear: Callable[[program.Record], None] | None,
) -> Iterator[Added]:
    if not paths:
        return
    names, left = Names(paths), dict.fromkeys(paths)
    told = program.records(
        repo,
        command,
        *options,
        "--batch",
        "-z",
        stdin=program.listed(pairs),
        on_progress=hear,
    )
    why = "git-annex said nothing of it"
    try:
        for record in told:
            path = names.of(record)
            left.pop(path, None)
            ok = bool(record.get("success"))
            note = "; ".join(str(record.get("note") or "").splitlines())  # as DataLad has it
            yield Added(path, record.get("key"), ok, note if ok else failure_text(record))
    except CommandError as e:
        why = e.stderr.strip() or str(e)
    for path in left:
        yield Added(path, None, False, why)


def change_backend(repo: Repo, keys: Sequence[tuple[str, str]], backend: str) -> list[str]:
    """Give keys as another backend names the same content; the name of the file (second) gives the extension."""
    listing = program.listed(f"{key} {name}" for key, name in keys)
    options = ["--batch", "-z", f"--migrate-to-backend={backend}"]
    told = program.records(repo, "examinekey", *options, stdin=listing, reading=True)
    return [str(record["key"]) for record in told]
