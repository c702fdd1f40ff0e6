"""What a report on states needs beyond one repository: subdatasets, several at a time, and the records."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rookery.core.errors import RookeryError
from rookery.core.pool import in_order, workers
from rookery.core.process import encode
from rookery.core.results import result
from rookery.dataset.model import Dataset
from rookery.git import modes
from rookery.git.index import entries_at_most, may_hold_submodules, read_index
from rookery.git.repo import Repo
from rookery.git.trees import Selection
from rookery.steps.comparing import states
from rookery.steps.comparing.states import Changed, Item, Untracked, Word

Record = dict[str, Any]
Size = tuple[int, bool | None]  # as in `unchanged`, which is loaded when it is needed
AnnexInfo = Literal["basic", "availability", "all"]
Depth = Literal["no", "commit", "full"]

NOT_THERE = "path does not exist"


class Asked(NamedTuple):
    """What is to be reported, and how.

    `subdatasets` says how closely they are looked at: not at all, at their
    commit, or at everything in them; `clean` that unchanged files are wanted too,
    `on_disk` that the later state is the work tree, `previous` that what was
    before is to be described as well.
    """

    action: str
    refds: Path
    untracked: Untracked = "normal"
    annex: AnnexInfo | None = None
    subdatasets: Depth = "full"
    clean: bool = True
    on_disk: bool = True
    previous: bool = False


class Survey:
    """One report.  What was asked of Git is kept, so that a subdataset is asked once for its state and content."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self._changed: dict[Path, Changed] = {}

    def changed(self, ds: Dataset, paths: Sequence[str] = ()) -> Changed:
        """Give what changed in a dataset, anywhere or at or below some paths."""
        if paths:
            return states.look(ds.repo, paths, untracked=self.asked.untracked)
        if ds.path not in self._changed:
            self._changed[ds.path] = states.look(ds.repo, untracked=self.asked.untracked)
        return self._changed[ds.path]

    def changed_and_sizes(self, ds: Dataset, paths: Sequence[str]) -> tuple[Changed, dict[bytes, Size]]:
        """Give what changed, and where unchanged annexed files get no record, the sizes of all annexed ones."""
        if self.asked.clean or self.asked.annex is None or ds.annex_uuid is None:
            return self.changed(ds, paths), {}
        from rookery.core.many import meanwhile  # start-up: mostly nobody asks
        from rookery.steps.comparing.unchanged import annexed_sizes

        presence = self.asked.annex != "basic"
        measure = partial(annexed_sizes, ds.repo, paths, presence=presence)
        with meanwhile(measure, items=entries_at_most(ds.repo)) as measured:
            changed = self.changed(ds, paths)
            parts = measured()
        return changed, dict(chain.from_iterable(part.items() for part in parts))

    def total(self, ds: Dataset, changed: Changed, sizes: dict[bytes, Size]) -> Record:
        """Give one record of all annexed files that are as in HEAD, for a renderer that counts them."""
        for path in changed.tracked:
            sizes.pop(encode(path), None)
        whole = {
            "type": "dataset",
            "state": "clean",
            "refds": str(self.asked.refds),
            "parentds": str(ds.path),
        }
        record = {"action": self.asked.action, "status": "ok", "path": str(ds.path)}
        return {**record, **whole, "unchanged": list(sizes.values())}

    def evaluate(self, ds: Dataset, item: Item) -> Item:
        """Find the state of a subdataset: its commit against the recorded one, then what is in it."""
        how = self.asked.subdatasets
        if item.mode != modes.GITLINK or item.state is not None or how == "no":
            return item
        sub = Dataset(ds.path / item.path, ds.ctx)
        staged = item.sha != item.previous
        if not sub.is_installed():
            return item._replace(state="modified" if staged else "clean")
        commit, recorded = _commits(sub)
        if item.previous not in recorded:
            return item._replace(state="modified", sha=commit)
        word: Word = "modified" if staged and item.sha not in recorded else "clean"
        if how == "full" and word == "clean" and self.dirty(sub):
            word = "modified"
        return item._replace(state=word, sha=commit)

    def dirty(self, ds: Dataset) -> bool:
        """Say whether anything in a dataset, or below it, is not saved."""
        changed = self.changed(ds)
        links = [i for i in states.since_head(ds.repo, changed, clean=False) if i.state is None]
        if len(links) < len(changed.untracked) + len(changed.tracked):
            return True
        return any(self.evaluate(ds, item).state != "clean" for item in links)

    def records(self, ds: Dataset, items: Sequence[Item]) -> Iterator[Record]:
        """Give a record for each item, all that was asked for in it."""
        asked = self.asked
        if asked.clean or asked.annex:
            from rookery.steps.comparing import contents  # start-up: often neither sizes nor keys

            items = list(contents.sizes(ds.repo, items)) if asked.clean else items
            if asked.annex and ds.annex_uuid is not None:
                told = contents.described(
                    ds.repo, items, asked.annex, on_disk=asked.on_disk, previous=asked.previous
                )
                for item, more in zip(items, told, strict=True):
                    yield {**self.record(ds, item), **more}
                return
        for item in items:
            yield self.record(ds, item)

    def with_subdatasets(
        self,
        ds: Dataset,
        items: Sequence[Item],
        below: Callable[[Item], Iterator[Record]],
        *,
        at_once: int | None = None,
    ) -> Iterator[Record]:
        """Give the records of a dataset, each subdataset's followed by those `below` it, in the order of items.

        Subdatasets are looked at several at a time.
        """
        links = [item for item in items if item.mode == modes.GITLINK]

        def look_into(item: Item) -> Iterator[list[Record]]:
            try:
                evaluated = self.evaluate(ds, item)
                yield [self.record(ds, evaluated), *below(evaluated)]
            except (RookeryError, OSError) as e:
                why = f"it could not be looked into: {e}"
                yield [{**self.record(ds, item), "status": "error", "message": why, "exception": e}]

        done = in_order(look_into, links, at_once=workers(None) if at_once is None else at_once)
        for item, record in zip(items, self.records(ds, items), strict=True):
            if item.mode == modes.GITLINK:
                yield from next(done)
            else:
                yield record

    def record(self, ds: Dataset, item: Item) -> Record:
        """Give the record of an item without what is said of its content."""
        return {
            "action": self.asked.action,
            "status": "ok",
            "path": f"{ds.path}{os.sep}{item.path}",
            "refds": str(self.asked.refds),
            "parentds": str(ds.path),
            **item.as_record(),
        }

    def missing(self, ds: Dataset, paths: Sequence[str], items: Sequence[Item]) -> Iterator[Record]:
        """Report the paths that are nowhere: not on disk, not in what is compared."""
        for path in paths:
            if os.path.lexists(ds.path / path):
                continue
            wanted = Selection([path])
            if any(item.path in wanted for item in items) or (
                not self.asked.clean and any(entry.path in wanted for entry in read_index(ds.repo))
            ):
                continue
            place = ds.path / path
            yield result(self.asked.action, place, "impossible", refds=self.asked.refds, message=NOT_THERE)


def _commits(sub: Dataset) -> tuple[str | None, set[str | None]]:
    """Give the commit of a subdataset, and those that its superdataset may have recorded when nothing changed.

    On an adjusted branch that is the commit of the branch it stands for, or its
    own (`git annex sync` records that).
    """
    from rookery.git.refs import head  # start-up: only needed with subdatasets
    from rookery.steps.saving.nesting import recordable_commit

    commit = recordable_commit(sub.repo)
    return commit, {commit, head(sub.repo).commit} - {None}


def at_submodules(repo: Repo, paths: Sequence[str]) -> list[str]:
    """Shorten paths that lead into a submodule to the submodule: Git lists nothing inside."""
    if not paths or not any("/" in path for path in paths) or not may_hold_submodules(repo):
        return list(paths)
    links = {entry.path for entry in read_index(repo) if entry.mode == modes.GITLINK}
    return list(dict.fromkeys(_shortened(path, links) for path in paths))


def _shortened(path: str, links: set[str]) -> str:
    parts = path.split("/")
    for count in range(1, len(parts)):
        if (above := "/".join(parts[:count])) in links:
            return above
    return path
