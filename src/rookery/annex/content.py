"""Content between repositories: get, copy, move, drop, fsck by one git-annex process for all files.

The stock engine.  git-annex is handed the paths on its standard input and says
what became of each; what it is silent about is settled by asking the object
store, so that every path handed in comes back exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from rookery.annex import program
from rookery.annex.program import Names, Record, failure_text
from rookery.core.errors import CommandError
from rookery.git.repo import Repo

Verb = Literal["get", "drop", "copy", "move"]


class Outcome(NamedTuple):
    """What became of one path, or of one key where there was no path.

    `note` is git-annex's own remark ("from origin..."); `errors` are messages
    of a failure, `wanted` the repositories that it says have a copy.  `silent`
    means that git-annex had nothing to do and so said nothing.
    """

    path: str | None
    key: str
    ok: bool
    note: str = ""
    errors: tuple[str, ...] = ()
    wanted: tuple[tuple[str, str], ...] = ()
    silent: bool = False

    @property
    def why(self) -> str:
        """All that was said, one line per reason."""
        return failure_text({"error-messages": self.errors, "note": self.note})

    @property
    def message(self) -> str | None:
        """What a record says of it: the remark on one line; nothing where there are error messages."""
        if self.errors:
            return None
        lines = (
            n for n in self.note.splitlines() if n != "checksum..." and not n.startswith("checking file")
        )
        return "; ".join(line for line in lines if line) or None

    @property
    def error_message(self) -> str | None:
        """The error messages, one per line."""
        return "\n".join(self.errors) or None

    @property
    def out_of_space(self) -> bool:
        """Whether a disk or the reserve was full."""
        return bool(program.OUT_OF_SPACE.search(self.why))


# (path or key, bytes done, bytes in all if known)
Listener = Callable[[str, int, int | None], None]


def transfer(
    repo: Repo,
    verb: Verb,
    files: Iterable[tuple[str, str]],
    *,
    from_remote: str | None = None,
    to_remote: str | None = None,
    jobs: int | str | None = None,
    options: Sequence[str] = (),
    on_progress: Listener | None = None,
) -> Iterator[Outcome]:
    """Act on files, given as (path below the top, key), and yield each outcome as it is known.

    The same outcome reaches every path of a key only if git-annex looked at
    each, which it does.  `options` are git-annex's own (`--force`,
    `--numcopies=2`, `--auto`).  Raises CommandError when git-annex fails as a
    whole, after all outcomes that were said before.
    """
    keys = dict(files)
    # git-annex's batch mode finds no file whose name has a line break in it (seen with 10.20261026).
    broken = [path for path in keys if "\n" in path]
    plain = [path for path in keys if "\n" not in path]
    flags = [*options, *_remotes(from_remote, to_remote), *_jobs(jobs)]
    seen: set[str] = set()
    names = Names(keys)
    if plain:
        told = program.records(
            repo,
            verb,
            *flags,
            "--batch",
            "-z",
            stdin=program.listed(plain),
            on_progress=hearing(on_progress, names),
        )
        yield from _outcomes(told, {path: keys[path] for path in plain}, names, seen)
    if broken:
        literal = repo.with_env(GIT_LITERAL_PATHSPECS="1")
        for group in argument_groups(broken):
            told = program.records(
                literal, verb, *flags, "--", *group, on_progress=hearing(on_progress, names)
            )
            yield from _outcomes(told, {path: keys[path] for path in group}, names, seen)
    for path, key in keys.items():
        if path not in seen:
            yield Outcome(path, key, ok=True, silent=True)


def transfer_keys(
    repo: Repo,
    verb: Verb,
    keys: Iterable[str],
    *,
    from_remote: str | None = None,
    to_remote: str | None = None,
    jobs: int | str | None = None,
    options: Sequence[str] = (),
    on_progress: Listener | None = None,
) -> Iterator[Outcome]:
    """Act on keys that need not have a file (former versions).  Attributes of files (annex.numcopies) do not count."""
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return
    seen: set[str] = set()
    flags = [*options, *_remotes(from_remote, to_remote), *_jobs(jobs)]
    stdin = program.listed(wanted)
    told = program.records(
        repo, verb, *flags, "--batch-keys", "-z", stdin=stdin, on_progress=hearing(on_progress, Names(()))
    )
    for record in told:
        key = record.get("key") or Names(()).of(record)
        seen.add(key)
        yield _outcome(record, None, key)
    for key in wanted:
        if key not in seen:
            yield Outcome(None, key, ok=True, silent=True)


def drop_all(repo: Repo, *, options: Sequence[str] = ()) -> Iterator[Outcome]:
    """Drop every key that is here, former versions too, and yield each outcome as it is known."""
    for record in program.records(repo, "drop", "--all", *options):
        yield _outcome(record, None, str(record.get("key") or ""))


def fsck(repo: Repo, files: Iterable[tuple[str, str]], *, options: Sequence[str] = ()) -> Iterator[Outcome]:
    """Check content against keys; bad content is moved aside to annex/bad and the location log corrected."""
    keys = dict(files)
    names = Names(keys)
    literal = repo.with_env(GIT_LITERAL_PATHSPECS="1")
    for group in argument_groups(list(keys)):
        told = program.records(literal, "fsck", *options, "--", *group)
        yield from _outcomes(told, {path: keys[path] for path in group}, names, set())


def _outcomes(
    told: Iterator[Record], keys: dict[str, str], names: Names, seen: set[str]
) -> Iterator[Outcome]:
    try:
        for record in told:
            path = names.of(record)
            seen.add(path)
            yield _outcome(record, path, record.get("key") or keys.get(path, ""))
    except CommandError as e:
        # What was under way or still to come was not done, and nobody said so.
        rest = [path for path in keys if path not in seen]
        if not rest or not seen:
            raise
        for path in rest:
            seen.add(path)
            yield Outcome(path, keys[path], ok=False, errors=(e.stderr.strip() or str(e),))


def _outcome(record: Record, path: str | None, key: str) -> Outcome:
    return Outcome(
        path,
        key,
        bool(record.get("success")),
        str(record.get("note") or "").strip(),
        tuple(str(m).strip() for m in record.get("error-messages") or ()),
        tuple((w.get("uuid", ""), w.get("description", "")) for w in record.get("wanted") or ()),
    )


def hearing(listener: Listener | None, names: Names) -> Callable[[Record], None] | None:
    """Give what turns git-annex's progress records into calls of a listener; None if nobody listens."""
    if listener is None:
        return None

    def hear(record: Record) -> None:
        action: Record = record.get("action") or {}
        total = record.get("total-size")
        listener(
            names.of(action) if "file" in action else str(action.get("key")),
            int(record["byte-progress"]),
            int(total) if total is not None else None,
        )

    return hear


def _remotes(from_remote: str | None, to_remote: str | None) -> list[str]:
    return [
        *([f"--from={from_remote}"] if from_remote else []),
        *([f"--to={to_remote}"] if to_remote else []),
    ]


def _jobs(jobs: int | str | None) -> list[str]:
    return [] if jobs in (None, 1, "auto") else [f"--jobs={jobs}"]


def argument_groups(paths: Sequence[str], room: int = 100_000) -> Iterator[list[str]]:
    """Cut a list of paths into pieces that fit on a command line."""
    group: list[str] = []
    used = 0
    for path in paths:
        if group and used + len(path) > room:
            yield group
            group, used = [], 0
        group.append(path)
        used += len(path.encode("utf-8", "surrogateescape")) + 9
    if group:
        yield group
