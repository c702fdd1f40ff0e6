"""The integrity guard: annexed content that something wrote into, found right after and healed.

A locked file is a symlink to a read-only object.  Root is not held by that: in
a container, a command that appends to such a file changes the object itself,
under a key that says otherwise.  Two ways to find it:

- around a command: `watch` notes size, times and inode of every object that the
  work tree leads to, `touched` compares (one stat each);
- before a save, without a note: an object that is younger than its own folder
  was written after it was filed (`suspecting`; docs/design/0011-integrity-guard.md
  says what this can miss).

Only what fails its key's checksum is corrupt.  The new content then becomes what
the person sees: a modified file; the object comes back from another copy, or the
location log stops claiming that it is here.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from rookery.annex import checksum, identity, program
from rookery.annex.keys import key_file, key_of_link
from rookery.annex.store import annex_dir
from rookery.annex.unlocking import put_copy
from rookery.core.errors import CommandError
from rookery.core.files import make_folder, write
from rookery.core.log import get_log
from rookery.core.many import Part, in_parts, meanwhile
from rookery.core.process import decode, encode
from rookery.core.results import result
from rookery.dataset import hierarchy
from rookery.dataset.model import Dataset
from rookery.git.index import entries_at_most, paths_of_mode
from rookery.git.modes import SYMLINK
from rookery.git.repo import Repo, open_repo
from rookery.git.trees import Selection

log = get_log("rookery.guard")

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
    """One object, the dataset that it is in, and the locked files (absolute) that lead to it."""

    place: str
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


# A mark as it is sent from one process to another: a plain tuple takes a third of the time.
_Sent = tuple[int, ...] | None


def _marks(places: Sequence[str]) -> list[_Sent]:
    return [_sent(_mark(place)) for place in places]


def _sent(mark: Mark | None) -> _Sent:
    return None if mark is None else tuple(mark)


def _locked_files(repo: Repo, paths: Sequence[str] = ()) -> Iterator[bytes]:
    """Yield the files (absolute) that the index holds as symlinks, at or below `paths`; no process."""
    wanted = Selection(paths) if paths else None
    root = os.path.join(encode(str(repo.root)), b"")
    for path in paths_of_mode(repo, SYMLINK):
        if wanted is None or decode(path) in wanted:
            yield root + path


def _object_of(file: str) -> str | None:
    """Give the object that a locked file leads to; None if it is no such symlink (any more)."""
    try:
        target = os.readlink(file)
    except OSError:
        return None  # whoever writes there writes into a file of its own
    if "annex/objects/" not in target:
        return None
    # of an absolute file; `os.path` would take as long for this as the system for its answer
    return target if target[0] == "/" else file[: file.rindex("/") + 1] + target


def _objects_of(files: Sequence[str]) -> list[tuple[str | None, _Sent]]:
    """Give for each file its object, and what that looks like."""
    places = [_object_of(file) for file in files]
    return [(place, None if place is None else _sent(_mark(place))) for place in places]


def _key_of(place: str) -> str:
    return key_of_link(place) or os.path.basename(place)


class Watch:
    """What the objects below a dataset looked like before a command; subdatasets included."""

    def __init__(self, ds: Dataset) -> None:
        self._objects: dict[int, Watched] = {}  # by inode: several files may lead to one object
        self._began = int(ds.ctx.clock() * 1e9)
        for one in hierarchy.datasets_below(ds, recursive=True):
            files = [decode(file) for file in _locked_files(one.repo)]
            for file, (place, sent) in zip(files, in_parts(_objects_of, files), strict=True):
                if sent is None or place is None:
                    continue
                mark = Mark._make(sent)
                known = self._objects.get(mark.inode)
                if known is None:
                    self._objects[mark.inode] = Watched(place, one.path, [file], mark)
                else:
                    known.paths.append(file)

    def touched(self) -> list[Corrupt]:
        """Give the objects that were changed since and are corrupt now; only changed ones are read."""
        found = []
        objects = list(self._objects.values())
        for one, sent in zip(objects, in_parts(_marks, [one.place for one in objects]), strict=True):
            if sent is None:
                continue
            now = Mark._make(sent)
            if now == one.mark and self._began - now.changed > TICK_NS:
                continue
            key = _key_of(one.place)
            if _is_corrupt(key, one.place, certain=now[:2] != one.mark[:2]):
                found.append(Corrupt(os.path.normpath(one.place), key, one.root, tuple(one.paths)))
        return found


def _is_corrupt(key: str, place: str, *, certain: bool) -> bool:
    """Say whether an object is not what its key says; `certain` decides where no checksum can."""
    right = checksum.verified(key, place)
    return certain if right is None else not right


class _Young(NamedTuple):
    """A locked file whose object was written after it was filed, and when."""

    file: str
    place: str
    modified: int


@contextmanager
def suspecting(ds: Dataset, paths: Sequence[str] = ()) -> Iterator[Callable[[], list[Corrupt]]]:
    """Begin to look for objects of locked files (at or below `paths`) that were written into since they were filed.

    The block may do something else, and calls what it gets for the outcome.  One
    stat a file: what is older than the last look at everything is not looked at
    closer.  One that is younger than its folder and right after all gets a
    folder as young as it is, and is not read again.
    """
    stamp = annex_dir(ds.repo).parent / "rookery" / "guarded"
    since = 0 if (last := _mark(str(stamp))) is None else last.modified - TICK_NS
    draft = stamp.with_name(f"guarding-{os.getpid()}")
    if not paths:
        make_folder(draft.parent)
        write(draft, "")  # by its time the file system's own clock says when this look began

    def look(part: Part) -> list[_Young]:
        return _younger(part.of(_locked_files(ds.repo, paths)), since)

    def found() -> list[Corrupt]:
        corrupt = _corrupt(ds, chain.from_iterable(young()))
        if not paths:
            os.replace(draft, stamp)
        return corrupt

    with meanwhile(look, items=entries_at_most(ds.repo)) as young:
        yield found


def _younger(files: Iterable[bytes], since: int) -> list[_Young]:
    """Find the objects that were written since then, and after they were filed."""
    found = []
    for file in files:
        try:
            modified = os.stat(file).st_mtime_ns
            if modified < since:
                continue
            place = os.readlink(file)
            # What would `os.path` do here is done for each file of a dataset at the first save in it.
            folder = place[: place.rindex(b"/")]
            filed = os.stat(folder if folder[:1] == b"/" else file[: file.rindex(b"/") + 1] + folder)
        except (OSError, ValueError):
            continue  # the content is not here, or it is no link to an object
        if modified > filed.st_mtime_ns and b"annex/objects/" in place:
            name = decode(file)
            seen, there = _mark(name), _object_of(name)
            if seen and there:
                found.append(_Young(name, there, seen.modified))
    return found


def _corrupt(ds: Dataset, young: Iterable[_Young]) -> list[Corrupt]:
    """Read each object once, and keep those whose content is not their key's."""
    found: dict[str, Corrupt] = {}
    right = set()
    for one in young:
        place = os.path.normpath(one.place)
        if place in right:
            continue
        if place not in found:
            if not _is_corrupt(_key_of(place), place, certain=False):
                right.add(place)
                folder = os.path.dirname(place)
                os.utime(folder, ns=(os.stat(folder).st_atime_ns, one.modified))
                continue
            found[place] = Corrupt(place, _key_of(place), ds.path, ())
        found[place] = found[place]._replace(paths=(*found[place].paths, one.file))
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
    from rookery.annex import content  # start-up: a third of what a save loads, and hardly ever needed

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
    named: list[str],
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
        named[0],
        "error",
        type="file",
        refds=ds.path,
        message=f"{by} wrote into this locked file; {former}; {new}",
        annexkey=one.key,
        paths=list(one.paths) if len(one.paths) > 1 else None,
        hints=hints,
    )
