"""Nested repositories in a commit: their commits, and `.gitmodules` kept in agreement with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rookery.annex.identity import parse_adjusted
from rookery.dataset.model import Dataset
from rookery.git import modes, modules, objects, refs
from rookery.git.index import NewEntry
from rookery.git.modules import Submodule
from rookery.git.repo import NotARepository, Repo
from rookery.steps.changes import Changes


class Nested(NamedTuple):
    """What has to be recorded about nested repositories.

    `entries` are their commits, and `.gitmodules` where it had to be changed;
    `recorded` the paths of those that have another commit than before,
    `unborn` those that have none.  `listed` tells that `.gitmodules` is part of it.
    """

    entries: list[NewEntry]
    recorded: list[str]
    unborn: list[str]
    listed: bool


def recordable_commit(repo: Repo) -> str | None:
    """Give the commit that a superdataset records: of the branch that people mean, also where it is adjusted."""
    head = refs.head(repo)
    adjusted = parse_adjusted(head.branch) if head.branch else None
    if adjusted is None:
        return head.commit
    return refs.resolve(repo, refs.HEADS + adjusted.original) or head.commit


def record_nested(ds: Dataset, changes: Changes) -> Nested:
    """Read the commits of changed nested repositories and write `.gitmodules` accordingly.

    New ones are listed there and noted in the local configuration; an entry
    moves with a repository that was moved, and goes with one that is gone.
    """
    found = dict(_commits(ds, changes.repositories))
    unborn = [path for path, commit in found.items() if commit is None]
    entries = [
        NewEntry(path, modes.GITLINK, commit)
        for path, commit in found.items()
        if commit is not None and changes.before[path] != (modes.GITLINK, commit)
    ]
    entries.sort(
        key=lambda entry: changes.before[entry.path][0] == modes.GITLINK
    )  # new ones first, as DataLad
    recorded = [entry.path for entry in entries]
    was = {path: sha for path, (mode, sha) in changes.before.items() if mode == modes.GITLINK}
    vanished = {path: sha for path, sha in was.items() if path not in found}
    added = {entry.path: entry.sha for entry in entries if entry.path not in was}
    if vanished or added:
        _keep_list(ds, vanished, added)
        entries.append(gitmodules_entry(ds.repo))
    return Nested(entries, recorded, unborn, bool(recorded or vanished))


def gitmodules_entry(repo: Repo) -> NewEntry:
    """Give the index entry of `.gitmodules` as it is in the work tree now; Git too keeps it when it is empty."""
    file = repo.root / modules.FILE
    if not file.is_file():
        return NewEntry(modules.FILE, 0, "")
    return NewEntry(modules.FILE, modes.FILE, objects.hash_blob(repo, file.read_bytes()))


def _commits(ds: Dataset, paths: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    for path in paths:
        try:
            yield path, recordable_commit(Dataset(ds.path / path, ds.ctx).repo)
        except NotARepository:
            yield path, None


def _keep_list(ds: Dataset, vanished: dict[str, str], added: dict[str, str]) -> None:
    """Change the work tree's `.gitmodules` for repositories that are gone, moved or new."""
    listed = {module.path: module for module in modules.read_modules(ds.repo)}
    new = {path: sha for path, sha in added.items() if path not in listed}
    gone = {path: sha for path, sha in vanished.items() if path in listed}
    fresh: list[Submodule] = []
    for path, sha in new.items():
        module = _describe(ds, path)
        before = _moved_from(listed, gone, module, sha)
        if before is None:
            fresh.append(module)
        else:
            modules.edit_module(ds.repo, listed[before].name, path=path)
            del gone[before]
    for path in gone:
        modules.remove_module(ds.repo, listed[path].name)
    taken = {module.name for module in listed.values()}
    fresh = [m if m.name not in taken else m._replace(name=_free_name(m.name, taken)) for m in fresh]
    modules.append_modules(ds.repo, fresh)
    modules.append_active(ds.repo, fresh)
    ds.forget()


def _free_name(name: str, taken: set[str]) -> str:
    """Find a name for an entry whose own belongs to a repository that was moved elsewhere."""
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"


def _moved_from(
    listed: dict[str, Submodule], gone: dict[str, str], module: Submodule, sha: str
) -> str | None:
    """Find the path that a repository had before: it has the same identity, or the same commit."""
    dataset_id = module.more.get("datalad-id")
    for path, old_sha in gone.items():
        same = dataset_id is not None and listed[path].more.get("datalad-id") == dataset_id
        if same or sha == old_sha:
            return path
    return None


def _describe(ds: Dataset, path: str) -> Submodule:
    """Make the entry of a new nested repository, as DataLad does: the URL that its branch follows, else itself."""
    below = Dataset(ds.path / path, ds.ctx)
    branch = refs.head(below.repo).branch
    remote = below.config.get(f"branch.{branch}.remote") if branch else None
    url = below.config.get(f"remote.{remote}.url") if remote and remote != "." else None
    more = {"datalad-id": below.id} if below.id else {}
    return Submodule(path, path, url or f"./{path}", more)
