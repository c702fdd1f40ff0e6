"""Repositories of a hub filled in one go, by `git fast-import`: files, annexed ones with or without their content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from rookery.annex.branch import log_name
from rookery.annex.keys import kept_extension
from rookery.annex.store import link_target
from rookery.core.process import encode
from rookery.git import refs
from rookery.git.repo import Repo
from rookery.hub.domain.access import Actor
from rookery.hub.domain.records import Repository
from support.hubs import HubInside

ELSEWHERE = "5ae0c1c2-7f0b-4d5e-9d8e-2f3a4b5c6d7e"  # the annex of somebody's laptop


class Annexed(NamedTuple):
    """An annexed file; without `here` the hub knows its key and has no content."""

    content: bytes
    here: bool = True


class Dataset(NamedTuple):
    """A subdataset, at a commit that nobody has to have."""

    commit: str = "1" * 40


Planted = Mapping[str, bytes | str | Annexed | Dataset]


def key_of(path: str, content: bytes) -> str:
    """Give the key that git-annex gives by default."""
    ending = kept_extension(path) or ""
    return f"MD5E-s{len(content)}--{hashlib.md5(content, usedforsecurity=False).hexdigest()}{ending}"


def plant(
    hub: HubInside,
    who: Actor,
    where: Repository,
    files: Planted,
    *,
    message: str = "Add files",
    branch: str = "main",
    onto: str = "",
    when: int = 1_790_000_000,
) -> None:
    """Commit files onto a branch, say in the branch git-annex who has them, and put their content on the hub.

    `onto` is the branch that a new one begins at.
    """
    contents = hub.opened.hub.contents
    repo = hub.opened.histories.open(where.id)
    if onto:
        refs.update(repo, refs.HEADS + branch, refs.resolve(repo, refs.HEADS + onto))
    head = _commit(repo, branch, who.name, when, message)
    logs = [_commit(repo, "git-annex", who.name, when, "update"), _file("uuid.log", _uuids(where))]
    for path, told in files.items():
        if isinstance(told, Annexed):
            key = key_of(path, told.content)
            head += _file(path, encode(link_target(key, path)), 0o120000)
            have = [ELSEWHERE, *([where.uuid] if told.here else [])]
            logs.append(_file(log_name(key), "".join(f"{when}s 1 {uuid}\n" for uuid in have).encode()))
            if told.here:
                with contents.receive(who, where.id, key, length=len(told.content)) as coming:
                    coming.write(told.content)
                    assert coming.finish()
        elif isinstance(told, Dataset):
            head += f"M 160000 {told.commit} {_quoted(path)}\n".encode()
        else:
            head += _file(path, told.encode() if isinstance(told, str) else told)
    repo.run("fast-import", "--quiet", "--force", stdin=head + b"".join(logs))
    hub.opened.hub.repositories.pushed(where.id)


def _uuids(where: Repository) -> bytes:
    return f"{where.uuid} hub timestamp=1s\n{ELSEWHERE} laptop of the lab timestamp=1s\n".encode()


def _commit(repo: Repo, branch: str, name: str, when: int, message: str) -> bytes:
    told, ref = encode(message), f"refs/heads/{branch}"
    who = f"{name} <{name}@example.org> {when} +0000"
    before = f"from {ref}^0\n" if refs.resolve(repo, ref) else ""
    head = f"commit {ref}\nauthor {who}\ncommitter {who}\ndata {len(told)}\n"
    return head.encode() + told + f"\n{before}".encode()


def _file(path: str, content: bytes, mode: int = 0o100644) -> bytes:
    return b"M %o inline %b\ndata %d\n%b\n" % (mode, _quoted(path).encode(), len(content), content)


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
