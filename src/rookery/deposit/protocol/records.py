"""Push records, registers and the directory of writers: text formats, functions of values.

A record is one line of JSON, immutable, named by its own hash.  Registers and
the directory are replaced in place, so they end with a checksum of themselves:
`sha256:` and the hash of everything before that line.

What a writer did is told by a dot, (writer, generation); what it had seen by a
map from writers to dots.  With these, "deleted it" and "never knew it" differ
without anybody reading the history of records.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from rookery.annex.keys import Key, format_key, parse_key
from rookery.core.errors import RookeryError
from rookery.deposit.terms.refsfile import valid_name
from rookery.deposit.terms.store import Damaged

DIRECTORY = "XDLRB--writers"
# The same, written first: whoever is killed while writing leaves one of the two whole.
SPARE_DIRECTORY = "XDLRB--writers-spare"
REGISTER_LIMIT = 200
RECORD_LIMIT = 64 << 20  # a deposit with 500 000 refs has records of this size: more is no record

_FORMAT = "rookery push record"
_REGISTER = "rookery register 1"
_WRITERS = "rookery writers 1"
_MAJOR, _MINOR = 1, 0
_WRITER = re.compile(r"[a-z0-9]{4,40}")
_HASH = re.compile(r"[0-9a-f]{64}")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class TooNew(RookeryError):
    """An object of a deposit has a format that this version cannot know."""


class Dot(NamedTuple):
    """Which push did it.  The order is that of who wins where nothing else decides."""

    generation: int
    writer: str


class Entry(NamedTuple):
    """The value of a ref (an object's name) or of HEAD (a ref's name), and the push that set it."""

    value: str
    dot: Dot


class Seen(NamedTuple):
    """The newest record of a writer that was known: its generation and its name."""

    generation: int
    record: str


class Identity(NamedTuple):
    """What tells one repository from another; `shallow` ones do not know their roots."""

    roots: frozenset[str] = frozenset()
    object_format: str = "sha1"
    dataset: str | None = None
    shallow: bool = False


class Pair(NamedTuple):
    """A legacy pair of ours: the generation of the record that it shows, and the bytes of all parts then."""

    generation: int
    size: int


class Record(NamedTuple):
    """What the deposit was after one push, as its writer saw it.

    `parts` are all packs from which the objects behind `refs` come.  `legacy` is the
    hash of the `refs` file of the legacy pair that was taken in, `pairs` those that
    writers like us have put there, or may have.  `more` keeps fields of a newer minor version.
    """

    writer: str
    generation: int
    identity: Identity
    refs: Mapping[str, Entry]
    head: Entry | None
    parts: tuple[str, ...]
    seen: Mapping[str, Seen]
    legacy: str | None = None
    time: int = 0
    tool: str = ""
    pairs: Mapping[str, Pair] = {}
    more: Mapping[str, Any] = {}

    @property
    def dot(self) -> Dot:
        """The push itself."""
        return Dot(self.generation, self.writer)

    def knows(self, dot: Dot) -> bool:
        """Say whether the writer had taken in that push."""
        if dot.writer == self.writer:
            return dot.generation <= self.generation
        known = self.seen.get(dot.writer)
        return known is not None and dot.generation <= known.generation


class Register(NamedTuple):
    """A writer's newest record (None: it has none) with its generation; `used` is the highest it ever gave."""

    writer: str
    record: str | None
    generation: int
    used: int


def register_name(writer: str) -> str:
    """Give the name of a writer's register in the store."""
    return f"XDLRB--w-{writer}"


def content_name(content: bytes) -> str:
    """Name an immutable object by its content, as git-annex's SHA256 backend does."""
    return hashed_name(hashlib.sha256(content).hexdigest(), len(content))


def hashed_name(digest: str, size: int) -> str:
    """Put the name of an immutable object together."""
    return format_key(Key("SHA256", digest, size))


