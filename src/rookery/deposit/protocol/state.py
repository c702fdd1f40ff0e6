"""From push records to what the remote is: merging, conflicts, deletions, identity.  Functions of values.

Each ref carries the dot of the push that set it, each record says which dots it
knew.  An entry is outdated when another maximal record knew its dot and does not
have it any more: it was replaced or deleted there.  What is left are values that
were set without knowledge of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from rookery.annex.keys import size_of
from rookery.core.errors import RookeryError
from rookery.core.process import encode
from rookery.deposit.protocol.records import Dot, Entry, Identity, Pair, Record, Seen
from rookery.deposit.terms import refsfile
from rookery.deposit.terms.refsfile import RefList

CONFLICTS = "refs/dlra-conflict/"

# The legacy pair takes part as a writer of this name, which no real one has: it is too short.
LEGACY = "dlr"

# Says whether one commit is in the history of another; None: not all of it is here, so it cannot be told.
Ancestry = Callable[[str, str], bool | None]


class AnotherRepository(RookeryError):
    """The deposit holds another repository than the one that is to be pushed."""


class Legacy(NamedTuple):
    """What the legacy pair says: the hash of its `refs` file, its refs and HEAD."""

    digest: str
    refs: Mapping[str, str]
    head: str | None


class State(NamedTuple):
    """What the remote is: all refs with conflicts shown, HEAD, and what a next record needs to know.

    `fresh` are the refs that no record has (conflicts, what a legacy writer
    pushed): the next record gives them its dot.
    """

    refs: Mapping[str, Entry]
    fresh: frozenset[str]
    head: Entry | None
    parts: tuple[str, ...]
    seen: Mapping[str, Seen]
    identity: Identity
    legacy: str | None
    heads: tuple[str, ...] = ()
    pairs: Mapping[str, Pair] = {}

    @property
    def values(self) -> dict[str, str]:
        """The refs as Git sees them."""
        return {name: entry.value for name, entry in self.refs.items()}

    @property
    def conflicts(self) -> list[str]:
        """The refs that show what lost."""
        return sorted(name for name in self.refs if name.startswith(CONFLICTS))

    def knows(self, dot: Dot) -> bool:
        """Say whether that push is part of this state."""
        known = self.seen.get(dot.writer)
        return known is not None and dot.generation <= known.generation


EMPTY = State({}, frozenset(), None, (), {}, Identity(), None)


def maximal(records: Mapping[str, Record]) -> dict[str, Record]:
    """Keep the records (by name) that no other one has taken in."""
    return {
        name: record
        for name, record in records.items()
        if not any(covers(other, name, record) for key, other in records.items() if key != name)
    }


def covers(newer: Record, name: str, older: Record) -> bool:
    """Say whether a record has taken in another one, of that name."""
    if newer.writer == older.writer:
        return newer.generation > older.generation
    known = newer.seen.get(older.writer)
    if known is None:
        return False
    return known.generation > older.generation or (
        known.generation == older.generation and known.record == name
    )


def merge(records: Mapping[str, Record], is_ancestor: Ancestry, legacy: Legacy | None = None) -> State:
    """Put the records that the registers name together, and the legacy pair if it was pushed to meanwhile."""
    top = maximal(records)
    ordered = [top[name] for name in sorted(top, key=lambda name: (top[name].dot, name))]
    candidates = {
        ref: _current(ref, ordered) for ref in sorted({ref for record in ordered for ref in record.refs})
    }
    pairs = {digest: pair for record in ordered for digest, pair in record.pairs.items()}
    pairs |= {
        refs_digest(record): Pair(record.generation, size_of_parts(record.parts))
        for record in records.values()
    }
    known_pairs = {record.legacy for record in ordered} | pairs.keys()
    pushed = legacy if legacy is not None and legacy.digest not in known_pairs else None
    refs, losers = _put_together(candidates, ordered, pushed, is_ancestor)
    fresh = {ref for ref, entry in refs.items() if entry.dot.writer == LEGACY}
    for ref, entry in _placed(refs, losers, is_ancestor):
        refs[ref] = entry
        fresh.add(ref)
    head = max(_surviving([(r, r.head) for r in ordered]), key=lambda e: e.dot, default=None)
    if head is None and legacy is not None and legacy.head is not None:
        head = Entry(legacy.head, Dot(0, LEGACY))
    return State(
        refs=dict(sorted(refs.items())),
        fresh=frozenset(fresh),
        head=head,
        parts=tuple(dict.fromkeys(part for record in ordered for part in record.parts)),
        seen=newest(records),
        identity=_identity(ordered),
        legacy=legacy.digest if legacy else next((r.legacy for r in reversed(ordered) if r.legacy), None),
        heads=tuple(sorted(top)),
        pairs=pairs,
    )


def _put_together(
    candidates: dict[str, list[Entry]],
    ordered: Sequence[Record],
    pushed: Legacy | None,
    is_ancestor: Ancestry,
) -> tuple[dict[str, Entry], list[tuple[str, Entry]]]:
    """Decide about all refs; `pushed` is the legacy pair, if a peer has pushed to it."""
    removed: list[tuple[str, Entry]] = []
    if pushed is not None:
        gone = sorted(_taken_away(pushed, ordered, is_ancestor))
        removed = [(ref, max(candidates.pop(ref), key=lambda e: e.dot)) for ref in gone if candidates[ref]]
        for ref, value in pushed.refs.items():
            known = candidates.setdefault(ref, [])
            if value not in {e.value for e in known}:
                known.append(Entry(value, Dot(0, LEGACY)))
    refs, losers = _decided(candidates, is_ancestor)
    return refs, [*losers, *removed]


def _taken_away(legacy: Legacy, ordered: Sequence[Record], is_ancestor: Ancestry) -> set[str]:
    """Find the refs that a peer has deleted, as far as that can be told.

    Its list does not say what it knew.  It knew a record if it has all other refs of
    it, or what came after them; and only a ref whose commits live on in its list counts.
    Even so such a ref may have been made while the peer pushed: it is shown as one that lost.
    """

    def within(value: str, other: str) -> bool:
        return value == other or bool(is_ancestor(value, other))

    gone: set[str] = set()
    for record in ordered:
        ours = {ref: entry.value for ref, entry in record.refs.items() if not ref.startswith(CONFLICTS)}
        missing = ours.keys() - legacy.refs.keys()
        kept = ours.keys() - missing
        if missing and kept and all(within(ours[ref], legacy.refs[ref]) for ref in kept):
            gone |= {ref for ref in missing if any(within(ours[ref], tip) for tip in legacy.refs.values())}
    return gone


def refs_of(record: Record) -> RefList:
    """Give what the legacy pair of a record shows."""
    values = {name: entry.value for name, entry in record.refs.items()}
    return RefList(values, record.head.value if record.head else None)


def refs_digest(record: Record) -> str:
    """Give the hash of the `refs` file that its writer puts there if it writes the legacy pair."""
    return refsfile.digest(encode(refsfile.build(refs_of(record))))


def size_of_parts(parts: Iterable[str]) -> int:
    """Give the bytes of all parts, by their names."""
    return sum(size_of(name) or 0 for name in parts)


def _current(ref: str, records: Sequence[Record]) -> list[Entry]:
    return _surviving([(record, record.refs.get(ref)) for record in records])


def _surviving(entries: Sequence[tuple[Record, Entry | None]]) -> list[Entry]:
    """Keep the entries that nobody who knew them has replaced or taken away; one of each value, the newest."""
    kept: dict[str, Entry] = {}
    for _, entry in entries:
        if entry is None or any(
            (other is not None and other.dot != entry.dot and record.knows(entry.dot))
            or (other is None and record.knows(entry.dot))
            for record, other in entries
        ):
            continue
        if entry.value not in kept or kept[entry.value].dot < entry.dot:
            kept[entry.value] = entry
    return list(kept.values())


def _decided(
    candidates: Mapping[str, list[Entry]], is_ancestor: Ancestry
) -> tuple[dict[str, Entry], list[tuple[str, Entry]]]:
    """Choose for each ref: the descendant of all, else the highest dot; the others that say more have lost."""
    refs: dict[str, Entry] = {}
    losers: list[tuple[str, Entry]] = []
    for ref, entries in candidates.items():
        tips = [e for e in entries if not any(o is not e and is_ancestor(e.value, o.value) for o in entries)]
        if tips:
            best = max(tips, key=lambda e: e.dot)
            refs[ref] = best
            losers += [(ref, e) for e in tips if e is not best]
    for ref in sorted(refs):  # Git cannot have both a and a/b
        above = [name for name in _folders(ref) if name in refs]
        if above:
            worse = min([ref, *above], key=lambda name: refs[name].dot)
            losers.append((worse, refs.pop(worse)))
    return refs, losers


def _folders(ref: str) -> list[str]:
    parts = ref.split("/")
    return ["/".join(parts[:n]) for n in range(2, len(parts))]


def _placed(
    refs: Mapping[str, Entry], losers: Iterable[tuple[str, Entry]], is_ancestor: Ancestry
) -> Iterable[tuple[str, Entry]]:
    """Give each loser a ref of its own; one that shows something else already stays."""
    taken = dict(refs)
    for ref, entry in losers:
        name = f"{CONFLICTS}{entry.dot.writer}/{ref.removeprefix('refs/')}"
        there = taken.get(name)
        if there is not None and there.value == entry.value:
            continue
        nested = any(other.startswith(f"{name}/") for other in taken) or any(
            f in taken for f in _folders(name)
        )
        if nested or (there is not None and not is_ancestor(there.value, entry.value)):
            name = f"{CONFLICTS}{entry.value[:12]}-{entry.dot.writer}/{ref.removeprefix('refs/')}"
        taken[name] = entry
        yield name, entry


def newest(records: Mapping[str, Record]) -> dict[str, Seen]:
    """Give the newest record of each writer that is among these, or named in one."""
    seen: dict[str, Seen] = {}
    own = [(record.writer, Seen(record.generation, name)) for name, record in records.items()]
    for writer, known in [pair for record in records.values() for pair in record.seen.items()] + own:
        if writer not in seen or seen[writer].generation < known.generation:
            seen[writer] = known
    seen.update(
        {w: s for w, s in own if seen[w].generation == s.generation}
    )  # what is registered, not withdrawn
    return dict(sorted(seen.items()))


# --- identity ------------------------------------------------------------------------------------


def _identity(records: Sequence[Record]) -> Identity:
    if not records:
        return Identity()
    datasets = [r.identity.dataset for r in records if r.identity.dataset]
    return Identity(
        roots=frozenset().union(*(r.identity.roots for r in records)),
        object_format=records[-1].identity.object_format,
        dataset=datasets[-1] if datasets else None,
    )


def check_identity(ours: Identity, deposit: Identity, *, nothing_there: bool, override: bool) -> None:
    """Refuse to mix two repositories.  Raises AnotherRepository.

    A shallow clone does not know its roots and is let through; another object
    format cannot be overridden, since Git cannot hold both.
    """
    if nothing_there:
        return
    if ours.object_format != deposit.object_format:
        raise AnotherRepository(
            f"deposit holds another repository: its objects are named by {deposit.object_format}, "
            f"ours by {ours.object_format}",
            hints=["push to a place of its own"],
        )
    same_dataset = ours.dataset is not None and ours.dataset == deposit.dataset
    if override or ours.shallow or same_dataset or not ours.roots or not deposit.roots:
        return
    if not ours.roots & deposit.roots:
        raise AnotherRepository(
            f"deposit holds another repository: its history begins at {_some(deposit.roots)}, "
            f"ours at {_some(ours.roots)}",
            hints=["push to a place of its own", "if both shall live there: dlaforeign=yes in the URL"],
        )


def _some(roots: frozenset[str]) -> str:
    return ", ".join(root[:12] for root in sorted(roots)[:3])


def united(ours: Identity, deposit: Identity) -> Identity:
    """Give the identity after a push."""
    return Identity(ours.roots | deposit.roots, ours.object_format, deposit.dataset or ours.dataset)
