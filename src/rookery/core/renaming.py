"""Renaming that never replaces anything: the one thing about files for which Python has no function."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from functools import cache

from rookery.core.process import encode

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1  # renameat2(2), Linux 3.15

# What a system or a file system answers that cannot do it.
_UNABLE = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)


class CannotRename(Exception):
    """This system or file system has no renaming that replaces nothing; nothing was done."""


def rename_to_free(source: str, target: str) -> None:
    """Rename in one step, if nothing has the new name.

    Raises FileExistsError, other OSError as `os.rename` does, and CannotRename.
    """
    function = _function()
    if function is None:
        raise CannotRename(target)
    sys.audit("os.rename", source, target, -1, -1)  # as Python's own does: whoever watches it sees this too
    if function(_AT_FDCWD, encode(source), _AT_FDCWD, encode(target), _RENAME_NOREPLACE) == 0:
        return
    number = ctypes.get_errno()
    if number in _UNABLE:
        raise CannotRename(target)
    raise OSError(number, os.strerror(number), source, None, target)


@cache
def _function() -> Callable[..., int] | None:
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2  # glibc 2.28, musl 1.2.5
    except (OSError, AttributeError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return function
