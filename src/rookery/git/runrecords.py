"""Run records: what a command was, what it read and wrote, as a commit message that DataLad reads too.

    [DATALAD RUNCMD] Convert the third image

    === Do not change lines below ===
    {
     "chain": [],
     "cmd": "python code/greyscale.py {inputs} {outputs}",
     "dsid": "...", "exit": 0, "extra_inputs": [], "inputs": [...], "outputs": [...], "pwd": "."
    }
    ^^^ Do not change lines above ^^^

With a sidecar the message holds only an identity, `"<md5 of the record>"`, and
the record is a file of the dataset: one JSON line, xz-compressed.  Keys that are
not known here (`extra_info` of extensions) are kept as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from rookery.core.errors import RookeryError
from rookery.core.process import decode, encode

PREFIX = "[DATALAD RUNCMD]"
OPENING = "=== Do not change lines below ==="
CLOSING = "^^^ Do not change lines above ^^^"

SIDECAR_SWITCH = "datalad.run.record-sidecar"
SIDECAR_FOLDER = "datalad.run.record-directory"
DEFAULT_SIDECAR_FOLDER = ".datalad/runinfo"

# A record is some kilobytes.  What unpacks to more than this was made to fill somebody's memory.
LARGEST_SIDECAR = 16 << 20
_UNPACKING_MEMORY = 256 << 20

# A longer command is cut in messages and results, as in DataLad.
SHOWN = 40

# Greedy: a message that quotes a marker of its own does not hide the real ones, which come last.
_FORM = re.compile(
    re.escape(PREFIX) + r"\s(.*)" + re.escape(OPENING) + r"\n(.*)\n" + re.escape(CLOSING), re.DOTALL
)
_IDENTITY = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z._-]*")


class RunRecordError(RookeryError, ValueError):
    """A commit claims to hold a run record that cannot be read."""


class Recorded(NamedTuple):
    """A run as a commit tells it: the person's words, the record, and the sidecar's identity if it has one."""

    message: str
    info: dict[str, Any]
    sidecar: str | None = None


def shortened(command: str) -> str:
    """Give the beginning of a command, for messages."""
    return command[:SHOWN] + ("..." if len(command) > SHOWN else "")


def to_json(info: dict[str, Any]) -> str:
    """Write a record as it stands in a message; its MD5 is the sidecar's identity, so this never changes."""
    return json.dumps(info, indent=1, sort_keys=True, ensure_ascii=False)


def identity_of(text: str) -> str:
    """Give the name of the sidecar file for a record written by `to_json`."""
    import hashlib  # start-up: sidecars are rare

    return hashlib.md5(encode(text), usedforsecurity=False).hexdigest()


def build_message(words: str, payload: str) -> str:
    """Make a commit message; `payload` is a record or, with a sidecar, its identity in quotes.

    Leading blanks of `words` go: Git would cut the prefix's own, and DataLad
    would not find the record.
    """
    return f"{PREFIX} {words.lstrip() or 'command'}\n\n{OPENING}\n{payload}\n{CLOSING}\n"


def quoted(identity: str) -> str:
    """Give what a message holds in place of a record that is in a sidecar."""
    return json.dumps(identity)


def parse_message(message: str, load: Callable[[str], bytes]) -> Recorded | None:
    """Read the record in a commit message; None if there is none.

    `load` gives a sidecar's bytes by identity.  Raises RunRecordError for a
    record that is there and cannot be read, and what `load` raises.
    """
    found = _FORM.match(message)
    if not found:
        return None
    words, payload = found[1].rstrip(), found[2]
    try:
        info = json.loads(payload)
    except (ValueError, RecursionError) as e:
        raise RunRecordError("cannot rerun command, command specification is not valid JSON") from e
    sidecar = None
    if isinstance(info, str):
        if not _IDENTITY.fullmatch(info):
            raise RunRecordError(f"not the name of a run record sidecar file: {info!r}")
        sidecar, info = info, unpack_sidecar(load(info))
    if not isinstance(info, dict) or not isinstance(info.get("cmd"), str | list):
        raise RunRecordError("Looks like a run commit but does not have a command")
    return Recorded(words, info, sidecar)


def holds_record(message: str) -> bool:
    """Say whether a commit message holds a run record, without reading it."""
    return _FORM.match(message) is not None


def split_message(message: str) -> tuple[str, str] | None:
    """Give a run's words, and its record or the name of its sidecar as it was written; None without one."""
    found = _FORM.match(message)
    return (found[1].strip(), found[2]) if found else None


def words_of(message: str) -> str:
    """Give the person's words in the message of a run, without its record; "" if it holds none."""
    found = split_message(message)
    return found[0] if found else ""


def pack_sidecar(info: dict[str, Any]) -> bytes:
    """Give the content of a sidecar file."""
    import lzma  # start-up: sidecars are rare

    line = json.dumps(info, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return lzma.compress(encode(line + "\n"))


def unpack_sidecar(content: bytes) -> Any:
    """Read a sidecar file, compressed or (older ones) plain.  Raises RunRecordError."""
    import lzma  # start-up: sidecars are rare

    try:
        if content.startswith((b"\xfd7zXZ", b"\x5d\x00")):
            unpacking = lzma.LZMADecompressor(memlimit=_UNPACKING_MEMORY)
            content = unpacking.decompress(content, LARGEST_SIDECAR)
            if not unpacking.eof:
                raise EOFError("it is cut off, or larger than a run record can be")
        line, _, _ = decode(content).partition("\n")
        return json.loads(line)
    except (ValueError, RecursionError, lzma.LZMAError, EOFError) as e:
        raise RunRecordError(f"run record sidecar file cannot be read: {e}") from e


def sidecar_path(folder: str, identity: str) -> str:
    """Give the sidecar's path below the dataset.  Raises RunRecordError for a folder that leads out of it."""
    place = PurePosixPath(folder)
    if place.is_absolute() or ".." in place.parts or ".git" in place.parts:
        raise RunRecordError(f"{SIDECAR_FOLDER} must be a folder inside the dataset, not {folder!r}")
    return str(place / identity)
