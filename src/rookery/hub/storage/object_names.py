"""The names of objects in a bucket.

    content/12/SHA256E-s5--ab.dat/6d1c...   the content of a key, brought to repository 12
    tails/6d1c...                           the end of an upload that stopped

The name tells the key, so that contents can be found without a database; the
last part is by chance, so that no name comes twice.  Letters that may mean
something to a store or to a proxy, and bytes that are no text, are =XX.
"""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

from rookery.core.process import decode, encode

CONTENT = "content/"


def below(repository: int) -> str:
    """Give the beginning of the names of a repository's contents."""
    return f"{CONTENT}{repository:d}/"


def object_name(repository: int, key: str, suffix: str) -> str:
    """Give the name of a content."""
    return f"{below(repository)}{quote(encode(key), safe='').replace('%', '=')}/{suffix}"


def parse_name(repository: int, name: str) -> tuple[str, str] | None:
    """Give the key and the suffix of a content's name; None if it is another's."""
    parts = name.removeprefix(below(repository)).split("/")
    if not name.startswith(below(repository)) or len(parts) != 2:
        return None
    return decode(unquote_to_bytes(parts[0].replace("=", "%"))), parts[1]


def tail_name(suffix: str) -> str:
    """Give the name of what came behind the last part of an upload."""
    return f"tails/{suffix}"
