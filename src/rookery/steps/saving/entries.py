"""Exact index entries become a commit: private index, hooks, compare-and-swap, and the user's index follows.

Any number of committers may work in one repository at once: who loses a race
puts its own entries on top of the winner's tree and tries again.  A process
killed anywhere leaves the branch where it was or where it was to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from rookery.annex import identity
from rookery.core import files
from rookery.core.errors import LockedError, LostRaceError, RookeryError
from rookery.core.log import get_log
from rookery.core.results import result
from rookery.dataset.invented_dates import dated
from rookery.dataset.model import Dataset
from rookery.git import commits, hooks, index, index_lock, modules, refs, trees
from rookery.git.index import NewEntry
from rookery.git.index_update import bring_up_to_date, kept_up_to_date, put_alone
from rookery.git.private_index import private_index, tree_of
from rookery.git.refs import Head
from rookery.git.repo import Repo
from rookery.steps.saving.nesting import gitmodules_entry

log = get_log("rookery.save")

DEFAULT_MESSAGE = "[DATALAD] Recorded changes"

# Losing this often means that something else is wrong.
MOST_TRIES = 1000

# The hook that git-annex installs.  What it does (mending moved links, staging unlocked files) is done here.
STOCK_PRE_COMMIT = "git annex pre-commit ."


def save_record(ds: Dataset, refds: Any, status: Any, **more: Any) -> dict[str, Any]:
    """Make the record of a dataset that was saved, or not."""
    return result("save", ds.path, status, type="dataset", refds=refds, **more)


class Committed(NamedTuple):
    """A commit that was made: its name, what it says about each path of ours, whether the user's index says so too."""

    commit: str
    previous: str | None
    entries: Mapping[str, NewEntry]
    staged: bool


