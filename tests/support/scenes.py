"""Worlds of repositories, the commands that are struck down in them, and how to look at what is left."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rookery.git.index_lock import MARK
from support.datasets import DatasetFactory
from support.programs import Program
from support.samples import binary, write_tree


class Tools(NamedTuple):
    """What scenes are built with."""

    factory: DatasetFactory
    datalad: Program
    git: Program


class Scene(NamedTuple):
    """A world to stand in (`prepare` builds it in an empty folder), a command, where it is given, what it leaves."""

    prepare: Callable[[Path, Tools], None]
    line: str
    at: str = "ds"


def tiny(root: Path, tools: Tools) -> None:
    tools.factory.copy(root / "ds")


def changed(root: Path, tools: Tools) -> None:
    tiny(root, tools)
    ds = root / "ds"
    (ds / "notes.txt").unlink()
    write_tree(ds, {"notes.txt": "other words\n", "new/a.dat": binary(300, seed=3), "new/b.txt": "text\n"})
    (ds / "data" / "one.dat").unlink()


def cloned(root: Path, tools: Tools) -> None:
    tiny(root, tools)
    tools.datalad("clone", root / "ds", root / "clone")
    # an address that stays right when the world is copied
    tools.git("config", "remote.origin.url", "../ds", cwd=root / "clone")


def obtained(root: Path, tools: Tools) -> None:
    cloned(root, tools)
    tools.datalad("get", ".", cwd=root / "clone")


def with_sibling(root: Path, tools: Tools) -> None:
    tiny(root, tools)
    tools.git("init", "-q", "--bare", root / "sibling.git")
    tools.git("annex", "init", "-q", "sibling", cwd=root / "sibling.git")
    tools.git("remote", "add", "sibling", "../sibling.git", cwd=root / "ds")
    tools.git("fetch", "-q", "sibling", cwd=root / "ds")


def ahead(root: Path, tools: Tools) -> None:
    cloned(root, tools)
    write_tree(root / "ds", {"later.dat": binary(400, seed=4)})
    tools.datalad("save", cwd=root / "ds")


def beside_another(root: Path, tools: Tools) -> None:
    tiny(root, tools)
    tools.factory.copy(root / "other", number=1, files={})


def with_subdataset(root: Path, tools: Tools) -> None:
    tiny(root, tools)
    tools.datalad("create", "-d", root / "ds", root / "ds" / "data" / "sub")


def with_a_new_repository(root: Path, tools: Tools) -> None:
    tiny(root, tools)
    tools.factory.copy(root / "ds" / "sub", number=1, files={})


def with_a_table(root: Path, tools: Tools) -> None:
    tiny(root, tools)
    write_tree(root, {"source.dat": binary(500, seed=5)})
    schemes = ("annex.security.allowed-url-schemes", "http https file")
    tools.git("config", "--global", *schemes, cwd=root)
    rows = [{"u": f"file://{root / 'source.dat'}", "n": name} for name in ("data/one.dat", "sub//new.dat")]
    write_tree(root, {"table.json": json.dumps(rows)})


SCENES = {
    "create": Scene(lambda root, _: (root / "ds").mkdir(), "create --force ."),
    "create in": Scene(tiny, "create -d . sub"),
    "save": Scene(changed, "save -m changes"),
    "save a new subdataset": Scene(with_a_new_repository, "save -m nested"),
    "run": Scene(
        tiny, "run --explicit -m all -o data/one.dat -o out.txt 'echo x > data/one.dat; echo y > out.txt'"
    ),
    "unlock": Scene(tiny, "unlock data/one.dat"),
    "drop": Scene(obtained, "drop .", "clone"),
    "remove": Scene(obtained, "remove -m away data", "clone"),
    "remove with a subdataset": Scene(with_subdataset, "remove -d . --reckless availability data"),
    "copy-file": Scene(beside_another, "copy-file -r ds/data -d other", "."),
    "addurls": Scene(with_a_table, "addurls ../table.json {u} {n} --ifexists overwrite"),
    "get": Scene(cloned, "get .", "clone"),
    "push": Scene(with_sibling, "push --to sibling"),
    "clone": Scene(tiny, "clone ../ds ../copy"),
    "update": Scene(ahead, "update --how merge", "clone"),
}


def _pipes(folder: str, names: list[str]) -> list[str]:
    """Tell what cannot be copied: git-annex, and we as it, try out whether a file system has named pipes."""
    return [name for name in names if Path(folder, name).is_fifo()]


class World:
    """Copies of one prepared folder, one for each death."""

    def __init__(self, original: Path, tools: Tools) -> None:
        self.original = original
        self.tools = tools

    def copy(self, to: Path, of: Path | None = None) -> Path:
        shutil.copytree(of or self.original, to, symlinks=True, ignore=_pipes)
        return to

    def repositories(self, root: Path) -> list[Path]:
        return [p for p in sorted(root.iterdir()) if (p / ".git").exists() or (p / "annex").exists()]

    def is_valid(self, root: Path) -> None:
        """Let Git and git-annex look at a copy: `git annex fsck` also mends links that are not staged yet."""
        copy = self.copy(root.with_name(f"{root.name}-seen"), root)
        for repository in self.repositories(copy):
            self.tools.git("fsck", "--no-dangling", cwd=repository)
            # One of ours, by whose mark the next `rookery` knows it; git-annex asks a person to remove it.
            if (lock := repository / ".git/config.lock").exists():
                assert lock.read_bytes() == MARK
                lock.unlink()
            # A folder `annex` alone is one that was just begun: git-annex asks to have it initialized.
            if self.tools.git("config", "annex.uuid", cwd=repository, code=None).text:
                self.tools.git("annex", "fsck", "--quiet", cwd=repository)
        shutil.rmtree(copy)

    def contents(self, root: Path) -> set[str]:
        """Give the hashes of all that is in work trees and annexes."""
        return {
            hashlib.sha256(path.read_bytes()).hexdigest()
            for path in root.rglob("*")
            if path.is_file()
            and ("objects" in path.parts or not _is_in_git(path.relative_to(root)))
            and "tmp" not in path.parts
        }

    def outcome(self, root: Path) -> dict[str, str]:
        """Give what a command has left, without what differs from run to run."""
        left = {}
        for repository in self.repositories(root):
            git = self.tools.git.at(repository)
            entries = git("ls-tree", "-r", "main", code=None).lines
            left[f"{repository.name} tree"] = "\n".join(map(_without_identity, entries))
            if (repository / ".git").exists():
                left[f"{repository.name} status"] = git("status", "--porcelain").text
                left[f"{repository.name} here"] = git("annex", "find", "--format", "${file} ${key}\\n").text
            left[f"{repository.name} length"] = git("rev-list", "--count", "main").text
        return left


def _is_in_git(path: Path) -> bool:
    """Say whether something is Git's or git-annex's own; bare repositories here are folders named so."""
    return any(part.endswith(".git") for part in path.parts)


def _without_identity(entry: str) -> str:
    """Leave out the hash of what holds a new dataset's identity, and of commits, which hold their time."""
    mode, kind, rest = entry.split(" ", 2)
    _sha, name = rest.split("\t", 1)
    return (
        f"{mode} {name}" if kind == "commit" or name.endswith((".datalad/config", ".gitmodules")) else entry
    )
