"""Changing the work tree as a whole: checkout, merge, reset."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal, NamedTuple

from rookery.core.errors import CommandError
from rookery.core.process import decode
from rookery.git import refs
from rookery.git.repo import Repo
from rookery.git.status import Change, status


class Merged(NamedTuple):
    """How a merge ended.  After "conflict" the merge is still open: conclude or `abort_merge` it."""

    how: Literal["up to date", "fast-forward", "merged", "conflict"]
    conflicts: tuple[Change, ...] = ()
    said: str = ""


def checkout(repo: Repo, target: str, *, create: str | None = None, detach: bool = False) -> None:
    """Switch to a branch or commit; with `create`, to a new branch there.  Raises CommandError."""
    if create is not None:
        repo.run("checkout", "-q", "-b", create, target, "--")
    else:
        repo.run("checkout", "-q", *(["--detach"] if detach else []), target, "--")


def checkout_paths(repo: Repo, treeish: str, paths: Sequence[str]) -> None:
    """Put paths back, in index and work tree, to what they are in a tree; changes in them are lost."""
    listing = b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in paths)
    argv = ["--literal-pathspecs", "checkout", "-q", "--pathspec-from-file=-", "--pathspec-file-nul"]
    repo.run(*argv, treeish, stdin=listing)


def merge(
    repo: Repo,
    commit: str,
    *,
    message: str | None = None,
    options: Sequence[str] = (),
    run_hooks: bool = True,
) -> Merged:
    """Merge into the current branch (`options`: `--ff-only`, `--allow-unrelated-histories` ...).

    `run_hooks` is to be False only where all that there are have nothing to do.
    Raises CommandError when Git refuses to begin (local changes in the way, not
    a fast-forward, unknown commit); nothing is changed then.
    """
    before = refs.head(repo).commit
    argv = [] if run_hooks else ["-c", f"core.hooksPath={os.devnull}"]
    argv += ["merge", "--no-edit", *options, *(["-m", message] if message is not None else []), commit]
    answer = repo.run(*argv, ok=None)
    said = (decode(answer.stdout) + decode(answer.stderr)).strip()
    if answer.code:
        conflicts = tuple(c for c in status(repo, untracked="no") if c.kind == "conflict")
        if conflicts:
            return Merged("conflict", conflicts, said)
        cmd = [str(a) for a in repo.argv(argv)]
        raise CommandError(
            cmd, code=answer.code, stdout=decode(answer.stdout), stderr=said, cwd=str(repo.root)
        )
    after = repo.text("rev-parse", "HEAD", "HEAD^@").split("\n")
    if after[0] == before:
        return Merged("up to date", said=said)
    return Merged("merged" if len(after) > 2 and before in after[1:] else "fast-forward", said=said)


def abort_merge(repo: Repo) -> None:
    """Go back to before an open merge; local changes from before it are kept as far as Git can."""
    repo.run("merge", "--abort")


def merge_heads(repo: Repo) -> list[str]:
    """Give the commits of an open merge, empty if there is none."""
    try:
        return (repo.gitdir / "MERGE_HEAD").read_text().split()
    except FileNotFoundError:
        return []


def reset(repo: Repo, commit: str, *, mode: Literal["soft", "mixed", "hard", "keep", "merge"]) -> None:
    """Move the current branch; what happens to index and work tree is git-reset(1)'s `mode`."""
    repo.run("reset", "-q", f"--{mode}", commit, "--")


def is_clean(repo: Repo, *, untracked: Literal["no", "normal", "all"] = "normal") -> bool:
    """Say whether work tree, index and HEAD agree, and no submodule is changed."""
    for _ in status(repo, untracked=untracked):
        return False
    return True