def commit_entries(
    ds: Dataset,
    entries: Mapping[str, NewEntry],
    *,
    message: str | None = None,
    head: Head | None = None,
    amend: bool = False,
    merging: Sequence[str] = (),
    prepared: Repo | None = None,
    run_hooks: bool = True,
) -> Committed | None:
    """Commit exactly these entries on top of whatever the branch holds, and bring the user's index along.

    `prepared` is a private index that already holds them on top of `head`.
    None comes back when they change nothing.  The work tree is not touched.  On
    an adjusted branch, `amend` is for `adjusted.amend_adjusted`.
    Raises HookRefused, IdentityMissing, LostRaceError (an amended commit is not
    the last one any more); the entries are staged in the user's index then.
    """
    repo = ds.repo
    head = head or refs.head(repo)
    with ExitStack() as stack:
        if prepared is None:
            prepared = stack.enter_context(private_index(repo, tree=head.commit))
            put_alone(prepared, entries.values())
        try:
            committing = _Committing(ds, dict(entries), prepared, message, amend=amend, merging=merging)
            done = committing.run(head, run_hooks=run_hooks)
        except RookeryError:
            try:
                bring_up_to_date(repo, entries.values(), prepared)
            except LockedError as e:
                log.warning("what was taken in could not be staged: %s", e)
            raise
        if done is None:
            return None
        if merging:
            for name in ("MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "AUTO_MERGE"):
                (repo.gitdir / name).unlink(missing_ok=True)
        if not done.staged:
            _follow(repo, head, done, prepared)
    if run_hooks and (hook := _hook(ds, "post-commit")):
        try:
            hooks.run_hook(repo, hook)
        except hooks.HookRefused as e:
            log.warning("%s (the commit was made)", e)
    if head.branch and (adjusted := identity.parse_adjusted(head.branch)):
        identity.propagate_adjusted(repo, adjusted.original)
    return done


def commit_missing(
    ds: Dataset, wanted: Sequence[NewEntry], *, message: str | None = None, run_hooks: bool = True
) -> bool:
    """Commit those of some entries that HEAD does not hold, and say whether there were any.

    Also brings along an index that a killed process left behind the branch.
    """
    repo = ds.repo
    paths = [entry.path for entry in wanted]
    held = {e.path: e.sha for e in trees.ls_tree(repo, "HEAD", paths)} if refs.head(repo).commit else {}
    missing = {entry.path: entry for entry in wanted if held.get(entry.path) != entry.sha}
    if missing:
        commit_entries(ds, missing, message=message, run_hooks=run_hooks)
    indexed = {entry.path for entry in index.entries_at(repo, paths)}
    bring_up_to_date(repo, [entry for entry in wanted if entry.path not in indexed])
    return bool(missing)


class _Committing:
    """A commit on its way to the branch."""

    def __init__(
        self,
        ds: Dataset,
        entries: dict[str, NewEntry],
        view: Repo,
        message: str | None,
        *,
        amend: bool,
        merging: Sequence[str],
    ) -> None:
        self.ds = ds
        self.repo = ds.repo
        self.entries = entries
        self.view = view
        self.message = message
        self.amend = amend
        self.merging = merging

    def run(self, head: Head, *, run_hooks: bool) -> Committed | None:
        """Try until the branch is ours to move; after the first lost race, savers wait in line."""
        if run_hooks and (hook := _hook(self.ds, "pre-commit")):
            hooks.run_hook(self.view, hook)
            self._learn(head)
        with ExitStack() as line:
            for attempt in range(MOST_TRIES):
                last = (
                    commits.read_commit(self.repo, head.commit)
                    if head.commit and (self.amend or attempt)
                    else None
                )
                tree = index.write_tree(self.view)
                if last is not None and last.tree == tree and not (self.amend or self.merging):
                    return None
                text = self._text(last, run_hooks=run_hooks)
                commit = self._write(tree, head, last, text)
                reflog = self._reflog(head, text)
                try:
                    with self._staged(head, tree) if not attempt else nullcontext(False) as staged:
                        refs.update(self.repo, head.ref, commit, head.commit or "", message=reflog)
                    return Committed(commit, head.commit, self.entries, staged)
                except LostRaceError:
                    if self.amend or self.merging:
                        raise
                if attempt == 0:
                    line.enter_context(files.locked(self.repo.gitdir / "rookery" / "line"))
                head = head._replace(commit=refs.resolve(self.repo, head.ref))
                # Another private index: the first one keeps what is known of the files.
                self.view = line.enter_context(private_index(self.repo, tree=head.commit))
                self._again()
        raise LostRaceError(
            f"{head.ref} was moved by others {MOST_TRIES} times while this was to be committed"
        )

    @contextmanager
    def _staged(self, head: Head, tree: str) -> Iterator[bool]:
        """Tell the user's index what the branch is about to say; False if somebody keeps it for himself.

        Before the branch moves: who commits all that is in the index (`git commit`,
        `git annex sync`) would take back what the branch has and the index has not.
        And with the lock held until it has moved, as Git does it: they would
        otherwise commit what is ours, without its message or its run record.
        """
        before = tree_of(self.repo, head.commit) if head.commit else None
        trees = (before, tree) if before else None
        with ExitStack() as held:
            try:
                held.enter_context(kept_up_to_date(self.repo, self.entries.values(), self.view, trees=trees))
            except LockedError:
                yield False
                return
            yield True

    def _write(self, tree: str, head: Head, last: commits.Commit | None, text: str) -> str:
        parents: Sequence[str] = [*([head.commit] if head.commit else []), *self.merging]
        author = None
        if self.amend and last is not None:
            parents, author = last.parents, last.author
        sign = self.ds.config.getbool("commit.gpgsign")
        return commits.commit_tree(dated(self.ds), tree, parents, text, author=author, sign=sign)

    def _text(self, last: commits.Commit | None, *, run_hooks: bool) -> str:
        """Give the message: the user's, else that of the merge or of the commit to amend, else DataLad's."""
        text = self.message
        if text is None and self.amend and last is not None:
            text = last.message
        if text is None and self.merging:
            text = _merge_message(self.repo)
        text = commits.clean_message(text or DEFAULT_MESSAGE)
        if not run_hooks:
            return text
        for name in ("prepare-commit-msg", "commit-msg"):
            if hook := _hook(self.ds, name):
                text = self._edited_by(hook, text)
        return text

    def _edited_by(self, hook: Path, text: str) -> str:
        file = index.index_file(self.view).with_suffix(".message")
        try:
            file.write_text(text, "utf-8", "surrogateescape")
            more = ["message"] if hook.name == "prepare-commit-msg" else []
            hooks.run_hook(self.view, hook, str(file), *more)
            return commits.clean_message(file.read_text("utf-8", "surrogateescape"))
        finally:
            file.unlink(missing_ok=True)

    def _learn(self, head: Head) -> None:
        """Take over what a hook has changed in the index."""
        tree = index.write_tree(self.view)
        for change in trees.diff_trees(self.repo, head.commit, tree):
            entry = NewEntry(change.path, change.new_mode, change.new_sha if change.new_mode else "")
            self.entries[change.path] = entry

    def _again(self) -> None:
        """Put our entries on top of what somebody else has committed."""
        if modules.FILE in self.entries and self.entries[modules.FILE].mode:
            # Both may have listed subdatasets; the work tree's file has what both have written.
            self.entries[modules.FILE] = gitmodules_entry(self.repo)
        put_alone(self.view, self.entries.values())

    def _reflog(self, head: Head, text: str) -> str:
        kind = "amend" if self.amend else "merge" if self.merging else "" if head.commit else "initial"
        return f"commit{f' ({kind})' if kind else ''}: {text.partition(chr(10))[0]}"


def _merge_message(repo: Repo) -> str | None:
    try:
        text = (repo.gitdir / "MERGE_MSG").read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))


def _hook(ds: Dataset, name: str) -> Path | None:
    """Find a hook of the user's; git-annex's own pre-commit hook has nothing left to do."""
    hook = hooks.find_hook(ds.repo, name, ds.config.get("core.hookspath"))
    if hook is not None and name == "pre-commit":
        lines = [line for line in hook.read_text(errors="replace").splitlines() if line and line[0] != "#"]
        if lines == [STOCK_PRE_COMMIT]:
            return None
    return hook


def _follow(repo: Repo, head: Head, done: Committed, view: Repo) -> None:
    """Bring the user's index along, to what the branch says by now about our paths, after a lost race.

    Savers take turns: without that, of two that committed the same path, the
    one that committed first might write the index last.
    """
    try:
        with files.locked(repo.gitdir / "rookery" / "follow", wait=index_lock.PATIENCE):
            entries = done.entries
            now = refs.head(repo)
            if now.branch != head.branch:
                return  # another branch was checked out meanwhile, and the index is about that one
            if now.commit not in (done.commit, None):
                entries = dict(entries)
                for change in trees.diff_trees(repo, done.commit, str(now.commit)):
                    if change.path in entries:
                        entries[change.path] = NewEntry(change.path, change.new_mode, change.new_sha)
            bring_up_to_date(repo, entries.values(), view)
    except LockedError as e:
        log.warning("the commit was made, but the index is not up to date: %s", e)
