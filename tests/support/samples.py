"""Sample data: text, bytes, pictures, and the names that break programs."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

# Each has broken some program that handles files; all are legal on POSIX filesystems with UTF-8 names.
ODD_NAMES = (
    "with space",
    " leading and trailing ",
    "-dash",
    "--option=value",
    ".hidden",
    "ünïcödé",
    "u\u0308 decomposed",
    "日本語",
    "emoji 🐦",
    "new\nline",
    "tab\there",
    'quo"te',
    "apo'strophe",
    "back\\slash",
    "dollar $HOME `id`",
    "glob*[a]?{b,c}",
    "hash#mark",
    "percent%20",
    "colon:name",
    ":(top)magic",
    "semi;colon&and|pipe",
    "at@{0}",
    "~tilde",
    "key=value",
    "a" * 200,
)

# Not UTF-8: Python knows it with a surrogate escape.
UNDECODABLE_NAME = os.fsdecode(b"latin1-\xe9.dat")


def binary(size: int = 1024, seed: int = 0) -> bytes:
    """Make bytes that no rule takes for text; the same for the same seed."""
    return (b"\x00\xff" + random.Random(seed).randbytes(max(size - 2, 0)))[:size]


def picture(colour: tuple[int, int, int] = (200, 120, 40), size: int = 48, form: str = "JPEG") -> bytes:
    """Make a small picture: a gradient of `colour`, so that turning it grey changes it."""
    image = Image.new("RGB", (size, size))
    steps = [tuple(part * x // size for part in colour) for x in range(size)]
    image.putdata([steps[x] for _ in range(size) for x in range(size)])
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def write_tree(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files by relative name, making folders on the way."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
