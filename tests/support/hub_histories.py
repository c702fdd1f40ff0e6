"""Histories and contents in a hub of this process, made without a clone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from rookery.annex.store import link_target
from rookery.git import refs
from rookery.git.commits import commit_tree
from rookery.git.objects import hash_blob
from rookery.git.repo import Repo
from rookery.git.trees import ls_tree
from rookery.hub.domain.access import Actor
from rookery.hub.domain.records import Repository
from rookery.hub.services.committing import committing
from support.hubs import HubInside


def key_of(data: bytes) -> str:
    """Give the key of a content."""
    return f"SHA256-s{len(data)}--{hashlib.sha256(data).hexdigest()}"


def store(hub: HubInside, who: Actor, where: Repository, data: bytes) -> str:
    """Put content, as a client would; give its key."""
    key = key_of(data)
    with hub.opened.hub.contents.receive(who, where.id, key, length=len(data)) as coming:
        coming.write(data)
        assert coming.finish()
    return key


def repo_of(hub: HubInside, where: Repository, who: str = "ada") -> Repo:
    """Give the bare repository, in which somebody commits."""
    return committing(hub.opened.histories.open(where.id), who)


def commit(
    hub: HubInside,
    where: Repository,
    files: Mapping[str, bytes | str | None] = {"file": b"text"},
    *,
    branch: str = "main",
    who: str = "ada",
) -> str:
    """Make a commit on a branch (a new one begins at main): texts, annexed files by their keys, None removes."""
    repo = repo_of(hub, where, who)
    tip = refs.resolve(repo, refs.HEADS + branch)
    parent = tip or refs.resolve(repo, "refs/heads/main")
    entries = {e.path: (e.mode, e.sha) for e in (ls_tree(repo, parent) if parent else ())}
    for path, what in files.items():
        if what is None:
            del entries[path]
            continue
        text = link_target(what, path).encode() if isinstance(what, str) else what
        entries[path] = (0o120000 if isinstance(what, str) else 0o100644, hash_blob(repo, text))
    lines = "".join(f"{mode:06o} blob {sha}\t{path}\n" for path, (mode, sha) in entries.items())
    tree = repo.run("mktree", stdin=lines.encode()).text
    made = commit_tree(repo, tree, [parent] if parent else [], f"change {' '.join(files)}\n")
    refs.update(repo, refs.HEADS + branch, made, old=tip or "")
    return made


def begin_annex_branch(hub: HubInside, where: Repository) -> None:
    """Make the branch git-annex, with nothing in it."""
    repo = repo_of(hub, where)
    empty = repo.run("mktree", stdin=b"").text
    refs.update(repo, "refs/heads/git-annex", commit_tree(repo, empty, [], "branch created\n"), old="")


def pushed(hub: HubInside, who: Actor, where: Repository, **moves: tuple[str, str]) -> None:
    """Let the hub know of branches that were moved, as after a push."""
    named = {refs.HEADS + branch: pair for branch, pair in moves.items()}
    hub.opened.hub.history._pushes.moved(who, where, named)
