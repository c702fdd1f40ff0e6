"""What records say of contents: sizes, keys, and whether the content is here; by stat, no git-annex."""

from __future__ import annotations


from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rookery.annex.files import annexed, keys_of_blobs
from rookery.annex.keys import hashdirlower, hashdirmixed, parse_key
from rookery.core.sizes import rough
from rookery.git import modes
from rookery.git.objects import stat_many
from rookery.git.repo import Repo
from rookery.steps.states import Item

AnnexInfo = Literal["basic", "availability", "all"]
Keys = dict[str, Any]


class Blob(NamedTuple):
    """A content in Git, as listings of annexed files want to have it."""

    path: str
    mode: int
    sha: str


def sizes(repo: Repo, items: Sequence[Item]) -> Iterator[Item]:
    """Fill in the size of unchanged files, as Git has them, where it is not known yet."""
    wanted = [i.sha for i in items if i.sha and i.state == "clean" and i.size is None and _is_file(i.mode)]
    known = {s.sha: s.size for s in stat_many(repo, dict.fromkeys(wanted)) if s is not None} if wanted else {}
    for item in items:
        if item.state == "clean" and item.sha in known and _is_file(item.mode):
            yield item._replace(size=known[item.sha])
        else:
            yield item


def described(repo: Repo, items: Sequence[Item], info: AnnexInfo, *, previous: bool = False) -> Iterator[Keys]:
    """Give for each item the keys that tell of annexed content; none for other items.

    What is not in the work tree has no content to speak of.  With `previous`,
    what was before is described too, by keys that begin with `prev_`.
    """
    now = [Blob(i.path, i.mode, i.sha) for i in items if i.sha and i.state != "deleted" and _in_tree(i)]
    available = info != "basic"
    found = dict(_present(repo, now) if available else _named(repo, now))
    before = dict(_named(repo, [b for b in map(_previous, items) if b is not None])) if previous else {}
    for item in items:
        told = dict(found.get(item.path, {}))
        if told:
            told["type"] = "file"
        for key, value in before.get(item.path, {}).items():
            told[f"prev_{key}"] = str(value)  # as text, as in DataLad's records
        yield told


def _is_file(mode: int) -> bool:
    return mode in (modes.FILE, modes.EXECUTABLE)


def _in_tree(item: Item) -> bool:
    return _is_file(item.mode) or item.mode == modes.SYMLINK


def _previous(item: Item) -> Blob | None:
    if item.previous is not None:
        return Blob(item.path, item.previous_mode, item.previous)
    return Blob(item.path, item.mode, item.sha) if item.state == "deleted" and item.sha else None


def _named(repo: Repo, blobs: Sequence[Blob]) -> Iterator[tuple[str, Keys]]:
    keys = keys_of_blobs(repo, blobs)
    for blob in blobs:
        if blob.sha in keys:
            key = keys[blob.sha][0]
            yield blob.path, {**about(key), **_folders(key)}


def _present(repo: Repo, blobs: Sequence[Blob]) -> Iterator[tuple[str, Keys]]:
    for file in annexed(repo, blobs):
        place = {"objloc": file.objpath} if file.present else _folders(file.key)
        yield file.path, {**about(file.key), "has_content": file.present, **place}


def _folders(key: str) -> Mapping[str, str]:
    return {"hashdirlower": f"{hashdirlower(key)}/", "hashdirmixed": f"{hashdirmixed(key)}/"}


def about(key: str) -> Keys:
    """Give what a key tells of its content, under git-annex's names."""
    parsed = parse_key(key)
    assert parsed is not None, key
    told: Keys = {"key": key, "backend": parsed.backend, "keyname": parsed.name}
    told["mtime"] = "unknown" if parsed.mtime is None else str(parsed.mtime)
    told["humansize"] = "unknown" if parsed.size is None else rough(parsed.size)
    if parsed.size is not None:
        told["bytesize"] = parsed.size
    return told


