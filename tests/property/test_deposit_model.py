"""All interleavings of pushes at once, with crashes: no update that was acknowledged is lost.

The generators of `exchange` themselves are run, over registers that are replaced
in one step.  A generator cannot be copied, so a state is reached by running its
schedule again; states that look the same to everybody are visited once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, NamedTuple

import pytest

from rookery.deposit.protocol import exchange, records, state
from rookery.deposit.protocol.exchange import (
    Change,
    FetchFirst,
    Identify,
    Pack,
    Packed,
    Present,
    Pushed,
    Remember,
    Update,
    Write,
)
from rookery.deposit.protocol.look import Memory, Pause, Read, Setup, look
from rookery.deposit.protocol.records import Identity, Register
from rookery.deposit.terms.store import Unreadable
from rookery.deposit.transport.locks import Held, Lease

Objects = dict[str, bytes]
Process = Generator[Any, Any, Any]
MAIN = "refs/heads/main"


def sha(number: int) -> str:
    return f"{number:040x}"


def unrelated(one: str, other: str) -> bool:
    return one == other


class Plan(NamedTuple):
    """One writer's wish in a scenario: the ref, the old and the new value."""

    writer: str
    ref: str
    old: str | None
    new: str | None


def joined(*writers: str) -> Objects:
    """A deposit where these are known already."""
    objects = {records.DIRECTORY: records.build_writers(writers)}
    for writer in writers:
        objects[records.register_name(writer)] = records.build_register(Register(writer, None, 0, 0))
    return objects


def pushing(plan: Plan, tries: int = 3) -> Process:
    setup = Setup(plan.writer, Memory(), unrelated, tries=tries)
    return exchange.push(Update((Change(plan.ref, plan.old, plan.new),)), setup)


def pushing_once(plan: Plan) -> Process:
    return pushing(plan, tries=1)


def naive(plan: Plan) -> Process:
    """What the peers do: one pointer that all share, read before and after."""
    was = (yield Read(("pointer",)))["pointer"] or b""
    refs = dict(line.split(b" ") for line in was.splitlines())
    if refs.get(plan.ref.encode(), b"").decode() != (plan.old or ""):
        return FetchFirst((plan.ref,))
    refs[plan.ref.encode()] = (plan.new or "").encode()
    again = (yield Read(("pointer",)))["pointer"] or b""
    if again != was:
        return FetchFirst((plan.ref,))
    mine = b"".join(b"%s %s\n" % pair for pair in sorted(refs.items()))
    yield Write("pointer", mine)
    if (yield Read(("pointer",)))["pointer"] != mine:
        return FetchFirst((plan.ref,))
    return Pushed(state.EMPTY, "", (), 0)


def answer(request: Any, objects: Objects) -> Any:
    """Do one request on the shared objects, in one step."""
    match request:
        case Read(names):
            return {name: objects.get(name) for name in names}
        case Write(name, content):
            objects[name] = content
            return None
        case Present(names):
            return {name: name in objects for name in names}
        case Identify():
            return Identity()
        case Pack():
            return Packed()
        case Pause() | Remember():
            return None
    return request(objects)  # a step of the lock


class Ending(NamedTuple):
    objects: Objects
    outcomes: tuple[Any, ...]  # None: crashed


def run(
    make: Callable[[Plan], Process], plans: tuple[Plan, ...], start: Objects, schedule: Iterable[int]
) -> tuple[Objects, list[Any], list[list[Any]]]:
    """Follow a schedule: number i lets process i do one request, -1-i kills it.  Give what everybody has seen."""
    objects = dict(start)
    processes: list[Any] = [make(plan) for plan in plans]
    waiting: list[Any] = []
    seen: list[list[Any]] = [[] for _ in plans]
    for process in processes:
        waiting.append(next(process))
    for step in schedule:
        if step < 0:
            waiting[-1 - step] = ("crashed",)
            continue
        try:
            given = answer(waiting[step], objects)
            seen[step].append(given)
            waiting[step] = processes[step].send(given)
        except StopIteration as end:
            waiting[step] = ("done", end.value)
    return objects, waiting, seen


