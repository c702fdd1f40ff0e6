"""A repository handle, and how Git is asked about it.

Finding a repository reads the file system only (no process): `.git` is a
folder, or a file that points to one (submodules, worktrees, `git init
--separate-git-dir`), as gitrepository-layout(5) says.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from rookery.core.errors import RookeryError
from rookery.core.process import Argument, Batch, Completed, Runner, Stream

# Messages are parsed, so they must not be translated; paths must stay UTF-8.
PLAIN = {"LC_ALL": "C.UTF-8", "LANGUAGE": ""}


class NotARepository(RookeryError):
    """There is no Git repository where one was expected."""


class Repo:
    """One repository: where it is and how programs are started in it.

    `root` is the top of the work tree, or the repository itself when bare;
    `gitdir` its own administrative folder, `commondir` the one shared by all
    its worktrees.
    """

    __slots__ = ("bare", "commondir", "gitdir", "root", "runner")

    def __init__(self, root: Path, gitdir: Path, runner: Runner, *, bare: bool = False) -> None:
        self.root = root
        self.gitdir = gitdir
        self.bare = bare
        self.commondir = _commondir(gitdir)
        self.runner = runner if runner.env.get("LC_ALL") == PLAIN["LC_ALL"] else runner.with_env(PLAIN)

    def __repr__(self) -> str:
        return f"Repo({str(self.root)!r})"

    def argv(self, arguments: Sequence[Argument]) -> list[Argument]:
        """Give the argument list for Git; a bare repository is named outright."""
        named: list[Argument] = ["--git-dir", self.gitdir] if self.bare else []
        return ["git", *named, *arguments]

    def run(
        self, *arguments: Argument, stdin: bytes | None = None, ok: Sequence[int] | None = (0,)
    ) -> Completed:
        """Run `git ARGUMENTS` to the end.  Raises CommandError on an exit code not in `ok`."""
        return self.runner.run(self.argv(arguments), cwd=self.root, stdin=stdin, ok=ok)

    def text(self, *arguments: Argument, ok: Sequence[int] | None = (0,)) -> str:
        """Run and give the standard output without its last line break."""
        return self.run(*arguments, ok=ok).text

    def stream(
        self, *arguments: Argument, stdin: Iterable[bytes] | None = None, ok: Sequence[int] | None = (0,)
    ) -> AbstractContextManager[Stream]:
        """Run while the caller reads (see Runner.stream)."""
        return self.runner.stream(self.argv(arguments), cwd=self.root, stdin=stdin, ok=ok)

    def records(
        self, *arguments: Argument, stdin: Iterable[bytes] | None = None, end: bytes = b"\0"
    ) -> Iterator[bytes]:
        """Run and yield the output cut at `end` (NUL: Git's `-z` forms) as it comes."""
        with self.stream(*arguments, stdin=stdin) as out:
            yield from out.records(end)

    def batch(self, *arguments: Argument) -> AbstractContextManager[Batch]:
        """Hold a conversation with a Git process (`cat-file --batch` and the like)."""
        return self.runner.batch(self.argv(arguments), cwd=self.root)

    def with_env(self, **more: str | None) -> Repo:
        """Give the same repository, its programs seeing other variables (GIT_INDEX_FILE and the like)."""
        return Repo(self.root, self.gitdir, self.runner.with_env(more), bare=self.bare)


def find_root(start: Path) -> Path | None:
    """Give the nearest folder at or above `start` (absolute) with a `.git`, None if none; symlinks are kept."""
    for folder in (start, *start.parents):
        dotgit = folder / ".git"
        if dotgit.is_file() or (dotgit / "HEAD").exists() or (dotgit / "HEAD").is_symlink():
            return folder
    return None


def open_repo(root: Path, runner: Runner) -> Repo:
    """Give the handle of the repository whose top is `root`.  Raises NotARepository."""
    dotgit = root / ".git"
    if dotgit.is_dir():
        return Repo(root, dotgit, runner)
    if dotgit.is_file():
        text = dotgit.read_text(errors="surrogateescape")
        if text.startswith("gitdir:"):
            target = text[len("gitdir:") :].strip()
            return Repo(root, Path(os.path.normpath(root / target)), runner)
    if (root / "HEAD").is_file() and (root / "objects").is_dir():
        return Repo(root, root, runner, bare=True)
    raise NotARepository(f"{root} is not a Git repository")


def _commondir(gitdir: Path) -> Path:
    try:
        pointer = (gitdir / "commondir").read_text(errors="surrogateescape").strip()
    except (FileNotFoundError, NotADirectoryError):
        return gitdir
    # Not by text alone: git-annex makes the `.git` of a worktree a symlink, and ".." leads elsewhere then.
    return Path(os.path.realpath(gitdir / pointer))
