"""The scenarios: a module for each family; a new family is a module and its name here."""

from __future__ import annotations

from bench.scenario import Scenario
from bench.scenarios import big, elsewhere, files, nested, running, startup, transfer, web

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for family in (startup, files, transfer, running, big, web, elsewhere, nested)
    for scenario in family.SCENARIOS
}
FAMILIES = tuple(dict.fromkeys(scenario.family for scenario in SCENARIOS.values()))
