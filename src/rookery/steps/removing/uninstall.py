"""Taking a whole dataset away from this machine: what speaks against it, and the removal."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rookery.annex import identity, program
from rookery.annex.logs import parse_by_uuid
from rookery.core.errors import RookeryError
from rookery.core.process import decode
from rookery.core.results import result
from rookery.dataset.hierarchy import superdataset_of, walk
from rookery.dataset.model import Dataset
from rookery.git import refs
from rookery.git.modes import GITLINK, SYMLINK
from rookery.git.objects import read_many
from rookery.git.repo import Repo
from rookery.git.status import Change, status

Record = dict[str, Any]

UNPUSHED = (
    "to-be-dropped dataset has revisions that are not available at any known sibling. Use "
    "`rookery push --to ...` to push these before dropping the local dataset, "
    "or ignore via `--reckless availability`. Unique revisions: %s"
)
ALIVE = (
    "to-be-deleted local annex not declared 'dead' at the following siblings. Announce death "
    "(`git annex dead here` + `rookery push --to ...`), or ignore via `--reckless undead`: %s"
)


def refusal(
    ds: Dataset,
    paths: Sequence[Path] | None,
    reckless: str | None,
    *,
    limited: bool,
    dry_run: bool = False,
    recursive: bool = False,
) -> tuple[Any, list[str]] | None:
    """Say why a dataset may not go, as a message and hints; None if nothing speaks against it.

    A dry run that goes into subdatasets has judged them already, and left them there.
    """
    judged = dry_run and recursive
    present = [] if judged else [str(sub.path) for sub in walk(ds, under=paths, state="present")]
    if present:
        return (
            "cannot drop dataset, subdataset(s) still present (forgot --recursive?): %s",
            present,
        ), []
    if ds.repo.commondir != ds.repo.gitdir:
        return (
            "this is a further work tree of the repository at %s, which would be damaged",
            str(ds.repo.commondir),
        ), [f"remove it with `git worktree remove {ds.path}`"]
    if reckless != "availability" and not limited:
        unpushed = unique_revisions(ds.repo, settle=not dry_run)
        if unpushed:
            return (UNPUSHED, unpushed), []
    if reckless != "undead":
        known = alive_at(ds.repo)
        if known:
            return (ALIVE, known), []
    return None


def unique_revisions(repo: Repo, *, settle: bool = True) -> list[str]:
    """Name the branches, tags and stashes (and a detached HEAD) that no known state of a sibling contains.

    With `settle` an adjusted branch is first brought over to the branch that it
    stands for, so that only the latter counts.
    """
    head = refs.head(repo)
    if settle and head.branch is not None and identity.parse_adjusted(head.branch):
        program.run(repo, "sync", "--no-pull", "--no-push", "--no-commit", "--no-content")
    tips: dict[str, str] = {}
    for ref in refs.for_each_ref(repo, "refs/heads", "refs/tags", "refs/stash"):
        name = ref.name.removeprefix("refs/heads/").removeprefix("refs/")
        ours = ref.name.startswith("refs/heads/") and (
            name in ("git-annex", "synced/git-annex") or identity.parse_adjusted(name) is not None
        )
        if not ours:
            tips[name] = ref.peeled
    if head.branch is None and head.commit is not None:
        tips["HEAD"] = head.commit
    if not tips:
        return []
    unreachable = repo.text("rev-list", "--no-walk=unsorted", *set(tips.values()), "--not", "--remotes")
    lost = set(unreachable.split())
    return [name for name, sha in tips.items() if sha in lost]


def alive_at(repo: Repo) -> list[str]:
    """Name the siblings that know the annex here and have not heard that it is dead."""
    uuid = identity.uuid(repo)
    if uuid is None:
        return []
    suffix = "/git-annex"
    branches = [
        r
        for r in refs.for_each_ref(repo, "refs/remotes")
        if r.name.endswith(suffix) and not r.name.endswith(f"/synced{suffix}")
    ]
    names = [f"{r.sha}:{log}" for r in branches for log in ("uuid.log", "trust.log")]
    texts = [decode(blob.content) if blob else "" for blob in read_many(repo, names)] if names else []
    found = []
    for ref, known, trust in zip(branches, texts[::2], texts[1::2], strict=True):
        entry = parse_by_uuid(trust)[0].get(uuid)
        if uuid in parse_by_uuid(known)[0] and (entry is None or entry.value.strip() != "X"):
            found.append(ref.name.removeprefix("refs/remotes/").removesuffix(suffix))
    return found


def unsaved(ds: Dataset, paths: Sequence[Path], *, action: str, refds: Path, whole: bool) -> Iterator[Record]:
    """Yield a refusal for each path with changes that are saved nowhere.

    For file content that is what was modified or is untracked; where the whole
    dataset goes, what was only staged counts too.
    """
    below = [p.relative_to(ds.path).as_posix() for p in paths]
    changes = status(
        ds.repo,
        [] if "." in below else below,
        untracked="normal",
        ignore_submodules="dirty" if whole else "all",
    )
    for change in changes:
        state = _state(change, whole=whole)
        if state is not None:
            yield result(
                action,
                ds.path / change.path.rstrip("/"),
                "impossible",
                type=_type(ds.path, change),
                refds=refds,
                parentds=str(ds.path),
                state=state,
                gitshasum=change.sha_index or None,
                prev_gitshasum=change.sha_head or None,
                message=f"cannot drop {state} content, save first",
            )


def _state(change: Change, *, whole: bool) -> str | None:
    if change.kind == "untracked":
        return "untracked"
    if "D" in (change.staged, change.unstaged):
        return None  # what is deleted in the work tree is still in the history
    if change.staged == "A" and change.unstaged == ".":
        return "added" if whole else None
    return "modified"


def _type(root: Path, change: Change) -> str:
    if GITLINK in (change.mode_index, change.mode_worktree):
        return "dataset"
    path = root / change.path.rstrip("/")
    if change.mode_index == SYMLINK or (change.kind == "untracked" and path.is_symlink()):
        return "symlink"
    return "directory" if path.is_dir() else "file"


def remove(ds: Dataset) -> None:
    """Remove a dataset's folder and repository; a subdataset leaves its empty mountpoint.

    The folder first gets another name in one step, so that whatever happens
    there never is half a dataset at its place.
    """
    repo = ds.repo
    above = superdataset_of(ds)
    gitdir = Path(os.path.realpath(repo.gitdir))  # git-annex makes `.git` a symlink where Git has a file
    outside = Path(os.path.realpath(ds.path)) not in (gitdir, *gitdir.parents)
    doomed = ds.path.with_name(f".{ds.path.name}.{os.getpid()}.removed")
    if above is not None and os.stat(above.repo.gitdir).st_dev == os.stat(ds.path).st_dev:
        doomed = above.repo.gitdir / doomed.name  # out of sight of Git should the rest be interrupted
    try:
        os.rename(ds.path, doomed)
    except OSError as e:
        raise RookeryError(f"{ds.path} cannot be removed: {e.strerror}") from e
    if above is not None:
        ds.path.mkdir()
    remove_tree(doomed)
    if outside and above is not None and Path(os.path.realpath(above.repo.gitdir)) in gitdir.parents:
        remove_tree(gitdir)
    ds.forget()


def remove_tree(top: Path) -> None:
    """Remove a folder with all that is in it, write-protected annex objects too; links are not followed."""
    if top.is_symlink() or not top.is_dir():
        top.unlink(missing_ok=True)
        return
    for folder, names, _ in os.walk(top):
        for name in (".", *names):
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISDIR(mode) and not mode & stat.S_IWUSR:
                os.chmod(path, mode | stat.S_IRWXU)
    shutil.rmtree(top)


def refuse_current_folder(cwd: Path, groups: Mapping[Path, Sequence[Path] | None]) -> None:
    """Raise RookeryError if what is to go, paths by dataset (None: all of it), holds the folder we stand in."""
    doomed = [path for root, paths in groups.items() for path in (paths or [root])]
    if any(path == cwd or path in cwd.parents for path in doomed):
        raise RookeryError(
            "refuse to perform actions that would remove the current working directory",
            hints=["change to a folder outside of it, and name it with -d"],
        )
