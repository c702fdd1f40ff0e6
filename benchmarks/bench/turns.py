"""One scenario: every peer in turn, the order rotated, so that a busy moment of the machine hits all."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable

from bench import measuring
from bench.accounts import account
from bench.places import Places
from bench.result import Figures, Measured
from bench.scenario import Command, Outcome, Scale, Scenario, Unprepared, Wrong


def measure(
    scenario: Scenario,
    scale: Scale,
    peers: Iterable[str],
    places: Places,
    *,
    repeat: int,
    budget: float,
    accounts: bool = True,
) -> Measured:
    """Measure all peers that can do it: `repeat` times, or until a peer has had `budget` seconds.

    `accounts` asks for one run more, to count processes and see memory.
    """
    commands = {peer: scenario.commands[peer] for peer in peers if peer in scenario.commands}
    figures = {peer: Figures(peer, shlex.join(command.argv)) for peer, command in commands.items()}
    load = round(os.getloadavg()[0], 2)
    for turn in range(repeat):
        order = list(commands)
        at = turn % max(len(order), 1)
        for peer in order[at:] + order[:at]:
            if may_go_on(figures[peer], budget):
                once(commands[peer], figures[peer], scale, places, budget)
    for peer, command in commands.items():
        if accounts and may_go_on(figures[peer], budget):
            observe(command, figures[peer], scale, places, budget)
    return Measured(scenario.name, scale.count, scale.size, load, list(figures.values()))


def may_go_on(figures: Figures, budget: float) -> bool:
    """Say whether a peer gets another run: not if the next one would probably go over its time."""
    if figures.over is not None or figures.wrong is not None:
        return False
    return not figures.seconds or sum(figures.seconds) + max(figures.seconds) <= budget


def once(command: Command, figures: Figures, scale: Scale, places: Places, budget: float) -> None:
    """Run a peer's command once, measure it, and look whether the work is done."""
    try:
        place = places.lay(command.start, scale)
    except Unprepared as why:
        figures.wrong = str(why)
        return
    os.sync()  # what we have copied shall not be written out in the command's time
    ended = measuring.run(command.argv, place / command.cwd, limit=budget)
    if command.writes:
        places.written(command.start)
    if ended.code is None:
        figures.over = budget
        return
    try:
        if ended.code:
            raise Wrong(f"it failed with {ended.code}: {ended.stdout[-500:]}{ended.stderr[-500:]}")
        command.check(Outcome(place, scale, ended.stdout, deep=not figures.seconds))
    except Wrong as wrong:
        figures.wrong = str(wrong)
        return
    figures.seconds.append(round(ended.seconds, 4))
    figures.cpu.append(round(ended.cpu, 4))


def observe(command: Command, figures: Figures, scale: Scale, places: Places, budget: float) -> None:
    """Run a peer's command once more to count its processes and see its memory."""
    place = places.lay(command.start, scale)
    found = account(command.argv, place / command.cwd, limit=budget)
    if command.writes:
        places.written(command.start)
    if found is not None:
        figures.processes, figures.memory = found
