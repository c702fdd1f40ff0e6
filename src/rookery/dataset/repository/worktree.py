"""Files: what is tracked, what changed, taking changes in."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from rookery.annex import identity
from rookery.core import files as whole_files
from rookery.core.errors import CommandError
from rookery.dataset import hierarchy
from rookery.dataset.repository.history import flags
from rookery.dataset.repository.programs import OnePath, Paths, Programs
from rookery.git import index, modes
from rookery.git.attributes import SET, UNSET
from rookery.git.status import status as git_status
from rookery.git.trees import Selection, ls_tree

Info = dict[Path, dict[str, Any]]
Untracked = Literal["no", "normal", "all"]

ABOUT_THE_REPORT = ("action", "status", "path", "refds", "parentds", "message")


class WorkTree(Programs):
    """The files of a repository."""

    def get_indexed_files(self) -> list[str]:
        """Give the paths in the index."""
        return list(dict.fromkeys(entry.path for entry in index.read_index(self._repo)))

    def get_content_info(
        self,
        paths: Sequence[OnePath] | None = None,
        ref: str | None = None,
        untracked: Untracked = "all",
    ) -> Info:
        """Tell type and blob of each path in the index, or in a commit (with its size, where it is a file)."""
        wanted = self._relatives(paths)
        found: Info = {}
        if ref is not None:
            for entry in ls_tree(self._repo, ref, wanted, sizes=True):
                about: dict[str, Any] = {"gitshasum": entry.sha, "type": modes.type_of(entry.mode)}
                if entry.size is not None and about["type"] == "file":
                    about["bytesize"] = entry.size
                found[self.pathobj / entry.path] = about
            return found
        selection = Selection(wanted)
        for tracked in index.read_index(self._repo):
            if tracked.path in selection:
                about = {"gitshasum": tracked.sha, "type": modes.type_of(tracked.mode)}
                found[self.pathobj / tracked.path] = about
        if untracked != "no":
            for change in git_status(self._repo, wanted, untracked=untracked, ignore_submodules="all"):
                if change.kind == "untracked":
                    path = self.pathobj / change.path.rstrip("/")
                    found[path] = {"gitshasum": None, "type": _type_on_disk(path)}
        return found

    def status(
        self,
        paths: Sequence[OnePath] | None = None,
        untracked: Untracked = "all",
        eval_submodule_state: Literal["no", "commit", "full"] = "full",
    ) -> Info:
        """Tell the state of each path: clean, added, modified, deleted or untracked."""
        named = {"untracked": untracked, "eval_subdataset_state": eval_submodule_state}
        return self._states("status", path=self._absolute(paths), **named)

    def diffstatus(
        self,
        fr: str | None,
        to: str | None,
        paths: Sequence[OnePath] | None = None,
        untracked: Untracked = "all",
        eval_submodule_state: Literal["no", "commit", "full"] = "full",
    ) -> Info:
        """Tell how each path differs between two states; `to` of None is the work tree."""
        if fr == "HEAD" and to is None:
            return self.status(paths, untracked, eval_submodule_state)
        return self._states("diff", fr=fr, to=to, path=self._absolute(paths), untracked=untracked)

    def diff(
        self,
        fr: str | None,
        to: str | None,
        paths: Sequence[OnePath] | None = None,
        untracked: Untracked = "all",
        eval_submodule_state: Literal["no", "commit", "full"] = "full",
    ) -> Info:
        """Tell how paths differ between two states, those that differ only."""
        found = self.diffstatus(fr, to, paths, untracked, eval_submodule_state)
        return {path: about for path, about in found.items() if about.get("state") != "clean"}

    def _absolute(self, paths: Sequence[OnePath] | None) -> list[str] | None:
        return None if paths is None else [os.path.join(self.path, name) for name in self._relatives(paths)]

    def _states(self, operation: str, **named: Any) -> Info:
        return {
            Path(record["path"]): {k: v for k, v in record.items() if k not in ABOUT_THE_REPORT}
            for record in self._act(operation, **named)
            if "state" in record
        }

    @property
    def dirty(self) -> bool:
        """Whether anything is not saved."""
        return any(True for _ in git_status(self._repo))

    @property
    def untracked_files(self) -> list[str]:
        """The paths that Git does not know."""
        return [c.path for c in git_status(self._repo, untracked="all") if c.kind == "untracked"]

    def save(
        self, message: str | None = None, paths: Sequence[OnePath] | None = None, **kwargs: Any
    ) -> list[dict[str, Any]]:
        """Save; give a record for each path."""
        return list(self.save_(message, paths, **kwargs))

    def save_(
        self, message: str | None = None, paths: Sequence[OnePath] | None = None, **kwargs: Any
    ) -> Iterator[dict[str, Any]]:
        """Save; yield a record for each path.  Keywords are parameters of `Dataset.save`."""
        if "git" in kwargs:
            kwargs["to_git"] = kwargs.pop("git")
        for record in self._act("save", message=message, path=self._absolute(paths), **kwargs):
            if record["action"] != "save" or record["status"] not in ("ok", "notneeded"):
                yield record

    def add(
        self,
        files: Paths,
        git: bool | None = None,
        backend: str | None = None,
        options: Sequence[str] | None = None,
        jobs: int | None = None,
        git_options: Sequence[str] | None = None,
        annex_options: Sequence[str] | None = None,
        update: bool = False,
    ) -> list[dict[str, Any]]:
        """Take files into the annex, or with `git` into Git; give git-annex's records."""
        if git or update or not identity.is_annex(self._repo):
            plain = ["-c", "annex.largefiles=nothing"] if git else []
            self.call_git([*plain, "add", *(git_options or ()), *(["-u"] if update else [])], files)
            return [
                {"command": "add", "file": f, "key": None, "success": True} for f in self._relatives(files)
            ]
        more = [*(annex_options or ()), *(options or ()), *flags({"backend": backend, "jobs": jobs})]
        return self.call_annex_records(["add", *more], files)

    def commit(
        self,
        msg: str | None = None,
        options: Sequence[str] | None = None,
        careless: bool = True,
        files: Paths | None = None,
        date: str | None = None,
        index_file: str | None = None,
    ) -> None:
        """Commit what is staged, or `files`.  Nothing to commit is a CommandError unless `careless`."""
        argv = [
            "commit",
            "-m",
            msg or "Recorded changes",
            *(options or ()),
            *(["--date", date] if date else []),
        ]
        env = {"GIT_INDEX_FILE": str(index_file)} if index_file else None
        try:
            self.call_git(argv, files, env=env)
        except CommandError as e:
            if not (careless and e.code == 1 and _nothing_in(e.stdout + e.stderr)):
                raise

    def remove(self, files: Paths, recursive: bool = False, **kwargs: Any) -> list[str]:
        """Take files out of the index and the work tree; give their paths."""
        argv = ["rm", *(["-r"] if recursive else []), *flags(kwargs)]
        told = self.call_git_items_(argv, files)
        return [line.removeprefix("rm '").removesuffix("'") for line in told if line.startswith("rm ")]

    def get_submodules_(self, paths: Sequence[OnePath] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the subdatasets directly below, with what `.gitmodules` says of each."""
        wanted = Selection(self._relatives(paths))
        for sub in hierarchy.registered(self._model):
            if self._relative(sub.path) in wanted:
                record = sub.as_record()
                about = {k: v for k, v in record.items() if k not in ("parentds", "state")}
                yield {"path": sub.path, "type": "dataset", **about}

    def get_submodules(
        self, sorted_: bool = True, paths: Sequence[OnePath] | None = None
    ) -> list[dict[str, Any]]:
        """Give the subdatasets directly below."""
        found = list(self.get_submodules_(paths))
        return sorted(found, key=lambda about: about["path"]) if sorted_ else found

    def get_gitattributes(self, path: Paths, index_only: bool = False) -> dict[str, dict[str, str | bool]]:
        """Give all attributes of paths."""
        found: dict[str, dict[str, str | bool]] = {}
        names = self._relatives(path)
        argv = ["check-attr", "-a", "-z", *(["--cached"] if index_only else []), "--stdin"]
        told = self._repo.run(*argv, stdin=b"".join(os.fsencode(name) + b"\0" for name in names)).stdout
        fields = os.fsdecode(told).split("\0")
        for name in names:
            found[name] = {}
        for name, key, value in zip(fields[0::3], fields[1::3], fields[2::3], strict=False):
            found[name][key] = {SET: True, UNSET: False}.get(value, value)
        return found

    def set_gitattributes(
        self,
        attrs: Sequence[tuple[str, dict[str, str | bool]]],
        attrfile: str = ".gitattributes",
        mode: Literal["a", "w"] = "a",
    ) -> None:
        """Write attributes of patterns into a file, which is not saved."""
        file = self.pathobj / attrfile
        lines = "".join(f"{pattern} {' '.join(map(_attribute, had.items()))}\n" for pattern, had in attrs)
        before = file.read_text() if mode == "a" and file.exists() else ""
        if before and not before.endswith("\n"):
            before += "\n"
        whole_files.write(file, before + lines)


def _attribute(item: tuple[str, str | bool]) -> str:
    name, value = item
    return name if value is True else f"-{name}" if value is False else f"{name}={value}"


def _type_on_disk(path: Path) -> str:
    if path.is_symlink():
        return "symlink"
    return "directory" if path.is_dir() else "file"


def _nothing_in(said: str) -> bool:
    return "nothing to commit" in said or "nothing added to commit" in said or "no changes added" in said
