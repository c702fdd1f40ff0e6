"""What is to be reached: each goal names the scenario, its scale, the peer, and by how much."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from bench.result import Figures, Measured
from bench.scenario import Scale


class Goal(NamedTuple):
    """Rookery is `faster` times as fast as a peer; or takes at most `most` times as long; or `seconds`.

    With `than`, a smaller scale, and no peer: at most `most` times as long for each file as there.
    """

    scenario: str
    scale: Scale
    peer: str = ""
    faster: float | None = None
    most: float | None = None
    seconds: float | None = None
    than: Scale | None = None

    def __str__(self) -> str:
        if self.seconds is not None:
            return f"at most {self.seconds:g} s"
        if self.than is not None:
            return f"at most {self.most:g}x as long for each file as with {self.than.count:,}"
        if self.faster is not None:
            return (
                f"{self.faster:g}x faster than {self.peer}" if self.faster > 1 else f"faster than {self.peer}"
            )
        return f"at most {self.most:g}x {self.peer}"


class Verdict(NamedTuple):
    """How a goal stands: None if this has not been measured."""

    goal: Goal
    ours: float | None
    theirs: float | None
    at_least: bool  # `theirs` is a limit at which the peer was stopped
    reached: bool | None
    found: str


ONE = Scale(1)
SMALL, MANY, BIG, WEB, NESTED = Scale(20_000), Scale(100_000, 100), Scale(1, 10**9), Scale(500), Scale(200)

GOALS = (
    Goal("version", ONE, "datalad", faster=3),
    Goal("version", ONE, "floor", most=4),
    Goal("status-tiny", ONE, "datalad", faster=3),
    Goal("status-tiny", ONE, "floor", most=4),
    Goal("create", ONE, "datalad", faster=3),
    Goal("save", SMALL, "datalad", faster=18),
    Goal("save", SMALL, "git", most=1.6),
    Goal("save", SMALL, "dvc", faster=1),
    Goal("save", MANY, seconds=20),
    Goal("save", MANY, most=1.1, than=SMALL),
    Goal("save-big", BIG, "floor", most=1.15),
    Goal("save-big-sha256", BIG, "git-annex", faster=3),
    Goal("save-one", SMALL, "datalad", faster=15),
    Goal("status", SMALL, "datalad", faster=15),
    Goal("status-all", SMALL, "datalad", faster=15),
    Goal("whereis", SMALL, "git-annex", faster=50),
    Goal("whereis", MANY, "git-annex", faster=50),
    Goal("get", SMALL, "datalad", faster=35),
    Goal("drop", SMALL, "datalad", faster=20),
    Goal("push", SMALL, "datalad", faster=60),
    Goal("push-nothing", SMALL, "datalad", faster=100),
    Goal("push-one", SMALL, "datalad", faster=60),
    Goal("clone", SMALL, "git", most=1.15),
    Goal("run", SMALL, "datalad", faster=10),
    Goal("download", WEB, "floor", most=1.3),
    Goal("download-far", WEB, "floor", most=1.3),
    Goal("get-big", BIG, "floor", most=1.15),
    Goal("push-big", BIG, "floor", most=1.15),
    Goal("status-r", NESTED, "datalad", faster=8),
    Goal("get-n-r", NESTED, "datalad", faster=3),
    Goal("save-r", NESTED, "datalad", faster=8),
    Goal("push-r", NESTED, "datalad", faster=8),
    Goal("push-r-nothing", NESTED, "datalad", faster=20),
)


def wanted() -> Iterator[tuple[str, Scale]]:
    """Give what has to be measured for all goals; some twice."""
    for goal in GOALS:
        yield goal.scenario, goal.scale
        if goal.than is not None:
            yield goal.scenario, goal.than


def at(scenario: str, scale: Scale, measured: Iterable[Measured]) -> Measured | None:
    """Give what was measured of a scenario at a scale."""
    return next((one for one in measured if (one.scenario, one.scale) == (scenario, scale)), None)


def judge(goal: Goal, measured: Collection[Measured]) -> Verdict:
    """Say how a goal stands after a measurement."""
    one = at(goal.scenario, goal.scale, measured)
    rookery = one.of("rookery") if one else None
    peer = one.of(goal.peer) if one else None
    ours, theirs = (rookery.median if rookery else None), (peer.median if peer else None)
    if rookery is not None and ours is None:
        why = "failed" if rookery.wrong is not None else f"over {rookery.over} s"
        return Verdict(goal, None, theirs, False, False, why)
    if ours is None:
        return Verdict(goal, None, None, False, None, "not measured")
    if goal.seconds is not None:
        return Verdict(goal, ours, None, False, ours <= goal.seconds, f"{ours:.1f} s")
    if goal.than is not None:
        return grow(goal, goal.than, ours, at(goal.scenario, goal.than, measured))
    return compare(goal, ours, peer)


def grow(goal: Goal, than: Scale, ours: float, smaller: Measured | None) -> Verdict:
    """Hold Rookery's time for each file to that with fewer files."""
    rookery = smaller.of("rookery") if smaller else None
    theirs = rookery.median if rookery else None
    if theirs is None:
        return Verdict(goal, ours, None, False, None, f"not measured with {than.count:,}")
    allowed = theirs / than.count * goal.scale.count
    assert goal.most is not None
    return Verdict(goal, ours, allowed, False, ours / allowed <= goal.most, f"{ours / allowed:.2f}x")


def compare(goal: Goal, ours: float, peer: Figures | None) -> Verdict:
    """Hold Rookery's time to a peer's."""
    theirs = (peer.median or peer.over) if peer is not None and peer.wrong is None else None
    if peer is None or theirs is None:
        return Verdict(goal, ours, None, False, None, "the peer was not measured")
    stopped = peer.median is None
    if goal.faster is not None:
        times = theirs / ours
        known = times >= goal.faster or not stopped
        said = f"{'over ' if stopped else ''}{times:.1f}x faster"
        return Verdict(goal, ours, theirs, stopped, times >= goal.faster if known else None, said)
    assert goal.most is not None
    times = ours / theirs
    known = times <= goal.most or not stopped
    said = f"{'under ' if stopped else ''}{times:.2f}x"
    return Verdict(goal, ours, theirs, stopped, times <= goal.most if known else None, said)
