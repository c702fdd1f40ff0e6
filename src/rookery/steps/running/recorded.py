"""Recorded runs in a history: which commits hold one, what each wrote, what a repetition would do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rookery.annex.files import annexed
from rookery.core.errors import RookeryError
from rookery.core.results import result
from rookery.dataset.model import Dataset
from rookery.git import commits, modes, objects, refs, runrecords, trees
from rookery.git.commits import Commit
from rookery.git.runrecords import Recorded, RunRecordError

Record = dict[str, Any]
Action = Literal["run", "skip-or-pick", "merge", "checkout"]


class Step(NamedTuple):
    """One commit of a range, and what is to be done about it.

    `inside` tells that it was made by a recorded command, whose own commit is
    further on in the range: repeating that one makes it again.
    """

    commit: Commit
    action: Action
    run: Recorded | None = None
    why: str = ""
    foreign: bool = False
    inside: bool = False

    @property
    def short(self) -> str:
        """The commit's name as people read it."""
        return self.commit.sha[:7]

    def announcement(self) -> str:
        """Give the line that says what comes next."""
        words = f"{self.action} commit {self.short};"
        if self.run is not None and self.run.message:
            said = self.run.message
            words += f" ({said[:17] + '...' if len(said) > 20 else said})"
        return words + (f" {self.short} {self.why}; skipping or cherry picking" if self.why else "")

    def record(self, ds: Dataset) -> Record:
        """Give the result record that tells of this step."""
        told = result(
            "run",
            ds.path,
            "notneeded" if self.foreign else "ok",
            type="dataset",
            commit=self.commit.sha,
            parents=list(self.commit.parents),
            rerun_action=self.action,
        )
        if self.run is not None:
            told.update(run_info=self.run.info, run_message=self.run.message)
        if self.why:
            told["message"] = ("%s %s; %s", self.short, self.why, "skipping or cherry picking")
        return told

    def settled(self, ds: Dataset, what: Literal["skip", "pick"]) -> Record:
        """Give the record for a step that needed no command."""
        told = self.record(ds)
        doing = {"skip": "skipping", "pick": "cherry picking"}[what]
        told["message"] = ("%s %s; %s", self.short, self.why or "has no parent", doing)
        return {**told, "rerun_action": what}


def read_record(ds: Dataset, commit: Commit) -> Recorded | None:
    """Read the run record of a commit; None if it has none.  Raises RunRecordError, naming the commit."""
    try:
        return runrecords.parse_message(commit.message, lambda name: _sidecar(ds, commit, name))
    except RunRecordError as e:
        raise RunRecordError(f"Error on {commit.sha}'s message: {e.message}", hints=e.hints) from e


def _sidecar(ds: Dataset, commit: Commit, identity: str) -> bytes:
    """Read a sidecar as it was in its commit, from Git or from the annex."""
    folder = str(ds.config.get(runrecords.SIDECAR_FOLDER, runrecords.DEFAULT_SIDECAR_FOLDER))
    path = runrecords.sidecar_path(folder, identity)
    entry = next((e for e in trees.ls_tree(ds.repo, commit.sha, [path]) if e.path == path), None)
    if entry is None:
        raise RunRecordError(f"Run record sidecar file not found: {ds.path / path}")
    for file in annexed(ds.repo, [entry]):
        if not file.present:
            raise RunRecordError(
                f"Run record sidecar file has no content here: {ds.path / path}",
                hints=[f"get it: rookery get {path}"],
            )
        return Path(file.objpath).read_bytes()
    return objects.read_blob(ds.repo, entry.sha)


def read_steps(ds: Dataset, revisions: str) -> Iterator[Step]:
    """Read the commits of a revision or range, oldest first, and decide about each.

    Raises RunRecordError, CommandError (no such revision).
    """
    found = list(commits.log(ds.repo, revisions, options=["--reverse", "--topo-order"]))
    records = {commit.sha: read_record(ds, commit) for commit in found}
    inside = {
        sha
        for commit in found
        if records[commit.sha] is not None and len(commit.parents) == 2
        for sha in ds.repo.text("rev-list", f"{commit.parents[0]}..{commit.parents[1]}").split()
    }
    for commit in found:
        yield _step(ds, commit, records[commit.sha], inside=commit.sha in inside)


def _step(ds: Dataset, commit: Commit, run: Recorded | None, *, inside: bool) -> Step:
    if run is None and len(commit.parents) > 1:
        return Step(commit, "merge")
    if run is None:
        return Step(commit, "skip-or-pick", None, "does not have a command", inside=inside)
    owner = run.info.get("dsid")
    if owner is not None and owner != ds.id:
        return Step(
            commit, "skip-or-pick", run, "was ran from a different dataset", foreign=True, inside=inside
        )
    if len(commit.parents) not in (1, 2):
        kind = "a merge" if commit.parents else "a root"
        why = f"has run information but is {kind} commit; it will not be re-executed"
        return Step(commit, "skip-or-pick", run, why, foreign=True)
    if inside:
        return Step(commit, "skip-or-pick", run, "is part of a run that follows", inside=True)
    return Step(commit, "run", run)


def range_of(ds: Dataset, revision: str, since: str | None) -> str:
    """Give the revisions that are meant: one, or those after `since`; all up to it where that is blank."""
    if refs.resolve(ds.repo, f"{revision}^") is None or (since is not None and not since.strip()):
        return revision
    return f"{revision}^..{revision}" if since is None else f"{since}..{revision}"


def differences(ds: Dataset, old: str | None, new: str, *, refds: Path) -> Iterator[Record]:
    """Yield a record for each file that differs between two commits, in installed subdatasets too."""
    for one in trees.diff_trees(ds.repo, old, new):
        path = ds.path / one.path
        mode = one.new_mode or one.old_mode
        state = {"A": "added", "D": "deleted"}.get(one.status, "modified")
        kind = modes.type_of(mode)
        record = result("diff", path, type=kind, refds=refds, parentds=str(ds.path), state=state)
        if one.new_mode:
            record["gitshasum"] = one.new_sha
        if one.old_mode:
            record["prev_gitshasum"] = one.old_sha
        yield record
        if kind == "dataset" and one.new_mode:
            below = Dataset(path, ds.ctx)
            before = one.old_sha if one.old_mode == modes.GITLINK else None
            try:
                yield from differences(below, before, one.new_sha, refds=refds)
            except RookeryError:
                continue  # not installed, or these commits were not fetched: nothing more is known


def written_by(ds: Dataset, commit: Commit) -> list[Path]:
    """Give the files that a commit added or modified."""
    told = differences(ds, commit.parents[0] if commit.parents else None, commit.sha, refds=ds.path)
    return [
        Path(record["path"])
        for record in told
        if record["type"] in ("file", "symlink") and record["state"] in ("added", "modified")
    ]
