"""Taking files in, by us where we can do exactly what git-annex does, else by git-annex itself.

The whole repository or single files may be for the stock engine (`rules`,
`storing`).  What is ours is done in an order that a kill at any moment does not
harm: contents into the store and links into the work tree, file by file; then
the links' objects, the location logs, and last the index.  Whoever comes after
a kill finds the links, and writes down what is not written down yet.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import NamedTuple

from rookery.annex import identity, store
from rookery.annex.branch_writing import NotForUs, record_presence
from rookery.annex.files import keys_of_blobs
from rookery.annex.ingest import Force, Ingested, stock
from rookery.annex.keys import key_of_link
from rookery.annex.outcome import Listener
from rookery.annex.rules import Rules, read_rules
from rookery.annex.storing import POINTER, CorruptObject, LeftAlone, Storing
from rookery.core import pool
from rookery.core.errors import CommandError
from rookery.core.many import each_in_order
from rookery.core.process import decode, encode
from rookery.git import modes
from rookery.git.index import IndexEntry, NewEntry, entries_at, name_length, put_entries, stage_unfiltered
from rookery.git.index_update import put_links
from rookery.git.objects import name_of_blob
from rookery.git.repo import Repo

# From here on reading takes so much longer than the rest that several threads at once pay.
LARGE = 4_000_000

# git-annex's filter, by its name in the settings.
FILTER = "annex"

# So many are shared out among processes at a time: a copy of the process has its own memory of what it is at.
AT_A_TIME = 50_000


class _Content(NamedTuple):
    path: str
    size: int
    backend: str


class _Sorted(NamedTuple):
    """Paths by what becomes of them: contents, links with targets, to Git, to git-annex."""

    contents: list[_Content]
    links: list[tuple[str, str]]
    to_git: list[str]
    left: list[str]


def take(
    repo: Repo,
    paths: Iterable[str],
    *,
    now: float,
    force: Force | None = None,
    jobs: int | str | None = None,
    ignored_too: bool = False,
    on_progress: Listener | None = None,
    listed: Mapping[str, str] | None = None,
) -> Iterator[Ingested]:
    """Take files and links in, as `ingest.stock` does and with the same answers; `now` dates the location logs.

    `listed` are all settings of Git, if they have been read just now.
    """
    wanted = list(dict.fromkeys(paths))
    if not wanted:
        return
    rest: Sequence[str] = wanted
    try:
        rules = read_rules(repo, force, listed=listed)
    except NotForUs:
        pass
    else:
        try:
            taking = _Taking(repo, rules, now, on_progress)
            rest = taking.run(wanted, ignored_too=ignored_too)
        finally:
            rules.close()
        yield from taking.outcomes(wanted)
    yield from stock(repo, rest, force=force, jobs=jobs, ignored_too=ignored_too, on_progress=on_progress)


def note_links(repo: Repo, paths: Iterable[str], *, now: float) -> None:
    """See that the location logs know of the content here that links stand for."""
    found = dict.fromkeys(key for path in paths if (key := _key_here(repo, path)) is not None)
    uuid = identity.uuid(repo)
    if not found or uuid is None:
        return
    try:
        record_presence(repo, ((key, uuid, True) for key in found), now=now)
    except NotForUs:
        pass  # then nothing was taken in by us either


def _key_here(repo: Repo, path: str) -> str | None:
    try:
        key = key_of_link(os.readlink(os.path.join(repo.root, path)))
    except OSError:
        return None  # no link
    return key if key is not None and store.is_present(repo, key) else None


class _Taking:
    """One round of taking files in.

    Of each file that is stored its key is kept, from which the link's text is made whenever it is needed.
    """

    def __init__(self, repo: Repo, rules: Rules, now: float, hear: Listener | None) -> None:
        self.repo = repo
        self.rules = rules
        self.now = now
        self.hear = hear
        self.failed: dict[str, Ingested] = {}
        self.left: list[str] = []
        self.in_git: Collection[str] = ()
        self.keys: dict[str, str] = {}
        self.other_links: dict[str, str] = {}
        self._telling = threading.Lock()

    def run(self, paths: Sequence[str], *, ignored_too: bool) -> list[str]:
        """Do what is ours, and give the paths that are git-annex's."""
        chosen = self._sort(paths, ignored_too=ignored_too)
        self.left = chosen.left
        self._store(chosen.contents)
        for path, target in chosen.links:
            self._take_link(path, target)
        try:
            self._write_down()
        except NotForUs:
            rest = {*self.left, *self.keys, *self.other_links, *chosen.to_git}
            self.keys, self.other_links = {}, {}
            return paths_in_order(paths, rest)
        try:
            stage_unfiltered(self.repo, chosen.to_git, FILTER)
            self.in_git = frozenset(chosen.to_git)
        except CommandError:
            self.left += chosen.to_git  # it stops at the first that it cannot read
        return paths_in_order(paths, set(self.left))

    def outcomes(self, paths: Iterable[str]) -> Iterator[Ingested]:
        """Yield what became of those paths that were ours."""
        for path in paths:
            if path in self.failed:
                yield self.failed[path]
            elif path in self.keys or path in self.other_links or path in self.in_git:
                yield Ingested(path, self.keys.get(path))

    def _sort(self, paths: Sequence[str], *, ignored_too: bool) -> _Sorted:
        """Look at each path, and decide."""
        chosen = _Sorted([], [], [], [])
        others = _others(self.repo, paths, ignored_too=ignored_too)
        sizes: dict[str, int] = {}
        root = str(self.repo.root)
        for path in paths:
            if path in others:
                chosen.left.append(path)
                continue
            try:
                found = os.lstat(f"{root}/{path}")
            except OSError:
                chosen.left.append(path)
                continue
            if stat.S_ISREG(found.st_mode):
                sizes[path] = found.st_size
            elif stat.S_ISLNK(found.st_mode):
                chosen.links.append((path, os.readlink(f"{root}/{path}")))
            else:
                chosen.left.append(path)
        for path, verdict in self.rules.verdicts(sizes.items()):
            if verdict is None:
                chosen.left.append(path)
            elif verdict.backend is not None:
                chosen.contents.append(_Content(path, sizes[path], verdict.backend))
            elif _looks_like_pointer(f"{root}/{path}"):
                chosen.left.append(path)
            else:
                chosen.to_git.append(path)
        return chosen

    def _store(self, contents: list[_Content]) -> None:
        """Put contents into the store, several at once; the list is empty afterwards."""
        if not contents:
            return
        drafts = store.annex_dir(self.repo) / "othertmp"
        drafts.mkdir(parents=True, exist_ok=True)
        storing = Storing(self.repo, self.rules, drafts)
        large = [one for one in contents if one.size >= LARGE]
        contents[:] = reversed([one for one in contents if one.size < LARGE])
        put = partial(self._put, storing)
        again: list[_Content] = []
        while contents:  # what was put takes no room any more
            some = contents[: -AT_A_TIME - 1 : -1]
            del contents[-AT_A_TIME:]
            again += self._noted(some, each_in_order(put, some))
        together = min(len(large), os.cpu_count() or 1)
        again += self._noted(large, pool.in_order(lambda one: [put(one)], large, at_once=together))
        # Two with the same content get in each other's way, and a copy of the process that was killed
        # has not told of its last ones: alone it is seen what is left.
        still = self._noted(again, map(put, again))
        for path, _, _ in still:
            try:
                self._take_link(path, os.readlink(os.path.join(self.repo.root, path)))
            except OSError:
                self.left.append(path)

    def _noted(self, contents: Iterable[_Content], became: Iterable[str | Ingested | None]) -> list[_Content]:
        """Note what became of each content, and give those with which nothing was done."""
        left = []
        for content, result in zip(contents, became, strict=True):
            if isinstance(result, str):
                self.keys[content.path] = result
            elif result is None:
                left.append(content)
            else:
                self.failed[content.path] = result
        return left

    def _put(self, storing: Storing, content: _Content) -> str | Ingested | None:
        """Give a content's key; what to say of it if it has failed; None if it is as before."""
        path, size, backend = content
        try:
            return storing.put(path, backend, heard=self._hearing(path, size))
        except (LeftAlone, OSError):
            return None
        except CorruptObject as e:
            return Ingested(path, ok=False, message="\n".join([e.message, *e.hints]))

    def _take_link(self, path: str, target: str) -> None:
        """Decide what becomes of a link."""
        key = key_of_link(target)
        if key is None or not store.is_present(self.repo, key):
            self.other_links[path] = target
        elif target != store.link_target(key, path):
            self.left.append(path)  # git-annex mends it
        else:
            self.keys[path] = key

    def _hearing(self, path: str, size: int) -> Callable[[int], None] | None:
        hear = self.hear
        if hear is None or size < LARGE:
            return None

        def heard(done: int) -> None:
            with self._telling:
                hear(path, done, size)

        return heard

    def _write_down(self) -> None:
        """Write objects, location logs and index entries of the links.  Raises NotForUs."""
        uuid = identity.uuid(self.repo)
        if uuid is None:
            raise NotForUs("there is no annex")
        private = "GIT_INDEX_FILE" in self.repo.runner.env
        put = cache(partial(self._put_into_index, private=private))
        record_presence(
            self.repo,
            ((key, uuid, True) for key in self.keys.values()),
            now=self.now,
            blobs=_Texts(self),
            known=self.rules.known,
            meanwhile=put if private else None,  # nobody sees that one before the logs are written
        )
        put()

    def _put_into_index(self, *, private: bool) -> None:
        if private:
            put_links(self.repo, [*self.keys, *self.other_links], self._target)
            return
        length = name_length(self.repo)
        named = ((path, name_of_blob(encode(to), length)) for path, to in self.links())
        put_entries(self.repo, (NewEntry(path, modes.SYMLINK, sha) for path, sha in named))

    def _target(self, path: str) -> str:
        return store.link_target(self.keys[path], path) if path in self.keys else self.other_links[path]

    def links(self) -> Iterator[tuple[str, str]]:
        """Yield the links that are ours to write down, as path and target."""
        yield from ((path, self._target(path)) for path in self.keys)
        yield from self.other_links.items()


