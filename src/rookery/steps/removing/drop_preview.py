"""What dropping would do, said before: what is freed, where its copies are, what stays, and what would be lost.

Nobody is asked for a copy; that other places have what the location log says
is taken on trust here, which the drop itself never does.  A remote that
git-annex has not met yet counts for nothing, since only asking tells who it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rookery.annex.files import AnnexedFile
from rookery.annex.keys import size_of
from rookery.annex.numcopies import copies_of_keys, required_copies
from rookery.annex.places import read_places
from rookery.annex.required import Required, required_here
from rookery.annex.store import keys_here
from rookery.core.results import result
from rookery.core.sizes import natural
from rookery.dataset.model import Dataset

Record = dict[str, Any]

ACTION = "drop [dry-run]"
REQUIRED = "required content, which stays (git annex required)"
UNDECIDED = "git-annex decides: required content is configured here"


class Verdict(NamedTuple):
    """Whether a key could go, and what there is to say about it."""

    ok: bool
    copies: tuple[str, ...]
    message: str


def foreseen_files(
    ds: Dataset, files: Iterable[AnnexedFile], index: Iterable[AnnexedFile], *, force: bool, **said: Any
) -> Iterator[Record]:
    """Report on each file, then on the sum; `index` are all annexed files, `said` is in each record."""
    asked = list(files)
    verdicts = judge(ds, {file.key for file in asked}, _names(index), force=force)
    gone: set[str] = set()
    for file in asked:
        if file.key in gone:  # under another name
            continue
        verdict = verdicts[file.key]
        if verdict.ok:
            gone.add(file.key)
        path = ds.path / file.path
        yield _record(path, "file", verdict, bytesize=file.size, annexkey=file.key, **said)
    yield _sum(ds, gone, said)


def foreseen_keys(ds: Dataset, index: Iterable[AnnexedFile], *, force: bool, **said: Any) -> Iterator[Record]:
    """Report on each key in the store, those of former versions too, then on the sum."""
    names = _names(index)
    keys = list(keys_here(ds.repo))
    verdicts = judge(ds, keys, names, force=force)
    for key in keys:
        verdict = verdicts[key]
        name = next(iter(names.get(key, ())), key)
        verdict = verdict._replace(message=f"{name}: {verdict.message}")
        yield _record(ds.path, "key", verdict, bytesize=size_of(key), key=key, **said)
    yield _sum(ds, [key for key in keys if verdicts[key].ok], said)


def judge(
    ds: Dataset, keys: Collection[str], names: Mapping[str, Collection[str]], *, force: bool
) -> dict[str, Verdict]:
    """Decide for each key; `names` are the paths of all keys in the index."""
    places = read_places(ds.repo, keys)
    overall = required_copies(ds.repo)
    needed = copies_of_keys(ds.repo, [(path, key) for key in keys for path in names.get(key, ())])
    required = Required() if force else required_here(ds.repo, {key: names.get(key, ()) for key in keys})
    found = {}
    for key in keys:
        copies = places.proofs(key)
        rule = needed.get(key, overall).elsewhere
        if key in required.kept or key in required.undecided:
            message = REQUIRED if key in required.kept else UNDECIDED
            found[key] = Verdict(ok=False, copies=tuple(copies), message=message)
        else:
            found[key] = _by_copies(key, copies, rule, force=force, lost=not places.elsewhere(key))
    return found


def _by_copies(key: str, copies: Collection[str], needed: int, *, force: bool, lost: bool) -> Verdict:
    weight = natural(size_of(key) or 0)
    if len(copies) >= needed:
        message = f"{weight}, {len(copies)} other {_copies(len(copies))}: {', '.join(copies)}"
    elif force:
        loss = "; no other is known, it would be lost" if lost else ""
        message = f"{weight}, {len(copies)} of {needed} other {_copies(needed)} in reach{loss}"
    else:
        message = f"unsafe: {len(copies)} of {needed} other {_copies(needed)} in reach"
    return Verdict(force or len(copies) >= needed, tuple(copies), message)


def _names(index: Iterable[AnnexedFile]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for file in index:
        names.setdefault(file.key, []).append(file.path)
    return names


def _record(path: Path, kind: str, verdict: Verdict, **said: Any) -> Record:
    return result(
        ACTION,
        path,
        "ok" if verdict.ok else "impossible",
        type=kind,
        copies=list(verdict.copies),
        message=verdict.message,
        **said,
    )


def _sum(ds: Dataset, gone: Collection[str], said: Mapping[str, Any]) -> Record:
    total = sum(size_of(key) or 0 for key in gone)
    return result(
        ACTION,
        ds.path,
        "ok" if gone else "notneeded",
        type="dataset",
        bytesize=total,
        message=f"would free {natural(total)}",
        **said,
    )


def _copies(count: int) -> str:
    return "copy" if count == 1 else "copies"
