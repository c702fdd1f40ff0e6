"""Keys as clients name them, read in one place."""

from __future__ import annotations

from rookery.annex.keys import key_file, parse_key
from rookery.core.process import encode
from rookery.hub.domain.errors import BadName

# A key is the name of a file, and what lies beside the file has a few letters more.
LONGEST = 240


def content_key(text: str) -> str:
    """Read a key; what comes back may name a file and stand on a line.  Raises BadName."""
    bad = any(ord(letter) < 32 or ord(letter) == 127 for letter in text)
    if bad or parse_key(text) is None or len(encode(key_file(text))) > LONGEST:
        raise BadName(f"{text[:80]!r} is not a key")
    return text
