"""The lines of git-annex's P2P protocol, versions 0 to 4: from values to bytes and back.

    client: VERSION 4                       server: VERSION 4
    client: GET 0 data/a%b.csv KEY          server: DATA 5, then five bytes, VALID
    client: SUCCESS

The format is that of https://git-annex.branchable.com/design/p2p_protocol/, and
what it leaves open is as `git-annex-shell p2pstdio` 10.20261026 does it.  Both
sides use this: a client builds requests and parses answers, a server the
reverse.  Nothing here reads or writes; the bytes that follow a `DATA` line are
the caller's.  `VERSIONS` tells from which version on a message may be sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, NamedTuple

from rookery.annex.keys import parse_key
from rookery.core.errors import RookeryError
from rookery.core.process import decode, encode

NEWEST = 4

# Keys and file names are far shorter; whoever sends more than this without a line break sends no message.
LONGEST_LINE = 64 * 1024

# More digits than any size or moment has: a hostile number is refused before it is computed.
_NUMBER = re.compile(r"[0-9]{1,18}")
# git-annex takes any word for a uuid; what could be a path or an option somewhere is none for us.
_UUID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class BadMessage(RookeryError):
    """A line that is no message of the protocol, or a value that no message can hold."""


class Auth(NamedTuple):
    """The client says who it is; over SSH nobody asks."""

    uuid: str
    token: str


class AuthSuccess(NamedTuple):
    """The server's first words over SSH, and its answer to `Auth`: which repository it is."""

    uuid: str


class AuthFailure(NamedTuple):
    """The server wants nothing to do with the client, and closes."""


class Version(NamedTuple):
    """The client's newest version; the answer is the newest of the server's that is not above it."""

    number: int


class Connect(NamedTuple):
    """Git's own protocol follows, for `git-upload-pack` or `git-receive-pack`."""

    service: str


class ConnectDone(NamedTuple):
    """Git's service has ended, with this exit code."""

    code: int


class NotifyChange(NamedTuple):
    """The client waits for `Changed`."""


class Changed(NamedTuple):
    """Refs of the server that have changed."""

    refs: tuple[str, ...]


class CheckPresent(NamedTuple):
    """Answer: `Success` if the content is there, else `Failure`."""

    key: str


class LockContent(NamedTuple):
    """Answer: `Success` when the content is kept until `UnlockContent`, or for ten minutes; else `Failure`."""

    key: str


class UnlockContent(NamedTuple):
    """The content need not be kept any longer; no answer."""


class Remove(NamedTuple):
    """Answer: `Success` when the content is gone, also if it was not there; else `Failure`."""

    key: str


class RemoveBefore(NamedTuple):
    """`Remove`, unless the server's clock (`GetTimestamp`) has reached a moment."""

    timestamp: int
    key: str


class GetTimestamp(NamedTuple):
    """Answer: `Timestamp`."""


class Timestamp(NamedTuple):
    """A clock of the server's that only goes forward, in whole seconds."""

    seconds: int


class Get(NamedTuple):
    """Answer: `Data` from an offset on, and from version 1 on `Valid`; then the client's `Success` or `Failure`.

    Content that is not there is no bytes, and `Invalid` (in version 0: no bytes).
    """

    offset: int
    file: str
    key: str


class Put(NamedTuple):
    """Answer: `AlreadyHave`, or `PutFrom`, to which the client sends `Data` (and `Valid`, from version 1 on)."""

    file: str
    key: str


class PutFrom(NamedTuple):
    """The server has so many bytes of the content from a former attempt."""

    offset: int


class AlreadyHave(NamedTuple):
    """The server has the content."""


class AlreadyHavePlus(NamedTuple):
    """The server has the content, and so have other repositories behind it."""

    uuids: tuple[str, ...]


class Success(NamedTuple):
    """It was done; of a client after `Get`: all has arrived."""


class SuccessPlus(NamedTuple):
    """It was done, in other repositories behind the server as well."""

    uuids: tuple[str, ...]


class Failure(NamedTuple):
    """It was not done, or the answer is no."""


class FailurePlus(NamedTuple):
    """It was not done here, but in other repositories behind the server."""

    uuids: tuple[str, ...]


class Data(NamedTuple):
    """So many bytes follow, without anything behind them."""

    size: int


class DataPresent(NamedTuple):
    """Instead of `Data` after `PutFrom`: the content came there in another way."""


class Valid(NamedTuple):
    """What was sent is what the sender meant to send."""


class Invalid(NamedTuple):
    """The content changed while it was sent, or was not there."""


class Bypass(NamedTuple):
    """The server is not to pass requests on to these; no answer."""

    uuids: tuple[str, ...]


class Error(NamedTuple):
    """Something went wrong; a server's connection goes on, a client's ends."""

    text: str


Message = (
    Auth | AuthSuccess | AuthFailure | Version | Connect | ConnectDone | NotifyChange | Changed
    | CheckPresent | LockContent | UnlockContent | Remove | RemoveBefore | GetTimestamp | Timestamp
    | Get | Put | PutFrom | AlreadyHave | AlreadyHavePlus | Success | SuccessPlus | Failure | FailurePlus
    | Data | DataPresent | Valid | Invalid | Bypass | Error
)  # fmt: skip


class _Field(NamedTuple):
    """How a parameter is written and read; `whole` ones take the rest of the line.  Both raise BadMessage."""

    write: Callable[[Any], str]
    read: Callable[[str], Any]
    whole: bool = False


def file_word(path: str) -> str:
    """Write a file name as one word, as git-annex does: it is for people to see, and white space in it is lost."""
    return re.sub(r"\s", "%", path.replace("%", "%%"))


