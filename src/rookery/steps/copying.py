"""Copying files from dataset to dataset with their identity: key, content, and where else it is known to be.

Content goes first, then what is known of it, then the file: whatever stops us,
no file is left without a way to its content that it would have had.  git-annex
moves the content, one process for all files between two datasets.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from rookery.annex import branch, content, identity, remotes
from rookery.annex.branch import Location
from rookery.annex.files import keys_of_blobs
from rookery.annex.identity import WEB
from rookery.annex.keys import key_of_link, key_of_pointer
from rookery.annex.logs import parse_presence
from rookery.annex.nearby.knowledge import told
from rookery.annex.remotes import SpecialRemote
from rookery.annex.store import annex_dir, is_present, link_target, object_path
from rookery.core.context import Context
from rookery.core.environment import with_overrides
from rookery.core.errors import CommandError, RookeryError
from rookery.core.files import replace_with_copy, replace_with_link
from rookery.dataset.model import Dataset
from rookery.git.index import IndexEntry, read_index, stage
from rookery.git.repo import find_root

# Pairs worked on together: bounds the memory and the wait for the first record.
CHUNK = 1000

# The name under which git-annex is shown the dataset to copy from, for one process, nowhere written down.
SOURCE = "rookery-copy-source"


class Pair(NamedTuple):
    """A file and where it is to be copied to, both absolute."""

    source: Path
    target: Path


class Copied(NamedTuple):
    """What became of a pair.  `about` is the path that the message is about; `linked` tells an annexed file."""

    pair: Pair
    status: Literal["ok", "impossible", "error"]
    about: Path
    message: str | None = None
    linked: bool = False


class _Annexed(NamedTuple):
    """A pair whose source is annexed, as is the dataset that it goes to."""

    pair: Pair
    key: str
    source: Dataset
    target: Dataset


class Copier:
    """Copies files; what it learns of the datasets is kept, so they must not change under it."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._datasets: dict[Path, Dataset | None] = {}
        self._indexed: dict[Path, dict[str, IndexEntry]] = {}

    def copy(self, pairs: Iterable[Pair]) -> Iterator[Copied]:
        """Copy files and tell what became of each, in order."""
        rest = iter(pairs)
        while chunk := list(islice(rest, CHUNK)):
            yield from self._copy(chunk)

    def _copy(self, pairs: Sequence[Pair]) -> Iterator[Copied]:
        done: dict[Pair, Copied] = {}
        annexed: list[_Annexed] = []
        plain: list[Pair] = []
        keys = self._keys(pairs)
        for pair in pairs:
            source, target = self._dataset(pair.source), self._dataset(pair.target)
            if (refused := _refusal(pair, target)) is not None:
                done[pair] = refused
                continue
            key = keys.get(pair.source)
            if (
                key is not None
                and source is not None
                and target is not None
                and target.annex_uuid is not None
            ):
                annexed.append(_Annexed(pair, key, source, target))
            else:
                plain.append(pair)
        for one in self._bring(annexed):
            done[one.pair] = one
        for pair in plain:
            done[pair] = self._plainly(pair, keys.get(pair.source))
        yield from (done[pair] for pair in pairs)

    def _dataset(self, path: Path) -> Dataset | None:
        """Give the dataset that a path is in."""
        folder = path.parent
        if folder not in self._datasets:
            root = find_root(folder)
            self._datasets[folder] = None if root is None else Dataset(root, self._ctx)
        return self._datasets[folder]

    def _keys(self, pairs: Sequence[Pair]) -> dict[Path, str]:
        """Find the keys of annexed files: from the link itself, or of an unlocked file that is as it was saved."""
        found: dict[Path, str] = {}
        regular: dict[Path, list[tuple[Path, IndexEntry]]] = {}
        datasets: dict[Path, Dataset] = {}
        for path in dict.fromkeys(pair.source for pair in pairs):
            ds = self._dataset(path)
            if ds is None or ds.annex_uuid is None:
                continue
            if path.is_symlink():
                if key := key_of_link(os.readlink(path)):
                    found[path] = key
            elif path.is_file():
                entry = self._entry(ds, path)
                if entry is not None:
                    datasets[ds.path] = ds
                    regular.setdefault(ds.path, []).append((path, entry))
        for root, files in regular.items():
            keys = keys_of_blobs(datasets[root].repo, [entry for _, entry in files])
            for path, entry in files:
                if entry.sha in keys and _as_saved(path, entry, keys[entry.sha][0]):
                    found[path] = keys[entry.sha][0]
        return found

    def _entry(self, ds: Dataset, path: Path) -> IndexEntry | None:
        if ds.path not in self._indexed:
            self._indexed[ds.path] = {e.path: e for e in read_index(ds.repo) if stat.S_ISREG(e.mode)}
        return self._indexed[ds.path].get(path.relative_to(ds.path).as_posix())

    def _plainly(self, pair: Pair, key: str | None) -> Copied:
        """Copy what is in the file."""
        source = self._dataset(pair.source)
        place = pair.source
        if key is not None and source is not None:
            if not is_present(source.repo, key):
                return Copied(pair, "impossible", pair.source, "file has no content available")
            place = Path(object_path(source.repo, key))
        follow = source is not None and source.annex_uuid is not None and place.exists()
        try:
            _replace(self._dataset(pair.target), pair.target, place, follow=follow)
        except OSError as e:
            return Copied(pair, "error", pair.target, f"could not be written: {e.strerror or e}")
        return Copied(pair, "ok", pair.source)

    def _bring(self, annexed: Sequence[_Annexed]) -> Iterator[Copied]:
        groups: dict[tuple[Path, Path], list[_Annexed]] = {}
        for one in annexed:
            groups.setdefault((one.source.path, one.target.path), []).append(one)
        for group in groups.values():
            yield from _Between(group[0].source, group[0].target).copy(group)


