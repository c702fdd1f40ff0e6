"""Bringing a sibling's history into the work tree: merging, and settling what need not be a conflict.

Git leaves two kinds of conflicts that need no person.  `.gitmodules`, where two
sides registered different subdatasets: merged by section and key.  And the
commit of a subdataset, where one side's is in the history of the other's.  All
else stays as Git leaves it, with every version reachable, and is named.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rookery.annex.files import keys_of_blobs
from rookery.annex.stock_hooks import nothing_to_update
from rookery.core import files
from rookery.core.errors import CommandError
from rookery.core.results import result
from rookery.dataset.layout import GITMODULES
from rookery.dataset.model import Dataset
from rookery.git import index, objects, refs, remotes, worktree
from rookery.git.index import NewEntry
from rookery.git.modes import FILE, GITLINK
from rookery.git.modules import parse_config
from rookery.git.repo import NotARepository, Repo, open_repo
from rookery.git.trees import Entry

Record = dict[str, Any]

# The three versions of a path in an open merge, by Git's stage numbers.
BASE, OURS, THEIRS = 1, 2, 3

Stages = Mapping[int, Entry]

# section and key -> values: `{("submodule.sub", "url"): ("./sub",)}`
Settings = dict[tuple[str, str], tuple[str, ...]]


class Joined(NamedTuple):
    """How a merge ended: the paths that were settled without a person, and those that need one, by kind."""

    settled: tuple[str, ...] = ()
    conflicts: Mapping[str, str] = {}


def join(ds: Dataset, target: str, *, options: Sequence[str] = ()) -> Joined:
    """Merge a commit into the current branch, and conclude the merge if no conflict needs a person.

    Otherwise the merge stays open.  Raises CommandError when Git refuses to
    begin, with nothing changed.
    """
    quiet = nothing_to_update(ds.repo, ds.config.of_git(), target)
    merged = worktree.merge(ds.repo, target, options=options, run_hooks=not quiet)
    if merged.how != "conflict":
        return Joined()
    settled = settle(ds.repo)
    conflicts = conflicts_of(ds.repo)
    if not conflicts:
        ds.repo.run("commit", "-q", "--no-edit")
    return Joined(tuple(settled), conflicts)


def unmerged(repo: Repo) -> dict[str, dict[int, Entry]]:
    """Give the paths that a merge left open, with their versions."""
    found: dict[str, dict[int, Entry]] = {}
    for e in index.read_index(repo):
        if e.stage:
            found.setdefault(e.path, {})[e.stage] = Entry(e.mode, "", e.sha, e.path)
    return found


def conflicts_of(repo: Repo) -> dict[str, str]:
    """Give the paths that need a person, and of what kind they are: file, annexed, or dataset."""
    found = unmerged(repo)
    keys = keys_of_blobs(repo, [e for versions in found.values() for e in versions.values()]) if found else {}
    return {path: _kind(versions, keys) for path, versions in found.items()}


def _kind(versions: Stages, keys: Mapping[str, object]) -> str:
    if any(e.mode == GITLINK for e in versions.values()):
        return "dataset"
    return "annexed" if any(e.sha in keys for e in versions.values()) else "file"


def settle(repo: Repo) -> list[str]:
    """Settle what needs no person, in index and work tree, and give the paths."""
    entries = []
    for path, versions in unmerged(repo).items():
        if path == os.fspath(GITMODULES):
            entry = _settled_modules(repo, versions)
        else:
            entry = _settled_subdataset(repo, path, versions)
        if entry is not None:
            entries.append(entry)
    index.put_entries(repo, entries)
    return [entry.path for entry in entries]


# commits of subdatasets


def _settled_subdataset(repo: Repo, path: str, versions: Stages) -> NewEntry | None:
    ours, theirs = versions.get(OURS), versions.get(THEIRS)
    if ours is None or theirs is None or not ours.mode == theirs.mode == GITLINK:
        return None
    try:
        below = open_repo(repo.root / path, repo.runner)
    except NotARepository:
        return None  # not installed: nobody here can tell how the two commits are related
    later = _later(below, ours.sha, theirs.sha)
    return None if later is None else NewEntry(path, GITLINK, later)


def _later(repo: Repo, one: str, other: str) -> str | None:
    """Give the commit that has the other in its history; None if neither has, or it cannot be known."""
    for sha in (one, other):
        if refs.resolve(repo, sha) is None:
            _fetch_all(repo)
            if refs.resolve(repo, sha) is None:
                return None
    if refs.is_ancestor(repo, one, other):
        return other
    return one if refs.is_ancestor(repo, other, one) else None


def _fetch_all(repo: Repo) -> None:
    for name, remote in remotes.list_remotes(repo).items():
        if remote.url is not None:
            try:
                remotes.fetch(repo, name, options=["--no-recurse-submodules"])
            except CommandError:
                continue  # another remote may have the commit; if none has, the conflict stays and is named


# .gitmodules


def _settled_modules(repo: Repo, versions: Stages) -> NewEntry | None:
    if OURS not in versions or THEIRS not in versions:
        return None
    read = {stage: _settings(repo, e.sha) for stage, e in versions.items()}
    joined = three_way(read.get(BASE, {}), read[OURS], read[THEIRS])
    if joined is None:
        return None
    raw = _edited(repo, objects.read_blob(repo, versions[OURS].sha), read[OURS], joined)
    files.write(repo.root / GITMODULES, raw, drafts=repo.gitdir / "rookery")
    return NewEntry(os.fspath(GITMODULES), FILE, objects.hash_blob(repo, raw))


def _edited(repo: Repo, text: bytes, before: Settings, after: Settings) -> bytes:
    """Change the settings in a text; comments, and all that is not changed, stay as they are."""
    draft = repo.gitdir / "rookery" / f"gitmodules-{os.getpid()}"
    files.write(draft, text)
    config = ["config", "-f", str(draft)]
    try:
        for key in dict.fromkeys((*before, *after)):
            if before.get(key) != after.get(key):
                full = ".".join(key)
                repo.run(*config, "--unset-all", full, ok=(0, 5))
                for value in after.get(key, ()):
                    repo.run(*config, "--add", full, value)
        for section in {section for section, _ in before} - {section for section, _ in after}:
            repo.run(*config, "--remove-section", section, ok=(0, 128))  # Git may have removed it when empty
        return draft.read_bytes()
    finally:
        draft.unlink(missing_ok=True)


def _settings(repo: Repo, sha: str) -> Settings:
    found: Settings = {}
    for key, value in parse_config(repo.run("config", "--blob", sha, "-z", "--list").stdout):
        section, _, name = key.rpartition(".")
        found[section, name] = (*found.get((section, name), ()), value)
    return found


def three_way(base: Settings, ours: Settings, theirs: Settings) -> Settings | None:
    """Join two versions of settings key by key; None if both changed a key, and differently.

    The order is ours, then what only they have.
    """
    joined: Settings = {}
    for key in dict.fromkeys((*ours, *theirs)):
        before, mine, other = base.get(key), ours.get(key), theirs.get(key)
        if mine == other or other == before:
            value = mine
        elif mine == before:
            value = other
        else:
            return None
        if value is not None:
            joined[key] = value
    return joined


# what is said of it


def conflict_record(ds: Dataset, target: str, joined: Joined, refds: Any) -> Record:
    """Make the record of a merge that needs a person: which files, and what to do next."""
    names = list(joined.conflicts)
    return result(
        "merge",
        ds.path,
        "error",
        type="dataset",
        refds=refds,
        message=("Merging %s left conflicts in: %s", target, ", ".join(names)),
        hints=list(advice(joined.conflicts)),
        conflicts=names,
        settled=list(joined.settled) or None,
    )


def advice(conflicts: Mapping[str, str]) -> Iterable[str]:
    """Say how to get out of an open merge, both ways."""
    kinds = set(conflicts.values())
    if "annexed" in kinds:
        yield (
            "Of annexed files choose one version with `git checkout --ours PATH` or `--theirs PATH`, "
            "or keep both side by side with `git annex resolvemerge`."
        )
    for path in (p for p, kind in conflicts.items() if kind == "dataset"):
        yield (
            f"Both sides changed subdataset {path}: bring its histories together there "
            f"(rookery update -d {path} --how merge), and choose the outcome with `git add {path}`."
        )
    if "file" in kinds:
        yield "Edit the files until they are as you want them."
    yield "Then conclude with `rookery save`, or go back to before with `rookery update --abort`."


def abort(ds: Dataset, refds: Any) -> Record | None:
    """Go back to before an open merge, and say so; None if there is none."""
    heads = worktree.merge_heads(ds.repo)
    if not heads:
        return None
    said: dict[str, Any] = {"type": "dataset", "refds": refds}
    try:
        worktree.abort_merge(ds.repo)
    except CommandError as e:
        return result(
            "update.abort", ds.path, "error", message=f"Git could not go back: {e.stderr.strip()}", **said
        )
    short = ", ".join(sha[:7] for sha in heads)
    now = (refs.head(ds.repo).commit or "")[:7]
    return result("update.abort", ds.path, message=("Gave up merging %s; back at %s", short, now), **said)