class _Texts:
    """The contents of links, made anew each time that somebody goes through them."""

    def __init__(self, taking: _Taking) -> None:
        self._taking = taking

    def __iter__(self) -> Iterator[bytes]:
        return (encode(target) for _, target in self._taking.links())


def paths_in_order(paths: Sequence[str], some: set[str]) -> list[str]:
    """Pick some of the paths, in the order of all."""
    return [path for path in paths if path in some]


def _others(repo: Repo, paths: Sequence[str], *, ignored_too: bool) -> set[str]:
    """Give the paths that git-annex treats in a way of its own.

    These are unlocked files, links in place of other, annexed ones (it makes
    those anew), and what Git is told to ignore.
    """
    wanted = frozenset(paths)
    before = list(entries_at(repo, wanted))
    staged = list(entries_at(repo.with_env(GIT_INDEX_FILE=None), wanted))
    found = [entry for entry in (*before, *staged) if stat.S_ISREG(entry.mode)]
    found += [entry for entry in before if stat.S_ISLNK(entry.mode) and _is_other_link(repo, entry)]
    annexed = keys_of_blobs(repo, found) if found else {}
    others = {entry.path for entry in found if entry.sha in annexed}
    # Only what was staged in spite of it can be ignored: Git's status names nothing else that is.
    forced = {entry.path for entry in staged} - {entry.path for entry in before}
    if forced and not ignored_too:
        listing = b"".join(encode(path) + b"\0" for path in sorted(forced))
        answer = repo.run("check-ignore", "-z", "--stdin", stdin=listing, ok=(0, 1))
        others |= {decode(path) for path in answer.stdout.split(b"\0") if path}
    return others


def _is_other_link(repo: Repo, entry: IndexEntry) -> bool:
    try:
        target = os.readlink(os.path.join(repo.root, entry.path))
    except OSError:
        return False  # a file now, or gone
    return name_of_blob(encode(target), len(entry.sha)) != entry.sha


def _looks_like_pointer(file: str) -> bool:
    """Say whether a file has the text of a pointer, whatever comes behind it."""
    try:
        with open(file, "rb", buffering=0) as content:
            return content.read(len(POINTER)) == POINTER
    except OSError:
        return True  # git-annex will say what is wrong with it
