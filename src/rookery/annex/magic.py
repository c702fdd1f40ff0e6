"""What kind of content a file has, by the very library that git-annex uses: libmagic out of its wheel."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rookery.core.process import decode, encode

# MAGIC_MIME: the type and the encoding, as in "text/plain; charset=us-ascii".
_BOTH = 0x410
# MAGIC_MIME_ENCODING without MAGIC_CHECK_SOFT: the encoding is told by the bytes alone.  Going through thousands
# of patterns takes a millisecond for each file, and tells nothing of it (3,000 files of all kinds compared).
_ENCODING = 0x4400


class Magic:
    """One open libmagic.  Not to be used by two threads at once."""

    def __init__(self, library: Any, cookie: int) -> None:
        self._library = library
        self._cookie = cookie

    def look(self, file: str) -> tuple[str, str]:
        """Give type and encoding of a file.  Raises OSError if it cannot be read."""
        os.stat(file)  # libmagic makes an answer of what went wrong
        answer = self._library.magic_file(self._cookie, encode(file))
        if answer is None:
            raise OSError(f"libmagic cannot tell what {file} is")
        kind, _, encoding = decode(answer).rpartition("; charset=")
        return kind, encoding

    def close(self) -> None:
        """Let go of the memory."""
        self._library.magic_close(self._cookie)


def open_magic(env: Mapping[str, str], *, types: bool = True) -> Magic | None:
    """Open the library of the git-annex that programs with this environment find; None if that is another's.

    Without `types` only encodings can be told, which is fifty times as fast.
    A git-annex that is not out of the wheel brings, or lacks, a libmagic that we do not know.
    """
    import ctypes  # start-up
    import shutil

    program = shutil.which("git-annex", path=env.get("PATH"))
    if program is None:
        return None
    folder = Path(os.path.realpath(program)).parent
    libraries = sorted(folder.with_name(f"{folder.name}.libs").glob("libmagic*.so*"))
    database = env.get("MAGIC", "")
    if len(libraries) != 1 or not os.path.exists(database):
        return None
    try:
        for needed in sorted(libraries[0].parent.glob("lib[bl]z*.so*")):
            ctypes.CDLL(str(needed))  # it looks for them by name only, and finds what is loaded already
        library = ctypes.CDLL(str(libraries[0]))
    except OSError:
        return None
    library.magic_open.restype, library.magic_open.argtypes = ctypes.c_void_p, [ctypes.c_int]
    library.magic_load.restype, library.magic_load.argtypes = ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p]
    library.magic_file.restype = ctypes.c_char_p
    library.magic_file.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    library.magic_close.restype, library.magic_close.argtypes = None, [ctypes.c_void_p]
    cookie = library.magic_open(_BOTH if types else _ENCODING)
    if not cookie:
        return None
    if library.magic_load(cookie, encode(database)):
        library.magic_close(cookie)
        return None
    return Magic(library, cookie)
