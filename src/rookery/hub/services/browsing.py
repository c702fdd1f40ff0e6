"""Reading a repository's history: branches, commits, files.  Nothing is checked out, no link is followed on disk."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import NamedTuple

from rookery.annex.identity import parse_descriptions
from rookery.annex.keys import POINTER_LIMIT, key_of_link, key_of_pointer, size_of
from rookery.core.errors import CommandError
from rookery.core.process import decode, encode
from rookery.git import commits, modes, objects, refs, trees
from rookery.git.commits import Commit
from rookery.git.repo import Repo
from rookery.git.trees import Entry
from rookery.hub.domain.access import Action, Actor
from rookery.hub.domain.errors import NotFound
from rookery.hub.domain.ports.histories import Histories
from rookery.hub.domain.records import Repository
from rookery.hub.services.gate import Gate, Where
from rookery.hub.services.last_copy import BRANCH, places_of
from rookery.hub.services.stored_trees import FOLDER, SUBDATASET, tree_at

# Characters that no branch can have (git-check-ref-format(1)), and that mean something in a revision.
_ODD = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|^-|//|/$|^/")
_SHA = re.compile(r"[0-9a-f]{7,64}")

# In listings, larger files are not looked into for a pointer: real ones have two hundred bytes or so.
GLANCE = 1024


class File(NamedTuple):
    """One entry of a folder.  `key` is set for an annexed file; `size` is then its content's, if the key tells."""

    path: str
    mode: int
    sha: str
    size: int | None
    key: str | None = None
    target: str | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def kind(self) -> str:
        """What it is: file, symlink, directory, dataset (a subdataset)."""
        return modes.type_of(self.mode) or "file"


class Place(NamedTuple):
    """A commit of a repository that may be read, and under which name it was asked for."""

    repository: Repository
    repo: Repo
    commit: str
    ref: str


