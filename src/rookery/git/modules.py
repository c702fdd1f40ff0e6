"""`.gitmodules` and what the local configuration says of submodules."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from rookery.core.process import decode, encode
from rookery.git import configfile
from rookery.git.index_lock import index_lock, lock_of, take_over
from rookery.git.repo import Repo

FILE = ".gitmodules"


class Submodule(NamedTuple):
    """One entry; `more` has all other keys (`datalad-id`, `datalad-url`, `branch` ...), in lower case."""

    name: str
    path: str
    url: str | None
    more: Mapping[str, str]


def read_modules(repo: Repo, source: str | None = None) -> list[Submodule]:
    """Read the entries of the work tree's `.gitmodules`, or of a blob (":.gitmodules", "HEAD:.gitmodules").

    An entry without a path, or with one that leads out of the repository, is
    not one (Git refuses those too).  No file, no entries.
    """
    if source is None:
        file = repo.root / FILE
        if file.is_symlink() or not file.is_file():  # Git refuses to follow this one
            return []
        try:
            return list(_entries(configfile.parse(decode(file.read_bytes()))))
        except ValueError:
            where = ["-f", FILE]  # let Git say what is wrong
    else:
        if repo.run("cat-file", "-e", source, ok=(0, 1, 128)).code:
            return []
        where = ["--blob", source]
    return list(_entries(parse_config(repo.run("config", *where, "-z", "--list").stdout)))


def parse_config(listing: bytes) -> Iterator[tuple[str, str]]:
    """Parse `git config -z --list`: key and value; a key without a value is true."""
    for item in listing.split(b"\0"):
        if item:
            key, has_value, value = decode(item).partition("\n")
            yield key, value if has_value else "true"


def _entries(items: Iterable[tuple[str, str]]) -> Iterator[Submodule]:
    found: dict[str, dict[str, str]] = {}
    for key, value in items:
        section, _, rest = key.partition(".")
        name, dot, variable = rest.rpartition(".")
        if section == "submodule" and dot:
            found.setdefault(name, {})[variable] = value
    for name, keys in found.items():
        path = keys.pop("path", "").rstrip("/")
        if path and _stays_inside(path) and _stays_inside(name):
            yield Submodule(name, path, keys.pop("url", None), keys)


def _stays_inside(path: str) -> bool:
    parts = path.split("/")
    return not path.startswith("/") and ".." not in parts and parts[0] != ".git"


def edit_module(repo: Repo, name: str, file: Path | None = None, **keys: str | None) -> None:
    """Set keys of an entry, made if missing; None takes a key away.  `_` in a keyword stands for `-`.

    `file` is another file than the work tree's own.
    """
    where = ["config", "-f", str(file or repo.root / FILE)]
    for key, value in keys.items():
        full = f"submodule.{name}.{key.replace('_', '-')}"
        if value is None:
            repo.run(*where, "--unset-all", full, ok=(0, 5))
        else:
            repo.run(*where, full, value)


def remove_module(repo: Repo, name: str, file: Path | None = None) -> None:
    """Take an entry away; no error if there is none.  A file left without entries stays, empty."""
    repo.run(
        "config", "-f", str(file or repo.root / FILE), "--remove-section", f"submodule.{name}", ok=(0, 128)
    )


def rename_module(repo: Repo, old: str, new: str, file: Path | None = None) -> None:
    """Give an entry another name."""
    where = str(file or repo.root / FILE)
    repo.run("config", "-f", where, "--rename-section", f"submodule.{old}", f"submodule.{new}")


def activate(repo: Repo, name: str, url: str | None) -> None:
    """Note in the local configuration that a submodule is in use, and where it came from."""
    repo.run("config", f"submodule.{name}.active", "true")
    if url is not None:
        repo.run("config", f"submodule.{name}.url", url)


def deactivate(repo: Repo, name: str) -> None:
    """Forget a submodule in the local configuration; no error if it was not known."""
    repo.run("config", "--remove-section", f"submodule.{name}", ok=(0, 128))


def append_modules(repo: Repo, modules: Iterable[Submodule]) -> None:
    """Add entries at the end of the work tree's `.gitmodules`, in one step for any number of them."""
    sections = (
        (module.name, {"path": module.path, **({"url": module.url} if module.url else {}), **module.more})
        for module in modules
    )
    apart = os.stat(repo.gitdir).st_dev != os.stat(repo.root).st_dev  # a rename cannot cross file systems
    append_sections(repo.root / FILE, sections, drafts=None if apart else repo.gitdir)


def append_active(repo: Repo, modules: Iterable[Submodule]) -> None:
    """Note in the local configuration that submodules are in use, in one step for any number of them."""
    sections = (
        (module.name, {"active": "true", **({"url": module.url} if module.url else {})}) for module in modules
    )
    append_sections(repo.commondir / "config", sections)


def forget_dead_locks(repo: Repo) -> None:
    """Take away the locks of `.gitmodules` and the local configuration that a killed process of ours left.

    The former would be taken for a file of the user's, the latter stops `git config`.
    """
    for file in (repo.root / FILE, repo.commondir / "config"):
        take_over(lock_of(file))


def append_sections(
    file: Path, sections: Iterable[tuple[str, Mapping[str, str]]], *, drafts: Path | None = None
) -> None:
    """Append `[submodule "NAME"]` sections under the lock that `git config` takes.  Raises LockedError."""
    text = "".join(configfile.section("submodule", name, keys) for name, keys in sections)
    if not text:
        return
    with index_lock(file, drafts=drafts) as draft:
        old = file.read_bytes() if file.exists() else b""
        if old and not old.endswith(b"\n"):
            old += b"\n"
        draft.write_bytes(old + encode(text))
        if file.exists():
            os.chmod(draft, file.stat().st_mode & 0o7777)
        os.replace(draft, file)
