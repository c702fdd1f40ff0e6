"""The stamp in the legacy archive (`info/dlra-stamp`): which push record it shows, of which repository.

A peer that pushes unpacks and packs the archive again, stamp included; so a stamp
holds only if the hash of `refs` in it is that of the refs beside it.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from rookery.deposit.protocol.records import Identity
from rookery.deposit.terms.refsfile import digest

_FORMAT = "rookery deposit stamp"
_HASH = re.compile(r"[0-9a-f]{64}")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LIMIT = 64 << 10


class Stamp(NamedTuple):
    """What a stamp says."""

    identity: Identity
    record: str
    refs_hash: str

    def holds_for(self, refs: bytes) -> bool:
        """Say whether the stamp speaks of this `refs` file, not of one before a peer's push."""
        return digest(refs) == self.refs_hash


def build(identity: Identity, record: str, refs: bytes) -> bytes:
    """Write the stamp for an archive with this `refs` file."""
    fields = {
        "format": _FORMAT,
        "version": 1,
        "roots": sorted(identity.roots),
        "object_format": identity.object_format,
        "dataset": identity.dataset,
        "record": record,
        "refs_sha256": digest(refs),
    }
    return json.dumps(fields, sort_keys=True, indent=1).encode() + b"\n"


def parse(raw: bytes) -> Stamp | None:
    """Read a stamp; None for what is none, or of a version that we do not know: it is only a help."""
    if len(raw) > _LIMIT:
        return None
    try:
        fields: dict[str, Any] = json.loads(raw)
        if fields["format"] != _FORMAT or fields["version"] != 1:
            return None
        roots, hashed, record = fields["roots"], fields["refs_sha256"], fields["record"]
        good = all(_SHA.fullmatch(root) for root in roots) and _HASH.fullmatch(hashed)
        if not good or fields["object_format"] not in ("sha1", "sha256") or not isinstance(record, str):
            return None
        dataset = fields["dataset"]
        identity = Identity(frozenset(roots), fields["object_format"], dataset and str(dataset))
        return Stamp(identity, record, hashed)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
