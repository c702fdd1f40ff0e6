"""Tools for a deposit: what is in it, whether it is whole, making it whole again, making it small.

Each yields plain values as they become known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import NamedTuple

from rookery.annex.keys import size_of
from rookery.core.errors import RookeryError
from rookery.deposit.protocol import compaction, exchange, packs, records
from rookery.deposit.protocol.compaction import Found
from rookery.deposit.protocol.exchange import Pack, Packed, Update
from rookery.deposit.protocol.incremental import V2Deposit
from rookery.deposit.protocol.records import Register
from rookery.deposit.terms.store import Damaged
from rookery.git.objects import stat_many
from rookery.git.repo import Repo


class Verdict(Enum):
    """What became of one thing."""

    GOOD = "good"
    BAD = "bad"
    MENDED = "mended"
    REMOVED = "removed"


class Finding(NamedTuple):
    """One thing in a deposit (an object, a ref) and what is to be said about it."""

    name: str
    verdict: Verdict
    message: str = ""


class Fact(NamedTuple):
    """One line of `status`."""

    name: str
    value: str | int


def status(deposit: V2Deposit) -> Iterator[Fact]:
    """Say what is in the deposit; costs no more than a look."""
    seen = deposit.look()
    now = seen.state
    sizes = [size_of(name) or 0 for name in now.parts]
    yield Fact("refs", len(now.refs))
    yield Fact("head", now.head.value if now.head else "")
    yield Fact("writers", len(seen.registers))
    yield Fact("conflicts", len(now.conflicts))
    yield Fact("parts", len(sizes))
    yield Fact("bytes", sum(sizes))
    yield Fact("object format", now.identity.object_format)
    if now.identity.dataset:
        yield Fact("dataset", now.identity.dataset)
    for name in now.heads:
        record = seen.records[name]
        yield Fact(f"record of {record.writer}", record.time)
    due = compaction.due(now.parts, part_size=deposit.options.part_size)
    yield Fact("parts to put together", len(due))


def verify(deposit: V2Deposit) -> Iterator[Finding]:
    """Read every part and look whether all that the refs lead to is there; costs the whole deposit's bytes."""
    try:
        now = deposit.state()
    except Damaged as e:
        yield Finding("records", Verdict.BAD, e.message)
        return
    yield Finding("records", Verdict.GOOD)
    deposit.ledger.forget_arrived()
    with packs.quarantine(deposit.repo) as inside:
        for name in now.parts:
            yield _checked_part(deposit, inside, name)
            deposit.ledger.forget_arrived()  # what lies here says nothing of what lies there
        # What is lost there must not be found here.
        there = inside.repo.with_env(GIT_ALTERNATE_OBJECT_DIRECTORIES=None)
        for ref, sha in now.values.items():
            lost = there.run("rev-list", "--objects", "--quiet", sha, ok=None).code
            yield Finding(
                ref, Verdict.BAD if lost else Verdict.GOOD, "not all of it is there" if lost else ""
            )


def _checked_part(deposit: V2Deposit, inside: packs.Quarantine, name: str) -> Finding:
    try:
        deposit.bring_part(name, inside)
    except Damaged as e:
        return Finding(name, Verdict.BAD, e.message)
    return Finding(name, Verdict.GOOD)


def compact(deposit: V2Deposit, *, grace: int = compaction.GRACE) -> Iterator[Finding]:
    """Pack all that the refs lead to anew, and remove what nothing has named for the grace time."""
    deposit.bring_objects()
    outcome = _replace_all(deposit, deposit.repo)
    if isinstance(outcome, exchange.Pushed):
        for name in outcome.parts:
            yield Finding(name, Verdict.GOOD, "holds all history")
    seen = deposit.look()
    found = {name: Found(record, None) for name, record in seen.records.items()}
    _search_back(deposit, found)
    for name in compaction.garbage(found, seen.state.heads, now=int(deposit.clock()), grace=grace):
        deposit.store.remove([name])
        yield Finding(name, Verdict.REMOVED)


def _replace_all(deposit: V2Deposit, repo: Repo) -> exchange.Outcome:
    """Store everything in new parts, and name only these."""

    def pack(wish: Pack, source: Repo) -> Packed:
        made = packs.make(
            source, wish.base.values.values(), (), deposit.ledger.spool, part_size=deposit.options.part_size
        )
        return Packed(tuple(made), frozenset(wish.base.parts) - {part.name for part in made})

    outcome = deposit.run(Update(parts_only=True), repo, pack)
    deposit.ledger.forget_stored()
    return outcome


