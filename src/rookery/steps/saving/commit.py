"""The save engine: what changed at some paths becomes one commit that holds exactly that.

Find the changes, take files in (Git or annex, as git-annex decides), mend what
was moved, list nested repositories, and hand exact entries to `entries`.
Content that was taken in is in the annex whatever happens then, and the next
save finishes the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rookery.core.errors import RookeryError
from rookery.core.results import result
from rookery.dataset.model import Dataset
from rookery.git import index, modes, modules, worktree
from rookery.git.index import NewEntry
from rookery.git.index_update import bring_up_to_date, put_alone
from rookery.git.private_index import private_index
from rookery.git.repo import Repo
from rookery.steps.saving import adjusted
from rookery.steps.saving.changes import Changes, find_changes, mend_links
from rookery.steps.saving.entries import Committed, commit_entries, save_record
from rookery.steps.saving.intake import goes_to_git, take_in
from rookery.steps.saving.nesting import record_nested
from rookery.steps.saving.savable import savable

Record = dict[str, Any]


class MergeInProgress(RookeryError):
    """Part of a dataset cannot be saved while a merge is open."""


def commit_changes(
    ds: Dataset,
    paths: Sequence[str] = (),
    *,
    message: str | None = None,
    refds: Any = None,
    updated: bool = False,
    changes: Changes | None = None,
    to_git: bool | None = None,
    amend: bool = False,
    jobs: int | str | None = None,
) -> Iterator[Record]:
    """Save what changed at or below `paths` (relative to the root; none: everywhere) of one dataset.

    `changes` are what was found there just now (`find_changes`), if it was looked.
    Yields a record for each path when it is known to be taken in, and last the
    save record of the dataset, with key `commit` if there is a new one.  A path
    that cannot be saved is an error record, and the others are saved.
    """
    refds = refds or ds.path
    try:
        if changes is None:
            changes = find_changes(ds.repo, paths, updated=updated)
        if (
            not changes
            and not (amend and message is not None)
            and not _open_merge(ds.repo, changes, paths, amend=amend)
        ):
            yield save_record(ds, refds, "notneeded")
            return
        yield from _Saving(ds, refds, changes, to_git=to_git, jobs=jobs).run(paths, message, amend=amend)
    except (RookeryError, OSError) as e:
        yield save_record(
            ds, refds, "error", message=str(e), exception=e, hints=getattr(e, "hints", None) or None
        )


def _open_merge(repo: Repo, changes: Changes, paths: Sequence[str], *, amend: bool) -> list[str]:
    """Give the commits of an open merge that this save concludes.

    Raises MergeInProgress when it may not: Git too refuses to commit a part of
    a merge, since the rest of it would then be forgotten.
    """
    for name in ("CHERRY_PICK_HEAD", "REVERT_HEAD"):
        if (repo.gitdir / name).exists():
            verb = name.removesuffix("_HEAD").lower().replace("_", "-")
            raise MergeInProgress(
                f"a {verb} is in progress",
                hints=[f"finish it: git {verb} --continue", f"or: git {verb} --abort"],
            )
    merging = worktree.merge_heads(repo)
    if not merging:
        return []
    give_up = "or give the merge up: git merge --abort"
    if paths and "." not in paths:
        raise MergeInProgress(
            "a merge is in progress, so that only everything can be saved at once",
            hints=["save without naming a path, which concludes the merge", give_up],
        )
    if amend:
        raise MergeInProgress(
            "a merge is in progress, so that the last commit cannot be amended", hints=[give_up]
        )
    marked = sorted(path for path in changes.conflicts if _has_conflict_markers(repo, path))
    if marked:
        raise MergeInProgress(
            f"a merge is in progress, and these files still have conflict markers in them: {', '.join(marked)}",
            hints=["edit them to what they are to be, and save again", give_up],
        )
    return merging


def _has_conflict_markers(repo: Repo, path: str) -> bool:
    file = repo.root / path
    if file.is_symlink() or not file.is_file():
        return False
    with open(file, "rb") as lines:
        seen = {line[:8] for line in lines if line[:7] in (b"<<<<<<<", b">>>>>>>")}
    return {b"<<<<<<< ", b">>>>>>> "} <= seen


class _Saving:
    """One save of one dataset, from changes to commit."""

    def __init__(
        self, ds: Dataset, refds: Any, changes: Changes, *, to_git: bool | None, jobs: int | str | None
    ) -> None:
        self.ds = ds
        self.repo = ds.repo
        self.refds = refds
        self.changes = changes
        self.to_git = to_git
        self.jobs = jobs
        self.entries: dict[str, NewEntry] = {}
        self.merging: list[str] = []  # the commits of an open merge that this save concludes
        self.settled: list[
            NewEntry
        ] = []  # as HEAD has them after all: only the user's index may not know yet

    def run(self, paths: Sequence[str], message: str | None, *, amend: bool) -> Iterator[Record]:
        """Take everything in, commit it, and report."""
        self.merging = _open_merge(self.repo, self.changes, paths, amend=amend)
        head = self.changes.head
        with private_index(self.repo, tree=head.commit) as view:
            yield from self._known(view)
            yield from self._take_in(view)
            done = self._commit(view, message, amend=amend)
        bring_up_to_date(self.repo, self.settled)
        if done is None:
            yield save_record(self.ds, self.refds, "notneeded")
        else:
            yield save_record(self.ds, self.refds, "ok", commit=done.commit)

    def _commit(self, view: Repo, message: str | None, *, amend: bool) -> Committed | None:
        head = self.changes.head
        if amend and adjusted.standing(head):
            return adjusted.amend_adjusted(self.ds, self.entries, message=message, head=head, prepared=view)
        if not (self.entries or self.merging or amend):
            return None
        return commit_entries(
            self.ds,
            self.entries,
            message=message,
            head=head,
            amend=amend,
            merging=self.merging,
            prepared=view,
        )

    def _record(self, action: str, path: str, status: Any = "ok", **more: Any) -> Record:
        # DataLad relates these to the dataset itself, and only the save record to the one that was asked for.
        return result(action, f"{self.ds.path}/{path}", status, refds=self.ds.path, **more)

    def _known(self, view: Repo) -> Iterator[Record]:
        """Put what needs no reading into the index: deletions, staged files, commits of nested repositories."""
        changes = self.changes
        nested = record_nested(self.ds, changes)
        known = [*(NewEntry(path, 0, "") for path in changes.gone), *changes.staged.values()]
        put_alone(view, [*known, *nested.entries])
        for entry in known:
            self._note(entry)
        self.entries.update((entry.path, entry) for entry in nested.entries)
        self.settled += nested.settled
        for path in changes.gone:
            mode = changes.before[path][0]
            if mode:
                yield self._record("delete", path, type=modes.type_of(mode))
        for path in nested.unborn:
            why = ("cannot add subdataset %s with no commits", str(self.ds.path / path))
            yield self._record("add_submodule", path, "error", type="dataset", message=why)
        for path in nested.recorded:
            yield _with_key(self._record("add", path, type="dataset"), None)
        if nested.listed:
            yield self._record("add", modules.FILE, type="file")
        for path in changes.staged:
            if path in self.entries and not (nested.listed and path == modules.FILE):
                yield _with_key(self._record("add", path, type="file"), None)

    def _note(self, entry: NewEntry) -> None:
        if (entry.mode, entry.sha) == self.changes.before[entry.path]:
            self.settled.append(entry)
        else:
            self.entries[entry.path] = entry

    def _take_in(self, view: Repo) -> Iterator[Record]:
        """Take files in and report each; their entries are read back from the index."""
        wanted = [path for path in self.changes.files if path not in self.entries]
        wanted, left_out = savable(self.ds, wanted)
        yield from left_out
        if left_out and self.merging:
            raise MergeInProgress(
                "a merge is in progress, so that only everything can be saved, and that cannot be now",
                hints=["see what is said of single files", "or give the merge up: git merge --abort"],
            )
        mend_links(self.repo, self.changes.links)
        everything = sorted([*wanted, *self.changes.links])
        plain = not wanted or goes_to_git(self.ds, to_git=self.to_git)
        large = self.to_git is False
        told = take_in(self.ds, view, everything, plain=plain, large=large, jobs=self.jobs)
        silent: list[str] = []
        failed: set[str] = set()
        for one in told:
            if not one.ok:
                failed.add(one.path)
                yield _with_key(
                    self._record("add", one.path, "error", type="file", message=one.message), one.key
                )
            elif one.silent or one.path in self.changes.uncertain:
                silent.append(one.path)
            else:
                yield _with_key(self._record("add", one.path, type="file", message=""), one.key)
        if everything:
            yield from self._read_back(view, everything, silent, failed)

    def _read_back(
        self, view: Repo, wanted: Sequence[str], silent: list[str], failed: set[str]
    ) -> Iterator[Record]:
        """Learn from the index what was taken in, and report those that nothing was said of."""
        named = {path: path for path in wanted}  # ours, and not the equal ones that are read
        there = {named[e.path]: NewEntry(named[e.path], e.mode, e.sha) for e in index.entries_at(view, named)}
        # What was refused may be in the index all the same, and must not be in the commit.
        put_alone(view, (NewEntry(path, *self.changes.before[path]) for path in failed if path in there))
        for path in wanted:
            if path in failed:
                continue
            self._note(there.get(path) or NewEntry(path, 0, ""))
        for path in silent:
            if path in self.entries:
                if self.entries[path].mode:
                    yield _with_key(self._record("add", path, type="file", message=""), None)
                else:
                    yield self._record("delete", path, type=modes.type_of(self.changes.before[path][0]))
            elif path not in there and (self.repo.root / path).exists():
                why = "this file was not taken in, and no reason was given"
                yield self._record("add", path, "error", type="file", message=why)


def _with_key(record: Record, key: str | None) -> Record:
    record["key"] = key  # there even when there is none, as in DataLad's records
    return record
