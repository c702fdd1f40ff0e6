"""Changing a few entries of the user's index natively, without losing what Git knows about the files.

Git's own commands would either read and filter the files again (a filter may
then decide otherwise than it did when the file was taken in) or forget their
stat data (the next status would read them all).  Here the entries are taken,
with their stat data, from the private index that they were made in.

Anything beyond the plain formats is left to Git: see `updated_entries`.
"""

from __future__ import annotations

import itertools
import os
import stat as statmode
import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from rookery.core import files
from rookery.core.errors import CommandError, LockedError
from rookery.core.log import get_log
from rookery.core.many import in_parts
from rookery.core.process import decode, encode
from rookery.git import modes
from rookery.git.index import (
    CACHES,
    NewEntry,
    index_file,
    is_plain,
    name_length,
    places_at,
    places_of,
    put_entries,
    raw_entries,
    refresh,
)
from rookery.git.index_handover import handed_over, with_time
from rookery.git.index_lock import index_lock
from rookery.git.index_splice import Raw, parents, raw_at, spliced
from rookery.git.index_stat import NO_STAT, Where, link_stat_of, stat_of, told_apart
from rookery.git.objects import name_of_blob
from rookery.git.private_index import cached_trees
from rookery.git.repo import Repo

log = get_log("rookery.git")

_INTENT_TO_ADD = 0x2000
_NAME_MASK = 0x0FFF
# Up to so many entries, and bytes, an index is changed in process faster than Git can be started.
_FEW = 100
_SMALL = 1 << 17
# Parts of an index that are written at once.
_TOGETHER = 1_000


def bring_up_to_date(repo: Repo, entries: Iterable[NewEntry], source: Repo | None = None) -> None:
    """Make the user's index agree with what was just committed, for these paths only.

    `source` has the private index that the entries were made in.  Raises
    LockedError when another command does not let go of the index.
    """
    with kept_up_to_date(repo, entries, source):
        pass


@contextmanager
def kept_up_to_date(
    repo: Repo,
    entries: Iterable[NewEntry],
    source: Repo | None = None,
    *,
    trees: tuple[str, str] | None = None,
) -> Iterator[None]:
    """As `bring_up_to_date`, and keep others from the index for the length of the block, if it is one for us.

    `trees` are those of the commits without and with the entries.
    """
    entries = list(entries)
    if not entries:
        yield
        return
    if not index_file(repo).exists():
        repo.run("read-tree", "--empty")  # a first one, of the version that is wanted here
    with updated_entries(repo, entries, source, trees=trees) as unknown:
        if unknown is None:
            put_entries(repo, entries)
            unknown = [entry.path for entry in entries if entry.mode not in (0, modes.GITLINK)]
        yield
    try:
        refresh(repo, unknown)
    except (LockedError, CommandError) as e:
        log.debug("the next status has to read some files: %s", e)


@contextmanager
def updated_entries(
    repo: Repo,
    entries: Iterable[NewEntry],
    source: Repo | None = None,
    *,
    trees: tuple[str, str] | None = None,
) -> Iterator[list[str] | None]:
    """Make the index say this about these paths, and hold its lock for the length of the block.

    Stat data comes from `source`'s index, and of links is made new; for `trees`
    see `kept_up_to_date`.  Gives the paths of regular files that have no stat
    data now; None if this index is not one for us: nothing was done, and no lock
    is held.  Entries that are there already are left as they are.  Raises LockedError.
    """
    with ExitStack() as lock:
        draft = lock.enter_context(index_lock(index_file(repo)))
        wanted = {encode(entry.path): entry for entry in entries}
        unknown = _updated(repo, wanted, source, draft, trees)
        if unknown is None:
            lock.close()
        yield unknown


def _updated(
    repo: Repo,
    wanted: dict[bytes, NewEntry],
    source: Repo | None,
    draft: Path,
    trees: tuple[str, str] | None,
) -> list[str] | None:
    opened = _opened(repo)
    if opened is None:
        return None
    data, written, places, extensions = opened
    there = {place[0]: raw_at(data, place) for place in places if place[0] in wanted}
    changed = {path: entry for path, entry in wanted.items() if not _same(there.get(path), entry)}
    unknown = [
        os.fsdecode(path)
        for path, raw in there.items()
        if path not in changed and raw.regular and not raw.fresh
    ]
    if not changed:
        return unknown
    kept = [(name, extensions[name]) for name in (b"REUC",) if name in extensions]
    data, young = told_apart(repo, data, places, written)
    unknown += [os.fsdecode(path) for path in young if path not in changed]
    if source is not None and trees and len(changed) > _FEW:
        given = handed_over(source, data, places, changed, trees[1])
        if given is not None:
            _write(index_file(repo), draft, [given.entries], [(b"TREE", given.trees), *kept])
            return unknown + given.unknown
    whole = _cached_by(source, data, places, changed, trees) if source is not None and trees else b""
    regular = {path: entry for path, entry in changed.items() if statmode.S_ISREG(entry.mode)}
    known = _from_source(source, regular) if source is not None and regular else {}
    added = _made(repo, changed, known)
    unknown += [os.fsdecode(raw.path) for raw in added if raw.regular and not raw.fresh]
    tree = whole or _invalidated(extensions.get(b"TREE", b""), changed)
    more = [(b"TREE", tree)] if tree else []
    raws = {raw.path: raw for raw in added}
    added.clear()  # of many none is kept beside its part
    gone = {path for path, entry in changed.items() if not entry.mode}
    parts = spliced(data, places, sorted(changed), raws.pop, gone=gone)
    _write(index_file(repo), draft, parts, [*more, *kept])
    return unknown


