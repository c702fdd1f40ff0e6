"""BLAKE2bp and BLAKE2sp at their full length, out of hashlib's BLAKE2b and BLAKE2s in tree mode.

The input is dealt out block by block to as many leaves as the variant has, and
the root hashes their digests: <https://www.blake2.net/blake2.pdf>, section 2.10.
Shorter digests cannot be had so: their leaves are told the short length and
give the full one nevertheless, which hashlib does not do.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple


class _Variant(NamedTuple):
    make: Any  # `hashlib.blake2b` or `hashlib.blake2s`
    leaves: int
    block: int
    """Bytes that a leaf takes at a time."""

    def node(self, *, depth: int, number: int, last: bool) -> Any:
        size = self.make.MAX_DIGEST_SIZE
        return self.make(
            digest_size=size,
            inner_size=size,
            fanout=self.leaves,
            depth=2,
            leaf_size=0,
            node_depth=depth,
            node_offset=number,
            last_node=last,
        )


_VARIANTS = {
    "BLAKE2BP512": _Variant(hashlib.blake2b, leaves=4, block=128),
    "BLAKE2SP256": _Variant(hashlib.blake2s, leaves=8, block=64),
}


class Blake2Parallel:
    """What hashlib would make for a backend of git-annex, BLAKE2BP512 or BLAKE2SP256."""

    def __init__(self, backend: str) -> None:
        """Raise KeyError for another backend."""
        self._variant = variant = _VARIANTS[backend]
        last = variant.leaves - 1
        self._leaves = [variant.node(depth=0, number=n, last=n == last) for n in range(variant.leaves)]
        self._rest = b""

    def update(self, data: bytes | memoryview, /) -> None:
        """Take in more."""
        block, leaves = self._variant.block, self._leaves
        stripe = block * len(leaves)
        whole = memoryview(self._rest + data)
        end = len(whole) - len(whole) % stripe
        for number, leaf in enumerate(leaves):
            leaf.update(b"".join([whole[at : at + block] for at in range(number * block, end, stripe)]))
        self._rest = bytes(whole[end:])

    def hexdigest(self) -> str:
        """Give the digest of all that was taken in; nothing can be taken in after it."""
        block = self._variant.block
        root = self._variant.node(depth=1, number=0, last=True)
        for number, leaf in enumerate(self._leaves):
            leaf.update(self._rest[number * block : (number + 1) * block])
            root.update(leaf.digest())
        digest: str = root.hexdigest()
        return digest
