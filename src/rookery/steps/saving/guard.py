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
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from rookery.annex import checksum, identity, program
from rookery.annex.keys import key_file, key_of_link
from rookery.annex.store import OBJECTS, annex_dir, opened
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

_STORE = f"{OBJECTS}/"

# Timestamps of files come from the kernel's clock tick: two writes so close may look like one.
TICK_NS = 20_000_000


class Mark(NamedTuple):
    """What an object looked like; any write changes at least `changed`."""

    size: int
    modified: int
    inode: int
    changed: int


# A mark as it is sent from one process to another, None for no object: a plain tuple takes a third of the time.
_Sent = tuple[int, ...] | None


class Watched(NamedTuple):
    """What the locked files (absolute) of a dataset led to: the place of each object, and its mark; None for none.

    A place is relative to the store, but for those in other repositories.
    """

    ds: Dataset
    files: Sequence[str]
    places: Sequence[str | None]
    marks: Sequence[_Sent]


class Corrupt(NamedTuple):
    """An object whose content is not its key's."""

    place: str
    key: str
    root: Path
    paths: tuple[str, ...]


def _mark(place: str) -> Mark | None:
    sent = _sent(_look(place))
    return None if sent is None else Mark._make(sent)


def _sent(seen: os.stat_result | None) -> _Sent:
    if seen is None or not stat.S_ISREG(seen.st_mode):
        return None
    return seen.st_size, seen.st_mtime_ns, seen.st_ino, seen.st_ctime_ns


def _marks(repo: Repo, places: Sequence[str | None]) -> list[_Sent]:
    with opened(repo) as folder:
        return [None if place is None or folder is None else _sent(_look(place, folder)) for place in places]


def _look(place: str | bytes, folder: int | None = None) -> os.stat_result | None:
    try:
        return os.stat(place, dir_fd=folder)
    except OSError:
        return None  # the content is not here


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
    if _STORE not in target:
        return None
    # of an absolute file; `os.path` would take as long for this as the system for its answer
    return target if target[0] == "/" else file[: file.rindex("/") + 1] + target


def _objects_of(repo: Repo, files: Sequence[str]) -> list[tuple[str | None, _Sent]]:
    """Give for each file its object, and what that looks like."""
    found: list[tuple[str | None, _Sent]] = []
    with opened(repo) as folder:
        for file in files:
            place = _object_of(file)
            seen = None
            if place is not None and folder is not None:
                inside = place.rpartition(_STORE)[2]
                seen = _look(inside, folder)
            if seen is not None:
                found.append((inside, _sent(seen)))
            else:  # the content is not here, or in another repository
                found.append((place, None if place is None else _sent(_look(place))))
    return found


def _key_of(place: str) -> str:
    return key_of_link(place) or os.path.basename(place)


class Watch:
    """What the objects below a dataset looked like before a command; subdatasets included."""

    def __init__(self, ds: Dataset) -> None:
        self._began = int(ds.ctx.clock() * 1e9)
        self._watched = [_watched(one) for one in hierarchy.datasets_below(ds, recursive=True)]

    def touched(self) -> list[Corrupt]:
        """Give the objects that were changed since and are corrupt now; only changed ones are read."""
        return [corrupt for one in self._watched for corrupt in self._touched(one)]

    def _touched(self, before: Watched) -> Iterator[Corrupt]:
        """Look at the objects of one dataset, at each once: several files may lead to it."""
        certain: dict[str, bool] = {}
        paths: dict[str, list[str]] = {}
        recently = self._began - TICK_NS
        repo = before.ds.repo
        now = in_parts(partial(_marks, repo), before.places)
        for number, (mark, then) in enumerate(zip(now, before.marks, strict=True)):
            # Of a mark, the last is when it was changed, the first two are what may not be another.
            if mark is None or then is None or (mark == then and mark[3] < recently):
                continue
            place = os.path.normpath(os.path.join(repo.commondir, _STORE, str(before.places[number])))
            certain[place] = mark[:2] != then[:2]
            paths.setdefault(place, []).append(before.files[number])
        for place, names in paths.items():
            key = _key_of(place)
            if _is_corrupt(key, place, certain=certain[place]):
                yield Corrupt(place, key, before.ds.path, tuple(names))


def _watched(ds: Dataset) -> Watched:
    files = [decode(file) for file in _locked_files(ds.repo)]
    places: list[str | None] = []
    marks: list[_Sent] = []
    for place, mark in in_parts(partial(_objects_of, ds.repo), files):
        places.append(place)
        marks.append(mark)
    return Watched(ds, files, places, marks)


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
        return _younger(ds.repo, part.of(_locked_files(ds.repo, paths)), since)

    def found() -> list[Corrupt]:
        corrupt = _corrupt(ds, chain.from_iterable(young()))
        if not paths:
            os.replace(draft, stamp)
        return corrupt

    try:
        with meanwhile(look, items=entries_at_most(ds.repo)) as young:
            yield found
    finally:
        draft.unlink(missing_ok=True)  # nobody has asked


def _younger(repo: Repo, files: Iterable[bytes], since: int) -> list[_Young]:
    """Find the objects that were written since then, and after they were filed."""
    found = []
    store = encode(_STORE)
    with opened(repo) as folder:
        for file in files if folder is not None else ():
            try:
                place = os.readlink(file)
                place = place[place.rindex(store) + len(store) :]
                modified = os.stat(place, dir_fd=folder).st_mtime_ns
                if modified < since:
                    continue
                filed = os.stat(place[: place.rindex(b"/")], dir_fd=folder)
            except (OSError, ValueError):
                continue  # the content is not here, or it is no link to an object
            if modified > filed.st_mtime_ns:
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
