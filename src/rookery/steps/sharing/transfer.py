"""Sending content to a sibling: what has to go, what cannot, and the sending.

The plan is a pure function of what is here and what the location log says of
the sibling; git-annex is asked about nothing that the log can tell.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rookery.annex import branch, content, identity
from rookery.annex.files import AnnexedFile, annexed, tree_files
from rookery.annex.keys import size_of
from rookery.annex.logs import parse_by_uuid
from rookery.annex.meter import Meter
from rookery.annex.nearby.knowledge import Owed
from rookery.annex.outcome import Outcome
from rookery.annex.wishes import wanted_at
from rookery.core.results import result
from rookery.core.sizes import natural
from rookery.dataset.model import Dataset
from rookery.git.repo import Repo
from rookery.git.trees import Entry, diff_trees

Record = dict[str, Any]

NOT_HERE = "Slated for transport, but no content present"
SAME_KEY = "Another file points to the same key"

# So many names are spelled out in a message; the record's `unsent` has them all.
NAMED = 5


class Selection(NamedTuple):
    """Which files of HEAD a push is about.

    `since` limits them to what changed after that commit, `paths` to what is at
    or below these (relative to the top).  `named` says that a person asked for
    them by name, so that one that cannot be sent is a failure.
    """

    since: str | None = None
    paths: tuple[str, ...] = ()
    named: bool = False

    @property
    def whole(self) -> bool:
        """Whether this is everything in HEAD."""
        return self.since is None and not self.paths


class Plan(NamedTuple):
    """What is to be done about each file: send it, or why not."""

    send: tuple[AnnexedFile, ...] = ()
    there: tuple[AnnexedFile, ...] = ()
    absent: tuple[AnnexedFile, ...] = ()
    twins: tuple[AnnexedFile, ...] = ()

    @property
    def size(self) -> int:
        """How many bytes have to go, as far as keys tell."""
        return sum(size_of(file.key) or 0 for file in self.send)


class Absence(NamedTuple):
    """Files that the sibling lacks and that cannot be sent from here."""

    number: int
    size: int
    names: tuple[str, ...]


def files_of(repo: Repo, selection: Selection) -> Iterator[AnnexedFile]:
    """Yield the annexed files of HEAD that a push is about, in Git's order."""
    if selection.since is None:
        yield from tree_files(repo, "HEAD", selection.paths)
        return
    changed = diff_trees(repo, selection.since, "HEAD", selection.paths)
    yield from annexed(repo, (Entry(d.new_mode, "blob", d.new_sha, d.path) for d in changed if d.new_mode))


def plan(files: Iterable[AnnexedFile], at_target: Collection[str], *, believe_log: bool = True) -> Plan:
    """Decide for each file.

    `at_target` are the keys that the log places there; without `believe_log`
    they are planned again, so that the sibling is asked.  A key goes once, for
    its first path; the others are its twins.
    """
    send, there, absent, twins = [], [], [], []
    seen: set[str] = set()
    for file in files:
        if file.key in seen:
            twins.append(file)
            continue
        seen.add(file.key)
        if file.key in at_target and (believe_log or not file.present):
            there.append(file)
        elif file.present:
            send.append(file)
        else:
            absent.append(file)
    return Plan(tuple(send), tuple(there), tuple(absent), tuple(twins))


def keys_at(repo: Repo, keys: Iterable[str], uuid: str) -> frozenset[str]:
    """Give the keys that the location log places in a repository."""
    known = branch.locations(repo, keys)
    return frozenset(
        key for key, places in known.items() if any(p.uuid == uuid and p.present for p in places)
    )


def wants_some_only(repo: Repo, uuid: str) -> bool:
    """Say whether a repository has an expression for what content it wants."""
    text = branch.read(repo, ["preferred-content.log"]).get("preferred-content.log", "")
    entry = parse_by_uuid(text)[0].get(uuid)
    return entry is not None and bool(entry.value.strip())


def absence_of(files: Sequence[AnnexedFile]) -> Absence | None:
    """Sum up the files that cannot be sent; None if there are none."""
    if not files:
        return None
    size = sum(size_of(file.key) or 0 for file in files)
    return Absence(len(files), size, tuple(file.path for file in files))