class _Opened(NamedTuple):
    """An index: its bytes, when it was written, where its entries are, its extensions by name."""

    data: bytes
    written: int
    places: list[Where]
    extensions: dict[bytes, bytes]


def _opened(repo: Repo) -> _Opened | None:
    """Read the index, if it is one that is written here."""
    try:
        data, written = with_time(index_file(repo))
    except FileNotFoundError:
        return None
    places = places_of(repo, data)
    if places is None:
        return None
    extensions = dict(_extensions(data, places[-1][3] if places else 12))
    return None if any(name in extensions for name in CACHES) else _Opened(data, written, places, extensions)


def put_alone(repo: Repo, entries: Iterable[NewEntry]) -> None:
    """Make an index say this about these paths that nobody else writes meanwhile: a private one, or under a lock.

    As `put_entries`, nothing is said of the files themselves.  A small index is
    written in process, and appears whole; a lock beside it would stay if we were killed.
    """
    rest = iter(entries)
    few = list(itertools.islice(rest, _FEW + 1))
    data = _small(repo) if len(few) <= _FEW else None
    places = None if data is None else places_of(repo, data)
    if data is None or places is None:
        put_entries(repo, itertools.chain(few, rest))  # many are not kept here
        return
    extensions = dict(_extensions(data, places[-1][3] if places else 12))
    data, _ = told_apart(repo, data, places, index_file(repo).stat().st_mtime_ns)
    wanted = {encode(entry.path): entry for entry in few}
    gone = {path for path, entry in wanted.items() if not entry.mode}
    parts = spliced(data, places, sorted(wanted), lambda path: _unknown(path, wanted[path]), gone=gone)
    _write_alone(index_file(repo), parts, _invalidated(extensions.get(b"TREE", b""), wanted))


def put_links(repo: Repo, paths: Collection[str], target_of: Callable[[str], str]) -> None:
    """As `put_alone`, for symlinks, with the stat data of those that are there as they are to be, if they are many.

    Whoever brings the real index along takes it from there: see `handed_over`.
    """
    opened = _opened(repo) if len(paths) > _FEW else None
    if opened is None:
        length = name_length(repo)
        named = ((path, name_of_blob(encode(target_of(path)), length)) for path in paths)
        put_alone(repo, (NewEntry(path, modes.SYMLINK, sha) for path, sha in named))
        return
    root = os.path.join(encode(str(repo.root)), b"")

    def entry(path: bytes) -> Raw:
        target = encode(target_of(decode(path)))
        sha = bytes.fromhex(name_of_blob(target))
        return _known(path, modes.SYMLINK, sha, link_stat_of(root + path, target))

    data, _ = told_apart(repo, opened.data, opened.places, opened.written)
    ordered = sorted(map(encode, paths))
    parts = spliced(data, opened.places, ordered, entry)
    _write_alone(index_file(repo), parts, _invalidated(opened.extensions.get(b"TREE", b""), ordered))


def _cached_by(
    source: Repo, data: bytes, places: list[Where], changed: Collection[bytes], trees: tuple[str, str]
) -> bytes:
    """Give what a private index knows of its trees, if this one will hold the same when `changed` is."""
    try:
        other = index_file(source).read_bytes()
    except FileNotFoundError:
        return b""
    root, cached = cached_trees(other)
    if root != trees[1]:
        return b""
    if cached_trees(data)[0] == trees[0]:
        return cached  # both were the last commit, and what is changed is all that makes it the new one
    if not is_plain(source, other):
        return b""
    pairs = itertools.zip_longest(_said(data, places, changed), _said(other, raw_entries(other), changed))
    return cached if all(mine == theirs for mine, theirs in pairs) else b""


def _said(
    data: bytes, places: Iterable[Where], but: Collection[bytes]
) -> Iterator[tuple[bytes, bytes, bytes, int]]:
    """Yield what an index says of all paths but some."""
    for path, at, more, _ in places:
        if path not in but:
            yield path, data[at + 24 : at + 28], data[at + 40 : at + 60], more & _INTENT_TO_ADD


def _small(repo: Repo) -> bytes | None:
    """Read an index, if it is a small one without caches about the work tree."""
    try:
        with open(index_file(repo), "rb") as file:
            data = file.read(_SMALL + 1)
    except FileNotFoundError:
        return None
    return None if len(data) > _SMALL or any(name in data for name in CACHES) else data


def _unknown(path: bytes, entry: NewEntry) -> Raw:
    """Make an entry that knows nothing of the file."""
    return _known(path, entry.mode, bytes.fromhex(entry.sha), NO_STAT)