def _refusal(pair: Pair, target: Dataset | None) -> Copied | None:
    if not os.path.lexists(pair.source):
        return Copied(pair, "impossible", pair.source, "no such file or directory")
    if target is None:
        return Copied(pair, "error", pair.target, "copy destination not within a dataset")
    if pair.target.is_dir() and not pair.target.is_symlink():
        return Copied(pair, "error", pair.target, "copy destination is a directory")
    return None


def _as_saved(path: Path, entry: IndexEntry, key: str) -> bool:
    """Say whether an unlocked file is what the index says: untouched since, or still its pointer."""
    seen = path.stat()
    if (seen.st_size, seen.st_mtime_ns) == (entry.size, entry.mtime_ns):
        return True
    return seen.st_size <= 1024 and key_of_pointer(path.read_bytes()) == key


def _replace(ds: Dataset | None, target: Path, place: Path, *, follow: bool) -> None:
    """Put a copy of a file or a link in place, in one step."""
    assert ds is not None
    target.parent.mkdir(parents=True, exist_ok=True)
    drafts = ds.repo.gitdir / "rookery"
    if place.is_symlink() and not follow:
        replace_with_link(target, os.readlink(place), drafts=drafts)
    else:
        replace_with_copy(target, place, drafts=drafts)


class _Between:
    """Copies annexed files from one dataset to another."""

    def __init__(self, source: Dataset, target: Dataset) -> None:
        self.source = source
        self.target = target
        self.same = source.repo.commondir == target.repo.commondir

    def copy(self, group: Sequence[_Annexed]) -> Iterator[Copied]:
        """Bring content, then knowledge, then put the files in place."""
        keys = list(dict.fromkeys(one.key for one in group))
        failed = {} if self.same else self._content(keys)
        elsewhere = set(keys) if self.same else self._knowledge(keys, failed)
        links = []
        for one in group:
            result = self._place(one, failed.get(one.key), elsewhere=one.key in elsewhere)
            links += [one.pair.target] if result.linked else []
            yield result
        self._stage(links)

    def _content(self, keys: Sequence[str]) -> dict[str, str]:
        """Bring the content that is here and not there; give the keys that could not be had, and why."""
        wanted = [k for k in keys if is_present(self.source.repo, k) and not is_present(self.target.repo, k)]
        if not wanted:
            return {}
        shown = {
            f"remote.{SOURCE}.url": str(self.source.path),
            f"remote.{SOURCE}.annex-uuid": str(self.source.annex_uuid),
        }
        env = with_overrides(self.target.repo.runner.env, shown.items())
        seeing = self.target.repo.with_env(**env)
        outcomes = content.transfer_keys(
            seeing, "get", wanted, from_remote=SOURCE, clock=self.target.ctx.clock
        )
        return {o.key: o.why or "git-annex did not copy it" for o in outcomes if not o.ok}

    def _knowledge(self, keys: Sequence[str], failed: dict[str, str]) -> set[str]:
        """Carry over URLs and special remotes; give the keys that can be had from somewhere else from now on."""
        places = branch.locations(self.source.repo, keys)
        logs = branch.logs_of_keys(self.source.repo, keys, ".log.web")
        # Not by `branch.urls`: the colon before what a special remote claims is wanted here.
        urls = {k: [p.subject for p in parse_presence(t)[0].values() if p.present] for k, t in logs.items()}
        others = {p.uuid for key in keys for p in places[key] if p.present} - {WEB, self.source.annex_uuid}
        known = self._special(others) if others else {}
        present: list[tuple[str, str]] = []
        pairs: list[tuple[str, str]] = []
        for key in keys:
            pairs += [(key, url.removeprefix(":")) for url in _usable(urls.get(key, []), places[key], known)]
            here = [p.uuid for p in places[key] if p.present]
            present += [(key, known[uuid]) for uuid in here if uuid in known]
            of_the_web = any(not url.startswith(":") for url in urls.get(key, ()))
            present += [(key, WEB)] if WEB in here and of_the_web else []
        for key, url, message in remotes.register_urls(self.target.repo, pairs):
            if message:
                failed[key] = f"{url} could not be registered: {message}"
        for place in dict.fromkeys(uuid for _, uuid in present):
            there = [key for key, uuid in present if uuid == place]
            told(self.target.repo, place, there, present=True, clock=self.target.ctx.clock)
        return {key for key, _ in present}

    def _special(self, wanted: set[str]) -> dict[str, str]:
        """Map special remotes of the source to the same ones of the target.

        DataLad's remote for downloads keeps nothing itself, so that one is made
        if need be.  Others hold content for datasets that know them already.
        """
        theirs = remotes.special(self.target.repo)
        found = {uuid: uuid for uuid in wanted if uuid in theirs}
        for uuid, special in remotes.special(self.source.repo).items():
            if uuid in wanted and uuid not in found and special.externaltype == "datalad":
                found[uuid] = self._same_as(special, theirs)
        return found

    def _same_as(self, special: SpecialRemote, theirs: dict[str, SpecialRemote]) -> str:
        for uuid, known in theirs.items():
            if known.settings == special.settings:
                return uuid
        settings = {k: v for k, v in special.settings.items() if k not in ("name", "timestamp")}
        try:
            return remotes.initialize(self.target.repo, special.name, settings)
        except CommandError as e:
            raise RookeryError(
                f"the special remote {special.name} could not be set up in {self.target.path}: {e.stderr.strip()}",
                hints=["git-annex needs the program git-annex-remote-datalad, which comes with DataLad"],
            ) from e

    def _place(self, one: _Annexed, failure: str | None, *, elsewhere: bool) -> Copied:
        """Put one file in place, if its content can be had there."""
        here = is_present(self.target.repo, one.key)
        if failure is not None and not here:
            return Copied(one.pair, "error", one.pair.source, failure)
        if not (here or elsewhere):
            why = "no known location of file content"
            if any(p.present for p in branch.locations(self.source.repo, [one.key])[one.key]):
                why = "no usable/supported remote for file content"
            return Copied(one.pair, "impossible", one.pair.source, why)
        adjusted = identity.is_managed_branch(self.target.repo)
        if adjusted and not here:
            why = f"Cannot create file in managed branch without file content. Missing for: {one.pair.source}"
            return Copied(one.pair, "error", one.pair.target, why)
        try:
            if adjusted:
                _replace(
                    self.target, one.pair.target, Path(object_path(self.target.repo, one.key)), follow=True
                )
            else:
                one.pair.target.parent.mkdir(parents=True, exist_ok=True)
                link = link_target(one.key, one.pair.target.relative_to(self.target.path).as_posix())
                replace_with_link(one.pair.target, link, drafts=annex_dir(self.target.repo) / "othertmp")
        except OSError as e:
            return Copied(one.pair, "error", one.pair.target, f"could not be written: {e.strerror or e}")
        return Copied(one.pair, "ok", one.pair.source, str(one.pair.target), linked=not adjusted)

    def _stage(self, links: Sequence[Path]) -> None:
        """Tell the index of new links, as `git annex fromkey` does."""
        stage(self.target.repo, (os.fspath(link.relative_to(self.target.path)) for link in links))


def _usable(urls: Sequence[str], places: Sequence[Location], known: dict[str, str]) -> Iterator[str]:
    """Pick the URLs that the target can use: of the web, or of a special remote that it has (marked by a colon)."""
    uuids = {place.uuid for place in places if place.present}
    for url in urls:
        if url.startswith(":"):
            if uuids & known.keys():
                yield url
        elif WEB in uuids:
            yield url