def endings(
    make: Callable[[Plan], Process],
    plans: tuple[Plan, ...],
    start: Objects,
    *,
    crashes: int = 0,
) -> Iterable[Ending]:
    """Visit all interleavings; local steps (pauses, packing) are taken at once, since nobody else sees them."""
    stack: list[tuple[int, ...]] = [()]
    visited = set()
    while stack:
        schedule = stack.pop()
        objects, waiting, seen = run(make, plans, start, schedule)
        looks = (
            frozenset(objects.items()),
            tuple(repr(s) for s in seen),
            tuple(w == ("crashed",) for w in waiting),
        )
        if hash(looks) in visited:
            continue
        visited.add(hash(looks))
        alive = [i for i, w in enumerate(waiting) if not _ended(w)]
        if not alive:
            yield Ending(objects, tuple(w[1] if w[0] == "done" else None for w in waiting))
            continue
        local = [i for i in alive if isinstance(waiting[i], Pause | Identify | Pack | Remember)]
        stack += [(*schedule, i) for i in (local[:1] or alive)]
        if schedule.count(-1) + schedule.count(-2) + schedule.count(-3) < crashes:
            stack += [(*schedule, -1 - i) for i in alive if not local]


def _ended(waiting: Any) -> bool:
    return type(waiting) is tuple


def final_state(objects: Objects) -> state.State:
    process = look(Setup("reader", Memory(), unrelated))
    request = next(process)
    try:
        while True:
            request = process.send(answer(request, objects))
    except StopIteration as end:
        return end.value.state  # type: ignore[no-any-return] # the value of a generator's end has no type


def acknowledged(ending: Ending, plans: tuple[Plan, ...]) -> list[Plan]:
    return [p for p, o in zip(plans, ending.outcomes, strict=True) if isinstance(o, Pushed)]


def assert_nothing_is_lost(ending: Ending, plans: tuple[Plan, ...]) -> None:
    now = final_state(ending.objects)
    for plan in acknowledged(ending, plans):
        if plan.new is not None:
            assert plan.new in now.values.values(), (plan, now.values)
        else:
            assert plan.ref not in now.values


SAME = (Plan("anna", MAIN, None, sha(1)), Plan("berta", MAIN, None, sha(2)))
OTHER = (Plan("anna", MAIN, None, sha(1)), Plan("berta", "refs/heads/side", None, sha(2)))
THREE = (*SAME, Plan("carla", "refs/heads/side", None, sha(3)))


@pytest.mark.parametrize("crashes", [0, 1])
def test_of_two_pushes_to_one_ref_at_most_one_is_acknowledged_and_none_is_lost(crashes: int) -> None:
    seen = set()
    for ending in endings(pushing, SAME, joined("anna", "berta"), crashes=crashes):
        assert_nothing_is_lost(ending, SAME)
        assert len(acknowledged(ending, SAME)) <= 1
        if not crashes:
            assert not final_state(ending.objects).conflicts
        seen.add(tuple(type(o).__name__ for o in ending.outcomes))
    assert {("Pushed", "FetchFirst"), ("FetchFirst", "Pushed")} <= seen


def test_two_pushes_to_different_refs_are_both_acknowledged() -> None:
    for ending in endings(pushing, OTHER, joined("anna", "berta"), crashes=1):
        assert_nothing_is_lost(ending, OTHER)
        if None not in ending.outcomes:
            assert len(acknowledged(ending, OTHER)) == 2


def test_a_shared_pointer_loses_updates_in_the_same_explorer() -> None:
    with pytest.raises(AssertionError):
        for ending in endings(naive, SAME, {}):
            refs = dict(line.split(b" ") for line in ending.objects.get("pointer", b"").splitlines())
            for plan in acknowledged(ending, SAME):
                assert plan.new is not None and plan.new.encode() in refs.values()


