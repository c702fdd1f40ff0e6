"""Files that come by browser: committed onto a branch in the name of who sent them, annexed ones with their content.

The order makes a crash harmless: content first, then the commits, then both
branches in one step, the files' own and `git-annex` with who has the content.  Left behind
are at most content that no file names, and objects that Git collects.

The hub makes no branch git-annex of its own (docs/design/0018-hub.md): without
one, nobody could learn where the content is, so files go to Git only.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rookery.annex.branch import LOCAL, log_name
from rookery.annex.checksum import CHUNK, hasher_of
from rookery.annex.keys import Key, format_key, kept_extension
from rookery.annex.largefiles import Candidate
from rookery.annex.logs import Presence, build_presence, parse_presence, stamp
from rookery.annex.store import link_target
from rookery.core.errors import LostRaceError
from rookery.core.process import decode, encode
from rookery.git import commits, modes, objects, refs
from rookery.git.commits import clean_message
from rookery.git.index import NewEntry, name_length, put_entries, write_tree
from rookery.git.objects import ObjectReader
from rookery.git.private_index import private_index
from rookery.git.repo import Repo
from rookery.git.trees import Stored
from rookery.hub.domain.access import Action, Actor
from rookery.hub.domain.errors import BadName, Conflict
from rookery.hub.domain.names import branch_name
from rookery.hub.domain.ports.database import Database
from rookery.hub.domain.ports.histories import Histories
from rookery.hub.domain.records import Repository
from rookery.hub.services.auditing import note
from rookery.hub.services.contents import ContentService
from rookery.hub.services.gate import Gate, Where
from rookery.hub.services.keeping_rules import Keep, Kept, decide
from rookery.hub.services.pushes import Moves, Pushes
from rookery.hub.services.stored_trees import FOLDER, SUBDATASET, tree_at

MOST_TRIES = 5
# A part of a path that Git, a file system or a shell would take for something else is not taken.
_PART = re.compile(r"(?!\.{1,2}$|(?i:\.git)$)[^/\x00-\x1f\x7f\\]{1,200}")


class Arrived(NamedTuple):
    """A file that has come: its name, and where its bytes are for now."""

    name: str
    file: Path


class Wish(NamedTuple):
    """What is to be done with files: `base` is the commit that the sender saw, "" if the branch was not there."""

    branch: str
    folder: str
    message: str
    base: str
    keep: Keep = Keep.RULES


class UploadService:
    """Puts files into repositories."""

    def __init__(
        self,
        database: Database,
        histories: Histories,
        gate: Gate,
        contents: ContentService,
        pushes: Pushes,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._histories = histories
        self._gate = gate
        self._contents = contents
        self._pushes = pushes
        self._clock = clock

    def commit(self, actor: Actor, where: Where, wish: Wish, arrived: Sequence[Arrived]) -> str:
        """Commit files; give the commit.

        Raises BadName for what cannot be a path or cannot be decided, Conflict if somebody else has changed
        the same files since, TooMuch over a quota, and what the gate does.
        """
        repository = self._gate.enter(actor, where, Action.WRITE).repository
        repo = self._histories.open(repository.id).with_env(**self._identity(actor))
        files = {_path(wish.folder, one.name): one.file for one in arrived}
        if not files:
            raise BadName("no file was chosen")
        ref, keep = refs.HEADS + branch_name(wish.branch), _possible(repo, wish.keep)
        keys: dict[str, str] = {}
        for _ in range(MOST_TRIES):
            tip = refs.resolve(repo, ref)
            _require_fit(repo, wish, tip, files)
            with private_index(repo, tree=tip) as index:
                candidates = [Candidate(path, str(file), file.stat().st_size) for path, file in files.items()]
                kept = list(decide(index, candidates, keep))
                for one in kept:
                    if one.backend and one.path not in keys:
                        keys[one.path] = self._stored(
                            actor, repository, one.path, one.backend, files[one.path]
                        )
                put_entries(index, _entries(repo, kept, files, keys))
                made = _commit(repo, write_tree(index), tip, wish.message or _told(files))
            moves = [(ref, made, tip or modes.null_sha(made))]
            if keys:
                moves.append(self._known(repo, repository, keys.values()))
            try:
                refs.update_together(repo, moves, message=f"upload by {actor.name}")
            except LostRaceError:
                continue
            self._settle(actor, repository, f"{len(files)} to {wish.branch}", {ref: (tip or "", made)})
            return made
        raise Conflict(f"{wish.branch} is being changed by others", hints=["upload again in a moment"])

    def begin(self, actor: Actor, repository: Repository) -> str:
        """Let an empty repository begin with a README of its name and description; give the commit."""
        text = f"# {repository.name}\n" + (f"\n{repository.description}\n" if repository.description else "")
        wish = Wish(repository.default_branch, "", "Begin with a README", "", Keep.GIT)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "README.md"
            file.write_text(text, "utf-8")
            return self.commit(actor, repository.id, wish, [Arrived(file.name, file)])

    def _settle(self, actor: Actor, repository: Repository, told: str, moved: Moves) -> None:
        """Note what was uploaded, and see to what follows any push."""
        now = self._clock()
        with self._database.writing() as work:
            work.repositories.change(repository.id, updated=now)
            note(work, actor, "upload", f"{repository.path}", told, now)
        self._pushes.moved(actor, repository, moved)

    def _stored(self, actor: Actor, repository: Repository, path: str, backend: str, file: Path) -> str:
        """Put content into the store; give its key."""
        key = _key(path, backend, file)
        size = file.stat().st_size
        coming = self._contents.receive_missing(actor, repository.id, key, length=size)
        if coming is not None:
            with coming, open(file, "rb") as content:
                while piece := content.read(CHUNK):
                    coming.write(piece)
                if not coming.finish():
                    raise Conflict(f"{path} could not be stored", hints=["upload it again"])
        return key

    def _known(self, repo: Repo, repository: Repository, keys: Iterable[str]) -> tuple[str, str, str]:
        """Write down in the branch git-annex that the hub has contents; give the move of the branch."""
        tip = refs.resolve(repo, LOCAL)
        if tip is None:
            raise Conflict("the branch git-annex is gone", hints=["push it from a clone, and upload again"])
        names = [log_name(key) for key in dict.fromkeys(keys)]
        entries, blobs = [], []
        for name, found in zip(names, objects.read_many(repo, [f"{tip}:{n}" for n in names]), strict=True):
            lines, unknown = parse_presence(decode(found.content) if found else "")
            old = [lines[repository.uuid].stamp] if repository.uuid in lines else []
            mine = Presence(repository.uuid, True, stamp(self._clock(), newer_than=old))
            text = encode(build_presence({**lines, repository.uuid: mine}.values(), unknown))
            blobs.append(text)
            entries.append(NewEntry(name, modes.FILE, objects.name_of_blob(text, len(tip))))
        objects.write_blobs(repo, blobs)
        with private_index(repo, tree=tip) as index:
            put_entries(index, entries)
            made = commits.commit_tree(repo, write_tree(index), [tip], "update\n")
        return LOCAL, made, tip

    def _identity(self, actor: Actor) -> dict[str, str]:
        now = f"{int(self._clock())} +0000"
        who = {"NAME": actor.name, "EMAIL": f"{actor.name}@hub", "DATE": now}
        return {f"GIT_{role}_{word}": text for role in ("AUTHOR", "COMMITTER") for word, text in who.items()}


def _possible(repo: Repo, keep: Keep) -> Keep:
    if refs.resolve(repo, LOCAL) is not None:
        return keep
    if keep is Keep.ANNEX:
        raise BadName(
            "the annex of this repository is not in use yet: nobody could learn that the content is here",
            hints=["push a dataset with its branch git-annex first: datalad push --to hub"],
        )
    return Keep.GIT


def _path(folder: str, name: str) -> str:
    parts = [*(part for part in folder.split("/") if part), name]
    for part in parts:
        if not _PART.fullmatch(part):
            raise BadName(f"{part[:80]!r} cannot be the name of a file or a folder here")
    return "/".join(parts)


def _require_fit(repo: Repo, wish: Wish, tip: str | None, paths: Iterable[str]) -> None:
    """Refuse what would go over a folder, or over what the sender has not seen."""
    with objects.object_reader(repo) as reader:
        for path in paths:
            now = _entry(reader, tip, path)
            if now is not None and now[0] in (FOLDER, SUBDATASET):
                raise BadName(f"{path} is a folder")
            above = path.rpartition("/")[0]
            while above:
                found = _entry(reader, tip, above)
                if found is not None and found[0] != FOLDER:
                    raise BadName(f"{above} is a file, or a subdataset: nothing can be put into it here")
                above = above.rpartition("/")[0]
            if tip != wish.base and now != _entry(reader, wish.base or None, path):
                raise Conflict(
                    f"somebody has changed {path} on {wish.branch} since this page was loaded",
                    hints=["look at what is there now, and upload again if it is still right"],
                )


def _entry(reader: ObjectReader, commit: str | None, path: str) -> Stored | None:
    if commit is None:
        return None
    above, _, name = path.rpartition("/")
    return next((e for e in tree_at(reader, commit, above) or () if e[1] == encode(name)), None)


def _key(path: str, backend: str, file: Path) -> str:
    hasher = hasher_of(backend)
    assert hasher is not None
    with open(file, "rb") as content:
        while piece := content.read(CHUNK):
            hasher.update(piece)
    ending = ""
    if backend.endswith("E"):
        kept = kept_extension(path)
        if kept is None:
            raise BadName(
                f"which ending of {path} belongs to its key is not known here",
                hints=["give the file a name with an ending of plain letters"],
            )
        ending = kept
    return format_key(Key(backend, hasher.hexdigest() + ending, file.stat().st_size))


def _entries(
    repo: Repo, kept: Sequence[Kept], files: Mapping[str, Path], keys: Mapping[str, str]
) -> list[NewEntry]:
    plain = [one.path for one in kept if one.backend is None]
    listed = b"".join(encode(str(files[path])) + b"\n" for path in plain)
    argv = ("hash-object", "-w", "--no-filters", "--stdin-paths")
    names = repo.run(*argv, stdin=listed).text.split() if plain else []
    made = [NewEntry(path, modes.FILE, name) for path, name in zip(plain, names, strict=True)]
    links = {one.path: encode(link_target(keys[one.path], one.path)) for one in kept if one.backend}
    objects.write_blobs(repo, links.values())
    length = name_length(repo)
    return [
        *made,
        *(NewEntry(path, modes.SYMLINK, objects.name_of_blob(link, length)) for path, link in links.items()),
    ]


def _commit(repo: Repo, tree: str, tip: str | None, message: str) -> str:
    return commits.commit_tree(repo, tree, [tip] if tip else [], clean_message(message))


def _told(files: Mapping[str, Path]) -> str:
    return f"Add {next(iter(files))}" if len(files) == 1 else f"Add {len(files)} files"
