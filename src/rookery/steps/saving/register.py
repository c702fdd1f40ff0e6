"""Making a repository a subdataset of the one around it: `.gitmodules`, its commit, the local settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from rookery.core.errors import RookeryError
from rookery.core.results import result
from rookery.dataset import hierarchy
from rookery.dataset.model import Dataset
from rookery.git import modes, modules
from rookery.git.index import NewEntry
from rookery.steps.saving.entries import commit_missing, save_record
from rookery.steps.saving.nesting import describe, gitmodules_entry, recordable_commit

Record = dict[str, Any]


def register(
    top: Dataset, new: Dataset, *, message: str, more: Mapping[str, str] | None = None
) -> Iterator[Record]:
    """Record a dataset in the one around it, and that one in the next, up to `top`.

    Each commit holds just that, whatever else is changed or staged.  `more` are
    further keys for the entry in `.gitmodules` (datalad-url).  Yields what
    DataLad's save would: the subdataset, `.gitmodules`, the dataset.
    """
    nested = hierarchy.chain(top, new)
    for below, above in pairwise(nested):
        try:
            changed = _record_in(above, below, message, more if below is new else None)
        except (RookeryError, OSError) as e:
            why = f"could not record subdataset {below.path}: {e}"
            yield save_record(
                above, top.path, "error", message=why, exception=e, hints=getattr(e, "hints", None) or None
            )
            return
        if not changed:
            yield save_record(above, top.path, "notneeded")
            continue
        yield {**result("add", below.path, type="dataset", refds=above.path), "key": None}
        yield result("add", above.path / modules.FILE, type="file", refds=above.path)
        yield save_record(above, top.path, "ok")
        if more and below is new:
            # DataLad writes these keys in a second step, and scripts count its records; here it is one commit.
            yield {**result("add", above.path / modules.FILE, type="file", refds=above.path), "key": None}
            yield save_record(above, top.path, "ok")


def _record_in(above: Dataset, below: Dataset, message: str, more: Mapping[str, str] | None) -> bool:
    """Commit a subdataset's entry and commit in the dataset above; False if that is all there already."""
    repo = above.repo
    path = str(above.relative(below.path))
    commit = recordable_commit(below.repo)
    if commit is None:
        raise RookeryError("it has no commit yet", hints=["save something in it first"])
    modules.forget_dead_locks(repo)
    listed = {module.path: module for module in modules.read_modules(repo)}
    if path not in listed:
        new = describe(above, below, taken={m.name for m in listed.values()}, more=more or {})
        modules.append_modules(repo, [new])
        listed[path] = new
    elif more:
        for key, value in more.items():
            modules.edit_module(repo, listed[path].name, None, **{key.replace("-", "_"): value})
    if f"submodule.{listed[path].name}.active" not in above.config:
        modules.append_active(repo, [listed[path]])
        above.forget()
    wanted = [NewEntry(path, modes.GITLINK, commit), gitmodules_entry(repo)]
    changed = commit_missing(above, wanted, message=message)
    above.forget()
    return changed
