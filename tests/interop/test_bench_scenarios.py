"""Every scenario of the bench is done by the real tools, and one who does nothing is found out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bench import machine, peers, turns
from bench.places import Places
from bench.scenario import Command, Scale, words
from bench.scenarios import SCENARIOS

# Where nothing has to be done, doing nothing is right; and git-annex says nothing of what is clean.
IDLE_IS_RIGHT = {"save-nothing", "push-nothing", "push-r-nothing", "update-nothing"}
SILENCE_IS_RIGHT = {"git-annex": {"status", "status-tiny"}}
SHORT = ("save", "get", "push")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    for name in ("HOME", "PATH", "MAGIC"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # so that it is put back
    machine.settle(tmp_path)
    return Places(tmp_path)


def idle(commands: Mapping[str, Command]) -> dict[str, Command]:
    """Give the same commands, of which none does anything."""
    return {
        peer: replace(command, argv=words("true")) for peer, command in commands.items() if peer != "floor"
    }


def wrong_at(name: str, places: Places, who: set[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Give what is wrong with the peers' work, and with that of idlers in their places."""
    found = []
    scenario = SCENARIOS[name]
    for commands in (dict(scenario.commands), idle(scenario.commands)):
        chosen = [peer for peer in commands if peer in who]
        measured = turns.measure(
            replace(scenario, commands=commands), Scale(3), chosen, places, repeat=1, budget=120
        )
        found.append({figures.peer: figures.wrong or "" for figures in measured.peers})
    return found[0], found[1]


@pytest.mark.parametrize("name", SHORT)
def test_rookery_does_the_work_of_a_scenario_and_an_idler_does_not(name: str, places: Places) -> None:
    honest, idlers = wrong_at(name, places, {"rookery"})
    assert honest == {"rookery": ""}
    assert idlers["rookery"] != ""


@pytest.mark.campaign
@pytest.mark.parametrize("name", SCENARIOS)
def test_all_peers_do_the_work_of_a_scenario_and_idlers_do_not(name: str, places: Places) -> None:
    here = {peer for peer in peers.PEERS if peers.here(peer)}
    honest, idlers = wrong_at(name, places, here)
    assert not {peer: why for peer, why in honest.items() if why}
    if name not in IDLE_IS_RIGHT:
        unnoticed = {peer for peer, why in idlers.items() if not why}
        assert not {peer for peer in unnoticed if name not in SILENCE_IS_RIGHT.get(peer, set())}