def send(
    ds: Dataset,
    todo: Plan,
    *,
    refds: Path,
    target: str,
    jobs: int | str | None = None,
    wanted_by: str | None = None,
    ask: bool = False,
    owed: Owed | None = None,
) -> Iterator[Record]:
    """Send what is planned, and yield a record for each file that was sent or could not be.

    With `wanted_by` (a uuid) what that place does not want is left out.  With
    `ask` the sibling is asked for each key, whatever the log says.  With `owed`
    the caller pushes the git-annex branch afterwards, or pays.  Raises
    CommandError when git-annex fails as a whole.
    """
    said: dict[str, Any] = {"refds": refds, "type": "file", "target": target}
    retries = ds.config.getint("datalad.annex.retry", 3)
    options = ["-c", f"annex.retry={retries}"]
    options += [] if ask else ["--fast"]
    jobs = ds.annex_jobs(jobs)
    by_name, first = _chosen(ds, todo, wanted_by)
    size = todo.size if by_name else sum(size_of(key) or 0 for key in first)
    meter = Meter(ds.ctx.progress, f"push {ds.path} {target}", f"Sending to {target}", size)
    how: dict[str, Any] = {"to_remote": target, "jobs": jobs, "on_progress": meter.hear}
    how |= {"clock": ds.ctx.clock, "owed": owed}
    if by_name:
        outcomes = content.transfer(ds.repo, "copy", by_name, options=["--auto", *options], **how)
    else:  # by key: what is committed goes, whatever became of the file in the work tree
        outcomes = content.transfer_keys(ds.repo, "copy", first, options=options, **how)
    top = str(ds.path)  # a Path joined for each of very many takes longer than all else that is said of it
    with meter:
        for outcome in outcomes:
            meter.settled(outcome)
            if not outcome.silent:
                yield _record(outcome, f"{top}/{outcome.path or first[outcome.key]}", said)
    for twin in todo.twins:
        yield result("copy", ds.path / twin.path, "notneeded", annexkey=twin.key, message=SAME_KEY, **said)


def _chosen(ds: Dataset, todo: Plan, wanted_by: str | None) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Give what to send: (path, key) pairs of which git-annex has to say what is wanted, or each key with its path."""
    if wanted_by is None:
        return [], {file.key: file.path for file in todo.send}
    # What is wanted may depend on the name, so every name is tried.
    files = [(f.path, f.key) for f in (*todo.send, *(t for t in todo.twins if t.present))]
    chosen = wanted_at(ds.repo, wanted_by, files)
    if chosen is None:
        return files, {}
    first: dict[str, str] = {}
    for path, key in files:
        if path in chosen:
            first.setdefault(key, path)
    return [], first


def _record(outcome: Outcome, path: str, said: dict[str, Any]) -> Record:
    message, error = outcome.message, outcome.error_message
    if outcome.ok:
        return result("copy", path, annexkey=outcome.key, message=message, **said)
    if not (message or error):
        message = "git-annex gave no reason"
    return result("copy", path, "error", annexkey=outcome.key, message=message, error_message=error, **said)


def refused(ds: Dataset, todo: Plan, *, refds: Path, target: str) -> Iterator[Record]:
    """Yield a failure for each file that was asked for by name and is not here to be sent."""
    for file in todo.absent:
        yield result(
            "copy",
            ds.path / file.path,
            "impossible",
            type="file",
            refds=refds,
            target=target,
            annexkey=file.key,
            message=NOT_HERE,
        )


def foretold(ds: Dataset, todo: Plan, *, refds: Path, target: str) -> Iterator[Record]:
    """Yield what would be sent, file by file."""
    for file in todo.send:
        yield result(
            "copy [dry-run]",
            ds.path / file.path,
            type="file",
            refds=refds,
            target=target,
            annexkey=file.key,
            bytesize=file.size,
            message=("to %s, %s", target, "size unknown" if file.size is None else natural(file.size)),
        )


def known_nowhere_else(repo: Repo, found: Iterable[AnnexedFile]) -> Absence | None:
    """Sum up the files whose content is here and that the log places nowhere else; None if there are none."""
    here = identity.uuid(repo)
    files = {file.key: file for file in found if file.present}
    places = branch.locations(repo, files)
    return absence_of(
        [f for key, f in files.items() if not any(p.present and p.uuid != here for p in places[key])]
    )


def unsent_record(ds: Dataset, absence: Absence, *, refds: Path, target: str) -> Record:
    """Make the record that names what the sibling lacks and nobody can send from here."""
    noun = "file is" if absence.number == 1 else "files are"
    shown = _shown(absence)
    hint = (
        f"{absence.number} annexed {noun} neither here nor known to be at {target}, and not sent ({shown}). "
        f"Obtain the content with `rookery get`, then push again."
    )
    return result(
        "copy",
        ds.path,
        "notneeded",
        type="dataset",
        refds=refds,
        target=target,
        message=("%i annexed %s neither here nor known to be at %s: %s", absence.number, noun, target, shown),
        hints=hint,
        unsent=list(absence.names),
        unsent_bytes=absence.size,
    )


def ignored_record(ds: Dataset, lonely: Absence | None, *, refds: Path, target: str, asked: bool) -> Record:
    """Make the record that says that a sibling takes no content, and what nobody but us has therefore."""
    message = f"{target} takes no content (remote.{target}.annex-ignore), so none was sent"
    if lonely:
        noun = "file" if lonely.number == 1 else "files"
        message += (
            f"; the content of {lonely.number} annexed {noun} is known to be here only ({_shown(lonely)})"
        )
    hint = (
        f"{message[0].upper()}{message[1:]}. To have content sent first to a sibling that takes it: "
        f"git config --add remote.{target}.datalad-publish-depends SIBLING"
    )
    return result(
        "copy",
        ds.path,
        "impossible" if asked else "notneeded",
        type="dataset",
        refds=refds,
        target=target,
        message=message,
        hints=hint,
        unsent=list(lonely.names) if lonely else None,
        unsent_bytes=lonely.size if lonely else None,
    )


def _shown(absence: Absence) -> str:
    return ", ".join(absence.names[:NAMED]) + (", ..." if absence.number > NAMED else "")
