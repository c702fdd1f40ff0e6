"""Reading what the deposit is: the directory, the registers, the records that they name.

What is absent although it must be there, and what is torn, is read again after a
pause: special remotes replace an object in several steps.  If it stays so, nothing
is decided: "unreadable" must never look like "empty".  Who only reads goes on
without the register of another writer, and hears of it: nothing is built on that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from rookery.core.errors import RookeryError
from rookery.core.process import decode
from rookery.deposit.protocol import records, state
from rookery.deposit.protocol.records import Record, Register
from rookery.deposit.protocol.state import Ancestry, Legacy, State
from rookery.deposit.terms import refsfile
from rookery.deposit.terms.refsfile import Malformed
from rookery.deposit.terms.store import Damaged, Unreadable

# How often something is read again that must be there and is not, or is torn.
AGAIN = 3


class Read(NamedTuple):
    """Give small objects.  Answer: a mapping to bytes, None for what is certainly absent."""

    names: tuple[str, ...]


class Pause(NamedTuple):
    """Let others finish; longer each time.  Answer: none."""

    turn: int


class Memory(NamedTuple):
    """What a writer remembers between its commands.

    `used` is the highest generation that it gave, `void` the refs of pushes that were taken
    back since its last one that holds (None: unknown), `register` what it wrote last.
    """

    writers: frozenset[str] = frozenset()
    used: int = 0
    void: frozenset[str] | None = None
    register: Register | None = None


@dataclass
class Setup:
    """Who looks or pushes, and with what; `memory` moves on while the steps are made.

    `tries` is how often a push begins anew after both sides had taken theirs back.
    `remembered` is there if nothing is to be written: it gives the records that were read
    before, and what it names stands in for registers that are torn or lost.
    """

    writer: str
    memory: Memory
    is_ancestor: Ancestry
    now: int = 0
    tool: str = "rookery"
    legacy_name: str | None = None
    tries: int = 3
    remembered: Callable[[], Mapping[str, Record]] | None = None


class Look(NamedTuple):
    """What was read: the directory, who is known, their registers and records, and what these say together.

    `lost` are the writers whose registers are torn or gone, with what is to be said about each.
    """

    listed: frozenset[str]
    writers: frozenset[str]
    registers: Mapping[str, Register]
    records: Mapping[str, Record]
    legacy: Legacy | None
    state: State
    more: Mapping[str, Any]
    lost: Mapping[str, RookeryError] = {}


Looking = Generator[Any, Any, Look]


def look(setup: Setup) -> Looking:
    """Read all that the deposit is.  Raises Unreadable, Damaged, TooNew; for a reader only if nothing is left."""
    me = setup.writer
    known = setup.memory.writers | {me}
    wanted = [records.DIRECTORY, *map(records.register_name, sorted(known))]
    got = dict((yield Read((*wanted, *([setup.legacy_name] if setup.legacy_name else [])))))
    listed = yield from _directory(got[records.DIRECTORY], setup)
    registers: dict[str, Register] = {}
    found: dict[str, Record] = {}
    lost: dict[str, RookeryError] = {}
    new, must = known | listed, listed
    while new:
        good, bad = yield from _registers(new, must, got, setup)
        registers |= good
        lost |= bad
        found |= yield from _records(registers, found)
        if setup.remembered is not None and lost:
            found |= yield from _stand_ins(lost, {**setup.remembered(), **found})
        known |= new
        new = must = frozenset(w for record in found.values() for w in record.seen) - known
    raw = got.get(setup.legacy_name) if setup.legacy_name else None
    for trouble in lost.values():
        if setup.remembered is None or (not found and raw is None):
            raise trouble
    legacy = None if raw is None else _legacy(raw, needed=not found)
    merged = state.merge(found, setup.is_ancestor, legacy)
    writers = frozenset(registers) | {me} | listed
    more = {k: v for name in merged.heads for k, v in found[name].more.items()}
    return Look(listed, writers, registers, found, legacy, merged, more, lost)


def _legacy(raw: bytes, *, needed: bool) -> Legacy | None:
    """Read the legacy list of refs; None for a torn one where records say what the deposit is."""
    try:
        read = refsfile.parse(decode(raw))
    except Malformed as e:
        if not needed:
            return None
        raise Unreadable(
            f"what lies at the place of the deposit's list of refs is none: {e.message}",
            hints=["look whether the place wants a login, or shows a page of its own"],
        ) from e
    return Legacy(refsfile.digest(raw), read.refs, read.head)


def _directory(raw: bytes | None, setup: Setup) -> Generator[Any, Any, frozenset[str]]:
    """Read who writes here; absent everywhere, and again, is absent: nobody does, or somebody joins right now."""
    trouble: Damaged | None = None
    for turn in range(1, AGAIN + 1):
        try:
            if raw is not None:
                return records.parse_writers(raw)
        except Damaged as e:
            trouble = e
        spare = (yield Read((records.SPARE_DIRECTORY,)))[records.SPARE_DIRECTORY]
        try:
            if spare is not None:
                return records.parse_writers(spare)
        except Damaged:
            pass  # torn by one who joined; if nobody has been here before, the other is not there at all
        if raw is None and turn > 1 and not setup.memory.writers:
            break
        yield Pause(turn)
        raw = (yield Read((records.DIRECTORY,)))[records.DIRECTORY]
    if trouble is not None:
        raise trouble
    return frozenset()


def _registers(
    writers: Iterable[str], must: Collection[str], got: dict[str, bytes | None], setup: Setup
) -> Generator[Any, Any, tuple[dict[str, Register], dict[str, RookeryError]]]:
    """Read registers, and say what is wrong with those that are torn or lost.

    Those of `must` are there: who is listed, or named in a record, has one.  Of others
    we only remember that they were: whoever is neither listed nor has a register has
    gone, as when a deposit was emptied and begun anew.
    """
    found: dict[str, Register] = {}
    missing = sorted(writers)
    torn: dict[str, Damaged] = {}
    for turn in range(AGAIN + 1):
        unread = tuple(name for w in missing if (name := records.register_name(w)) not in got)
        if unread:
            got |= yield Read(unread)
        torn = {}
        for writer in missing:
            raw = got.pop(records.register_name(writer))
            try:
                if raw is not None:
                    found[writer] = records.parse_register(raw, writer)
            except Damaged as e:
                torn[writer] = e
        missing = [w for w in missing if w not in found]
        if setup.writer in missing:
            missing.remove(setup.writer)  # torn by our own crash, or not yet there
            known = setup.memory.register
            if known is not None and (setup.writer in torn or setup.writer in must):
                found[setup.writer] = known._replace(used=setup.memory.used)
        if not missing:
            return found, {}
        yield Pause(turn + 1)
    return found, {w: torn.get(w) or _gone(w) for w in missing if w in must or w in torn}


def _gone(writer: str) -> Unreadable:
    return Unreadable(
        f"the register of writer {writer} is not there, though it is in the directory of writers",
        hints=["try again later: it may be written just now", *records.REPAIR],
    )


def _stand_ins(lost: Iterable[str], known: Mapping[str, Record]) -> Generator[Any, Any, dict[str, Record]]:
    """Read the newest record of each of these writers that any known record is, or names."""
    newest = state.newest(known)
    names = tuple(sorted({newest[w].record for w in lost if w in newest}))
    got: Mapping[str, bytes | None] = (yield Read(names)) if names else {}
    return {name: records.parse_record(raw, name) for name, raw in got.items() if raw is not None}


def _records(
    registers: Mapping[str, Register], known: Mapping[str, Record]
) -> Generator[Any, Any, dict[str, Record]]:
    """Read the records that registers name and that are not known yet."""
    names = tuple(sorted({r.record for r in registers.values() if r.record} - known.keys()))
    if not names:
        return {}
    got: Mapping[str, bytes | None] = yield Read(names)
    found = {}
    for name in names:
        raw = got[name]
        if raw is None:
            raise Damaged(
                f"the deposit has lost the push record {name}, which a register names", hints=records.REPAIR
            )
        found[name] = records.parse_record(raw, name)
    return found
