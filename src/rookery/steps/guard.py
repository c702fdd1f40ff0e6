"""The integrity guard: annexed content that something wrote into, found right after and healed.

A locked file is a symlink to a read-only object.  Root is not held by that: in
a container, a command that appends to such a file changes the object itself,
under a key that says otherwise.  Two ways to find it:

- around a command: `watch` notes size, times and inode of every object that the
  work tree leads to, `touched` compares (one stat each);
- before a save, without a note: an object that is younger than its own folder
  was written after it was filed (`suspects`; docs/design/integrity-guard.md
  says what this can miss).

Only what fails its key's checksum is corrupt.  The new content then becomes what
the person sees: a modified file; the object comes back from another copy, or the
location log stops claiming that it is here.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rookery.annex import checksum, content, identity, program
from rookery.annex.keys import key_file, key_of_link
from rookery.annex.store import annex_dir
from rookery.annex.unlocking import put_copy
from rookery.core.errors import CommandError
from rookery.core.results import result
from rookery.dataset.model import Dataset
from rookery.git.index import read_index
from rookery.git.modes import GITLINK, SYMLINK
from rookery.git.repo import Repo, open_repo
from rookery.git.trees import Selection

log = logging.getLogger("rookery.guard")

Record = dict[str, Any]

# Timestamps of files come from the kernel's clock tick: two writes so close may look like one.
TICK_NS = 20_000_000


class Mark(NamedTuple):
    """What an object looked like; any write changes at least `changed`."""

    size: int
    modified: int
    inode: int
    changed: int


class Watched(NamedTuple):
    """One object: its key and the paths (absolute) of the locked files that lead to it."""

    key: str
    root: Path
    paths: list[str]
    mark: Mark


class Corrupt(NamedTuple):
    """An object whose content is not its key's."""

    place: str
    key: str
    root: Path
    paths: tuple[str, ...]


def _mark(place: str) -> Mark | None:
    try:
        seen = os.stat(place)
    except OSError:
        return None  # the content is not here
    return (
        Mark(seen.st_size, seen.st_mtime_ns, seen.st_ino, seen.st_ctime_ns)
        if stat.S_ISREG(seen.st_mode)
        else None
    )


def _locked_files(
    repo: Repo, paths: Iterable[str] = (), *, deep: bool
) -> Iterator[tuple[Path, str, str, str]]:
    """Yield (root, file, key, object) of locked files in the work tree, subdatasets too if `deep`; no process."""
    wanted = Selection(list(paths))
    root = str(repo.root)
    for entry in read_index(repo):
        if entry.mode == SYMLINK and entry.path in wanted:
            file = os.path.join(root, entry.path)
            try:
                target = os.readlink(file)
            except OSError:
                continue  # no symlink any more: whoever writes there writes into a file of its own
            if key := key_of_link(target):
                yield repo.root, file, key, os.path.join(os.path.dirname(file), target)
        elif entry.mode == GITLINK and deep:
            below = repo.root / entry.path
            if (below / ".git").exists():
                yield from _locked_files(open_repo(below, repo.runner), deep=True)


class Watch:
    """What the objects below a dataset looked like before a command."""

    def __init__(self, ds: Dataset) -> None:
        self._objects: dict[str, Watched] = {}
        self._began = int(ds.ctx.clock() * 1e9)
        for root, file, key, place in _locked_files(ds.repo, deep=True):
            known = self._objects.get(real := os.path.normpath(place))
            if known is not None:
                known.paths.append(file)
            elif mark := _mark(real):
                self._objects[real] = Watched(key, root, [file], mark)

    def touched(self) -> list[Corrupt]:
        """Give the objects that were changed since and are corrupt now; only changed ones are read."""
        found = []
        for place, one in self._objects.items():
            now = _mark(place)
            if now is None or (now == one.mark and self._began - now.changed > TICK_NS):
                continue
            if _is_corrupt(one.key, place, certain=now[:2] != one.mark[:2]):
                found.append(Corrupt(place, one.key, one.root, tuple(one.paths)))
        return found


def _is_corrupt(key: str, place: str, *, certain: bool) -> bool:
    """Say whether an object is not what its key says; `certain` decides where no checksum can."""
    right = checksum.verified(key, place)
    return certain if right is None else not right


