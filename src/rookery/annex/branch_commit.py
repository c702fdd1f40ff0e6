"""One commit of the git-annex branch, by one `git fast-import`, for any number of logs."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from rookery.annex.branch import LOCAL
from rookery.core import forks
from rookery.core.errors import CommandError
from rookery.core.process import encode
from rookery.git.index import name_length
from rookery.git.objects import blob_command, fast_import, name_of_blob, write_blobs
from rookery.git.repo import Repo
from rookery.git.tree_building import renewed

# From so many logs on their trees are built here: up to five more programs, and two for each further 20,000.
MANY = 2_000

# Names of objects, of which trees mostly consist, cannot be made smaller: 20,000 logs take 1.2 s instead of 1.5,
# and 4 % more room.
_NOT_SMALLER = ("-c", "core.compression=0")


class Said(NamedTuple):
    """What a commit says of itself: author and committer as fast-import takes them, and the message."""

    who: tuple[str, str]
    message: str


def make(
    repo: Repo,
    parents: Sequence[str],
    new: Mapping[str, bytes],
    says: Said,
    *,
    stored: Mapping[str, str] | None = None,
    blobs: Iterable[bytes] = (),
    meanwhile: Callable[[], None] | None = None,
) -> str | None:
    """Write a commit on top of the first parent and move the branch; None if it was elsewhere by then.

    `new` are texts by name of log, `stored` names of blobs that are there
    already.  `meanwhile` is done while others are at work.
    """
    tip = parents[0]
    trees = _Trees(repo, tip, new, stored or {}, blobs)
    # Whoever is killed in the middle of the sentence has said nothing.
    script = _script(parents, new, says, stored or {}, blobs, trees)
    try:
        with trees.begun():
            return fast_import(repo, script, *_NOT_SMALLER, meanwhile=partial(trees.end, meanwhile))
    except CommandError as e:
        if e.code != 1 or repo.text("rev-parse", "-q", "--verify", LOCAL, ok=(0, 1)) == tip:
            raise
        return None


class _Trees:
    """The trees of a commit with many logs, and the blobs that come along, stored by a copy of the process."""

    def __init__(
        self,
        repo: Repo,
        tip: str,
        new: Mapping[str, bytes],
        stored: Mapping[str, str],
        blobs: Iterable[bytes],
    ) -> None:
        self._repo = repo
        self._tip = tip
        self._new = new
        self._stored = stored
        self._blobs = blobs
        self._outcome: Callable[[], str] | None = None
        self._root = ""
        self._ended = threading.Event()
        self.wanted = len(new) + len(stored) >= MANY and name_length(repo) == 40

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Have them stored during the block, if there are so many that it pays."""
        if not self.wanted:
            yield
            return
        with forks.beside(self._built, items=len(self._new) + len(self._stored)) as outcome:
            self._outcome = outcome
            yield

    def _built(self) -> str:
        names = {text: name_of_blob(text) for text in set(self._new.values())}
        stored, new = self._stored, self._new
        built: list[str] = []

        def build() -> None:
            paths = itertools.chain(new, stored)
            root = renewed(self._repo, self._tip, paths, lambda name: stored.get(name) or names[new[name]])
            built.append(root)

        write_blobs(self._repo, self._blobs, *_NOT_SMALLER, meanwhile=build)
        return built[0]

    def end(self, meanwhile: Callable[[], None] | None) -> None:
        """See that they are stored, after what is to be done meanwhile."""
        try:
            if meanwhile is not None:
                meanwhile()
            if self._outcome is not None:
                self._root = self._outcome()
        finally:
            self._ended.set()

    def root(self) -> str:
        """Wait for the name of the whole tree, in another thread; nothing if it could not be stored."""
        self._ended.wait()
        return self._root


def _script(
    parents: Sequence[str],
    new: Mapping[str, bytes],
    says: Said,
    stored: Mapping[str, str],
    blobs: Iterable[bytes],
    trees: _Trees,
) -> Iterator[bytes]:
    """Yield what `git fast-import` is told, piece by piece."""
    tip, *others = parents
    texts = {text: number for number, text in enumerate(dict.fromkeys(new.values()), 1)}
    if not trees.wanted:
        yield from map(blob_command, blobs)
    for text, mark in texts.items():
        yield blob_command(text, mark)
    said = encode(says.message + "\n")
    author, committer = says.who
    head = f"commit {LOCAL}\nmark :{len(texts) + 1}\nauthor {author}\ncommitter {committer}\n"
    yield encode(head) + b"data %d\n%s\nfrom %s\n" % (len(said), said, encode(tip))
    for other in others:
        yield b"merge %s\n" % encode(other)
    if trees.wanted:
        if not (root := trees.root()):
            return  # and what is said of it is said by who could not build it
        yield b'M 040000 %s ""\n' % encode(root)
    else:
        for name, text in new.items():
            yield b"M 100644 :%d %s\n" % (texts[text], _quoted(name))
        for name, sha in stored.items():
            yield b"M 100644 %s %s\n" % (encode(sha), _quoted(name))
    yield b"\nget-mark :%d\ndone\n" % (len(texts) + 1)


def _quoted(name: str) -> bytes:
    """Write a path as fast-import reads it: in quotes if it might be taken for a quoted one."""
    raw = encode(name)
    return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
