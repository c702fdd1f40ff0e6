"""Which changed files may be saved: not under names that Windows cannot have, not while a program writes them.

Both are settings of DataLad's: `datalad.save.windows-compat-warning` and
`datalad.save.skip-openfiles`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rookery.core.errors import RookeryError
from rookery.core.log import get_log
from rookery.core.openfiles import CannotSeeOpenFilesError, writers
from rookery.core.results import result
from rookery.dataset.model import Dataset

log = get_log("rookery.save")

Record = dict[str, Any]

OPEN_FILES = "datalad.save.skip-openfiles"
OPEN_FILES_CHOICES = ("none", "skip", "warning", "error")

# So many files are named in a warning.
MOST_NAMED = 10

RESERVED_ON_WINDOWS = frozenset(
    ["CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))]
)
ILLEGAL_ON_WINDOWS = frozenset('<>:/\\|?*"') | frozenset(map(chr, range(32)))


def savable(ds: Dataset, paths: Sequence[str]) -> tuple[list[str], list[Record]]:
    """Give those of some changed files that are to be saved, and a record for each of the others.

    Raises RookeryError when a setting says nothing that can be followed.
    """
    if not paths:
        return [], []
    left_out = {**_names(ds, paths), **_open_files(ds, paths)}
    return [path for path in paths if path not in left_out], list(left_out.values())


def _left_out(ds: Dataset, path: str, status: Any, why: str) -> Record:
    return result("save", ds.path / path, status, type="file", refds=ds.path, message=why)


def _names(ds: Dataset, paths: Sequence[str]) -> dict[str, Record]:
    choice = ds.config.get("datalad.save.windows-compat-warning", "warning")
    problems = list(unfit_for_windows(paths)) if choice != "none" else []
    if choice == "error":
        why = "Incompatible name for Windows systems; disable with datalad.save.windows-compat-warning."
        return {path: _left_out(ds, path, "impossible", why) for _, _, path in problems}
    if problems:
        kinds: dict[str, dict[str, None]] = {}
        for kind, part, _ in problems:
            kinds.setdefault(kind, {})[part] = None
        log.warning(
            "Some elements of your dataset are not compatible with Windows systems. Disable this check by changing "
            "datalad.save.windows-compat-warning or consider renaming the following elements: %s",
            "".join(f"\n{kind} {list(parts)}" for kind, parts in kinds.items()),
        )
    return {}


def unfit_for_windows(paths: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield (what is wrong, the part of the name, the path) for names that Windows cannot have."""
    for path in paths:
        for part in path.split("/"):
            if part.partition(".")[0].upper() in RESERVED_ON_WINDOWS:
                yield "Elements using a reserved filename:", part, path
            if not ILLEGAL_ON_WINDOWS.isdisjoint(part):
                yield "Elements with illegal characters:", part, path
            if part.endswith("."):
                yield "Elements ending with a dot:", part, path
            if part.endswith(" "):
                yield "Elements ending with a space:", part, path


def _open_files(ds: Dataset, paths: Sequence[str]) -> dict[str, Record]:
    choice = ds.config.get(OPEN_FILES, "none")
    if choice not in OPEN_FILES_CHOICES:
        raise RookeryError(
            f"{OPEN_FILES} is {choice!r}, which is none of {', '.join(OPEN_FILES_CHOICES)}",
            hints=[f"git config {OPEN_FILES} error"],
        )
    if choice == "none":
        return {}
    try:
        held = writers(str(ds.path / path) for path in paths)
    except CannotSeeOpenFilesError as e:
        log.warning("%s: %s is not heeded", e, OPEN_FILES)
        return {}
    found = {path: held[str(ds.path / path)] for path in paths if str(ds.path / path) in held}
    if choice == "warning":
        if found:
            log.warning("open for writing by other processes, saved anyway: %s", _named(found))
        return {}
    if choice == "skip":
        return {path: _left_out(ds, path, "notneeded", _held(pids)) for path, pids in found.items()}
    more = f"; set {OPEN_FILES}=none to disable this check."
    return {path: _left_out(ds, path, "impossible", _held(pids) + more) for path, pids in found.items()}


def _held(pids: Iterable[int]) -> str:
    return f"File is open for writing by another process ({', '.join(map(str, pids))})"


def _named(found: Mapping[str, Sequence[int]]) -> str:
    named = [f"{path} (PIDs: {', '.join(map(str, pids))})" for path, pids in found.items()]
    more = [f"... and {len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else []
    return ", ".join([*named[:MOST_NAMED], *more])
