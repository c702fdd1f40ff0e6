"""Keys: the names that git-annex gives to contents, and the folders that it files them under.

    SHA256E-s31390--f50d7ac4c6b9031379986bc362fcefb65f1e52621ce1708d537e740fefc59cc0.mp3
    BACKEND -sSIZE -mMTIME -SCHUNKSIZE-CCHUNK -- NAME

Everything here is a function of values.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from rookery.core.process import decode, encode
from rookery.core.sizes import rough

# What is read as a pointer is at most this long (git-annex refuses longer ones).
POINTER_LIMIT = 32 * 1024

_KEY = re.compile(r"([A-Za-z0-9_]+)((?:-[smSC][0-9]+)*)--(.+)", re.DOTALL)
# What almost every key begins with: read in a third of the time.
_SIZED = re.compile(r"[A-Za-z0-9_]+-s([0-9]+)--.", re.DOTALL)
_FIELD = re.compile(r"-([smSC])([0-9]+)")
_MIXED_LETTERS = "0123456789zqjxkmvwgpfZQJXKMVWGPF"
# Every pair of letters that twelve bits stand for: the lower five of the upper six, then of the lower six.
_MIXED_PAIRS = [_MIXED_LETTERS[bits >> 6 & 31] + _MIXED_LETTERS[bits & 31] for bits in range(1 << 12)]
_LINK_MARK = re.compile(r"(?:^|[/\\])annex[/\\]objects[/\\]")


class Key(NamedTuple):
    """A key taken apart; `size` is None when the key does not tell it (some URL keys)."""

    backend: str
    name: str
    size: int | None = None
    mtime: int | None = None
    chunk_size: int | None = None
    chunk: int | None = None

    @property
    def extension(self) -> str:
        """The extension kept in the name, with its dot; empty for backends that keep none."""
        if not self.backend.endswith("E"):
            return ""
        _, dot, rest = self.name.partition(".")
        return dot + rest

    def __str__(self) -> str:
        return format_key(self)


def parse_key(text: str) -> Key | None:
    """Take a key apart; None if `text` is not a key."""
    found = _KEY.fullmatch(text)
    if not found:
        return None
    fields = {letter: int(digits) for letter, digits in _FIELD.findall(found[2])}
    return Key(found[1], found[3], fields.get("s"), fields.get("m"), fields.get("S"), fields.get("C"))


def format_key(key: Key) -> str:
    """Put a key together again, fields in git-annex's order."""
    chunk = (("S", key.chunk_size), ("C", key.chunk))
    fields = (("s", key.size), ("m", key.mtime), *chunk)
    return key.backend + "".join(f"-{k}{v}" for k, v in fields if v is not None) + "--" + key.name


# What git-annex keeps of extensions unless told otherwise: so many letters, so many of them.
EXTENSION_LENGTH, EXTENSIONS = 4, 2


def kept_extension(name: str, *, longest: int = EXTENSION_LENGTH, most: int = EXTENSIONS) -> str | None:
    """Give the part of a file's name that its key keeps, with its dots; None if only git-annex can say.

    Extensions count from the end up to the first that is too long.  Those with
    anything but letters and digits in them do not count, empty ones do.
    """
    _stem, *parts = name.rpartition("/")[2].lstrip(".").split(".")
    kept: list[str] = []
    for part in reversed(parts):
        if len(kept) >= most or len(encode(part)) > longest:
            break
        if not part.isascii():
            return None  # which letters count is for Haskell to say
        if not part or part.isalnum():
            kept.append(part)
    return "".join(f".{part}" for part in reversed(kept) if part)


def size_of(key: str) -> int | None:
    """Read the size that a key tells; None if it tells none."""
    if plain := _SIZED.match(key):
        return int(plain[1])
    parsed = parse_key(key)
    return parsed.size if parsed else None


def facts(key: str) -> dict[str, Any]:
    """Give what a key tells of its content, under the names that git-annex and DataLad use."""
    parsed = parse_key(key)
    assert parsed is not None, key
    told: dict[str, Any] = {"key": key, "backend": parsed.backend, "keyname": parsed.name}
    told["mtime"] = "unknown" if parsed.mtime is None else str(parsed.mtime)
    told["humansize"] = "unknown" if parsed.size is None else rough(parsed.size)
    if parsed.size is not None:
        told["bytesize"] = parsed.size
    return told


def folders(key: str) -> dict[str, str]:
    """Give the folders that a key's content is filed in, in both layouts."""
    return {"hashdirlower": f"{hashdirlower(key)}/", "hashdirmixed": f"{hashdirmixed(key)}/"}


def key_file(key: str) -> str:
    """Give the file name under which a key is filed: no slash, percent sign or colon in it."""
    return key.replace("&", "&a").replace("%", "&s").replace(":", "&c").replace("/", "%")


def file_key(name: str) -> str:
    """Undo `key_file`."""
    return name.replace("%", "/").replace("&c", ":").replace("&s", "%").replace("&a", "&")


def hashdirlower(key: str) -> str:
    """Give the two folders used in the branch, in bare repositories and special remotes: `49b/329`."""
    digest = _md5(key).hex()
    return f"{digest[:3]}/{digest[3:6]}"


def hashdirmixed(key: str) -> str:
    """Give the two folders used in the object store of a repository with a work tree: `mK/4w`."""
    return _mixed(_md5(key))


@lru_cache(maxsize=256)
def filed(key: str) -> tuple[str, str]:
    """Give where a key's content is filed, below `annex/objects`, in the layouts of `hashdirmixed` and `hashdirlower`.

    Remembered for the last few keys: each is looked for several times in a row.
    """
    digest = _md5(key)
    lower = digest.hex()
    name = key_file(key)
    return f"{_mixed(digest)}/{name}/{name}", f"{lower[:3]}/{lower[3:6]}/{name}/{name}"


def _mixed(digest: bytes) -> str:
    word = int.from_bytes(digest[:4], "little")
    return f"{_MIXED_PAIRS[word & 0xFFF]}/{_MIXED_PAIRS[word >> 12 & 0xFFF]}"


def _md5(key: str) -> bytes:
    import hashlib  # start-up: status of a small dataset never hashes a key

    if "-C" in key or "-S" in key:  # the chunks of a key are filed beside it
        parsed = parse_key(key)
        if parsed:
            key = format_key(parsed._replace(chunk_size=None, chunk=None))
    return hashlib.md5(encode(key), usedforsecurity=False).digest()


def key_of_link(target: str) -> str | None:
    """Read the key that a symlink points to; None if it does not point into an object store."""
    if not _LINK_MARK.search(target):
        return None
    key = file_key(target.replace("\\", "/").rpartition("/")[2])
    return key if _KEY.fullmatch(key) else None


def key_of_pointer(content: bytes) -> str | None:
    """Read the key from the whole content of a pointer file; None if it is none."""
    if not content.startswith(b"/annex/objects/") or len(content) > POINTER_LIMIT:
        return None
    first, *rest = content.split(b"\n")
    if any(line and not line.startswith(b"/annex/") for line in rest):
        return None  # somebody appended to the pointer: what is there is data now
    return key_of_link(decode(first.removesuffix(b"\r")))


def pointer(key: str) -> bytes:
    """Give the content of the pointer file of an unlocked file."""
    return b"/annex/objects/" + encode(key_file(key)) + b"\n"
