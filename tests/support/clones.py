"""Repositories that are siblings of each other, for tests of moving content between them below the faces."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rookery.annex import content
from rookery.annex.files import index_files
from rookery.annex.nearby import content_locks
from rookery.annex.outcome import Outcome
from rookery.core.environment import program_environment
from rookery.core.process import Runner
from rookery.git.repo import Repo, open_repo
from support.programs import Program

NOW = 1_900_000_000.0

REPOSITORIES = ("source", "clone", "bare")


class World(NamedTuple):
    """A folder with `source`, its `clone`, and a `bare` repository that both know."""

    root: Path
    env: dict[str, str]
    git: Program

    def repo(self, name: str) -> Repo:
        return open_repo(self.root / name, Runner(program_environment(self.env)))

    def annex(self, name: str, *words: str, code: int | None = 0) -> str:
        return self.git("annex", *words, cwd=self.root / name, code=code).stdout

    def set(self, name: str, key: str, value: str) -> None:
        self.git("config", key, value, cwd=self.root / name)

    def act(self, name: str, verb: Any, paths: Sequence[str] = (), **how: Any) -> list[Outcome]:
        repo = self.repo(name)
        files = [(f.path, f.key) for f in index_files(repo) if not paths or f.path in paths]
        return list(content.transfer(repo, verb, files, clock=lambda: NOW, **how))

    def send(self, name: str, to: str, *options: str) -> list[Outcome]:
        repo = self.repo(name)
        keys = [f.key for f in index_files(repo) if f.present]
        return list(
            content.transfer_keys(repo, "copy", keys, to_remote=to, options=options, clock=lambda: NOW)
        )

    def object(self, name: str, path: str) -> Path:
        """Give the object of a file, in a folder that can be changed."""
        (found,) = (f for f in index_files(self.repo("source")) if f.path == path)
        place = content_locks.object_here(self.repo(name), found.key)
        assert place is not None
        os.chmod(os.path.dirname(place), 0o755)
        return Path(place)

    def copy(self, to: str) -> World:
        shutil.copytree(self.root, self.root.with_name(to), symlinks=True)
        return self._replace(root=self.root.with_name(to))

    def moved(self, name: str) -> World:
        """Copy the world beside itself; the copies know each other at their new places."""
        made = self.copy(name)
        for config in (made.root / "clone/.git/config", made.root / "source/.git/config"):
            config.write_text(config.read_text().replace(str(self.root), str(made.root)))
        return made

    def claims_nothing_that_is_not_there(self) -> None:
        """See that git-annex finds all content that its logs place in these repositories."""
        for name in REPOSITORIES:
            self.annex(name, "fsck", "--quiet", "--all", "--numcopies=1")

    def state(self, *, times: bool = True) -> dict[str, Any]:
        """Give all that git-annex would notice: objects, permissions, times, who has what, what Git says."""
        found: dict[str, Any] = {}
        for name in REPOSITORIES:
            found[f"{name} objects"] = objects(self.root / name, times=times)
            told = self.annex(name, "whereis", "--all", "--json", code=None)
            found[f"{name} places"] = sorted(map(known, told.splitlines()))
            if name != "bare":
                found[f"{name} status"] = self.git("status", "--porcelain", cwd=self.root / name).stdout
            found[f"{name} fsck"] = self.annex(name, "fsck", "--quiet", code=None)
        return found


def known(line: str) -> tuple[str, list[str]]:
    told = json.loads(line)
    return told["key"], sorted(place["uuid"] for place in (*told["whereis"], *told["untrusted"]))


def objects(root: Path, *, times: bool = True) -> dict[str, tuple[int, int]]:
    store = (root / ".git" if (root / ".git").exists() else root) / "annex" / "objects"
    found = {}
    for path in sorted(store.rglob("*")):
        seen = path.lstat()
        found[str(path.relative_to(store))] = (
            stat.S_IMODE(seen.st_mode),
            seen.st_mtime_ns if times and not path.is_dir() else 0,
        )
    return found


def build(world: World) -> None:
    source, bare = world.root / "source", world.root / "bare"
    (source / "deep/er").mkdir(parents=True)
    world.git("init", "-q", source)
    world.annex("source", "init", "-q", "source")
    names = ["a.dat", "deep/er/b.dat", "run.sh", "new\nline.dat", os.fsdecode(b"not\xffutf8"), "ü &%:x.dat"]
    for number, name in enumerate(names):
        (source / name).write_bytes(b"content %d" % number)
    (source / "run.sh").chmod(0o755)
    (source / "empty.dat").write_bytes(b"")
    shutil.copy(source / "a.dat", source / "twin.dat")
    world.annex("source", "add", "-q", ".")
    (source / "worm.dat").write_bytes(b"worm")
    world.annex("source", "add", "-q", "--backend=WORM", "worm.dat")
    (source / "open.dat").write_bytes(b"unlocked")
    world.annex("source", "add", "-q", "open.dat")
    world.annex("source", "unlock", "-q", "open.dat")
    world.git("commit", "-qm", "Files", cwd=source)
    world.git("init", "-q", "--bare", bare)
    world.annex("bare", "init", "-q", "bare")
    world.git("clone", "-q", source, world.root / "clone")
    world.annex("clone", "init", "-q", "clone")
    for name, remote, url in (
        ("clone", "origin", "../source"),
        ("clone", "bare", "../bare"),
        ("source", "bare", "../bare"),
        ("source", "clone", "../clone"),
    ):
        if remote != "origin":
            world.git("remote", "add", remote, url, cwd=world.root / name)
        world.set(name, f"remote.{remote}.url", url)
        target = Path(url).name
        uuid = world.git("config", "annex.uuid", cwd=world.root / target).text
        world.set(name, f"remote.{remote}.annex-uuid", uuid)
