"""Measure Rookery beside its peers: the same work, in turn, on this machine.  Trust the ratios, not single figures."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench import (
    backend,
    deposits,
    goals,
    hub_pages,
    hub_transfers,
    machine,
    measuring,
    page,
    peers,
    table,
    turns,
)
from bench.places import Places, remove
from bench.result import Report
from bench.scenario import Scale, Scenario
from bench.scenarios import FAMILIES, SCENARIOS

DEPOSIT = "deposit"  # alone: it counts bytes
HUB = "hub"  # alone: it starts servers
HUB_PAGES = "hub-pages"  # the part of it that takes a minute
BACKEND = "backend"  # alone: one program's start
GOALS = "goals"  # what the table of goals needs, at its sizes and no others
PAGE = "page"  # measures nothing: writes docs/benchmarks.md of benchmarks/results
ALONE = {DEPOSIT, HUB, HUB_PAGES, BACKEND, PAGE}
USUAL = ("startup", "files", "transfer", "run", "web")


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument(
        "name",
        nargs="*",
        help=f"families ({', '.join(FAMILIES)}), scenarios ({', '.join(SCENARIOS)}), {GOALS}, "
        f"{DEPOSIT}, {HUB}, {BACKEND} or {PAGE}; none means {', '.join(USUAL)}, at 1,000 files",
    )
    parser.add_argument(
        "--count",
        type=int,
        action="append",
        metavar="N",
        help=f"files or subdatasets; may be repeated; with {GOALS}: only those of that size",
    )
    parser.add_argument("--size", type=int, metavar="BYTES", help="bytes in each file")
    parser.add_argument(
        "--repeat", type=int, default=3, metavar="N", help="runs, of which the median counts (3)"
    )
    parser.add_argument("--peers", default=",".join(peers.PEERS), help="whom to measure (%(default)s)")
    parser.add_argument(
        "--budget", type=float, default=300, metavar="S", help="seconds that a peer has for a scenario (300)"
    )
    parser.add_argument(
        "--times-only", action="store_true", help="make no run to count processes and see memory"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write all figures there, after each scenario"
    )
    parser.add_argument("--folder", type=Path, help="where to work, instead of the usual temporary folder")
    found = parser.parse_args()
    if wrong := set(found.name) - {*FAMILIES, *SCENARIOS, GOALS, *ALONE}:
        parser.error(f"there is no family or scenario {', '.join(sorted(wrong))}")
    if wrong := set(found.peers.split(",")) - set(peers.PEERS):
        parser.error(f"there is no peer {', '.join(sorted(wrong))}; there are {', '.join(peers.PEERS)}")
    if ALONE & set(found.name) and len(found.name) > 1:
        parser.error(f"{', '.join(sorted(ALONE))} go alone")
    if found.repeat < 1:
        parser.error("--repeat must be 1 or more")
    return found


def chosen(asked: argparse.Namespace) -> list[tuple[str, Scale]]:
    """Give scenarios and sizes, each once, one size after the other: then a size's starts can go when it is done."""
    wanted: dict[tuple[str, Scale], None] = {}
    for name in asked.name or USUAL:
        if name == GOALS:
            wanted.update(
                {one: None for one in goals.wanted() if not asked.count or one[1].count in asked.count}
            )
            continue
        for scenario in SCENARIOS.values():
            if name in (scenario.name, scenario.family):
                scales = scenario.scales if asked.name else scenario.scales[:1]
                wanted.update({(scenario.name, scale): None for scale in scaled(scenario, scales, asked)})
    return sorted(wanted, key=lambda one: one[1])


def scaled(scenario: Scenario, usual: tuple[Scale, ...], asked: argparse.Namespace) -> list[Scale]:
    """Give a scenario's sizes, or those asked for: what is about one thing stays so, and only files have sizes."""
    first = scenario.scales[0]
    size = asked.size if scenario.things == "files" and first != Scale(1) else None
    if asked.count and first.count > 1:
        return [Scale(count, size or first.size) for count in asked.count]
    return [Scale(scale.count, size or scale.size) for scale in usual]


def present(names: list[str]) -> list[str]:
    """Give the peers that can be run; say who is missing."""
    for name in names:
        if not peers.here(name):
            print(f"{name} is not here and is left out ({peers.PEERS[name].wanted})", file=sys.stderr)
    return [name for name in names if peers.here(name)]


def measure(asked: argparse.Namespace, root: Path) -> int:
    """Measure what was asked for; give 1 if somebody's work was wrong."""
    here = present(asked.peers.split(","))
    report = Report(
        datetime.now(UTC).isoformat(timespec="seconds"),
        machine.describe(root),
        {name: peers.version(name) for name in here},
        asked.repeat,
        asked.budget,
    )
    places, failed = Places(root), 0
    todo = chosen(asked)
    for number, (name, scale) in enumerate(todo):
        measured = turns.measure(
            SCENARIOS[name],
            scale,
            here,
            places,
            repeat=asked.repeat,
            budget=asked.budget,
            accounts=not asked.times_only,
        )
        report.measured.append(measured)
        failed |= any(figures.wrong is not None for figures in measured.peers)
        print(table.table(measured), flush=True)
        if asked.json:
            report.write(asked.json)
        if scale not in {later for _, later in todo[number + 1 :]}:
            places.forget(scale)
    return int(failed)


def main() -> int:
    """Do what was asked for."""
    asked = options()
    if PAGE in asked.name:
        page.write()
        return 0
    if BACKEND in asked.name:
        print(backend.table(), flush=True)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: end what is running, and clear up
    root = Path(tempfile.mkdtemp(prefix="rookery-bench-", dir=asked.folder))
    try:
        machine.settle(root)
        measuring.adopt_orphans()
        if DEPOSIT in asked.name:
            print(deposits.table(root / "deposits"), flush=True)
            return 0
        if HUB in asked.name:
            for line in hub_transfers.lines(root / "hub", asked.repeat):
                print(line, flush=True)
        if HUB in asked.name or HUB_PAGES in asked.name:
            for line in hub_pages.lines(root / "pages"):
                print(line, flush=True)
            return 0
        return measure(asked, root)
    finally:
        remove(root)


if __name__ == "__main__":
    sys.exit(main())
