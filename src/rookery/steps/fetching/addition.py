"""Adding what rows of a table ask for to one dataset: files from URLs or keys, and their metadata."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rookery.annex import adding
from rookery.annex.adding import Added
from rookery.annex.keys import key_of_link
from rookery.annex.metadata import add_metadata
from rookery.annex.outcome import Listener
from rookery.annex.web.registering import register
from rookery.core import files
from rookery.core.progress import SILENT
from rookery.core.results import result
from rookery.dataset.model import Dataset
from rookery.git.repo import find_root
from rookery.steps.fetching.urlrows import Addition

Record = dict[str, Any]
IfExists = Literal["overwrite", "skip"]

LARGE = 10_000_000  # bytes; smaller files come and go faster than a bar of their own can be read


class Manner(NamedTuple):
    """How files are to be added."""

    fast: bool = False
    ifexists: IfExists | None = None
    jobs: int | str | None = None


def add_rows(ds: Dataset, wanted: Sequence[tuple[str, Addition]], manner: Manner) -> Iterator[Record]:
    """Add files to a dataset (paths below it); what is added is staged, not saved.

    Where files are replaced, the old one comes back if the new one does not arrive.
    """
    todo: dict[str, Addition] = {}
    aside: dict[str, Path] = {}
    keys: list[tuple[str, Addition, str]] = []
    in_folder = cache(lambda folder: _obstacle_in(ds, folder))
    try:
        for path, one in wanted:
            file = ds.path / path
            why = in_folder(file.parent)
            if why is None and file.is_dir() and not file.is_symlink():
                why = "there is a folder of this name"
            if why is not None:
                yield result("addurls", file, "error", type="file", message=why, url=one.url)
                continue
            if os.path.lexists(file):
                if manner.ifexists == "skip":
                    yield result("addurls", file, "notneeded", type="file")
                    continue
                if manner.ifexists == "overwrite":
                    aside[path] = _put_aside(ds, file)
            todo[path] = one
        for action, added in _watched(ds, todo, manner):
            one = todo[added.path]
            yield _told(ds, action, added, one.url)
            if added.ok:
                if (old := aside.pop(added.path, None)) is not None:
                    old.unlink()
                # Of a file that was there git-annex names no key: one that was added before we were killed, too.
                key = added.key or _key_at(ds.path / added.path)
                if key and one.meta:
                    keys.append((added.path, one, key))
    finally:
        for path, old in aside.items():
            os.replace(old, ds.path / path)
    order = {path: number for number, path in enumerate(todo)}
    yield from _described(ds, sorted(keys, key=lambda one: order[one[0]]))


def _obstacle_in(ds: Dataset, place: Path) -> str | None:
    """Say why no file of a dataset can be in a folder."""
    for folder in (place, *place.parents):
        if folder == ds.path:
            break
        if folder.is_symlink():
            return f"the folder {folder} is a symbolic link"
        if folder.exists() and not folder.is_dir():
            return f"there is a file at {folder}"
    if (root := find_root(place)) != ds.path:
        return f"this is in the dataset {root}: write // behind its name in the file name format"
    return None


def _key_at(file: Path) -> str | None:
    try:
        return key_of_link(os.readlink(file))
    except OSError:
        return None


def _put_aside(ds: Dataset, file: Path) -> Path:
    """Move a file to where a killed process leaves it unseen by the next save, and not lost."""
    folder = ds.repo.gitdir / "rookery" / "replaced"
    files.make_folder(folder)
    if folder.stat().st_dev != file.parent.stat().st_dev:
        folder = file.parent  # a rename cannot cross file systems
    old = folder / f".{file.name}.{os.getpid()}.{time.monotonic_ns()}.replaced"
    os.rename(file, old)
    return old


def _told(ds: Dataset, action: str, added: Added, url: str) -> Record:
    file = ds.path / added.path
    if not added.ok:
        why = added.message or "git-annex could not add it"
        return result("addurls", file, "error", type="file", message=why, error_message=why, url=url)
    message = added.message or ("registered URL" if action == "fromkey" else None)
    return result(action, file, "ok", type="file", annexkey=added.key, message=message, url=url)


def _watched(ds: Dataset, todo: Mapping[str, Addition], manner: Manner) -> Iterator[tuple[str, Added]]:
    """Show how many files there are by now, and each large one while it comes."""
    progress, task = ds.ctx.progress, f"addurls {ds.path}"
    coming: set[str] = set()

    def hear(path: str, done: int, total: int | None) -> None:
        name = f"{task} {path}"
        if path not in coming and total is not None and total >= LARGE:
            coming.add(path)
            progress.start(name, path, total)
        if path in coming:
            progress.set(name, done)

    if todo:
        progress.start(task, f"Adding files to {ds.path.name}", len(todo), "files")
    try:
        for number, (action, added) in enumerate(_added(ds, todo, manner, hear), 1):
            if added.path in coming:
                coming.remove(added.path)
                progress.finish(f"{task} {added.path}")
            progress.set(task, number)
            yield action, added
    finally:
        for path in coming:
            progress.finish(f"{task} {path}")
        if todo:
            progress.finish(task)


def _added(
    ds: Dataset, todo: Mapping[str, Addition], manner: Manner, hear: Listener
) -> Iterator[tuple[str, Added]]:
    by_url = {path: one.url for path, one in todo.items() if one.key is None}
    listener = None if ds.ctx.progress is SILENT else hear  # news of each file cost time
    for added in _from_urls(ds, by_url, manner, listener):
        yield "addurl", added
    by_key = _keys(ds, todo)
    failed = {key: why for key, _, why in _registered(ds, todo, by_key) if why}
    for path, key in by_key.items():
        if key in failed:
            yield "fromkey", Added(path, key, False, failed[key])
    good = {path: key for path, key in by_key.items() if key not in failed}
    for added in adding.add_keys(ds.repo, good):
        yield "fromkey", added


def _from_urls(ds: Dataset, by_url: dict[str, str], manner: Manner, hear: Listener | None) -> Iterator[Added]:
    """Add files, by ourselves where we can; what is left to git-annex comes last."""
    if by_url and not manner.fast:
        from rookery.steps.fetching.fromweb import add_from_web  # start-up: HTTP and TLS take long to load

        by_url = yield from add_from_web(ds, by_url, jobs=manner.jobs, hear=hear)
    yield from adding.add_urls(
        ds.repo, by_url, fast=manner.fast, jobs=ds.annex_jobs(manner.jobs), on_progress=hear
    )


def _registered(
    ds: Dataset, todo: Mapping[str, Addition], by_key: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    pairs = [(key, todo[path].url) for path, key in by_key.items()]
    return list(register(ds.repo, pairs, now=ds.ctx.clock()))


def _keys(ds: Dataset, todo: Mapping[str, Addition]) -> dict[str, str]:
    """Give the keys that rows name, with another backend where they want one."""
    found: dict[str, str] = {}
    changed: dict[str, list[str]] = {}
    for path, one in todo.items():
        if one.key is not None and one.key.backend is None:
            found[path] = one.key.key
        elif one.key is not None and one.key.backend is not None:
            found[path] = one.key.key
            changed.setdefault(one.key.backend, []).append(path)
    for backend, paths in changed.items():
        new = adding.change_backend(ds.repo, [(found[path], path) for path in paths], backend)
        found.update(zip(paths, new, strict=True))
    return found


def _described(ds: Dataset, keys: Sequence[tuple[str, Addition, str]]) -> Iterator[Record]:
    answers = add_metadata(ds.repo, [(key, one.meta) for _, one, key in keys])
    for (path, _, key), known in zip(keys, answers, strict=True):
        file = ds.path / path
        if not known.ok:
            yield result("metadata", file, "error", type="file", annexkey=key, message=known.message)
            continue
        shown = {k: v[0] if len(v) == 1 else v for k, v in known.fields.items()}
        yield result("metadata", file, "ok", type="file", annexkey=key, metadata=shown)
