"""Making a repository a subdataset of the one around it: `.gitmodules`, its commit, the local settings."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from rookery.core.errors import RookeryError
from rookery.core.results import result
from rookery.dataset import hierarchy, sources
from rookery.dataset.model import Dataset
from rookery.git import modes, modules, refs
from rookery.git.index import NewEntry
from rookery.git.modules import Submodule
from rookery.steps.entries import commit_missing
from rookery.steps.nesting import gitmodules_entry, recordable_commit

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
            yield _saved(
                above, top, "error", message=why, exception=e, hints=getattr(e, "hints", None) or None
            )
            return
        if not changed:
            yield _saved(above, top, "notneeded")
            continue
        yield {**result("add", below.path, type="dataset", refds=above.path), "key": None}
        yield result("add", above.path / modules.FILE, type="file", refds=above.path)
        yield _saved(above, top, "ok")
        if more and below is new:
            # DataLad writes these keys in a second step, and scripts count its records; here it is one commit.
            yield {**result("add", above.path / modules.FILE, type="file", refds=above.path), "key": None}
            yield _saved(above, top, "ok")


def _saved(ds: Dataset, top: Dataset, status: Any, **more: Any) -> Record:
    return result("save", ds.path, status, type="dataset", refds=top.path, **more)


def _record_in(above: Dataset, below: Dataset, message: str, more: Mapping[str, str] | None) -> bool:
    """Commit a subdataset's entry and commit in the dataset above; False if that is all there already."""
    repo = above.repo
    path = str(above.relative(below.path))
    commit = recordable_commit(below.repo)
    if commit is None:
        raise RookeryError("it has no commit yet", hints=["save something in it first"])
    listed = {module.path: module for module in modules.read_modules(repo)}
    if path not in listed:
        new = describe(above, below, path, taken={m.name for m in listed.values()}, more=more or {})
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


def describe(
    above: Dataset, below: Dataset, path: str, *, taken: set[str], more: Mapping[str, str]
) -> Submodule:
    """Make the entry of a new subdataset: named by its path, found where it was cloned from, else in itself."""
    name = path
    while name in taken:  # an entry whose subdataset was moved away keeps its old name
        name += "-2"
    url = _origin(below)
    if url is None:
        url = f"./{path}"
    elif sources.is_path(url) and not os.path.isabs(os.path.expanduser(url)):
        # Relative to the subdataset there; everybody (Git, DataLad) reads it as relative to the superdataset.
        url = os.path.relpath(os.path.normpath(below.path / url), above.path)
        url = url if url.startswith(".") else f"./{url}"
    identity = {"datalad-id": below.id} if below.id else {}
    return Submodule(name, path, url, {**identity, **more})


def _origin(ds: Dataset) -> str | None:
    """Give the URL of the remote that the current branch follows, or of the only one; None if there is none."""
    branch = refs.head(ds.repo).branch
    remote = ds.config.get(f"branch.{branch}.remote") if branch else None
    if remote and remote != ".":
        found: str | None = ds.config.get(f"remote.{remote}.url")
        return found
    urls = [str(ds.config.get(key)) for key in ds.config.keys("remote.") if key.endswith(".url")]
    return urls[0] if len(urls) == 1 else None
