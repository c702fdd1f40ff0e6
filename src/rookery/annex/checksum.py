"""Whether content is what its key says, for the keys whose backends Python can compute."""

from __future__ import annotations

import os
import re
from typing import Protocol

from rookery.annex.keys import Key, parse_key

# git-annex's names (without the E that keeps an extension) to hashlib's; BLAKE2 takes its length in bytes.
_SHA3 = re.compile(r"SHA3_(224|256|384|512)")
_BLAKE2 = re.compile(r"BLAKE2([BS])(160|224|256|384|512)")
_SHA2 = {
    "MD5": "md5",
    "SHA1": "sha1",
    "SHA224": "sha224",
    "SHA256": "sha256",
    "SHA384": "sha384",
    "SHA512": "sha512",
}

CHUNK = 1 << 20


def verified(key: str, path: str) -> bool | None:
    """Say whether a file's content is that of a key; None if its backend cannot be computed here.

    A size that differs from the key's settles it without reading, for every backend.
    """
    parsed = parse_key(key)
    if parsed is None:
        return None
    if parsed.size is not None and os.stat(path).st_size != parsed.size:
        return False
    hasher = hasher_of(parsed.backend)
    if hasher is None:
        return None
    with open(path, "rb") as content:
        while piece := content.read(CHUNK):
            hasher.update(piece)
    return is_of(parsed, hasher)


def is_of(key: Key, hasher: Hasher) -> bool:
    """Say whether a key's hash is that of what a hasher has taken in."""
    return hasher.hexdigest() == key.name.partition(".")[0]


class Hasher(Protocol):
    """What hashlib and its like make."""

    def update(self, data: bytes | memoryview, /) -> object:
        """Take in more."""

    def hexdigest(self) -> str:
        """Give the digest of all that was taken in."""


def hasher_of(backend: str) -> Hasher | None:
    """Make what computes the names of a backend's keys; None if that cannot be done here."""
    import hashlib  # start-up

    name = backend.removesuffix("E")
    if name in _SHA2:
        return hashlib.new(_SHA2[name], usedforsecurity=False)
    if found := _SHA3.fullmatch(name):
        return hashlib.new(f"sha3_{found[1]}")
    if name in ("BLAKE2BP512", "BLAKE2SP256"):
        from rookery.annex.blake2_parallel import Blake2Parallel  # start-up

        return Blake2Parallel(name)
    if name in ("BLAKE3_256", "XXH3"):
        return _of_a_library(name)
    if found := _BLAKE2.fullmatch(name):
        size = int(found[2]) // 8
        make = hashlib.blake2b if found[1] == "B" else hashlib.blake2s
        return make(digest_size=size) if size <= make.MAX_DIGEST_SIZE else None
    return None


def _of_a_library(name: str) -> Hasher | None:
    """BLAKE3 and XXH3 (64 bits wide) are not in Python: the extra `rookery[hashes]` brings them."""
    try:
        if name == "XXH3":
            from xxhash import xxh3_64  # start-up, and neither need be installed

            return xxh3_64()
        from blake3 import blake3

        return blake3()
    except ImportError:
        return None