class BrowsingService:
    """Reads what the gate lets through; each method wants a `Place` or makes one."""

    def __init__(self, histories: Histories, gate: Gate) -> None:
        self._histories = histories
        self._gate = gate

    def _repo(self, actor: Actor, where: Where) -> tuple[Repository, Repo]:
        repository = self._gate.enter(actor, where, Action.READ).repository
        return repository, self._histories.open(repository.id)

    def at(self, actor: Actor, where: Where, ref: str = "") -> Place:
        """Find a branch, tag or commit; the default branch if none is named.  Raises NotFound."""
        repository, repo = self._repo(actor, where)
        wanted = ref or repository.default_branch
        commit = _resolved(repo, wanted)
        if commit is None:
            raise NotFound(f"{repository.path} has no branch, tag or commit {wanted[:80]!r}")
        return Place(repository, repo, commit, wanted)

    def split(self, actor: Actor, where: Where, text: str) -> tuple[Place, str]:
        """Take `ref/path` apart, where both may have slashes: the shortest ref that is one.  Raises NotFound."""
        parts = text.strip("/").split("/")
        for cut in range(1, len(parts) + 1):
            try:
                return self.at(actor, where, "/".join(parts[:cut])), "/".join(parts[cut:])
            except NotFound:
                if cut == len(parts):
                    raise
        raise NotFound("nothing is named")

    def branches(self, actor: Actor, where: Where) -> list[tuple[str, str]]:
        """Give all branches with their commits."""
        return self._refs(actor, where, "refs/heads/")

    def tags(self, actor: Actor, where: Where) -> list[tuple[str, str]]:
        """Give all tags with their commits."""
        return self._refs(actor, where, "refs/tags/")

    def _refs(self, actor: Actor, where: Where, below: str) -> list[tuple[str, str]]:
        _, repo = self._repo(actor, where)
        return [(ref.name.removeprefix(below), ref.peeled) for ref in refs.for_each_ref(repo, below)]

    def commits(self, place: Place, *, skip: int = 0, limit: int = 50, path: str = "") -> list[Commit]:
        """Give commits, newest first."""
        options = [f"--skip={skip}", f"-n{limit}"]
        return list(commits.log(place.repo, place.commit, options=options, paths=[path] if path else []))

    def tips(self, actor: Actor, where: Where, shas: list[str]) -> dict[str, Commit]:
        """Read commits by their names, in two processes; what is no commit is left out."""
        _, repo = self._repo(actor, where)
        stats = zip(shas, objects.stat_many(repo, shas), strict=True)
        real = [sha for sha, stat in stats if stat is not None and stat.kind == "commit"]
        named = commits.log(repo, *real, options=["--no-walk=unsorted"]) if real else ()
        return {commit.sha: commit for commit in named}

    def folder(self, place: Place, path: str = "") -> list[File]:
        """Give what is in a folder, as Git sorts it.  Raises NotFound if it is none."""
        found = self._entries(place, path)
        glanced = [
            e for e in found if e.mode == modes.SYMLINK or (e.kind == "blob" and (e.size or 0) <= GLANCE)
        ]
        told = dict(
            zip(
                (e.sha for e in glanced), objects.read_many(place.repo, (e.sha for e in glanced)), strict=True
            )
        )
        files = []
        for entry in found:
            blob = told.get(entry.sha)
            files.append(file_of(entry, path, blob.content if blob else None))
        return files

    def file(self, place: Place, path: str) -> File:
        """Give one entry of a folder.  Raises NotFound."""
        top, _, name = path.strip("/").rpartition("/")
        with objects.object_reader(place.repo) as reader:
            inside = tree_at(reader, place.commit, top) or ()
            found = next((one for one in inside if one[1] == encode(name)), None)
            if found is None:
                raise NotFound(f"{place.repository.path} has no {path!r} at {place.ref}")
            mode, _, sha = found
            kind = {FOLDER: "tree", SUBDATASET: "commit"}.get(mode, "blob")
            entry = Entry(int(mode, 8), kind, sha.hex(), name)
            if kind == "blob":
                told = next(objects.stat_many(place.repo, [entry.sha]), None)
                entry = entry._replace(size=told.size if told else None)
            small = kind == "blob" and (entry.size or 0) <= POINTER_LIMIT
            blob = reader.read(entry.sha) if small else None
        return file_of(entry, top, blob.content if blob else None)

    def _entries(self, place: Place, path: str) -> list[Entry]:
        tidy = path.strip("/")
        if "\0" in tidy or ".." in tidy.split("/"):
            raise NotFound("there is no such path")
        try:
            return list(trees.ls_tree(place.repo, f"{place.commit}:{tidy}", recursive=False, sizes=True))
        except CommandError as e:
            raise NotFound(f"{place.repository.path} has no folder {path!r} at {place.ref}") from e

    def walk(self, place: Place, folder: str = "") -> Iterator[File]:
        """Yield every file of a commit, or of one of its folders, in Git's order, subdatasets too."""
        below = [folder] if folder else []
        with objects.object_reader(place.repo) as reader:
            for entry in trees.ls_tree(place.repo, place.commit, below, sizes=True):
                small = entry.kind == "blob" and (entry.size or 0) <= POINTER_LIMIT
                found = reader.read(entry.sha) if small else None
                yield file_of(entry, "", found.content if found else None)

    def bytes_of(self, place: Place, file: File) -> Generator[bytes, None, None]:
        """Yield what Git has of a file, piece by piece."""
        with place.repo.stream("cat-file", "blob", file.sha) as out:
            yield from out.chunks()

    def places_of(self, place: Place, key: str) -> list[tuple[str, str]]:
        """Give uuid and description of the places that are known to have content."""
        try:
            told = decode(objects.read_blob(place.repo, f"{BRANCH}:uuid.log"))
        except objects.ObjectMissing:
            told = ""
        names = parse_descriptions(told)
        return [(uuid, names.get(uuid, "")) for uuid in places_of(place.repo, key) or ()]


def file_of(entry: Entry, folder: str, content: bytes | None) -> File:
    """Make a file of an entry of `folder`; `content` is the blob's, where it might stand for annexed content."""
    path = f"{folder.strip('/')}/{entry.path}".lstrip("/")
    key = target = None
    if content is not None:
        if entry.mode == modes.SYMLINK:
            target = decode(content)
            key = key_of_link(target)
        else:
            key = key_of_pointer(content)
    size = size_of(key) if key else entry.size
    return File(path, entry.mode, entry.sha, size, key, target)


def _resolved(repo: Repo, ref: str) -> str | None:
    if not ref or len(ref) > 300 or _ODD.search(ref):
        return None
    for candidate in (f"refs/heads/{ref}", f"refs/tags/{ref}"):
        if found := refs.resolve(repo, candidate):
            return found
    return refs.resolve(repo, ref) if _SHA.fullmatch(ref) else None
