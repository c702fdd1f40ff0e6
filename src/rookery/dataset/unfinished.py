"""A mark on repositories that are being made, so that one left half-way is told from a finished one.

It is in the repository's own settings from the first moment to the last, and
names the process that works there.  The same command, run again after its
process was killed, goes on or begins anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from rookery.core.errors import LockedError
from rookery.core.process import Runner, decode, encode
from rookery.git import configfile
from rookery.git.index_lock import index_lock
from rookery.git.repo import Repo

KEY = "rookery.unfinished"
DRAFT = re.compile(r"\.git\.(\d+)\.draft")


def mark() -> tuple[str, str]:
    """Give the setting that marks a repository as ours to finish."""
    return KEY, str(os.getpid())


def init_marked(root: Path, runner: Runner, options: Sequence[str]) -> None:
    """Run `git init` so that the repository appears whole, and marked; `root` must not have a `.git`."""
    if drafts := _drafts(root):
        import shutil  # start-up: for what a killed process has left

        for name in drafts:
            shutil.rmtree(root / name)
    draft = root / f".git.{os.getpid()}.draft"
    try:
        runner.run(["git", "init", "-q", *options, "--", draft], cwd=root)
        _mark(draft, runner)
        os.rename(draft / ".git", root / ".git")
    finally:
        _remove(draft)


def _mark(draft: Path, runner: Runner) -> None:
    settings = draft / ".git" / "config"
    try:
        whole = settings.read_bytes().endswith(b"\n")
    except NotADirectoryError:  # the repository itself is elsewhere (--separate-git-dir)
        whole = False
    if not whole:
        runner.run(["git", "config", *mark()], cwd=draft)
        return
    with settings.open("a") as file:  # nobody else knows of it yet, so nobody else writes there
        file.write(_section())


def _section() -> str:
    return f"[rookery]\n\tunfinished = {os.getpid()}\n"


def _remove(folder: Path) -> None:
    """Remove a draft, which is an empty folder mostly."""
    try:
        folder.rmdir()
    except OSError:
        import shutil  # start-up: for what has failed

        shutil.rmtree(folder, ignore_errors=True)


def is_unfinished(root: Path) -> bool:
    """Say whether the repository at a place was begun and not finished, by somebody alive or not."""
    return _owner(root) is not None


def left_behind(root: Path) -> bool:
    """Say whether the making of a repository was given up.  Raises LockedError if another process is at it."""
    owner = _owner(root)
    if owner is None:
        return bool(names := _names(root)) and names == _drafts(root)
    if owner.isdigit() and int(owner) != os.getpid() and _lives(int(owner)):
        raise LockedError(
            f"process {owner} is making a dataset at {root}",
            hints=[f"wait for it to end; if that is something else: git -C {root} config --unset {KEY}"],
        )
    return True


def clear_locks(root: Path) -> None:
    """Take away locks in a repository that was left behind: whoever held them is gone."""
    if is_unfinished(root):
        for lock in ("index.lock", "HEAD.lock", "config.lock"):
            (root / ".git" / lock).unlink(missing_ok=True)


def finish(repo: Repo) -> None:
    """Take the mark away."""
    mine = encode(_section())
    file = repo.commondir / "config"
    if file.read_bytes().count(b"[rookery]") == 1 and not file.is_symlink():
        with index_lock(file) as draft:
            before, found, after = file.read_bytes().partition(mine)
            as_written = found and (not after or after.startswith(b"["))
            if as_written:  # else somebody has added to it, and Git takes it apart
                draft.write_bytes(before + after)
                draft.chmod(file.stat().st_mode & 0o777)
                os.replace(draft, file)
                return
    repo.run("config", "--local", "--remove-section", KEY.partition(".")[0], ok=(0, 128))


def _owner(root: Path) -> str | None:
    try:
        text = decode((root / ".git" / "config").read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    if "[rookery]" not in text:
        return None
    try:
        return dict(configfile.parse(text)).get(KEY)
    except ValueError:
        return None


def _names(root: Path) -> list[str]:
    try:
        return os.listdir(root)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _drafts(root: Path) -> list[str]:
    """Give the drafts of processes that are gone."""
    found = ((name, DRAFT.fullmatch(name)) for name in _names(root))
    return [name for name, draft in found if draft and not _lives(int(draft[1]))]


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
