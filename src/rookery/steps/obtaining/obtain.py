"""Getting content into a dataset: what is missing, what it weighs, and the getting.

Looking reads the index and stats the object store.  Who has what is only read
where somebody wants to know: for a dry run, and to explain a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rookery.annex import content, remotes
from rookery.annex.files import AnnexedFile, index_files
from rookery.annex.keys import size_of
from rookery.annex.meter import Meter
from rookery.annex.nearby import arrivals
from rookery.annex.outcome import Outcome
from rookery.annex.places import Places, read_places, reasons
from rookery.core.errors import RemoteNotAvailableError
from rookery.core.progress import SILENT
from rookery.core.results import result
from rookery.core.sizes import natural
from rookery.dataset.model import Dataset
from rookery.steps.answers import Answers

Record = dict[str, Any]

Data = Literal["anything", "nothing", "auto", "auto-if-wanted"]

NO_ANNEX = "no dataset annex, content already present"


class Plan(NamedTuple):
    """What has to be fetched; `requested` are the paths that were asked for, below the top ("." is all)."""

    requested: tuple[str, ...]
    absent: list[AnnexedFile]

    @property
    def keys(self) -> list[str]:
        """The keys to fetch, each once."""
        return list(dict.fromkeys(file.key for file in self.absent))

    @property
    def size(self) -> int:
        """How many bytes will come, as far as keys tell."""
        return sum(size_of(key) or 0 for key in self.keys)


def plan(requested: Sequence[str], files: Iterable[AnnexedFile]) -> Plan:
    """Decide what has to be fetched."""
    return Plan(tuple(requested), [file for file in files if not file.present])


def obtain(
    ds: Dataset,
    paths: Sequence[str] = (".",),
    *,
    refds: Path | None,
    source: str | None = None,
    jobs: int | str | None = None,
    data: Data = "auto-if-wanted",
    dry_run: bool = False,
) -> Iterator[Record]:
    """Get the content of files at or below `paths` (relative to the dataset's root).

    A path that is present already is reported as not needed; a folder gets a
    record about all of it.  Raises RemoteNotAvailableError if `source` is not
    a remote of this dataset and something has to be fetched.
    """
    if ds.annex_uuid is None and not _has_annexed(ds):
        for path in paths:
            yield result("get", ds.path / path, "notneeded", type="file", refds=refds, message=NO_ANNEX)
        return
    todo = plan(paths, index_files(ds.repo, paths))
    said = Answers(str(ds.path / one) for one in paths)
    if todo.absent and source is not None:
        _check_source(ds, source)
    if dry_run:
        yield from foreseen(ds, todo, refds=refds, source=source)
        return
    arrivals.settle(ds.repo, clock=ds.ctx.clock)
    if todo.absent:
        for record in _fetch(ds, todo, refds=refds, source=source, jobs=jobs, auto=_auto(ds, data)):
            said.note(record["path"], ok=record["status"] == "ok")
            yield record
    yield from closing(ds.path, paths, said, refds=refds)


def _has_annexed(ds: Dataset) -> bool:
    """Say whether files are annexed although git-annex has not been set up here yet (a fresh `git clone`)."""
    return next(index_files(ds.repo), None) is not None


def _auto(ds: Dataset, data: Data) -> bool:
    """Say whether git-annex is to fetch only what this repository is set to want."""
    if data != "auto-if-wanted":
        return data == "auto"
    return bool(remotes.preferences(ds.repo)["wanted"].get(ds.annex_uuid or ""))


def _check_source(ds: Dataset, source: str) -> None:
    known = remotes.configured(ds.repo)
    if source in known or source == "web" or any(r.uuid == source for r in known.values()):
        return
    names = ", ".join(sorted(known)) or "none"
    raise RemoteNotAvailableError(
        f"Remote '{source}' is not available in {ds.path}",
        hints=[f"known siblings are: {names}", "add one with `rookery siblings add`"],
    )


def _fetch(
    ds: Dataset, todo: Plan, *, refds: Path | None, source: str | None, jobs: int | str | None, auto: bool
) -> Iterator[Record]:
    retries = ds.config.getint("datalad.annex.retry", 3)
    options = ["-c", f"annex.retry={retries}", *(["--auto"] if auto else [])]
    places: Places | None = None
    keys, size = todo.keys, todo.size
    with Meter(ds.ctx.progress, f"get {ds.path}", "Getting content", size) as meter:
        for outcome in content.transfer(
            ds.repo,
            "get",
            _handed_over(todo.absent),
            from_remote=source,
            jobs=ds.annex_jobs(jobs),
            options=options,
            on_progress=None if ds.ctx.progress is SILENT else meter.hear,  # news of each file cost time
            clock=ds.ctx.clock,
        ):
            meter.settled(outcome)
            if outcome.silent:
                continue
            if not outcome.ok and places is None:
                places = read_places(ds.repo, keys)
            yield _record(ds, outcome, refds, places)


def _handed_over(files: list[AnnexedFile]) -> Iterator[tuple[str, str]]:
    """Yield path and key of each file, and keep none of them: the list is empty then."""
    files.reverse()
    while files:
        file = files.pop()
        yield file.path, file.key


def _record(ds: Dataset, outcome: Outcome, refds: Path | None, places: Places | None) -> Record:
    path = f"{ds.path}/{outcome.path}" if outcome.path else str(ds.path)
    if outcome.ok or places is None:
        return result("get", path, type="file", refds=refds, annexkey=outcome.key, message=outcome.message)
    return result(
        "get",
        path,
        "error",
        type="file",
        refds=refds,
        annexkey=outcome.key,
        message=outcome.message,
        error_message=outcome.error_message,
        **explained(places, outcome),
    )


def explained(places: Places, outcome: Outcome) -> dict[str, Any]:
    """Give the keys of a record that say why no place gave the content, and what to do."""
    if outcome.out_of_space:
        return {"hints": ["make room: `rookery drop` removes content that has other copies"]}
    why = reasons(places, outcome.key, outcome.why)
    if not why:
        return {"hints": ["no place is known to have this content"], "sources": []}
    hints = [f"{reason.name}: {reason.why}" for reason in why]
    return {"hints": hints, "sources": [reason._asdict() for reason in why]}


def closing(root: Path, paths: Sequence[str], said: Answers, *, refds: Path | None) -> Iterator[Record]:
    """Report on the paths that were asked for and are no file that git-annex said something about."""
    for one in paths:
        path = root / one
        if one == "." or str(path) in said:
            continue
        if not path.is_dir():
            yield result("get", path, "notneeded", type="file", refds=refds, message="already present")
            continue
        failures = said.failures_below(str(path))
        if failures:
            message: Any = ("could not get some content in %s %s", str(path), failures)
            yield result("get", path, "impossible", type="directory", refds=refds, message=message)
        elif said.below(str(path)):
            yield result("get", path, type="directory", refds=refds)
        else:
            message = ("nothing to get from %s", str(path))
            yield result("get", path, "notneeded", type="directory", refds=refds, message=message)


def foreseen(ds: Dataset, todo: Plan, *, refds: Path | None, source: str | None) -> Iterator[Record]:
    """Report what getting would do: each file with its size and where it would come from, and the sum."""
    action = "get [dry-run]"
    places = read_places(ds.repo, todo.keys)
    count = weight_of_all = 0
    for file in todo.absent:
        sources = [s for s in places.sources(file.key) if source in (None, s)]
        size = file.size
        weight = natural(size) if size is not None else "an unknown number of bytes"
        possible = bool(sources)
        count += possible
        weight_of_all += (size or 0) if possible else 0
        yield result(
            action,
            ds.path / file.path,
            "ok" if possible else "impossible",
            type="file",
            refds=refds,
            annexkey=file.key,
            bytesize=size,
            sources=sources,
            message=f"{weight} from {', '.join(sources)}" if possible else f"{weight}, no source is known",
        )
    files = f"{count} {'file' if count == 1 else 'files'}"
    without = len(todo.absent) - count
    also = f"; no source is known for {without} more" if without else ""
    yield result(
        action,
        ds.path,
        "ok" if count else "notneeded",
        type="dataset",
        refds=refds,
        bytesize=weight_of_all,
        message=f"would get {files}, {natural(weight_of_all)}{also}",
    )
