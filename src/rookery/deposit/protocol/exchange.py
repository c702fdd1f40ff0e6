"""A push or a look at the deposit, as generators: they yield requests and are sent the answers.

So the same lines run over a store, over a thousand interleavings in a test, and
with a crash at any request.  Everybody writes only the own register, and looks at
the others' after that: of two who touch the same refs at once at least one sees
the other, and takes its register back.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from rookery.core.errors import RookeryError
from rookery.deposit.protocol import records, state
from rookery.deposit.protocol.look import Look, Memory, Pause, Read, Setup, look
from rookery.deposit.protocol.records import Dot, Entry, Identity, Pair, Record, Register
from rookery.deposit.protocol.state import State
from rookery.deposit.terms.store import Overwritten

# A part of at most this size is sent without asking whether it is there: the question costs as much.
SMALL = 256 << 10

# How many of the legacy pairs that were put there are remembered: those of pushes at the same time matter.
PAIRS = 16

# How often somebody who is missing in the directory writes it again.
TRIES = 3


class Change(NamedTuple):
    """One ref: what the pusher saw (None: no such ref) and what it shall be (None: gone)."""

    ref: str
    old: str | None
    new: str | None


class Update(NamedTuple):
    """What a push wants.  `head` of None keeps HEAD; `parts_only` writes a record although no ref changes."""

    changes: tuple[Change, ...] = ()
    head: str | None = None
    parts_only: bool = False


class Part(NamedTuple):
    """A pack that is ready to be stored."""

    name: str
    path: Path | bytes
    size: int


class Packed(NamedTuple):
    """The packs of a push, and those of the deposit that they take the place of."""

    parts: tuple[Part, ...] = ()
    replaced: frozenset[str] = frozenset()


# --- requests ------------------------------------------------------------------------------------


class Write(NamedTuple):
    """Store an object, verified.  Answer: none."""

    name: str
    content: bytes | Path


class Present(NamedTuple):
    """Which of these objects are there?  Answer: a mapping to bool."""

    names: tuple[str, ...]


class Identify(NamedTuple):
    """Is this the same repository?  Answer: the Identity of the record; raises AnotherRepository."""

    update: Update
    base: State


class Pack(NamedTuple):
    """Make the packs of what the deposit does not have.  Answer: Packed."""

    update: Update
    base: State


class Remember(NamedTuple):
    """Keep the memory of this writer, before anything depends on it.  Answer: none."""

    memory: Memory


Request = Read | Pause | Write | Present | Identify | Pack | Remember


# --- outcomes ------------------------------------------------------------------------------------


class Unchanged(NamedTuple):
    """There was nothing to do; nothing was written."""

    state: State


class Pushed(NamedTuple):
    """The update is in the deposit, and nobody can overlook it."""

    state: State
    record: str
    parts: tuple[str, ...]
    sent: int


class FetchFirst(NamedTuple):
    """These refs have moved; nothing of ours is in the deposit."""

    refs: tuple[str, ...]


class AnotherOwner(RookeryError):
    """Somebody else writes our register."""


Outcome = Unchanged | Pushed | FetchFirst
Steps = Generator[Request, Any, Outcome]


def push(update: Update, setup: Setup) -> Steps:
    """Bring an update into the deposit, or say that it must be fetched from first.

    Raises what the requests raise; then nothing of ours is in the deposit, unless
    taking the register back failed too, which the message says.
    """
    stored: set[str] = set()
    clash: tuple[str, ...] = ()
    for attempt in range(setup.tries):
        seen = yield from look(setup)
        base = seen.state
        moved = tuple(c.ref for c in update.changes if base.values.get(c.ref) != c.old)
        if moved:
            return FetchFirst(moved)
        if not update.parts_only and not _changes_anything(update, base):
            return Unchanged(base)
        identity = yield Identify(update, base)
        seen = yield from _join(seen, setup)
        packed = yield Pack(update, base)
        sent = yield from _store(packed, stored)
        record = _record(update, seen, identity, packed, setup)
        if isinstance(tried := (yield from _register(update, seen, record, setup)), State):
            raw = records.build_record(record)
            names = tuple(part.name for part in packed.parts)
            return Pushed(tried, records.content_name(raw), names, sent + len(raw))
        clash = tried
        if attempt + 1 < setup.tries:
            yield Pause(attempt + 1)
    return FetchFirst(clash)


def _changes_anything(update: Update, base: State) -> bool:
    moves = any(c.old != c.new for c in update.changes)
    return moves or update.head not in (None, base.head and base.head.value)


def _join(seen: Look, setup: Setup) -> Generator[Request, Any, Look]:
    """Become known, or known again.  The register comes first: whoever is listed has one."""
    me = setup.writer
    if me not in seen.registers:
        empty = Register(me, None, 0, 0)
        yield Write(records.register_name(me), records.build_register(empty))
        seen = seen._replace(registers={**seen.registers, me: empty})
    if not seen.writers <= seen.listed:
        yield from _list(seen.writers)
    return seen


def _list(writers: frozenset[str]) -> Generator[Request, Any, None]:
    for name in (records.SPARE_DIRECTORY, records.DIRECTORY):
        # Others who join write it as well. Whether all are in it is looked at when our register is there.
        with suppress(Overwritten):
            yield Write(name, records.build_writers(writers))


def _store(packed: Packed, stored: set[str]) -> Generator[Request, Any, int]:
    """Store the packs that are not there yet, from an earlier try or another writer; give the bytes sent."""
    missing = [part for part in packed.parts if part.name not in stored]
    large = tuple(part.name for part in missing if part.size > SMALL)
    there = (yield Present(large)) if large else {}
    sent = 0
    for part in missing:
        if not there.get(part.name):
            yield Write(part.name, part.path)
            sent += part.size
        stored.add(part.name)
    return sent


def _record(update: Update, seen: Look, identity: Identity, packed: Packed, setup: Setup) -> Record:
    """Say what the deposit is after this push."""
    base, own = seen.state, seen.registers[setup.writer]
    memory = setup.memory
    used = max(own.used, memory.used, *(s.generation for s in base.seen.values()), 0)
    dot = Dot(used + 1, setup.writer)
    # A push that was taken back may live on in the records of others who saw it. We say anew what holds,
    # or its refs would be outdated by us and ours by them, and both be gone.
    void = base.refs.keys() if memory.void is None and own.used > own.generation else memory.void or ()
    refs = {
        name: entry._replace(dot=dot) if name in base.fresh or name in void else entry
        for name, entry in base.refs.items()
    }
    for change in update.changes:
        if change.new is None:
            refs.pop(change.ref, None)
        else:
            refs[change.ref] = Entry(change.new, dot)
    head = base.head
    if update.head is not None and (head is None or head.value != update.head):
        head = Entry(update.head, dot)
    elif head is not None and head.dot.writer == state.LEGACY:
        head = head._replace(dot=dot)
    kept = tuple(name for name in base.parts if name not in packed.replaced)
    return Record(
        writer=setup.writer,
        generation=dot.generation,
        identity=identity,
        refs=refs,
        head=head,
        parts=tuple(dict.fromkeys((*kept, *(part.name for part in packed.parts)))),
        seen=base.seen,
        legacy=base.legacy,
        time=setup.now,
        tool=setup.tool,
        pairs=_newest_pairs(base),
        more=seen.more,
    )


def _newest_pairs(base: State) -> dict[str, Pair]:
    """Keep what is known of legacy pairs, bounded; that of a peer counts as one of now: all of it is in the parts."""
    pairs = dict(base.pairs)
    if base.legacy is not None and base.legacy not in pairs:
        newest = max((seen.generation for seen in base.seen.values()), default=0)
        pairs[base.legacy] = Pair(newest, state.size_of_parts(base.parts))
    kept = sorted(pairs, key=lambda d: (d == base.legacy, pairs[d].generation, d))[-PAIRS:]
    return {digest: pairs[digest] for digest in kept}


def _register(
    update: Update, seen: Look, record: Record, setup: Setup
) -> Generator[Request, Any, State | tuple[str, ...]]:
    """Make the record count, and look whether that was right; else take it back and give the refs in question."""
    me = setup.writer
    raw = records.build_record(record)
    name = records.content_name(raw)
    yield Write(name, raw)
    old = seen.registers[me]
    mine = Register(me, name, record.generation, record.generation)
    touched = frozenset(c.ref for c in update.changes)
    # Until it is sure, the next push takes it for one that was taken back.
    setup.memory = Memory(seen.writers, record.generation, touched | (setup.memory.void or frozenset()), old)
    yield Remember(setup.memory)
    try:
        yield Write(records.register_name(me), records.build_register(mine))
        after = yield from _look_again(seen, mine, setup)
    except AnotherOwner:
        raise  # what stands there now may be all that another one has
    except RookeryError as trouble:
        yield from _take_back(old, record, trouble)
        raise
    clash = tuple(sorted(_clashes(update, seen, after, record, name)))
    if clash:
        yield from _take_back(old, record, None)
        return clash
    setup.memory = Memory(after.writers, record.generation, frozenset(), mine)
    yield Remember(setup.memory)
    return after.state


def _look_again(seen: Look, mine: Register, setup: Setup) -> Generator[Request, Any, Look]:
    """Read everything anew, until the directory that was read last has us."""
    known = setup.memory
    for turn in range(TRIES):
        if turn:
            yield Pause(turn)
        setup.memory = known._replace(register=mine)
        after = yield from look(setup)
        setup.memory = known
        if after.registers.get(mine.writer) != mine:
            raise AnotherOwner(
                f"the register of writer {mine.writer} is not what was written into it a moment ago",
                hints=[
                    "another clone may use the same writer id: was this one copied as a folder?",
                    "the special remote must give back what was stored last",
                ],
            )
        if after.writers | seen.writers <= after.listed:
            return after
        yield from _list(after.writers | seen.writers)
    raise RookeryError(
        "the directory of writers is overwritten again and again by others",
        hints=["push again: nothing was changed"],
    )


def _take_back(old: Register, record: Record, trouble: RookeryError | None) -> Generator[Request, Any, None]:
    """Put the old register back; the generation stays used."""
    try:
        back = old._replace(used=record.generation)
        yield Write(records.register_name(old.writer), records.build_register(back))
    except RookeryError as e:
        raise RookeryError(
            f"the push could not be completed, and not be taken back: {(trouble or e).message}",
            hints=["the deposit may show the update already; fetch to see, then push again"],
        ) from e


def _clashes(update: Update, before: Look, after: Look, record: Record, name: str) -> set[str]:
    """Find the refs of an update that others have moved meanwhile, without knowing of it."""
    ours = {c.ref for c in update.changes if c.old != c.new}
    theirs: set[str] = set()
    for key, other in after.records.items():
        is_news = key != name and key not in before.records
        if is_news and not state.covers(other, name, record) and not state.covers(record, key, other):
            theirs |= _moved(other, before.state)
    was = before.legacy.refs if before.legacy else {}
    now: Mapping[str, str] = after.legacy.refs if after.legacy else was
    theirs |= {ref for ref in was.keys() | now.keys() if was.get(ref) != now.get(ref)}
    return {ref for ref in ours if any(_same_place(ref, other) for other in theirs)}


def _moved(other: Record, base: State) -> set[str]:
    """Find the refs that a record has otherwise than our base, out of knowledge that we do not have."""
    added = {
        ref
        for ref, entry in other.refs.items()
        if not base.knows(entry.dot) and base.values.get(ref) != entry.value
    }
    known = {
        ref for ref, entry in base.refs.items() if other.knows(entry.dot) or entry.dot.writer == state.LEGACY
    }
    return added | {ref for ref in known if ref not in other.refs}


def _same_place(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")