def check_content(name: str, content: bytes) -> bytes:
    """Give back content that is what its name says.  Raises Damaged."""
    if content_name(content) != name:
        raise Damaged(
            f"the object {name} of the deposit has another content than its name says", hints=REPAIR
        )
    return content


REPAIR = ["repair the deposit from a clone that has the history: rookery deposit repair URL"]


# --- the checksum at the end ---------------------------------------------------------------------


def seal(text: str) -> bytes:
    """Put the checksum below a text."""
    raw = text.encode()
    return raw + b"sha256:" + hashlib.sha256(raw).hexdigest().encode() + b"\n"


def unseal(raw: bytes, what: str) -> str:
    """Give the text above the checksum.  Raises Damaged."""
    body, mark = raw[:-72], raw[-72:]  # "sha256:", 64 digits, the line break
    if mark != b"sha256:" + hashlib.sha256(body).hexdigest().encode() + b"\n":
        raise Damaged(f"{what} is torn or altered: its checksum is not that of its content", hints=REPAIR)
    try:
        return body.decode()
    except UnicodeDecodeError as e:
        raise Damaged(f"{what} is no text", hints=REPAIR) from e


# --- registers -----------------------------------------------------------------------------------


def build_register(register: Register) -> bytes:
    """Write a register; `read` it with the writer whose it is."""
    name = "-"
    if register.record is not None:
        key = parse_key(register.record)
        assert key is not None and key.size is not None, register.record
        name = f"{key.name} {key.size}"
    raw = seal(f"{_REGISTER}\n{name} {register.generation} {register.used}\n")
    assert len(raw) <= REGISTER_LIMIT, "generations below 10^12 fit"
    return raw


def parse_register(raw: bytes, writer: str) -> Register:
    """Read a register.  Raises Damaged, TooNew."""
    what = f"the register of writer {writer}"
    if len(raw) > REGISTER_LIMIT:
        raise Damaged(f"{what} is longer than {REGISTER_LIMIT} bytes", hints=REPAIR)
    first, _, rest = unseal(raw, what).partition("\n")
    _expect(first, _REGISTER, what)
    found = re.fullmatch(r"(?:-|([0-9a-f]{64}) ([0-9]{1,9})) ([0-9]{1,12}) ([0-9]{1,12})\n", rest, re.ASCII)
    if not found:
        raise Damaged(f"{what} does not have the form of one", hints=REPAIR)
    record = hashed_name(found[1], int(found[2])) if found[1] else None
    return Register(writer, record, int(found[3]), int(found[4]))


# --- the directory -------------------------------------------------------------------------------


def build_writers(writers: Iterable[str]) -> bytes:
    """Write the directory of writers."""
    return seal("".join(f"{line}\n" for line in (_WRITERS, *sorted(set(writers)))))


def parse_writers(raw: bytes) -> frozenset[str]:
    """Read the directory of writers.  Raises Damaged, TooNew."""
    what = "the directory of writers"
    first, *lines = unseal(raw, what).split("\n")
    _expect(first, _WRITERS, what)
    if not lines or lines.pop() or not all(_WRITER.fullmatch(line) for line in lines):
        raise Damaged(f"{what} does not have the form of one", hints=REPAIR)
    return frozenset(lines)


def is_writer(text: str) -> bool:
    """Say whether a text can be the id of a writer."""
    return _WRITER.fullmatch(text) is not None


def _expect(line: str, wanted: str, what: str) -> None:
    if line == wanted:
        return
    kind, _, version = line.rpartition(" ")
    if kind == wanted.rpartition(" ")[0] and version.isdecimal():
        raise _too_new(what, version)
    raise Damaged(f"{what} does not begin as one", hints=REPAIR)


def _too_new(what: str, version: object) -> TooNew:
    return TooNew(
        f"{what} has format {version}, and this version of Rookery knows format {_MAJOR}",
        hints=["update Rookery: the deposit was written by a newer one"],
    )


# --- records -------------------------------------------------------------------------------------


