"""Lay figures out for people."""

from __future__ import annotations

from bench.result import Figures, Measured
from bench.scenario import readable
from bench.scenarios import SCENARIOS

HEAD = "| {} | seconds | of Rookery's | CPU | memory | processes | runs |\n|---|---|---|---|---|---|---|"


def seconds(value: float | None) -> str:
    """Give seconds with the digits that mean something."""
    if value is None:
        return ""
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def ratio(theirs: float, ours: float) -> str:
    """Say how many times as long."""
    times = theirs / ours
    return f"{times:.2f}x" if times < 2 else f"{times:.1f}x" if times < 10 else f"{times:,.0f}x"


def time_of(figures: Figures) -> str:
    """Give a peer's time, or why there is none."""
    if figures.wrong is not None:
        return "failed"
    if figures.median is None:
        return f"over {figures.over:,.0f}" if figures.over else ""
    return seconds(figures.median)


def times_ours(figures: Figures, ours: float | None) -> str:
    """Say how many times as long as Rookery a peer takes; at least, if it was stopped."""
    if ours is None or figures.peer == "rookery" or figures.wrong is not None:
        return ""
    if figures.median is not None:
        return ratio(figures.median, ours)
    return f"over {ratio(figures.over, ours)}" if figures.over else ""


def rows(measured: Measured) -> list[str]:
    """Give one line for each peer."""
    rookery = measured.of("rookery")
    ours = rookery.median if rookery else None
    return [
        "| "
        + " | ".join(
            [
                figures.peer,
                time_of(figures),
                times_ours(figures, ours),
                seconds(figures.cpu_median),
                readable(figures.memory) if figures.memory else "",
                str(figures.processes or ""),
                str(len(figures.seconds)),
            ]
        )
        + " |"
        for figures in measured.peers
    ]


def table(measured: Measured) -> str:
    """Lay out one scenario."""
    title = ", ".join(filter(None, (measured.scenario, SCENARIOS[measured.scenario].sized(measured.scale))))
    failed = [f"\n{f.peer} failed: {f.wrong}" for f in measured.peers if f.wrong is not None]
    return "\n".join([HEAD.format(title), *rows(measured), *failed]) + "\n"
