"""Calling Git and git-annex in a repository."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rookery.annex import identity, program
from rookery.annex.content import argument_groups
from rookery.core.errors import CommandError
from rookery.core.process import decode
from rookery.dataset.model import Dataset
from rookery.git.repo import Repo

Act = Callable[..., list[dict[str, Any]]]
"""Runs an operation on the dataset by name and gives its records; handed in, as the model knows no operation."""

OnePath = str | os.PathLike[str]
Paths = OnePath | Sequence[OnePath]

# As DataLad calls Git: submodules are told whatever their settings say, names are not quoted.
SETTINGS = ("-c", "diff.ignoreSubmodules=none", "-c", "core.quotepath=false")


class Programs:
    """A repository in which programs can be called."""

    def __init__(self, model: Dataset, act: Act) -> None:
        self._model = model
        self._act = act

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.pathobj)!r})"

    def __fspath__(self) -> str:
        return self.path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Programs) and os.path.samefile(self.path, other.path)

    def __hash__(self) -> int:
        return hash(os.path.realpath(self.path))

    @property
    def _repo(self) -> Repo:
        return self._model.repo

    @property
    def path(self) -> str:
        """The root, as text."""
        return str(self._model.path)

    @property
    def pathobj(self) -> Path:
        """The root."""
        return self._model.path

    @property
    def dot_git(self) -> Path:
        """The folder with Git's own files."""
        return self._repo.gitdir

    @property
    def bare(self) -> bool:
        """Whether there is no work tree."""
        return self._repo.bare

    @property
    def uuid(self) -> str | None:
        """The identity of the annex, None if there is none."""
        return identity.uuid(self._repo)

    def _relative(self, path: OnePath) -> str:
        """Give a path as Git wants it: relative to the root."""
        text = os.fspath(path)
        return os.path.relpath(text, self.path) if os.path.isabs(text) else os.path.normpath(text)

    def _relatives(self, paths: Paths | None) -> list[str]:
        if paths is None:
            return []
        return [self._relative(p) for p in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]

    def _git(
        self,
        args: Sequence[str],
        files: Paths | None,
        *,
        env: dict[str, str] | None = None,
        from_file: bool | None = False,
        fail: bool = False,
    ) -> Iterator[str]:
        """Run Git, as often as the files need to fit on a command line, and yield what each run prints."""
        repo = self._repo.with_env(**env) if env is not None else self._repo
        names = self._relatives(files)
        if from_file and names:
            argv = [*SETTINGS, *args, "--pathspec-from-file=-", "--pathspec-file-nul"]
            answers = [repo.run(*argv, stdin=b"".join(program.listed(names)), ok=None if fail else (0,))]
        else:
            groups: list[list[str]] = list(argument_groups(names)) or [[]]
            answers = [
                repo.run(*SETTINGS, *args, *(["--", *group] if group else []), ok=None if fail else (0,))
                for group in groups
            ]
        yield from (decode(answer.stdout) for answer in answers)

    def call_git(
        self,
        args: Sequence[str],
        files: Paths | None = None,
        expect_stderr: bool = False,
        expect_fail: bool = False,
        env: dict[str, str] | None = None,
        pathspec_from_file: bool | None = False,
        read_only: bool = False,
    ) -> str:
        """Run `git ARGS -- FILES` and give its output.  Raises CommandError, unless `expect_fail`."""
        del expect_stderr, read_only  # about DataLad's log and locks, which there are none of here
        return "".join(self._git(args, files, env=env, from_file=pathspec_from_file, fail=expect_fail))

    def call_git_items_(
        self,
        args: Sequence[str],
        files: Paths | None = None,
        expect_stderr: bool = False,
        expect_fail: bool = False,
        env: dict[str, str] | None = None,
        pathspec_from_file: bool | None = False,
        read_only: bool = False,
        sep: str | None = None,
        keep_ends: bool = False,
    ) -> Iterator[str]:
        """Run `git ARGS -- FILES` and yield its output cut at `sep` (None: at line breaks)."""
        del expect_stderr, read_only  # as in `call_git`
        for text in self._git(args, files, env=env, from_file=pathspec_from_file, fail=expect_fail):
            end = sep or "\n"
            *whole, rest = text.split(end)
            yield from (item + end for item in whole) if keep_ends else whole
            if rest:
                yield rest

    def call_git_oneline(
        self,
        args: Sequence[str],
        files: Paths | None = None,
        expect_stderr: bool = False,
        pathspec_from_file: bool | None = False,
        read_only: bool = False,
    ) -> str:
        """Run `git ARGS -- FILES` and give the one line that it prints.  Raises AssertionError if it is not one."""
        del expect_stderr, read_only  # as in `call_git`
        lines = list(self.call_git_items_(args, files, pathspec_from_file=pathspec_from_file))
        if len(lines) != 1:
            raise AssertionError(f"Expected {['git', *args]} to return single line, but it returned {lines}")
        return lines[0]

    def call_git_success(
        self,
        args: Sequence[str],
        files: Paths | None = None,
        expect_stderr: bool = False,
        pathspec_from_file: bool | None = False,
        read_only: bool = False,
    ) -> bool:
        """Run `git ARGS -- FILES` and say whether it ended well."""
        del expect_stderr, read_only  # as in `call_git`
        try:
            self.call_git(args, files, pathspec_from_file=pathspec_from_file)
        except CommandError:
            return False
        return True

    def call_annex(self, args: Sequence[str], files: Paths | None = None) -> str:
        """Run `git annex ARGS FILES` and give its output.  Raises CommandError."""
        command, *rest = args
        groups: list[list[str]] = list(argument_groups(self._relatives(files))) or [[]]
        answers = [
            program.run(self._repo, command, *rest, *(["--", *group] if group else [])) for group in groups
        ]
        return "".join(decode(answer.stdout) for answer in answers)

    def call_annex_items_(
        self, args: Sequence[str], files: Paths | None = None, sep: str | None = None
    ) -> Iterator[str]:
        """Run `git annex ARGS FILES` and yield its output cut at `sep` (None: at line breaks)."""
        text = self.call_annex(args, files)
        yield from (item for item in (text.split(sep) if sep else text.splitlines()) if item)

    def call_annex_oneline(self, args: Sequence[str], files: Paths | None = None) -> str:
        """Run `git annex ARGS FILES` and give the one line that it prints.  Raises AssertionError if it is not one."""
        lines = list(self.call_annex_items_(args, files))
        if len(lines) != 1:
            raise AssertionError(f"Expected {args} to return single line, but it returned {lines}")
        return lines[0]

    def call_annex_records(self, args: Sequence[str], files: Paths | None = None) -> list[dict[str, Any]]:
        """Run `git annex ARGS --json FILES` and give its records.  Raises CommandError if one of them failed."""
        found = self._annex_records(args, files)
        failures = [record for record in found if record.get("success") is False]
        if failures:
            said = "; ".join(program.failure_text(record) for record in failures)
            raise CommandError(["git", "annex", *args], said, 1, cwd=self.path)
        return found

    def _annex_records(self, args: Sequence[str], files: Paths | None = None) -> list[dict[str, Any]]:
        command, *rest = args
        found = []
        for group in list(argument_groups(self._relatives(files))) or [[]]:
            names = ["--", *group] if group else []
            found += list(program.records(self._repo, command, *rest, *names))
        return found
