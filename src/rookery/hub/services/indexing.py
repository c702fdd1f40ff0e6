"""What a repository is found by, read from its default branch: six programs of Git at most, whatever its size.

All of it is bounded: PostgreSQL keeps at most a megabyte of words of one
row, and nobody reads more of a README.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rookery.annex.keys import key_of_link, key_of_pointer, size_of
from rookery.core.process import decode
from rookery.git import modes, objects, trees
from rookery.git.repo import Repo
from rookery.git.trees import Entry
from rookery.hub.domain.search import Document, words_in
from rookery.hub.services import metadata
from rookery.hub.services.browsing import GLANCE, Place
from rookery.hub.services.own_contents import OwnContents
from rookery.hub.services.runs import RunService

# Letters of each text, together far below PostgreSQL's megabyte of words, each of which costs a few bytes more.
MOST_README = 80_000
MOST_METADATA = 60_000
MOST_PATHS = 150_000
MOST_RUNS = 60_000

# Behind the paths that fit, words that no path before had.
MOST_FURTHER = 50_000

_RUNS = 200
_MOST_FILES = 20  # of metadata


class _Files(NamedTuple):
    """What the tree tells."""

    number: int
    size: int
    paths: str
    modalities: tuple[str, ...]


def read_document(place: Place, runs: RunService, own: OwnContents) -> Document:
    """Read all that a commit's repository is found by.  Raises CommandError."""
    entries = list(trees.ls_tree(place.repo, place.commit, sizes=True))
    top = {entry.path: entry for entry in entries if "/" not in entry.path and entry.kind == "blob"}
    readme = next((top[name] for name in sorted(top) if name.lower().startswith("readme")), None)
    told = [entry for name, entry in top.items() if metadata.is_metadata(name)][:_MOST_FILES]
    texts, missing = _texts(place, [*told, *([readme] if readme else [])], own)
    shown = texts.pop(readme.path, b"") if readme else b""
    said = "\n".join(metadata.text_in(name, content) for name, content in texts.items())
    files = _files(place.repo, entries, bids="dataset_description.json" in top)
    return Document(
        place.commit,
        metadata.described(texts),
        files.modalities,
        _text(shown)[:MOST_README],
        said[:MOST_METADATA],
        files.paths,
        _commands(place, runs)[:MOST_RUNS],
        files.number,
        files.size,
        missing,
    )


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace").replace("\0", " ")


def _texts(place: Place, entries: list[Entry], own: OwnContents) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Give what small files hold, by their names, and the keys of those whose content is not here."""
    texts: dict[str, bytes] = {}
    missing = []
    fit = [e for e in entries if (e.size or 0) <= metadata.LARGEST]
    for entry, blob in zip(fit, objects.read_many(place.repo, (e.sha for e in fit)), strict=True):
        if blob is None:
            continue
        key = _key_of(entry, blob.content)
        if key is None and entry.mode != modes.SYMLINK:
            texts[entry.path] = blob.content
        elif key is not None:
            content = own.read(place.repository.id, key, most=metadata.LARGEST)
            if content is None:
                missing.append(key)
            texts[entry.path] = content or b""
    return texts, tuple(missing)


def _key_of(entry: Entry, content: bytes) -> str | None:
    """Give the key that a file of Git stands for; None if it is its own content."""
    return key_of_link(decode(content)) if entry.mode == modes.SYMLINK else key_of_pointer(content)


def _commands(place: Place, runs: RunService) -> str:
    """Give the newest runs as text: what people said of them, and what was called."""
    found = runs.runs(place, limit=_RUNS)
    return "\n".join(f"{run.words}\n{run.command}" for run in found)


def _files(repo: Repo, entries: list[Entry], *, bids: bool) -> _Files:
    files = [entry for entry in entries if entry.kind == "blob"]
    modalities = {metadata.modality_of(entry.path) for entry in files} - {""} if bids else set()
    return _Files(len(files), _size(repo, files), _paths(e.path for e in entries), tuple(sorted(modalities)))


def _size(repo: Repo, files: list[Entry]) -> int:
    """Add up the sizes of all files: of annexed ones, what their keys tell."""
    size = sum(entry.size or 0 for entry in files)
    small = [e for e in files if e.mode == modes.SYMLINK or (e.size or 0) <= GLANCE]
    for entry, blob in zip(small, objects.read_many(repo, (e.sha for e in small)), strict=True):
        if blob is None:
            continue
        key = _key_of(entry, blob.content)
        size += (size_of(key) or 0) - (entry.size or 0) if key else 0
    return size


def _paths(paths: Iterable[str]) -> str:
    """Give paths to be searched: each name once, and words alone where there are too many names."""
    seen: set[str] = set()
    kept: list[str] = []
    length = 0
    for path in paths:
        for name in path.split("/"):
            if name in seen:
                continue
            seen.add(name)
            if length < MOST_PATHS:
                kept.append(name)
                length += len(name) + 1
            elif length < MOST_PATHS + MOST_FURTHER:
                for word in words_in(name):
                    if word not in seen:
                        seen.add(word)
                        kept.append(word)
                        length += len(word) + 1
    return "\n".join(kept)
