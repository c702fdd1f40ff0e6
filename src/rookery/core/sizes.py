"""Sizes as people read them."""

from __future__ import annotations

import re

_POWERS_OF_1024 = ("B", "KB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")

_UNITS = ("kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")


def natural(size: float) -> str:
    """Give a size in decimal units with one digit behind the point: `1.8 MB`, `10 Bytes`, `1 Byte`."""
    if abs(size) < 1000:
        return "1 Byte" if size == 1 else f"{int(size)} Bytes"
    for unit in _UNITS:
        size /= 1000
        if abs(size) < 999.95 or unit == _UNITS[-1]:  # what rounds to 1000.0 is one of the next unit
            break
    return f"{size:.1f} {unit}"


_TYPED = re.compile(r"(\d{1,19})(?:\.(\d{1,19}))? ?([kmgtpezy]?b)", re.IGNORECASE | re.ASCII)


def typed(text: str) -> int | None:
    """Read a size that a person typed, `500 GB` or `1.5 tb`, in decimal units; None if it is none.

    The unit must be there: a number alone might be meant as bytes or as gigabytes.
    """
    found = _TYPED.fullmatch(text.strip())
    if found is None:
        return None
    whole, part, unit = found[1], found[2] or "", found[3]
    power = "bkmgtpezy".index(unit[0].lower())
    return int(int(whole + part) * 1000**power // 10 ** len(part))


def exact(size: int) -> str:
    """Write a size so that `typed` reads the same: `500 GB`, `1234567 B`."""
    power = 0
    while size and size % 1000 == 0 and power < len(_UNITS) - 1:
        size //= 1000
        power += 1
    return f"{size} {_UNITS[power - 1] if power else 'B'}"


def binary(size: float) -> str:
    """Give a size in powers of 1024, with the letters and the one digit that DataLad's totals have: `3.1 MB`."""
    power = 0
    while size >= 1024 and power < len(_POWERS_OF_1024) - 1:
        size /= 1024
        power += 1
    return f"{size:.1f} {_POWERS_OF_1024[power]}"


def rough(size: int) -> str:
    """Give a size as git-annex does: decimal units, two digits at most behind the point: `1.11 kB`, `700 B`."""
    power = 0
    value = float(size)
    while value >= 1000 and power < len(_UNITS):
        value /= 1000
        power += 1
    unit = _UNITS[power - 1] if power else "B"
    return f"{value:.2f}".rstrip("0").rstrip(".") + f" {unit}"
