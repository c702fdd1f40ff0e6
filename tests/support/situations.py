"""A dataset in which everything that a status can tell apart has happened once."""

from __future__ import annotations

import os
from pathlib import Path

from support.programs import Program
from support.samples import binary, write_tree

TEXTS = ("clean", "mod", "del", "rmd", "cached", "chmod", "tc")
DATA = ("clean", "mod", "del", "rmd", "cached", "unlocked", "tc", "absent", "staged-mod")

FILES: dict[str, str | bytes] = {
    **{f"{name}.txt": f"text {name}\n" for name in TEXTS},
    **{f"{name}.dat": binary(2000 + number, seed=number) for number, name in enumerate(DATA)},
    "d/e/in.txt": "x\n",
    "d/e/in.dat": binary(1500, seed=77),
    "spa ce.txt": "text\n",
    "empty.txt": "",
}
"""What the dataset is made with, under the text2git procedure."""

SUBDATASETS = ("sub-clean", "sub-mod", "sub-commit", "sub-untracked", "sub-gone", "sub-absent", "nest")


def add_subdatasets(root: Path) -> None:
    """Make nested repositories, one of them with another inside, register and save them."""
    git = Program(["git"], dict(os.environ), root)
    for name in (*SUBDATASETS, "nest/deep"):
        make_repository(root / name, {"file": f"in {name}\n"})
    _register(root / "nest", ["deep"])
    git("commit", "-q", "-m", "Add deep", cwd=root / "nest")
    _register(root, SUBDATASETS)
    git("commit", "-q", "-m", "Add subdatasets")


def make_repository(path: Path, files: dict[str, str | bytes]) -> None:
    """Make a plain repository with one commit."""
    git = Program(["git"], dict(os.environ), path)
    write_tree(path, files)
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "First")


def _register(root: Path, names: tuple[str, ...] | list[str]) -> None:
    git = Program(["git"], dict(os.environ), root)
    for name in names:
        for key, value in (("path", name), ("url", f"./{name}")):
            git("config", "-f", ".gitmodules", f"submodule.{name}.{key}", value)
    git("-c", "advice.addEmbeddedRepo=false", "add", ".gitmodules", *names)


def make_it_all_happen(root: Path) -> None:
    """Change, delete, stage, move, replace; leave some things as they were."""
    git = Program(["git"], dict(os.environ), root)
    git("annex", "drop", "-q", "--force", "absent.dat")
    git("annex", "unlock", "-q", "unlocked.dat")
    git("add", "unlocked.dat")
    git("commit", "-q", "-m", "Unlock one")
    write_tree(
        root, {"mod.txt": "text mod\nmore\n", "new.txt": "new\n", "new.dat": binary(100), "newdir/sub/f": "y"}
    )
    for name in ("del.txt", "del.dat", "tc.txt", "tc.dat", "mod.dat", "staged-mod.dat"):
        (root / name).unlink()
    git("rm", "-q", "rmd.txt", "rmd.dat")
    git("rm", "-q", "--cached", "cached.txt", "cached.dat")
    (root / "chmod.txt").chmod(0o755)
    (root / "tc.txt").symlink_to("clean.txt")
    (root / "tc.dat").symlink_to("elsewhere")
    (root / "newlink").symlink_to("x")
    write_tree(root, {"mod.dat": binary(500, seed=5), "staged-mod.dat": binary(700, seed=6)})
    write_tree(
        root, {"staged.txt": "staged\n", "staged.bin": binary(1108, seed=8), "added-and-gone.txt": "a\n"}
    )
    git("annex", "add", "-q", "staged-mod.dat", "staged.bin", "staged.txt")
    git("add", "added-and-gone.txt")
    (root / "added-and-gone.txt").unlink()
    make_repository(root / "nested-repository", {"a": "a\n"})
    (root / "empty-folder").mkdir()
    _change_subdatasets(root)


def _change_subdatasets(root: Path) -> None:
    git = Program(["git"], dict(os.environ), root)
    write_tree(root, {"sub-mod/file": "changed\n", "sub-mod/staged": "s\n", "sub-commit/more": "more\n"})
    git("add", "staged", cwd=root / "sub-mod")
    git("add", "more", cwd=root / "sub-commit")
    git("commit", "-q", "-m", "More", cwd=root / "sub-commit")
    write_tree(root, {"sub-untracked/u": "u\n", "nest/deep/u": "u\n"})
    for name in ("sub-gone", "sub-absent"):
        Program(["rm", "-rf"], dict(os.environ), root)(name)
    (root / "sub-absent").mkdir()