def _search_back(deposit: V2Deposit, found: dict[str, Found]) -> None:
    """Follow the records back to the first ones, or to where an earlier compaction has removed them."""
    wave = list(found)
    while wave:
        names: dict[str, int] = {}
        for name in wave:
            record = found[name].record
            for known in record.seen.values():
                names[known.record] = min(record.time, names.get(known.record, record.time))
        new = sorted(names.keys() - found.keys())
        got = deposit.store.read(new) if new else {}
        wave = []
        for name, raw in got.items():
            if raw is not None:
                found[name] = Found(records.parse_record(raw, name), names[name])
                wave.append(name)


def repair(deposit: V2Deposit, source: Repo) -> Iterator[Finding]:
    """Make the deposit whole again out of a repository that has the history.

    Registers and the directory that are damaged are written anew from what this
    clone and the records remember; parts that are lost or damaged are replaced.
    What only the lost ones had is named, and is gone.
    """
    yield from _mend_registers(deposit)
    now = deposit.state()
    bad = [f for f in verify(deposit) if f.verdict is Verdict.BAD]
    if not bad:
        return
    yield from bad
    values = now.values
    have = stat_many(source, values.values())
    gone = [ref for ref, found in zip(values, have, strict=True) if found is None]
    whole = [ref for ref in gone if not packs.lacking(deposit.repo, [values[ref]])]
    if set(gone) - set(whole):
        raise RookeryError(
            f"{source.root} does not have the history of {', '.join(sorted(set(gone) - set(whole)))}",
            hints=["repair from a clone that has it, or delete these refs in the deposit first"],
        )
    outcome = _replace_all(deposit, source if not gone else deposit.repo)
    if isinstance(outcome, exchange.Pushed):
        for name in outcome.parts:
            yield Finding(name, Verdict.MENDED, f"made anew from {source.root}")


def _mend_registers(deposit: V2Deposit) -> Iterator[Finding]:
    """Replace what cannot be read by the newest that is remembered."""
    memory = deposit.ledger.memory()
    raw = deposit.store.read([records.DIRECTORY])[records.DIRECTORY]
    why = "writers were missing in it"
    try:
        listed = frozenset[str]() if raw is None else records.parse_writers(raw)
    except Damaged as e:
        listed, why = frozenset(), e.message
    if not memory.writers <= listed:
        for name in (records.SPARE_DIRECTORY, records.DIRECTORY):
            deposit.store.write(name, records.build_writers(listed | memory.writers))
        yield Finding(records.DIRECTORY, Verdict.MENDED, why)
    writers = sorted(listed | memory.writers)
    registers = deposit.store.read([records.register_name(w) for w in writers])
    good, damaged = _sorted_out(writers, registers, deposit.writer)
    if damaged:
        last = _last_known(deposit, good)
        for writer, why in damaged.items():
            known = last.get(writer)
            new = Register(writer, known and known.record, known.generation if known else 0, 0)
            new = new._replace(used=new.generation)
            deposit.store.write(records.register_name(writer), records.build_register(new))
            yield Finding(records.register_name(writer), Verdict.MENDED, why)


def _sorted_out(
    writers: list[str], raw: Mapping[str, bytes | None], me: str
) -> tuple[list[Register], dict[str, str]]:
    good: list[Register] = []
    damaged: dict[str, str] = {}
    for writer in writers:
        content = raw[records.register_name(writer)]
        if content is None:
            if writer != me:
                damaged[writer] = "it was not there"
            continue
        try:
            good.append(records.parse_register(content, writer))
        except Damaged as e:
            damaged[writer] = e.message
    return good, damaged


def _last_known(deposit: V2Deposit, good: list[Register]) -> dict[str, records.Seen]:
    """Say which record of each writer was seen last, by the records that can be read, here and there."""
    names = [r.record for r in good if r.record]
    raws = dict(deposit.store.read(names)) if names else {}
    raws |= deposit.ledger.all_records()
    last: dict[str, records.Seen] = {}
    for name, raw in raws.items():
        if raw is None:
            continue
        record = records.parse_record(raw, name)
        for writer, known in [*record.seen.items(), (record.writer, records.Seen(record.generation, name))]:
            if writer not in last or last[writer].generation < known.generation:
                last[writer] = known
    return last
