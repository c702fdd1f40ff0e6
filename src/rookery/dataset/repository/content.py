"""Annexed content: keys, where it is, what is known of it, moving it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, TypeVar

from rookery.annex import branch, program
from rookery.annex.files import AnnexedFile, annexed
from rookery.annex.keys import facts, folders
from rookery.annex.store import is_present, object_path
from rookery.core.errors import FileInGitError, FileNotInAnnexError, NoSuchPathError
from rookery.dataset.repository.history import flags
from rookery.dataset.repository.programs import OnePath, Paths
from rookery.dataset.repository.worktree import Info, WorkTree
from rookery.git import index
from rookery.git.trees import Selection, ls_tree

One = TypeVar("One")


class Content(WorkTree):
    """The annexed files of a repository."""

    def _files(self, names: Sequence[str], ref: str | None = None) -> dict[str, AnnexedFile]:
        """Find the annexed files at or below some paths."""
        repo = self._repo
        if ref is not None:
            return {file.path: file for file in annexed(repo, ls_tree(repo, ref, names))}
        wanted = Selection(names)
        entries = (entry for entry in index.read_index(repo) if entry.path in wanted)
        return {file.path: file for file in annexed(repo, entries)}

    def _of_each(self, files: Paths, tell: Callable[[str, AnnexedFile | None], One]) -> One | list[One]:
        """Answer about one file, or about each of several."""
        names = self._relatives(files)
        found = self._files(names) if names else {}
        answers = [tell(name, found.get(name)) for name in names]
        return answers[0] if isinstance(files, (str, os.PathLike)) else answers

    def get_content_annexinfo(
        self,
        paths: Sequence[OnePath] | None = None,
        init: Info | str | None = "git",
        ref: str | None = None,
        eval_availability: bool = False,
        key_prefix: str = "",
        **kwargs: Any,
    ) -> Info:
        """Tell what is known of annexed files; with `init` "git" of all files, None of annexed ones only.

        A dict as `init` is filled in.  Keywords are parameters of `get_content_info`.
        """
        if init == "git":
            found: Info = self.get_content_info(paths, ref, **kwargs)
        else:
            found = dict(init) if isinstance(init, dict) else {}
        for file in self._files(self._relatives(paths), ref).values():
            path = self.pathobj / file.path
            if init is not None and path not in found:
                continue
            about = {**facts(file.key), **self._place(file, eval_availability)}
            if init is not None:
                about["type"] = "file"
            found.setdefault(path, {}).update({f"{key_prefix}{k}": v for k, v in about.items()})
        return found

    def _place(self, file: AnnexedFile, eval_availability: bool) -> dict[str, Any]:
        if eval_availability and file.present:
            return {"has_content": True, "objloc": file.objpath}
        return ({"has_content": False} if eval_availability else {}) | folders(file.key)

    def get_file_annexinfo(
        self, path: OnePath, ref: str | None = None, eval_availability: bool = False, key_prefix: str = ""
    ) -> dict[str, Any]:
        """Tell what is known of one annexed file, {} of any other.  Raises NoSuchPathError."""
        name = self._relative(path)
        found = self.get_content_annexinfo([name], None, ref, eval_availability, key_prefix)
        if found:
            ((place, about),) = found.items()
            return {"path": place, **about}
        if ref is None and not os.path.lexists(self.pathobj / name):
            raise NoSuchPathError(str(self.pathobj / name))
        return {}

    def get_annexed_files(
        self, with_content_only: bool = False, patterns: Sequence[str] | None = None
    ) -> list[str]:
        """Give the annexed files, or those that are here, that match one of git-annex's globs."""
        found = [f.path for f in self._files([]).values() if f.present or not with_content_only]
        if not patterns:
            return found
        from fnmatch import fnmatch  # start-up

        return [path for path in found if any(fnmatch(path, pattern) for pattern in patterns)]

    def is_under_annex(
        self, files: Paths, allow_quick: bool = False, batch: bool = False
    ) -> bool | list[bool]:
        """Say whether files are annexed."""
        del allow_quick, batch  # ways of asking git-annex, which is not asked
        return self._of_each(files, lambda _, file: file is not None)

    def file_has_content(
        self, files: Paths, allow_quick: bool = False, batch: bool = False
    ) -> bool | list[bool]:
        """Say whether the content of annexed files is here; False for others."""
        del allow_quick, batch  # as in `is_under_annex`
        return self._of_each(files, lambda _, file: file is not None and file.present)

    def get_file_key(self, files: Paths, batch: bool | None = None) -> str | list[str]:
        """Give the keys of annexed files.  Raises FileInGitError, FileNotInAnnexError."""
        del batch  # as in `is_under_annex`

        def key_of(name: str, file: AnnexedFile | None) -> str:
            if file is not None:
                return file.key
            if any(entry.path == name for entry in index.read_index(self._repo)):
                raise FileInGitError(f"File not in annex, but git: {self.pathobj / name}")
            raise FileNotInAnnexError(f"File not in annex: {self.pathobj / name}")

        return self._of_each(files, key_of)

    def get_file_backend(self, files: Paths) -> str | list[str]:
        """Give the backends of the keys of annexed files.  Raises as `get_file_key` does."""
        keys = self.get_file_key(files)
        return facts(keys)["backend"] if isinstance(keys, str) else [facts(key)["backend"] for key in keys]

    def get_contentlocation(self, key: str, batch: bool = False) -> str:
        """Give the path of a key's content, relative to the root; "" if it is not here."""
        del batch  # as in `is_under_annex`
        repo = self._repo
        return os.path.relpath(object_path(repo, key), self.path) if is_present(repo, key) else ""

    def whereis(
        self,
        files: Paths,
        output: Literal["uuids", "descriptions", "full"] = "uuids",
        key: bool = False,
        options: Sequence[str] | None = None,
        batch: bool = False,
    ) -> list[Any] | dict[str, Any]:
        """Tell which places have the content of files, or of keys.

        For each a list of uuids or of descriptions; with "full" a dict of all
        that is known, by file and uuid.  Of one file that is not in a list, its
        places alone.
        """
        del batch  # one process either way, but one for each key
        one = isinstance(files, (str, os.PathLike))
        keys = [str(k) for k in _several(files)] if key else []
        asked = [[f"--key={name}"] for name in keys] if key else [["--", *self._relatives(files)]]
        told = [
            record
            for names in asked
            for record in program.records(self._repo, "whereis", *(options or ()), *names, reading=True)
        ]
        places = {record.get("file") or record["key"]: _places(record) for record in told}
        if output == "full":
            return next(iter(places.values()), {}) if one else places
        named = [places.get(name, {}) for name in keys] if key else list(places.values())
        lists = [
            [p["description"] for p in had.values()] if output == "descriptions" else [*had] for had in named
        ]
        return (lists[0] if lists else []) if one else lists

    def get_urls(self, file_: OnePath, key: bool = False, batch: bool = False) -> list[str]:
        """Give the web addresses of a file's content, or of a key's."""
        del batch  # as in `is_under_annex`
        wanted = str(file_) if key else self.get_file_key(file_)
        assert isinstance(wanted, str)
        return branch.urls(self._repo, [wanted]).get(wanted, [])

    def add_url_to_file(
        self,
        file_: OnePath,
        url: str,
        options: Sequence[str] | None = None,
        backend: str | None = None,
        batch: bool = False,
        git_options: Sequence[str] | None = None,
        annex_options: Sequence[str] | None = None,
        unlink_existing: bool = False,
    ) -> dict[str, Any]:
        """Add a file from a URL, or a URL to a file that is here; give git-annex's record.  Raises CommandError."""
        del batch, git_options  # one process either way
        name = self._relative(file_)
        if unlink_existing:
            (self.pathobj / name).unlink(missing_ok=True)
        argv = ["addurl", *(annex_options or ()), *(options or ()), *flags({"backend": backend})]
        record: dict[str, Any] = self.call_annex_records([*argv, f"--file={name}", url])[0]
        return record

    def rm_url(self, file_: OnePath, url: str) -> None:
        """Forget a web address of a file."""
        self.call_annex(["rmurl", self._relative(file_), url])

    def get_metadata(
        self, files: Paths, timestamps: bool = False, batch: bool = False
    ) -> Iterator[tuple[str, dict[str, list[str]]]]:
        """Yield each file with its metadata, without the times of changes unless they are wanted."""
        del batch  # one process either way
        for record in self.call_annex_records(["metadata"], files) if files else []:
            fields = record["fields"].items()
            yield (
                record["file"],
                {name: values for name, values in fields if timestamps or not _about_time(name)},
            )

    def set_metadata(
        self,
        files: Paths,
        reset: dict[str, Any] | None = None,
        add: dict[str, Any] | None = None,
        init: dict[str, Any] | None = None,
        remove: dict[str, Any] | None = None,
        purge: Sequence[str] | None = None,
        recursive: bool = False,
    ) -> list[dict[str, Any]]:
        """Change the metadata of files: replace, add, add if there is none, take away values, purge fields."""
        del recursive  # git-annex works on folders anyway
        argv = ["metadata"]
        for given, form in ((reset, "{}={}"), (add, "{}+={}"), (init, "{}?={}"), (remove, "{}-={}")):
            for name, values in (given or {}).items():
                several = [values] if isinstance(values, str) else list(values)
                forms = [form] + ["{}+={}"] * (len(several) - 1) if given is reset else [form] * len(several)
                for value, one in zip(several, forms, strict=True):
                    argv += ["-s", one.format(name, value)]
        for name in [purge] if isinstance(purge, str) else purge or ():
            argv += ["-r", name]
        return self.call_annex_records(argv, files)

    def get(
        self,
        files: Paths,
        remote: str | None = None,
        options: Sequence[str] | None = None,
        jobs: int | str | None = None,
        key: bool = False,
    ) -> list[dict[str, Any]]:
        """Get content that is not here; give git-annex's records."""
        return self._move("get", files, {"from": remote}, options, jobs, key=key)

    def drop(
        self,
        files: Paths,
        options: Sequence[str] | None = None,
        key: bool = False,
        jobs: int | str | None = None,
    ) -> list[dict[str, Any]]:
        """Drop content that is safe elsewhere; give git-annex's records.  Raises CommandError if one is not."""
        return self._move("drop", files, {}, options, jobs, key=key)

    def drop_key(
        self, keys: str | Sequence[str], options: Sequence[str] | None = None, batch: bool = False
    ) -> None:
        """Drop the content of keys, safe elsewhere or not."""
        del batch  # one process either way
        self.call_annex(
            ["dropkey", "--force", *(options or ()), *([keys] if isinstance(keys, str) else keys)]
        )

    def copy_to(
        self, files: Paths, remote: str, options: Sequence[str] | None = None, jobs: int | str | None = None
    ) -> list[str]:
        """Copy content to a remote; give the files whose content is there now."""
        told = self._move("copy", files, {"to": remote}, options, jobs, key=False)
        return [record["file"] for record in told if record["success"]]

    def _move(
        self,
        verb: str,
        files: Paths,
        remote: dict[str, str | None],
        options: Sequence[str] | None,
        jobs: int | str | None,
        *,
        key: bool,
    ) -> list[dict[str, Any]]:
        number = None if jobs == "auto" else jobs
        argv = [verb, *(options or ()), *flags({**remote, "jobs": number})]
        if not key:
            return self.call_annex_records(argv, files)
        return [
            r for one in _several(files) for r in self.call_annex_records([*argv, f"--key={os.fspath(one)}"])
        ]

    def unlock(self, files: Paths) -> list[str]:
        """Make files editable; give those that were not before."""
        return [record["file"] for record in self.call_annex_records(["unlock"], files)]

    def fsck(
        self,
        paths: Paths | None = None,
        remote: str | None = None,
        fast: bool = False,
        annex_options: Sequence[str] | None = None,
        git_options: Sequence[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Check content here, or at a remote; give git-annex's records, failed ones too."""
        argv = ["fsck", *flags({"from": remote, "fast": fast}), *(annex_options or ()), *(git_options or ())]
        return self._annex_records(argv, paths)

    def is_available(
        self, file_: OnePath, remote: str | None = None, key: bool = False, batch: bool = False
    ) -> bool:
        """Say whether content is known to be anywhere, or can be seen at a remote."""
        del batch  # one process either way
        wanted = str(file_) if key else self.get_file_key(file_)
        assert isinstance(wanted, str)
        if remote is not None:
            return program.run(self._repo, "checkpresentkey", wanted, remote, ok=(0, 1, 100)).code == 0
        return any(place.present for place in branch.locations(self._repo, [wanted])[wanted])


def _several(given: Paths) -> list[OnePath]:
    return [given] if isinstance(given, (str, os.PathLike)) else list(given)


def _places(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = {}
    for place in (*record["whereis"], *record.get("untrusted", ())):
        about = {k: place[k] for k in ("description", "here", "urls")}
        found[place["uuid"]] = about
    return found


def _about_time(name: str) -> bool:
    return name == "lastchanged" or name.endswith("-lastchanged")
