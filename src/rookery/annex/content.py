"""Content between repositories: get, copy, move, drop, fsck, for any number of files at once.

What is not done by us (`engine`) one git-annex process does.  It is handed the
paths on its standard input and says what became of each; every path handed in
comes back exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from rookery.annex import engine, program
from rookery.annex.nearby.knowledge import Owed
from rookery.annex.outcome import Clock, Item, Listener, Outcome, Verb
from rookery.annex.program import Names, Record
from rookery.core.errors import CommandError
from rookery.git.repo import Repo


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
    clock: Clock | None = None,
    owed: Owed | None = None,
) -> Iterator[Outcome]:
    """Act on files, given as (path below the top, key), and yield each outcome as it is known.

    The same outcome reaches every path of a key only if git-annex looked at
    each, which it does.  `options` are git-annex's own (`--force`,
    `--numcopies=2`, `--auto`).  With a `clock` we do ourselves what we can
    (see `engine`); with `owed` the caller sees to it that the branch of a
    neighbour says so.  Raises CommandError when git-annex fails as a whole, after
    all outcomes that were said before.
    """
    keys = dict(files)
    if clock is not None:
        wish = engine.Wish(verb, from_remote, to_remote, options, owed)
        items = [Item(path, key) for path, key in keys.items()]
        keys.clear()  # of very many files nothing is kept twice
        left = yield from engine.attempt(repo, wish, items, clock=clock, on_progress=on_progress)
        keys = {item.path: item.key for item in left if item.path is not None}
    flags = [*options, *_remotes(from_remote, to_remote), *_jobs(jobs)]
    yield from _stock(repo, verb, keys, flags, on_progress)


def _stock(
    repo: Repo, verb: Verb, keys: dict[str, str], flags: Sequence[str], on_progress: Listener | None
) -> Iterator[Outcome]:
    """Have git-annex act on files."""
    # git-annex's batch mode finds no file whose name has a line break in it (seen with 10.20261026).
    broken = [path for path in keys if "\n" in path]
    plain = [path for path in keys if "\n" not in path]
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
    clock: Clock | None = None,
    owed: Owed | None = None,
) -> Iterator[Outcome]:
    """Act on keys that need not have a file (former versions); `clock` and `owed` as for `transfer`."""
    wanted = list(dict.fromkeys(keys))
    if clock is not None:
        wish = engine.Wish(verb, from_remote, to_remote, options, owed)
        items = [Item(None, key) for key in wanted]
        left = yield from engine.attempt(repo, wish, items, clock=clock, on_progress=on_progress)
        wanted = [item.key for item in left]
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
