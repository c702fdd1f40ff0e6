"""Packs of what a deposit does not have yet, and taking in the packs of others.

Each part is a pack of its own, cut by Git (`--max-pack-size`) and not by byte
ranges: it can be checked, taken in and compacted alone, and one that is lost
costs its own objects only.  The price is a few deltas across the cuts.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from rookery.core import files
from rookery.core.errors import CommandError
from rookery.core.process import decode
from rookery.deposit.protocol.exchange import Part
from rookery.deposit.protocol.records import REPAIR, hashed_name
from rookery.deposit.terms.store import Damaged
from rookery.git.objects import stat_many
from rookery.git.repo import Repo

PART_SIZE = 64 << 20
CHUNK = 1 << 20
_PLAIN = ("-c", "pack.packSizeLimit=0", "-c", "pack.allowPackReuse=true")


def file_name(path: Path) -> str:
    """Name a file by its content, as the deposit does."""
    digest = hashlib.sha256()
    with open(path, "rb") as content:
        while piece := content.read(CHUNK):
            digest.update(piece)
    return hashed_name(digest.hexdigest(), path.stat().st_size)


def make(
    repo: Repo, wants: Iterable[str], haves: Iterable[str], spool: Path, *, part_size: int = PART_SIZE
) -> list[Part]:
    """Pack what leads to `wants` and is not reachable from `haves`; those of `haves` that are not here are left out.

    The packs stay in `spool` until the caller removes them: the same wish again
    finds them, so that an upload goes on where it was broken off.
    """
    have = sorted(set(haves))
    here = [sha for sha, found in zip(have, stat_many(repo, have), strict=True) if found is not None]
    lines = [*sorted(set(wants)), "--not", *here]
    return _spooled(repo, lines, spool, ("--revs",), part_size)


def pack_objects(repo: Repo, ids: Iterable[str], spool: Path, *, part_size: int = PART_SIZE) -> list[Part]:
    """Pack objects that are given by name."""
    return _spooled(repo, ids, spool, (), part_size)


def _spooled(
    repo: Repo, lines: Iterable[str], spool: Path, options: Sequence[str], part_size: int
) -> list[Part]:
    wish = _lines(lines)
    folder = spool / hashlib.sha256(wish).hexdigest()[:32]
    _forget_others(spool, folder)
    done = folder / "complete"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        size = f"--max-pack-size={part_size}"
        options = (*options, "-q", "--non-empty", "--delta-base-offset", size)
        made = repo.run(*_PLAIN, "pack-objects", *options, folder / "pack", stdin=wish)
        files.write(done, made.stdout)
    paths = [folder / f"pack-{name}.pack" for name in done.read_text().split()]
    return [Part(file_name(path), path, path.stat().st_size) for path in paths]


def _forget_others(spool: Path, folder: Path) -> None:
    if spool.exists():
        for other in spool.iterdir():
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)


# --- taking in -----------------------------------------------------------------------------------


def lacking(repo: Repo, tips: Iterable[str]) -> bool:
    """Say whether anything behind the tips is missing, as `git fetch` looks before it asks for objects."""
    wanted = sorted(set(tips))
    if not wanted:
        return False
    options = ["--objects", "--stdin", "--quiet", "--not", "--all"]
    if not borrows_from_shallow(repo) and not _borrows_from_partial(repo):
        options.append("--alternate-refs")
    return repo.run("rev-list", *options, stdin=_lines(wanted), ok=None).code != 0


def borrows_from_shallow(repo: Repo) -> bool:
    """Say whether this repository, or one that it borrows objects from, has a history that is cut off."""
    lenders = [repo.commondir, *(objects.parent for objects in _lenders(repo))]
    return any((lender / "shallow").exists() for lender in lenders)


def _borrows_from_partial(repo: Repo) -> bool:
    return any(any((objects / "pack").glob("*.promisor")) for objects in _lenders(repo))


def _lenders(repo: Repo) -> list[Path]:
    """Give the folders of objects from which a repository borrows."""
    try:
        text = (repo.commondir / "objects" / "info" / "alternates").read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return []
    return [Path(os.path.normpath(repo.commondir / "objects" / line)) for line in text.splitlines()]


def _lines(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


def checks_objects(repo: Repo) -> bool:
    """Say whether what comes from outside is checked: always, unless somebody has said no to Git."""
    for setting in ("fetch.fsckObjects", "transfer.fsckObjects"):
        said = repo.text("config", "--type=bool", "--get", setting, ok=(0, 1))
        if said:
            return said == "true"
    return True


class Quarantine:
    """A place where packs from outside wait until all of them are found good."""

    def __init__(self, repo: Repo, folder: Path) -> None:
        self.folder = folder
        self._repo = repo
        self._home = repo.commondir / "objects"
        (folder / "pack").mkdir()
        # What is here still sees what the repository has.
        self.repo = repo.with_env(
            GIT_OBJECT_DIRECTORY=str(folder), GIT_ALTERNATE_OBJECT_DIRECTORIES=_quoted(self._home)
        )
        self._dangling = False

    def add(self, name: str, path: Path) -> None:
        """Check a pack against its name and Git's rules, and index it; `path` stays.  Raises Damaged."""
        if file_name(path) != name:
            raise Damaged(
                f"the part {name} of the deposit has another content than its name says", hints=REPAIR
            )
        pack = self._pack(name)
        try:
            os.link(path, pack)
        except OSError:
            shutil.copyfile(path, pack)  # another file system, or one without hard links
        check = ["--fsck-objects"] if checks_objects(self._repo) else []
        try:
            said = self.repo.run("index-pack", *check, pack).stdout
        except CommandError as e:
            raise Damaged(
                f"the part {name} of the deposit is no pack that Git accepts: {e.stderr.strip()}",
                hints=["if its odd objects are known to be harmless: git -c fetch.fsckObjects=false ..."],
            ) from e
        self._dangling = self._dangling or len(said.split()) > 1  # a .gitmodules that is in another pack

    def objects(self, name: str) -> list[str]:
        """Give the names of the objects of a pack that was added."""
        with open(self._pack(name).with_suffix(".idx"), "rb") as index:
            shown = self._repo.run("show-index", f"--object-format={_format(self._repo)}", stdin=index.read())
        return [line.split()[1] for line in decode(shown.stdout).splitlines()]

    def _pack(self, name: str) -> Path:
        return self.folder / "pack" / f"pack-{name.rpartition('-')[2][:40]}.pack"

    def release(self, tips: Iterable[str]) -> None:
        """Move all into the repository, if everything behind the tips is there.  Raises Damaged."""
        if lacking(self.repo, tips):
            raise Damaged("the deposit does not have all objects behind its refs", hints=REPAIR)
        if self._dangling:
            try:
                self.repo.run("fsck", "--no-full", "--strict", "--no-dangling", "--no-progress")
            except CommandError as e:
                raise Damaged(f"the deposit holds objects that Git refuses: {e.stderr.strip()}") from e
        target = self._home / "pack"
        target.mkdir(exist_ok=True)
        for suffix in (".pack", ".rev", ".idx"):  # Git looks for the index: what belongs to it comes first
            for file in (self.folder / "pack").glob(f"*{suffix}"):
                os.replace(file, target / file.name)


def _quoted(path: Path) -> str:
    text = str(path)
    return (
        '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if text.startswith('"') or ":" in text
        else text
    )


def _format(repo: Repo) -> str:
    return repo.text("rev-parse", "--show-object-format")


@contextmanager
def quarantine(repo: Repo) -> Iterator[Quarantine]:
    """Open a quarantine inside the repository's own store, so that moving out of it is a rename."""
    folder = Path(mkdtemp(prefix="incoming-", dir=repo.commondir / "objects"))
    try:
        yield Quarantine(repo, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