def word_file(word: str) -> str:
    """Read a file name; empty if there is none, or if it says that it is somewhere else than below the top."""
    path = re.sub(r"%(%?)", lambda found: found[1] or "_", word)
    if path.startswith("/") or ".." in path.split("/"):
        return ""
    return path


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise BadMessage(f"{text[:40]!r} is no number")
    return int(text)


def _digits(value: int) -> str:
    return str(_number(str(value)))


def _uuid(text: str) -> str:
    if not _UUID.fullmatch(text):
        raise BadMessage(f"{text[:140]!r} is no uuid")
    return text


def _key(text: str) -> str:
    if parse_key(text) is None:
        raise BadMessage(f"{text[:200]!r} is no key")
    return text


def _word(text: str) -> str:
    if not text or " " in text:
        raise BadMessage(f"{text[:40]!r} is not one word")
    return text


def _service(text: str) -> str:
    if text not in ("git-upload-pack", "git-receive-pack"):
        raise BadMessage(f"{text[:40]!r} is no service of Git's")
    return text


def _several(each: Callable[[str], str]) -> _Field:
    def write(many: tuple[str, ...]) -> str:
        return " ".join(map(each, many))

    def read(text: str) -> tuple[str, ...]:
        return tuple(each(word) for word in text.split(" ") if word)

    return _Field(write, read, whole=True)


_NUMBERS = _Field(_digits, _number)
_UUIDS = _several(_uuid)
_A_UUID = _Field(_uuid, _uuid)
_A_KEY = _Field(_key, _key, whole=True)
_A_FILE = _Field(file_word, word_file)

_GRAMMAR: dict[str, tuple[type[Any], tuple[_Field, ...]]] = {
    "AUTH": (Auth, (_A_UUID, _Field(_word, _word))),
    "AUTH-SUCCESS": (AuthSuccess, (_A_UUID,)),
    "AUTH-FAILURE": (AuthFailure, ()),
    "VERSION": (Version, (_NUMBERS,)),
    "CONNECT": (Connect, (_Field(_service, _service),)),
    "CONNECTDONE": (ConnectDone, (_NUMBERS,)),
    "NOTIFYCHANGE": (NotifyChange, ()),
    "CHANGED": (Changed, (_several(_word),)),
    "CHECKPRESENT": (CheckPresent, (_A_KEY,)),
    "LOCKCONTENT": (LockContent, (_A_KEY,)),
    "UNLOCKCONTENT": (UnlockContent, ()),
    "REMOVE": (Remove, (_A_KEY,)),
    "REMOVE-BEFORE": (RemoveBefore, (_NUMBERS, _A_KEY)),
    "GETTIMESTAMP": (GetTimestamp, ()),
    "TIMESTAMP": (Timestamp, (_NUMBERS,)),
    "GET": (Get, (_NUMBERS, _A_FILE, _A_KEY)),
    "PUT": (Put, (_A_FILE, _A_KEY)),
    "PUT-FROM": (PutFrom, (_NUMBERS,)),
    "ALREADY-HAVE": (AlreadyHave, ()),
    "ALREADY-HAVE-PLUS": (AlreadyHavePlus, (_UUIDS,)),
    "SUCCESS": (Success, ()),
    "SUCCESS-PLUS": (SuccessPlus, (_UUIDS,)),
    "FAILURE": (Failure, ()),
    "FAILURE-PLUS": (FailurePlus, (_UUIDS,)),
    "DATA": (Data, (_NUMBERS,)),
    "DATA-PRESENT": (DataPresent, ()),
    "VALID": (Valid, ()),
    "INVALID": (Invalid, ()),
    "BYPASS": (Bypass, (_UUIDS,)),
    "ERROR": (Error, (_Field(str, str, whole=True),)),
}

_VERBS = {made: (verb, fields) for verb, (made, fields) in _GRAMMAR.items()}

# From which version on a message may be sent; all others from 0 on.
VERSIONS = MappingProxyType(
    {
        Valid: 1,
        Invalid: 1,
        AlreadyHavePlus: 2,
        SuccessPlus: 2,
        FailurePlus: 2,
        Bypass: 2,
        RemoveBefore: 3,
        GetTimestamp: 3,
        Timestamp: 3,
        DataPresent: 4,
    }
)


def build(message: Message) -> bytes:
    """Write a message as a line, with its line break.  Raises BadMessage for values that it cannot hold."""
    verb, fields = _VERBS[type(message)]
    values = [field.write(value) for field, value in zip(fields, message, strict=True)]
    line = " ".join([verb, *values])
    if "\n" in line or len(line) > LONGEST_LINE:
        raise BadMessage(f"{line[:200]!r} does not fit on a line")
    return encode(line) + b"\n"


def parse(line: bytes) -> Message:
    """Read a line, with or without its line break.  Raises BadMessage."""
    raw = line.removesuffix(b"\n")
    if b"\n" in raw or len(raw) > LONGEST_LINE:
        raise BadMessage("this is not one line")
    verb, spaced, rest = decode(raw).partition(" ")
    if verb not in _GRAMMAR:
        raise BadMessage(f"{verb[:40]!r} is no message")
    made, fields = _GRAMMAR[verb]
    values = []
    for number, field in enumerate(fields):
        if field.whole or number == len(fields) - 1:
            word, rest = rest, ""
        else:
            word, _, rest = rest.partition(" ")
        values.append(field.read(word))
    if rest or (spaced and not fields):
        raise BadMessage(f"there is more behind {verb} than belongs to it")
    message: Message = made(*values)
    return message
