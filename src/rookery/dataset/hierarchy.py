"""Datasets above and below one another.

Walking down reads files only: `.gitmodules` and the index of each dataset, no
process, so that a thousand subdatasets are a matter of a second.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rookery.dataset.model import Dataset
from rookery.dataset.unfinished import is_unfinished
from rookery.git import index, modules
from rookery.git.modes import GITLINK
from rookery.git.repo import Repo, find_root

State = Literal["any", "present", "absent"]
Limit = int | Literal["existing"] | None

# Beyond this size, asking Git for the few entries of submodules beats reading the index in Python.
LARGE_INDEX = 1 << 21


class Subdataset(NamedTuple):
    """One registered subdataset of `parent`.

    `sha` is the commit that the parent's index records; `properties` is its
    entry in `.gitmodules` with `path` and `url`, empty if it has none.
    """

    parent: Path
    path: Path
    sha: str
    name: str | None
    properties: Mapping[str, str]

    @property
    def present(self) -> bool:
        """Say whether a repository is at its place, and is not one that was left half-made."""
        return find_root(self.path) == self.path and not is_unfinished(self.path)

    @property
    def url(self) -> str | None:
        """Where Git would get it from."""
        return self.properties.get("url")

    @property
    def id(self) -> str | None:
        """Its dataset id, as far as the parent knows it."""
        return self.properties.get("datalad-id")

    def as_record(self) -> dict[str, Any]:
        """Give the keys of a result record."""
        record: dict[str, Any] = {f"gitmodule_{key}": value for key, value in self.properties.items()}
        if self.name is not None:
            record["gitmodule_name"] = self.name
        return {
            **record,
            "gitshasum": self.sha,
            "parentds": str(self.parent),
            "state": "present" if self.present else "absent",
        }


def superdataset_of(
    dataset: Dataset, *, topmost: bool = False, registered: bool = True, with_id: bool = False
) -> Dataset | None:
    """Give the dataset above, or the topmost one; None if there is none.

    `registered` asks that each step up is a subdataset in the index of the one
    above, `with_id` that the one above has a dataset id.
    """
    found = None
    current = dataset
    while current.path.parent != current.path:
        root = find_root(current.path.parent)
        if root is None:
            break
        above = Dataset(root, dataset.ctx)
        if (with_id and above.id is None) or (registered and not is_registered(above, current)):
            break
        found = current = above
        if not topmost:
            break
    return found


def is_registered(above: Dataset, below: Dataset) -> bool:
    """Say whether `below` is a subdataset in the index of `above`."""
    relative = below.path.relative_to(above.path)
    entry = above.repo.run("ls-files", "-s", "-z", "--", f":(literal){relative}").stdout
    return entry.startswith(b"160000 ")


def chain(top: Dataset, bottom: Dataset) -> list[Dataset]:
    """Give the datasets from `bottom` up to `top`, both included, as the file system nests them.

    Ends early, without `top`, where a step up leads past it.
    """
    found = [bottom]
    while found[-1].path != top.path:
        root = find_root(found[-1].path.parent)
        if root is None or (root != top.path and top.path not in root.parents):
            return found
        found.append(Dataset(root, top.ctx))
    return found


def registered(dataset: Dataset) -> list[Subdataset]:
    """Give the subdatasets directly below a dataset, in the order of the index.

    As in DataLad, a dataset without `.gitmodules` has none, whatever is nested in it.
    """
    if not (dataset.path / modules.FILE).is_file():
        return []
    repo = dataset.repo
    entries = {entry.path: entry for entry in modules.read_modules(repo)}
    found = []
    for path, sha in gitlinks(repo, list(entries)):
        entry = entries.get(path)
        properties: dict[str, str] = {}
        if entry is not None:
            properties = {
                "path": entry.path,
                **({"url": entry.url} if entry.url is not None else {}),
                **entry.more,
            }
        found.append(
            Subdataset(dataset.path, dataset.path / path, sha, entry.name if entry else None, properties)
        )
    return found


def gitlinks(repo: Repo, known: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield path and commit of the submodules in the index; of a huge index, only `known` ones are looked at."""
    try:
        large = index.index_file(repo).stat().st_size > LARGE_INDEX
    except FileNotFoundError:
        return
    if not large:
        for entry in index.read_index(repo):
            if entry.mode == GITLINK and entry.stage in (0, 2):
                yield entry.path, entry.sha
        return
    for line in repo.records("--literal-pathspecs", "ls-files", "-s", "-z", "--", *known):
        meta, _, name = line.partition(b"\t")
        mode, sha, stage = meta.split()
        if mode == b"160000" and stage in (b"0", b"2"):
            yield os.fsdecode(name), sha.decode()


def walk(
    dataset: Dataset,
    *,
    recursive: bool = False,
    limit: Limit = None,
    under: Sequence[Path] | None = None,
    containing: Sequence[Path] = (),
    state: State = "any",
    bottomup: bool = False,
) -> Iterator[Subdataset]:
    """Yield subdatasets as they are found: parents before children, or with `bottomup` after them.

    `limit` counts levels from the dataset.  `under` keeps those at or below one
    of the paths, `containing` those that a path is at or below (neither need
    exist).  Absent ones are yielded and cannot be looked into.
    """
    if isinstance(limit, int) and limit <= 0:
        return
    deeper = recursive and (not isinstance(limit, int) or limit > 1)
    for one in registered(dataset):
        if containing and not any(_at_or_below(path, one.path) for path in containing):
            continue
        present = one.present
        wanted = (under is None or any(_at_or_below(one.path, path) for path in under)) and (
            state == "any" or present == (state == "present")
        )
        if wanted and not bottomup:
            yield one
        if deeper and present and (under is None or any(_on_one_line(one.path, path) for path in under)):
            yield from walk(
                Dataset(one.path, dataset.ctx),
                recursive=True,
                limit=limit - 1 if isinstance(limit, int) else limit,
                under=under,
                containing=containing,
                state=state,
                bottomup=bottomup,
            )
        if wanted and bottomup:
            yield one


def _at_or_below(path: Path, top: Path) -> bool:
    return path == top or top in path.parents


def _on_one_line(one: Path, other: Path) -> bool:
    return _at_or_below(one, other) or _at_or_below(other, one)


def datasets_below(
    dataset: Dataset, *, recursive: bool, limit: Limit = None, itself: bool = True, bottomup: bool = False
) -> Iterator[Dataset]:
    """Yield the dataset and, if asked, all that are installed below it."""
    if itself and not bottomup:
        yield dataset
    if recursive:
        for one in walk(dataset, recursive=True, limit=limit, state="present", bottomup=bottomup):
            yield Dataset(one.path, dataset.ctx)
    if itself and bottomup:
        yield dataset
