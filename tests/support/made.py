"""What making an annex leaves in a repository, to be held to what git-annex leaves."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import NamedTuple

from support.programs import Program

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STAMP = re.compile(r"timestamp=\d+s")

# What git-annex's own checks and caches leave in `annex`, and makes anew where it is missing.
LEFT_OVER = re.compile(
    r"annex/(fsck|keysdb(\.lck)?|mergedrefs|othertmp\.lck|verified-remote\.(lck|log))(/.*)?"
)


class Made(NamedTuple):
    """What is in a repository, without what differs from one to the next."""

    files: dict[str, tuple[int, str]]
    branch: list[str]
    messages: list[str]
    annexes_started: int


def plain(text: str) -> str:
    """Take out what is another each time."""
    return STAMP.sub("STAMP", UUID.sub("UUID", text))


def look(gitdir: Path, git: Program) -> Made:
    """Read a repository."""
    files = {}
    for path in sorted(gitdir.rglob("*")):
        name = str(path.relative_to(gitdir))
        mode = path.lstat().st_mode
        if name.startswith(("objects/", "logs/", "refs/", "rookery")) or LEFT_OVER.fullmatch(name):
            continue
        is_text = path.is_file() and not name.endswith(("index", "index.lck", ".cache"))
        told = plain(path.read_text()) if is_text else ""
        files[name] = (stat.S_IFMT(mode) | stat.S_IMODE(mode), told)
    messages = git("log", "--format=%s", "git-annex", cwd=gitdir).lines
    names = git("ls-tree", "-r", "--name-only", "git-annex", cwd=gitdir).lines
    branch = [f"{name}: {plain(git('show', f'git-annex:{name}', cwd=gitdir).text)}" for name in names]
    return Made(files, branch, messages, 0)