class SharedCell:
    """A lock's cell in the shared objects."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def get(self) -> tuple[bytes, str] | None:
        raw = self._objects.get("lock")
        return None if raw is None else (raw, raw.decode())

    def swap(self, content: bytes, *, tag: str | None) -> str | None:
        now = self.get()
        if (now and now[1]) != tag:
            return None
        self._objects["lock"] = content
        return content.decode()


def locking(plan: Plan) -> Process:
    """A push that is refused at once while another one holds the lock."""

    def acquire(objects: Objects) -> Held | None:
        return Lease(SharedCell(objects)).acquire(plan.writer, now=0, lasting=60)

    held = yield acquire
    if held is None:
        return None
    outcome = yield from pushing(plan)
    yield lambda objects: Lease(SharedCell(objects)).release(held)
    return outcome


def test_with_a_lock_exactly_one_push_to_a_ref_goes_through() -> None:
    for ending in endings(locking, SAME, joined("anna", "berta")):
        assert_nothing_is_lost(ending, SAME)
        assert len(acknowledged(ending, SAME)) == 1


def until_register(process: Process, writer: str, objects: Objects) -> Any:
    """Run a process, alone, up to the write that makes its push count; give that request."""
    request = next(process)
    while not (isinstance(request, Write) and request.name == records.register_name(writer)):
        request = process.send(answer(request, objects))
    return request


def finish(process: Process, objects: Objects, request: Any = None) -> Any:
    """Run a process to its end, alone."""
    request = next(process) if request is None else request
    try:
        while True:
            request = process.send(answer(request, objects))
    except StopIteration as end:
        return end.value


@pytest.mark.parametrize("remembers", [True, False])
def test_a_push_that_was_taken_back_and_lives_on_elsewhere_makes_no_ref_vanish(remembers: bool) -> None:
    objects = joined("anna", "berta")
    finish(pushing(Plan("anna", MAIN, None, sha(1))), objects)
    setup = Setup("anna", Memory(), unrelated)
    taken_back = exchange.push(Update((Change(MAIN, sha(1), sha(2)),)), setup)
    request = until_register(taken_back, "anna", objects)
    request = taken_back.send(answer(request, objects))
    # Berta sees it and builds on it, but is slow; anna cannot look again, takes it back, and pushes a tag.
    berta = pushing(Plan("berta", "refs/heads/side", None, sha(3)))
    slow = until_register(berta, "berta", objects)
    with pytest.raises(Unreadable):
        finish(taken_back, objects, taken_back.throw(Unreadable("gone")))
    memory = setup.memory if remembers else Memory()
    tag = Update((Change("refs/tags/v1", None, sha(4)),))
    assert isinstance(finish(exchange.push(tag, Setup("anna", memory, unrelated)), objects), Pushed)
    assert isinstance(finish(berta, objects, slow), Pushed)
    values = final_state(objects).values
    assert values["refs/heads/side"] == sha(3) and values["refs/tags/v1"] == sha(4)
    assert values[MAIN] in (sha(1), sha(2))


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_of_three_writers_no_acknowledged_update_is_lost() -> None:
    for ending in endings(pushing_once, THREE, joined("anna", "berta", "carla")):
        assert_nothing_is_lost(ending, THREE)


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_two_writers_who_join_at_once_lose_nothing_that_they_themselves_can_see() -> None:
    """The directory can be overwritten while both join: the one who is missing then still has its register."""
    for ending in endings(pushing_once, SAME, {}):
        for plan in acknowledged(ending, SAME):
            objects = {
                **ending.objects,
                records.DIRECTORY: records.build_writers(
                    p.writer for p in SAME if records.register_name(p.writer) in ending.objects
                ),
            }
            assert plan.new in final_state(objects).values.values()