def build_record(record: Record) -> bytes:
    """Write a record: the same bytes for the same values."""
    identity = record.identity
    fields: dict[str, Any] = {
        **record.more,
        "format": _FORMAT,
        "version": [_MAJOR, _MINOR],
        "writer": record.writer,
        "generation": record.generation,
        "roots": sorted(identity.roots),
        "object_format": identity.object_format,
        "dataset": identity.dataset,
        "refs": {name: _entry(entry) for name, entry in record.refs.items()},
        "head": None if record.head is None else _entry(record.head),
        "parts": list(record.parts),
        "seen": {writer: list(seen) for writer, seen in record.seen.items()},
        "legacy": record.legacy,
        "time": record.time,
        "tool": record.tool,
        "pairs": {digest: list(pair) for digest, pair in record.pairs.items()},
    }
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _entry(entry: Entry) -> list[Any]:
    return [entry.value, entry.dot.generation, entry.dot.writer]


def parse_record(raw: bytes, name: str) -> Record:
    """Read a record whose name is known.  Raises Damaged, TooNew."""
    what = f"the push record {name}"
    if len(raw) > RECORD_LIMIT:
        raise Damaged(f"{what} is larger than any record can be", hints=REPAIR)
    try:
        fields = json.loads(check_content(name, raw))
        if not isinstance(fields, dict) or fields.pop("format", None) != _FORMAT:
            raise Damaged(f"{what} is none: its first field is missing", hints=REPAIR)
        version = fields.pop("version")
        if version[0] != _MAJOR:
            raise _too_new(what, version[0])
        return _record(fields)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as e:
        raise Damaged(f"{what} does not have the form of one: {e!r}", hints=REPAIR) from e


def _record(fields: dict[str, Any]) -> Record:
    """Take the fields out of what was read; what is left is a newer minor version's."""
    take = fields.pop
    identity = Identity(
        frozenset(_match(_SHA, root) for root in take("roots")),
        _match(re.compile("sha1|sha256"), take("object_format")),
        _text(take("dataset")),
    )
    record = Record(
        writer=_match(_WRITER, take("writer")),
        generation=_count(take("generation")),
        identity=identity,
        refs={_ref(name): _read_entry(entry, _sha) for name, entry in take("refs").items()},
        head=None if (head := take("head")) is None else _read_entry(head, _ref),
        parts=tuple(_part(part) for part in take("parts")),
        seen={_match(_WRITER, w): Seen(_count(g), _part(r)) for w, (g, r) in take("seen").items()},
        legacy=_text(take("legacy")),
        time=_count(take("time")),
        tool=_text(take("tool")) or "",
        pairs={_match(_HASH, h): Pair(_count(g), _count(s)) for h, (g, s) in take("pairs", {}).items()},
    )
    return record._replace(more=fields)


def _read_entry(entry: Any, check: Callable[[Any], str]) -> Entry:
    what, generation, writer = entry
    return Entry(check(what), Dot(_count(generation), _match(_WRITER, writer)))


def _sha(text: Any) -> str:
    return _match(_SHA, text)


def _ref(text: Any) -> str:
    if not isinstance(text, str) or not valid_name(text):
        raise ValueError(f"{text!r} is no name of a ref")
    return text


def _match(pattern: re.Pattern[str], text: Any) -> str:
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise ValueError(f"{text!r} is not allowed here")
    return text


def _part(text: Any) -> str:
    key = parse_key(text) if isinstance(text, str) else None
    if (
        key is None
        or key.backend != "SHA256"
        or key.size is None
        or not re.fullmatch(r"[0-9a-f]{64}", key.name)
    ):
        raise ValueError(f"{text!r} is no name of an immutable object")
    return str(text)


def _count(number: Any) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 10**12:
        raise ValueError(f"{number!r} is no count")
    return number


def _text(text: Any) -> str | None:
    if text is not None and not isinstance(text, str):
        raise ValueError(f"{text!r} is no text")
    return text
