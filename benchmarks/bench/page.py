"""Write docs/benchmarks.md of the stored figures: `./run bench page`.  A test holds the page to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from bench import goals, table
from bench.chart import Line, chart
from bench.goals import Verdict
from bench.result import Measured, Report, read
from bench.scenario import Scale, readable
from bench.scenarios import FAMILIES, SCENARIOS

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"

ABOUT = """\
# Benchmarks

Rookery and its peers do the same work on the same machine, in the same run, in turn; after each command it is looked
whether the work is done. The median counts. Trust the ratios, not the single figures: your machine is another one.
[How it is measured, and why so](design/0019-benchmarks.md). Measure yourself: `./run bench`, `./run bench --help`.

*floor* is no tool but the least that the work takes: a bare `python -c pass`, the checksum of the file, a copy and its
checksum, `curl`. *over* means that the peer was stopped at that limit. In the charts the axis is logarithmic: equal
distances are equal ratios, and left is faster; a number beside a name says how many files or subdatasets. Files have
1 KiB where no size is given. Memory is that of all processes together, as often as it was looked at: a lower bound.

<!-- Written by `./run bench page` of benchmarks/results; change nothing here. -->
"""

BUSY = 1.5  # processes that want to run, for each core: the bench and what it measures are up to two

TITLES = {
    "startup": "Start-up",
    "files": "Many files",
    "transfer": "Between repositories on one disk",
    "run": "Commands with a record",
    "big": "One large file",
    "web": "From a web server",
    "elsewhere": "With siblings over ssh and HTTP",
    "nested": "Subdatasets",
}


def newest(reports: Iterable[Report]) -> list[tuple[Report, Measured]]:
    """Give each scenario at each scale once, as measured last: a ratio is of one run, so none is mixed of two."""
    found = {}
    for report in sorted(reports, key=lambda report: report.began):
        for measured in report.measured:
            found[measured.scenario, measured.scale] = (report, measured)
    return list(found.values())


def stored() -> list[Report]:
    """Read all stored reports, by name."""
    return [read(path) for path in sorted(RESULTS.glob("*.json"))]


def write() -> None:
    """Write the page."""
    PAGE.write_text(text(stored()))


def text(reports: list[Report]) -> str:
    """Compose the page.  Raises ValueError if nothing has been measured."""
    if not reports:
        raise ValueError(f"there are no figures in {RESULTS}")
    chosen = newest(reports)
    parts = [ABOUT, *busy([report for report, _ in chosen])]
    for family in FAMILIES:
        mine = [m for _, m in chosen if SCENARIOS[m.scenario].family == family]
        if mine:
            parts += [f"\n## {TITLES[family]}\n", *section(family, mine)]
    parts += ["", "## Goals\n", *goal_rows([measured for _, measured in chosen])]
    used = {report.began: report for report, _ in chosen}
    parts += ["", "## Where and when\n", *where([used[began] for began in sorted(used)])]
    return "\n".join(parts) + "\n"


def busy(reports: list[Report]) -> Iterator[str]:
    """Warn if other work went on beside the measuring."""
    at_most = max(
        (m.load / report.machine["cores"] for report in reports for m in report.measured), default=0
    )
    if at_most > BUSY:
        yield (
            "**The machine was busy with other things meanwhile** (see the load at the end of the page): each time is "
            "longer than it need be, and even ratios are rough. Processor time is less disturbed.\n"
        )


def goal_rows(measured: list[Measured]) -> Iterator[str]:
    """Hold what was measured to the goals."""
    verdicts = [goals.judge(goal, measured) for goal in goals.GOALS]
    reached = sum(verdict.reached is True for verdict in verdicts)
    missed = sum(verdict.reached is False for verdict in verdicts)
    yield f"{reached} reached, {missed} missed, {len(verdicts) - reached - missed} not shown.\n"
    yield "| task | size | goal | found | Rookery | peer | |\n|---|---|---|---|---|---|---|"
    for verdict in verdicts:
        yield goal_row(verdict)


def goal_row(verdict: Verdict) -> str:
    """Lay out one goal."""
    goal = verdict.goal
    theirs = f"{'over ' if verdict.at_least else ''}{table.seconds(verdict.theirs)}" if verdict.theirs else ""
    word = {True: "reached", False: f"**missed**{by(verdict)}", None: "not shown"}[verdict.reached]
    scenario = SCENARIOS[goal.scenario]
    cells = [scenario.what, scenario.sized(goal.scale), str(goal), verdict.found]
    return "| " + " | ".join([*cells, table.seconds(verdict.ours), theirs, word]) + " |"


def by(verdict: Verdict) -> str:
    """Say by how much a goal was missed: how many times as fast it would have to be."""
    goal, ours = verdict.goal, verdict.ours
    if ours is None:
        return ""
    if goal.seconds is not None:
        return f" by {ours / goal.seconds:.2f}x"
    assert verdict.theirs is not None
    allowed = verdict.theirs / goal.faster if goal.faster is not None else verdict.theirs * (goal.most or 1)
    return f" by {ours / allowed:.2f}x"


def section(family: str, mine: list[Measured]) -> Iterator[str]:
    """Draw a family's times, and list all figures."""
    mine = sorted(mine, key=lambda m: (list(SCENARIOS).index(m.scenario), m.scale))
    lines = [line for m in mine if (line := line_of(m)).seconds]
    if lines:
        yield chart(f"{TITLES[family]}: seconds, left is faster", lines)
    for measured in mine:
        scenario = SCENARIOS[measured.scenario]
        yield f"\n**{measured.scenario}**: {scenario.what}{comma(scenario.sized(measured.scale))}\n"
        yield table.HEAD.format("")
        yield from table.rows(measured)


def line_of(measured: Measured) -> Line:
    """Give a scenario's line of the chart."""
    seconds, stopped = {}, set()
    for figures in measured.peers:
        if (median := figures.median) is not None:
            seconds[figures.peer] = median
        elif figures.over is not None and figures.wrong is None:
            seconds[figures.peer] = figures.over
            stopped.add(figures.peer)
    return Line(short_name(measured), seconds, frozenset(stopped))


def comma(text: str) -> str:
    """Put a text behind another one, if there is one."""
    return f", {text}" if text else ""


def short_name(measured: Measured) -> str:
    """Name a scenario and its size so that both fit beside the chart."""
    many = SCENARIOS[measured.scenario].scales[0].count > 1
    size = "" if measured.size == Scale(1).size else readable(measured.size)
    return ", ".join(filter(None, (measured.scenario, f"{measured.count:,}" if many else "", size)))


def where(reports: list[Report]) -> Iterator[str]:
    """Say on which machine, with which versions."""
    for report in reports:
        machine = report.machine
        memory = f", {readable(machine['memory'])} of memory" if machine.get("memory") else ""
        loads = [measured.load for measured in report.measured]
        yield (
            f"- {report.began}: {machine['processor']}, {machine['cores']} cores{memory}, {machine['file system']}, "
            f"{machine['system']}, Python {machine['python']}; "
            + ", ".join(f"{'curl' if name == 'floor' else name} {v}" for name, v in report.versions.items())
            + f". Runs of each: {report.repeat}, or as many as fit into {report.budget:,.0f} s; "
            f"load before a scenario {min(loads):.1f} to {max(loads):.1f}."
        )
