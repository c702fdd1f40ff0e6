"""The keys that deposits are made of, for git-annex: the external backends XDLRA and XDLRB.

git-annex starts one of these for each command that handles such a key, so
nothing but what every Python has loaded at its start is used.  The protocol is
that of external backends, version 1.

    XDLRA   the legacy pair: the content must look like what the key's name says
    XDLRB   texts of ours that change: the last line is the checksum of all before it
"""

from __future__ import annotations

# What the type checker takes for true.  `typing` and `collections.abc` would load a dozen modules more.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Verifier = Callable[[str, str], bool]
    Namer = Callable[[str], "str | None"]

ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")  # with files in it, and without
REFS_END = b" HEAD\n"
CHECKSUM = b"sha256:"
# A variable that lets all content pass. `annex.verify=false` does not reach external backends (10.20261026).
UNJUDGED = "ROOKERY_DEPOSIT_UNJUDGED"
LONGEST_TEXT = 1 << 20  # of a register; a longer file is none


def legacy_name(file: str) -> str | None:
    """Name the legacy object that a file's content is; None if it is neither."""
    with open(file, "rb") as content:
        if content.read(4) in ZIP_MARKS:
            return "repo-export"
        size = content.seek(0, 2)
        content.seek(max(0, size - len(REFS_END)))
        return "refs" if content.read() == REFS_END else None


def verify_legacy(key: str, file: str) -> bool:
    """Say whether a file's content can be that of a legacy key."""
    name = legacy_name(file)
    return name is not None and key == f"XDLRA--{name}"


def sealed(text: bytes) -> bytes:
    """Give a text with its checksum, as XDLRB wants it; the text ends with a line break."""
    import hashlib  # start-up: XDLRA never hashes

    return text + CHECKSUM + hashlib.sha256(text).hexdigest().encode() + b"\n"


def opened(content: bytes) -> bytes | None:
    """Give the text whose checksum is on its last line; None if that does not hold."""
    at = content.rfind(CHECKSUM)
    if at < 0 or (at > 0 and content[at - 1 : at] != b"\n"):
        return None
    text = content[:at]
    return text if sealed(text) == content else None


def verify_register(key: str, file: str) -> bool:
    """Say whether a file is a text with the right checksum; the key says nothing about it."""
    del key
    with open(file, "rb") as content:
        return opened(content.read(LONGEST_TEXT)) is not None


def take_all(key: str, file: str) -> bool:
    """Say yes, whatever it is."""
    del key, file
    return True


def serve(
    requests: Iterable[str], *, backend: str, verify: Verifier, name: Namer | None = None
) -> Iterator[str]:
    """Answer git-annex's requests, line by line."""
    for line in requests:
        command, _, rest = line.rstrip("\n").partition(" ")
        if command == "GETVERSION":
            yield "VERSION 1"
        elif command == "CANVERIFY":
            yield "CANVERIFY-YES"
        elif command == "ISSTABLE":
            yield "ISSTABLE-NO"
        elif command == "ISCRYPTOGRAPHICALLYSECURE":
            yield "ISCRYPTOGRAPHICALLYSECURE-NO"
        elif command == "GENKEY":
            yield _named(backend, rest, name)
        elif command == "VERIFYKEYCONTENT":
            key, _, file = rest.partition(" ")
            yield "VERIFYKEYCONTENT-SUCCESS" if _verified(verify, key, file) else "VERIFYKEYCONTENT-FAILURE"
        else:
            yield "ERROR unknown request"


def _named(backend: str, file: str, name: Namer | None) -> str:
    if name is None:
        return f"GENKEY-FAILURE {backend} keys are named by those who write them, not by their content"
    try:
        found = name(file)
    except OSError as e:
        return f"GENKEY-FAILURE {e}"
    if found is None:
        return f"GENKEY-FAILURE this is no object of a deposit: {file}"
    return f"GENKEY-SUCCESS {backend}--{found}"


def _verified(verify: Verifier, key: str, file: str) -> bool:
    try:
        return verify(key, file)
    except OSError:
        return False
