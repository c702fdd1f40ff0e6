"""Blobs, trees and commits by name: one, a conversation about some, a stream of many."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rookery.core.errors import RookeryError
from rookery.core.process import Batch, decode, encode
from rookery.git import loose
from rookery.git.repo import Repo

# Commands of a script that are handed over together.
GATHERED = 500


class ObjectMissing(RookeryError, KeyError):
    """An object that was named is not in the repository."""


class Object(NamedTuple):
    """One object: its name, its kind (blob, tree, commit, tag), its bytes."""

    sha: str
    kind: str
    content: bytes


class Stat(NamedTuple):
    """What is known of an object without reading it."""

    sha: str
    kind: str
    size: int


def read_blob(repo: Repo, name: str) -> bytes:
    """Read one blob; `name` may be `REV:path`.  Raises ObjectMissing."""
    answer = repo.run("cat-file", "blob", name, ok=(0, 1, 128))
    if answer.code:
        raise ObjectMissing(f"no content {name} in {repo.root}: {decode(answer.stderr).strip()}")
    return answer.stdout


def hash_blob(repo: Repo, content: bytes, *, write: bool = True) -> str:
    """Give the name of the blob with this content, stored unless told otherwise."""
    return decode(
        repo.run("hash-object", *(["-w"] if write else []), "--stdin", stdin=content).stdout
    ).strip()


def name_of_blob(content: bytes, length: int = 40) -> str:
    """Compute the name of the blob with this content; `length` tells the hash (see `index.name_length`)."""
    import hashlib  # start-up

    data = b"blob %d\0%s" % (len(content), content)
    hasher = hashlib.sha256(data) if length == 64 else hashlib.sha1(data, usedforsecurity=False)
    return hasher.hexdigest()


def blob_command(content: bytes, mark: int | None = None) -> bytes:
    """Give the command of `git fast-import` that stores a blob."""
    named = b"" if mark is None else b"mark :%d\n" % mark
    return b"blob\n%sdata %d\n%s\n" % (named, len(content), content)


def fast_import(
    repo: Repo, script: Iterable[bytes], *options: str, meanwhile: Callable[[], None] | None = None
) -> str:
    """Run `git fast-import` on a script, and give what it says; without the last word, `done`, nothing of it counts.

    The script is made while it is read: of hundreds of thousands of objects none is kept here.  It is gone through in
    a thread, and `meanwhile` is done in this one, whose exceptions end it.
    """
    # It takes and gives back the memory to compress each object: two calls of the kernel each time as long as the C
    # library keeps no more than 128 KiB in hand (glibc; of 20,000 location logs: 1.35 s of CPU, 0.48 with this).
    roomy = repo.with_env(MALLOC_TOP_PAD_="4194304")
    with roomy.stream(*options, "fast-import", "--quiet", "--done", stdin=gathered(script)) as out:
        if meanwhile is not None:
            meanwhile()
        return decode(b"".join(out.chunks())).removesuffix("\n")


def gathered(script: Iterable[bytes]) -> Iterator[bytes]:
    """Join commands of a few dozen bytes: each piece that is handed over is a wait for the other thread."""
    rest = iter(script)
    while piece := b"".join(itertools.islice(rest, GATHERED)):
        yield piece


def write_blobs(
    repo: Repo, contents: Iterable[bytes], *options: str, meanwhile: Callable[[], None] | None = None
) -> None:
    """Store any number of blobs by one process: many become one pack.  For all else see `fast_import`."""
    rest = map(blob_command, contents)
    if (first := next(rest, None)) is not None:
        fast_import(repo, itertools.chain((first,), rest, (b"done\n",)), *options, meanwhile=meanwhile)
    elif meanwhile is not None:
        meanwhile()


class ObjectReader:
    """A conversation with one Git process that reads objects as they are asked for."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def read(self, name: str) -> Object | None:
        """Read an object by name (one line: no path with a line break in it); None if there is none."""
        self._batch.send(_line(name))
        header = _header(self._batch.line())
        if header is None:
            return None
        content = self._batch.read(header.size)
        self._batch.read(1)
        return Object(header.sha, header.kind, content)


@contextmanager
def object_reader(repo: Repo) -> Iterator[ObjectReader]:
    """Open a conversation about objects, for when each question depends on the answer before."""
    with repo.batch("cat-file", "--batch") as batch:
        yield ObjectReader(batch)


def _few(names: Iterable[str]) -> tuple[list[str], Iterable[str]]:
    """Give the names if they are few, and all of them to go on with."""
    rest = iter(names)
    first = list(itertools.islice(rest, loose.MOST + 1))
    return ([] if len(first) > loose.MOST else first), itertools.chain(first, rest)


def read_many(repo: Repo, names: Iterable[str]) -> Iterator[Object | None]:
    """Read objects in order, one answer per name (None: missing); `names` is read ahead by a thread."""
    few, names = _few(names)
    try:
        yield from [None if found is None else Object(*found) for found in loose.read_all(repo, few)]
        return
    except loose.NotLoose:
        pass
    with repo.stream("cat-file", "--batch", "--buffer", stdin=map(_line, names)) as out:
        while line := out.stdout.readline():
            header = _header(line[:-1])
            if header is None:
                yield None
                continue
            content = out.stdout.read(header.size + 1)[:-1]  # a line break ends it
            yield Object(header.sha, header.kind, content)


def stat_many(repo: Repo, names: Iterable[str]) -> Iterator[Stat | None]:
    """Tell kind and size of objects in order, one answer per name (None: missing)."""
    few, names = _few(names)
    try:
        found = loose.read_all(repo, few)
        yield from [None if one is None else Stat(one[0], one[1], len(one[2])) for one in found]
        return
    except loose.NotLoose:
        pass
    with repo.stream("cat-file", "--batch-check", "--buffer", stdin=map(_line, names)) as out:
        for line in out.records(b"\n"):
            yield _header(line)


def _line(name: str) -> bytes:
    if "\n" in name:
        raise ValueError(f"an object name must be one line: {name!r}")
    return encode(name) + b"\n"


def _header(line: bytes) -> Stat | None:
    if line.endswith((b" missing", b" ambiguous")):
        return None
    sha, kind, size = line.rsplit(b" ", 2)
    return Stat(decode(sha), decode(kind), int(size))
