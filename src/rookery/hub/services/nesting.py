"""Subdatasets by their paths: which repository is meant by `/ada/study/sub/one`, where ada/study is the superdataset.

Repositories of subdatasets lie beside that of the superdataset, under names that
create-sibling makes of their paths (`study-sub-one`), or any other.  A clone of
the superdataset knows nothing of these names, and asks for its own address with
the path behind it.  The superdataset's `.gitmodules`, in its default branch, says
which dataset belongs there; that dataset is looked for:

1. by the name that create-sibling gives it;
2. by the address in `.gitmodules`, if it has one that could be here;
3. among the owner's other repositories, by its identity.

Whatever has another identity than `.gitmodules` says is not it.  Only what
somebody may read is ever found, the superdatasets on the way included.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from rookery.core.errors import CommandError
from rookery.core.log import get_log
from rookery.core.process import decode
from rookery.git import configfile, modules
from rookery.git.modules import Submodule
from rookery.git.objects import ObjectMissing, read_blob, stat_many
from rookery.git.repo import NotARepository
from rookery.hub.domain.errors import BadName
from rookery.hub.domain.names import RepositoryPath, repository_path
from rookery.hub.domain.ports.database import Work
from rookery.hub.domain.ports.histories import Histories
from rookery.hub.domain.records import Repository

log = get_log("rookery.hub")

IDENTITY = "datalad.dataset.id"

# So many repositories are remembered.
_REMEMBERED = 4096

# Ten thousand subdatasets are listed in two megabytes; what is larger is not read.
_LARGEST = 8 << 20

Readable = Callable[[Repository], bool]


class Inside(NamedTuple):
    """What the default branch says: the dataset's identity, "" if it has none, and its subdatasets by path."""

    identity: str
    subdatasets: dict[str, Submodule]


class Nesting:
    """Finds repositories of subdatasets; remembers what it read until the repository changes."""

    def __init__(self, histories: Histories) -> None:
        self._histories = histories
        self._read: dict[int, tuple[float, Inside]] = {}

    def find(self, work: Work, top: Repository | None, path: str, readable: Readable) -> Repository | None:
        """Find the repository of the subdataset at a path below a repository; None if there is none to read."""
        above, rest, done = top, path, ""
        while above is not None and rest and top is not None:
            if not readable(above):
                return None
            entry = self._entry(above, rest)
            if entry is None:
                return None
            done = f"{done}/{entry.path}".lstrip("/")
            rest = rest[len(entry.path) + 1 :]
            candidates = self._candidates(work, top, done, above, entry)
            above = next((one for one in candidates if readable(one)), None)
        return above

    def _entry(self, above: Repository, path: str) -> Submodule | None:
        """Give the subdataset that a path leads to or through."""
        known = self._inside(above).subdatasets
        cuts = [found.start() for found in re.finditer("/", path)] + [len(path)]
        return next((known[path[:cut]] for cut in cuts if path[:cut] in known), None)

    def _candidates(
        self, work: Work, top: Repository, path: str, above: Repository, entry: Submodule
    ) -> Iterator[Repository]:
        wanted = entry.more.get("datalad-id", "")
        seen = set()
        for one in self._named(work, top, path, above, entry):
            inside = self._inside(one)
            if one.id not in seen and (not wanted or inside.identity == wanted):
                yield one
            seen.add(one.id)
        for one in work.repositories.of_owner(above.owner_id) if wanted else ():
            if one.id not in seen and self._inside(one).identity == wanted:
                yield one

    def _named(
        self, work: Work, top: Repository, path: str, above: Repository, entry: Submodule
    ) -> Iterator[Repository]:
        """Give those that have a fitting name, whatever is in them."""
        names = [
            (top.owner, f"{top.name}-{_dashed(path)}"),
            (above.owner, f"{above.name}-{_dashed(entry.path)}"),
            *_of_address(entry.url or "", above),
        ]
        for owner, name in dict.fromkeys(names):
            if (where := _path(owner, name)) and (one := work.repositories.by_path(where)):
                yield one

    def _inside(self, repository: Repository) -> Inside:
        """Read a repository's default branch, unless it was read since it changed."""
        known = self._read.get(repository.id)
        if known is not None and known[0] == repository.updated:
            return known[1]
        found = self._look(repository)
        if len(self._read) >= _REMEMBERED:
            self._read.clear()
        self._read[repository.id] = repository.updated, found
        return found

    def _look(self, repository: Repository) -> Inside:
        branch = f"refs/heads/{repository.default_branch}"
        config, listing = f"{branch}:.datalad/config", f"{branch}:{modules.FILE}"
        try:
            repo = self._histories.open(repository.id)
        except NotARepository:
            return Inside("", {})  # a crash left a row without a folder, or another process removes it now
        fit = [
            name
            for name, one in zip((config, listing), stat_many(repo, (config, listing)), strict=True)
            if one is not None and one.kind == "blob" and one.size <= _LARGEST
        ]
        pairs: dict[str, str] = {}
        found: list[Submodule] = []
        try:
            pairs = dict(configfile.parse(decode(read_blob(repo, config)))) if config in fit else {}
            found = modules.read_modules(repo, listing) if listing in fit else []
        except (ObjectMissing, CommandError, ValueError) as e:
            log.info("%s: what its default branch says of datasets cannot be read: %s", repository.path, e)
        return Inside(pairs.get(IDENTITY, ""), {one.path: one for one in found})


def _dashed(path: str) -> str:
    """Name a subdataset as create-sibling does: slashes become dashes, white space underscores."""
    return re.sub(r"\s+", "_", re.sub(r"[/\\]+", "-", path))


def _of_address(url: str, above: Repository) -> list[tuple[str, str]]:
    """Give owner and name as an address ends in, or as it says from the superdataset's."""
    if url.startswith("../"):
        parts = [*str(above.path).split("/"), *url.split("/")]
        steps: list[str] = []
        for part in parts:
            if part == ".." and steps:
                steps.pop()
            elif part not in ("", ".", ".."):
                steps.append(part)
    else:
        try:
            steps = [part for part in urlsplit(url).path.split("/") if part]
        except ValueError:
            steps = []
    return [(steps[-2], steps[-1])] if len(steps) >= 2 else []


def _path(owner: str, name: str) -> RepositoryPath | None:
    try:
        return repository_path(owner, name)
    except BadName:
        return None
