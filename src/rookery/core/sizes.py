"""Sizes as people read them."""

from __future__ import annotations

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
