"""Nested repositories in a commit: their commits, and `.gitmodules` kept in agreement with them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rookery.annex.identity import corresponding_branch, parse_adjusted
from rookery.dataset import sources
from rookery.dataset.model import Dataset
from rookery.git import modes, modules, objects, refs, trees
from rookery.git.index import NewEntry
from rookery.git.modules import Submodule
from rookery.git.repo import NotARepository, Repo
from rookery.steps.saving.changes import Changes


class Nested(NamedTuple):
    """What has to be recorded about nested repositories.

    `entries` are their commits, and `.gitmodules` where it had to be changed;
    `settled` those that HEAD holds and the index may not; `recorded` the paths of
    those that have another commit than before, `unborn` those that have none.
    `listed` tells that `.gitmodules` is part of it.
    """

    entries: list[NewEntry]
    settled: list[NewEntry]
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
    born = [NewEntry(path, modes.GITLINK, commit) for path, commit in found.items() if commit is not None]
    settled = [one for one in born if changes.before[one.path] == (one.mode, one.sha)]
    entries = [one for one in born if one not in settled]
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
    elif changes.behind and modules.FILE not in changes.before:
        settled += _list_in_head(ds.repo, changes)
    return Nested(entries, settled, recorded, unborn, bool(recorded or vanished))


def _list_in_head(repo: Repo, changes: Changes) -> list[NewEntry]:
    """Give the entry of `.gitmodules` if HEAD and the work tree agree about it."""
    now = gitmodules_entry(repo)
    assert changes.head.commit is not None
    held = [e.sha for e in trees.ls_tree(repo, changes.head.commit, [modules.FILE])]
    return [now] if held == ([now.sha] if now.mode else []) else []


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
    taken = {module.name for module in listed.values()}
    fresh: list[Submodule] = []
    for path, sha in new.items():
        module = describe(ds, Dataset(ds.path / path, ds.ctx), taken=taken, more={})
        before = _moved_from(listed, gone, module, sha)
        if before is None:
            fresh.append(module)
            taken.add(module.name)
        else:
            modules.edit_module(ds.repo, listed[before].name, path=path)
            del gone[before]
    for path in gone:
        modules.remove_module(ds.repo, listed[path].name)
    modules.append_modules(ds.repo, fresh)
    modules.append_active(ds.repo, fresh)
    ds.forget()


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


def describe(above: Dataset, below: Dataset, *, taken: set[str], more: Mapping[str, str]) -> Submodule:
    """Make the entry of a new subdataset, as DataLad does: the URL that its branch follows, else where it is.

    It is named by its path, unless that is `taken`: one that was moved away keeps its old name.
    """
    path = str(above.relative(below.path))
    name, number = path, 2
    while name in taken:
        name, number = f"{path}-{number}", number + 1
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
    """Give the URL of the remote that the branch follows, or where HEAD is on none, of the only one."""
    branch = corresponding_branch(ds.repo)
    remote = ds.config.get(f"branch.{branch}.remote") if branch else None
    if remote and remote != ".":
        found: str | None = ds.config.get(f"remote.{remote}.url")
        return found
    urls = [str(ds.config.get(key)) for key in ds.config.keys("remote.") if key.endswith(".url")]
    return urls[0] if branch is None and len(urls) == 1 else None
