"""The Git hooks that git-annex installs: their texts, and when one of them has nothing to do."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from rookery.annex.branch_writing import ENGINE, NATIVE
from rookery.annex.files import keys_of_blobs
from rookery.annex.store import annex_dir
from rookery.git import hooks, refs, trees
from rookery.git.repo import Repo
from rookery.git.trees import Entry

COMMANDS = {
    "pre-commit": "git annex pre-commit .",
    "post-receive": "if git annex post-receive --help >/dev/null 2>&1; then git annex post-receive; fi",
    "post-checkout": "git annex smudge --update",
    "post-merge": "git annex smudge --update",
    "pre-push": "if git annex pre-push --help >/dev/null 2>&1; then git annex pre-push; fi",
}

# What git-annex notes of a Git repository; a special remote has more.
_OF_PLAIN_REMOTES = frozenset(("annex-uuid", "annex-ignore", "annex-bare", "annexurl"))


def text_of(name: str) -> str:
    """Give a hook as git-annex writes it."""
    return f"#!/bin/sh\n# automatically configured by git-annex\n{COMMANDS[name]}\n"


def nothing_to_prevent(repo: Repo, settings: Mapping[str, str]) -> bool:
    """Say whether the hook `pre-push` is git-annex's own and would let everything pass.

    It is there to stop pushes while a special remote is enabled that nobody has
    verified (git-annex-pre-push(1)).  Without a special remote there is none; as
    soon as anything looks like one, git-annex has to be asked.  It starts four
    programs of its own for that, of which 200 subdatasets feel each.
    """
    hook = hooks.find_hook(repo, "pre-push", settings.get("core.hookspath"))
    if hook is None or hook.read_text(errors="replace") != text_of("pre-push"):
        return False
    try:
        if (annex_dir(repo) / "verified-remote.log").stat().st_size:
            return False
    except FileNotFoundError:
        pass  # git-annex was never asked about a special remote here
    found: dict[str, set[str]] = {}
    for key in settings:
        name, dot, variable = key.removeprefix("remote.").rpartition(".")
        if dot and key.startswith("remote."):
            found.setdefault(name, set()).add(variable)
    return all("url" in known and _is_plain(known) for known in found.values())


def nothing_to_update(repo: Repo, settings: Mapping[str, str], target: str) -> bool:
    """Say whether a merge of `target` needs no hook: all there are are git-annex's own, and have nothing to do.

    After a merge git-annex puts content into unlocked files that came with it
    (git-annex-smudge(1)), for which it starts seven programs of Git's.  Of locked
    files it only takes note, as it does whenever it is used.
    """
    folder = repo.commondir / "hooks"
    if settings.get(ENGINE, NATIVE) != NATIVE or "core.hookspath" in settings or not folder.is_dir():
        return False
    there = {one.name for one in folder.iterdir() if one.suffix != ".sample" and os.access(one, os.X_OK)}
    if "post-merge" not in there:
        return False
    if any(
        name not in COMMANDS or (folder / name).read_text(errors="replace") != text_of(name) for name in there
    ):
        return False
    head = refs.head(repo).commit
    changed = [one for one in trees.diff_trees(repo, head, target) if stat.S_ISREG(one.new_mode)]
    return not keys_of_blobs(repo, (Entry(one.new_mode, "blob", one.new_sha, one.path) for one in changed))


def _is_plain(variables: set[str]) -> bool:
    return not any(one.startswith("annex") and one not in _OF_PLAIN_REMOTES for one in variables)