def _known(path: bytes, mode: int, sha: bytes, stat: bytes) -> Raw:
    """Make an entry with what is known of the file."""
    stat = stat[:24] + mode.to_bytes(4, "big") + stat[28:]
    return Raw(path, stat, sha, min(len(path), _NAME_MASK), 0)


def write_first(file: Path, entries: Iterable[NewEntry]) -> None:
    """Write an index of version 2 where there is none, and nobody else writes one; it says nothing of the files."""
    wanted = {encode(one.path): one for one in entries}
    empty = b"DIRC" + struct.pack(">II", 2, 0)
    _write_alone(file, spliced(empty, [], sorted(wanted), lambda path: _unknown(path, wanted[path])))


def _extensions(data: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    while at < len(data) - 20:
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size


def _same(raw: Raw | None, entry: NewEntry) -> bool:
    if raw is None:
        return not entry.mode
    settled = not raw.stage and not raw.more & _INTENT_TO_ADD
    return settled and raw.mode == entry.mode and raw.sha.hex() == entry.sha


def _from_source(source: Repo, wanted: dict[bytes, NewEntry]) -> dict[bytes, Raw]:
    """Find entries with trustworthy stat data: made of the same content, and before the index was written.

    A file that changed in the very tick in which that index was written may
    look unchanged for ever (Git calls it racy): its stat data is not taken.
    """
    try:
        data, written = with_time(index_file(source))
    except FileNotFoundError:
        return {}
    found = {}
    for place in places_at(source, data, wanted) or ():
        raw = raw_at(data, place)
        if not _same(raw, wanted[raw.path]):
            continue
        seconds, nanoseconds = struct.unpack_from(">II", raw.stat, 8)
        if raw.fresh and seconds * 1_000_000_000 + nanoseconds < written:
            found[raw.path] = raw
    return found


def _made(repo: Repo, changed: Mapping[bytes, NewEntry], known: Mapping[bytes, Raw]) -> list[Raw]:
    """Make entries, with the stat data that is known, else what is found."""
    root = os.path.join(encode(str(repo.root)), b"")

    def look(part: Sequence[NewEntry]) -> list[bytes]:
        return [
            stat_of(root + encode(one.path), bytes.fromhex(one.sha), link=one.mode == modes.SYMLINK)
            for one in part
        ]

    made = []
    unknown = [one for path, one in changed.items() if one.mode and path not in known]
    with closing(in_parts(look, unknown)) as stats:
        for path, one in changed.items():
            if one.mode:
                stat = known[path].stat if path in known else next(stats)
                made.append(_known(path, one.mode, bytes.fromhex(one.sha), stat))
    return made


def _invalidated(tree: bytes, changed: Iterable[bytes]) -> bytes:
    """Mark the folders of changed paths in the cached trees as unknown (gitformat-index(5), "Cache tree")."""
    if not tree:
        return b""
    stale = {b"", *(parent for path in changed for parent in (path, *parents(path)))}
    out: list[bytes] = []
    at = 0
    above: list[list[object]] = []  # for each open folder: its path, and how many subfolders are to come
    while at < len(tree):
        name_end = tree.index(0, at)
        line_end = tree.index(b"\n", name_end)
        name = tree[at:name_end]
        count, subtrees = tree[name_end + 1 : line_end].split(b" ")
        while above and not above[-1][1]:
            above.pop()
        parent = above[-1][0] if above else b""
        assert isinstance(parent, bytes)
        path = (parent + b"/" + name if parent else name) if above else b""
        if above:
            above[-1][1] = int(str(above[-1][1])) - 1
        at = line_end + 1
        valid = not count.startswith(b"-")
        sha = tree[at : at + 20] if valid else b""
        at += 20 if valid else 0
        if path in stale:
            count, sha = b"-1", b""
        out.append(name + b"\0" + count + b" " + subtrees + b"\n" + sha)
        above.append([path, int(subtrees)])
    return b"".join(out)


def _write_alone(file: Path, parts: list[bytes], tree: bytes = b"") -> None:
    _write(file, file.with_name(f"{file.name}.rookery"), parts, [(b"TREE", tree)] if tree else [])


def _write(file: Path, draft: Path, parts: list[bytes], extensions: list[tuple[bytes, bytes]]) -> None:
    import hashlib  # start-up

    for name, content in extensions:
        parts.append(name + len(content).to_bytes(4, "big") + content)
    hasher = hashlib.sha1(usedforsecurity=False)
    with open(draft, "wb") as out:
        for start in range(
            0, len(parts), _TOGETHER
        ):  # not all at once: a large index would be there three times
            piece = b"".join(parts[start : start + _TOGETHER])
            hasher.update(piece)
            out.write(piece)
        out.write(hasher.digest())
    try:  # more than the umask gives, where several people work
        os.chmod(draft, statmode.S_IMODE(file.stat().st_mode))
    except FileNotFoundError:
        files.share(draft, file.parent, statmode.S_IRGRP | statmode.S_IWGRP)
    os.replace(draft, file)