def suspects(ds: Dataset, paths: Iterable[str] = ()) -> list[Corrupt]:
    """Find objects of locked files (at or below `paths`) that were written into since they were filed.

    One that looks so and is right after all is not looked at again: its folder
    is made as young as it is.
    """
    found: dict[str, Corrupt] = {}
    for root, file, key, place in _locked_files(ds.repo, paths, deep=False):
        folder = os.path.dirname(place)
        try:
            seen, filed = os.stat(place), os.stat(folder)
        except OSError:
            continue
        if seen.st_mtime_ns <= filed.st_mtime_ns or not stat.S_ISREG(seen.st_mode):
            continue
        real = os.path.normpath(place)
        if real in found:
            found[real] = found[real]._replace(paths=(*found[real].paths, file))
        elif _is_corrupt(key, place, certain=False):
            found[real] = Corrupt(real, key, root, (file,))
        else:
            os.utime(folder, ns=(filed.st_atime_ns, seen.st_mtime_ns))
    return list(found.values())


def heal(
    ds: Dataset, corrupt: Iterable[Corrupt], *, by: str, outputs: Collection[str] = ()
) -> Iterator[Record]:
    """Put corrupt objects right and yield an error record for each; `by` names who wrote ("the command").

    The new content becomes the file's.  Where several files led to the object,
    those among `outputs` (absolute) get it, else none: it is set aside then, and
    the record says where.
    """
    for one in corrupt:
        repo = open_repo(one.root, ds.repo.runner)
        still = [path for path in one.paths if os.path.islink(path)]
        heirs = still if len(still) == 1 else [path for path in still if path in outputs]
        shared = os.stat(one.place).st_nlink > 1
        kept = _set_aside(repo, one, heirs)
        restored = _restored(repo, one)
        yield _report(ds, one, heirs or list(one.paths), by=by, kept=kept, restored=restored, shared=shared)


def _set_aside(repo: Repo, one: Corrupt, heirs: list[str]) -> str | None:
    """Take the wrong content out of the store, into annex/bad, and from there into the files that are to have it.

    Gives its place if no file has it.
    """
    folder = os.path.dirname(one.place)
    place = str(annex_dir(repo) / "bad" / key_file(one.key))
    if os.path.lexists(place):
        place += f".{os.stat(one.place).st_ino}"  # what was set aside before is somebody's too
    os.makedirs(os.path.dirname(place), exist_ok=True)
    os.chmod(folder, os.stat(folder).st_mode | stat.S_IWUSR)
    os.replace(one.place, place)
    try:
        os.rmdir(folder)
    except OSError:
        pass  # a lock file of git-annex's is beside it
    for heir in heirs:
        put_copy(repo, place, heir)
    if not heirs:
        return place
    os.unlink(place)
    return None


def _restored(repo: Repo, one: Corrupt) -> bool:
    """Fetch the right content from another copy; failing that, correct the location log."""
    try:
        outcomes = list(content.transfer_keys(repo, "get", [one.key]))
        if all(outcome.ok for outcome in outcomes) and os.path.isfile(one.place):
            if checksum.verified(one.key, one.place) is not False:
                return True
            _set_aside(repo, one, [])  # a copy that shares the disk blocks: it is just as wrong
    except CommandError as e:
        log.debug("no other copy of %s: %s", one.key, e)
    if (here := identity.uuid(repo)) is not None:
        program.run(repo, "setpresentkey", one.key, here, "0")
    return False


def _report(
    ds: Dataset,
    one: Corrupt,
    files: list[str],
    *,
    by: str,
    kept: str | None,
    restored: bool,
    shared: bool,
) -> Record:
    former = (
        "its former content was fetched again from another copy"
        if restored
        else "its former content was overwritten, and no other copy of it could be reached"
    )
    new = f"what was written is in {kept}" if kept else "what was written is kept as a change of this file"
    hints = []
    if not restored:
        hints.append(f"if somebody has a copy: git annex get --key {one.key}")
    if kept:
        hints.append("several files shared this content, and nothing tells which one was meant")
    if shared:
        hints.append(
            "the object was hard-linked to another repository's: that copy is wrong too; run git annex fsck there"
        )
    hints.append("a command that changes a file must name it with -o/--output, or `rookery unlock` it first")
    return result(
        "guard",
        files[0],
        "error",
        type="file",
        refds=ds.path,
        message=f"{by} wrote into this locked file; {former}; {new}",
        annexkey=one.key,
        paths=list(one.paths) if len(one.paths) > 1 else None,
        hints=hints,
    )
