"""A chart of times: one line for each scenario, one mark for each peer, on a logarithmic axis, as SVG.

Times differ a thousandfold, and what matters is their ratio: equal distances
are equal ratios.  Text takes the page's colour, marks have a shape each, and
no line needs a script: it reads the same in light and dark, and in print.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import NamedTuple

STYLE = 'style="width:100%;height:auto;font:13px sans-serif" fill="currentColor"'
WIDTH, LEFT, RIGHT, LINE, TOP = 780, 250, 26, 30, 58


_Scale = Callable[[float], float]


class Mark(NamedTuple):
    """How a peer is drawn: a colour that stands on white and on black, and a shape around 0, 0."""

    colour: str
    shape: str


CIRCLE = '<circle r="6"/>'
MARKS = {
    "rookery": Mark("#d9480f", '<circle r="7.5"/>'),
    "datalad": Mark("#3b82c4", '<rect x="-5.5" y="-5.5" width="11" height="11"/>'),
    "git-annex": Mark("#2f9e60", '<path d="M0-7 6.5 5H-6.5Z"/>'),
    "dvc": Mark("#9c5fc9", '<path d="M0-7.5 7.5 0 0 7.5-7.5 0Z"/>'),
    "git-lfs": Mark("#b8860b", '<path d="M0 7 6.5-5H-6.5Z"/>'),
    "git": Mark("#808890", CIRCLE),
    "floor": Mark("#808890", '<path d="M-1.5-8h3V8h-3Z"/>'),
}


class Line(NamedTuple):
    """A scenario's name, and each peer's seconds; a peer in `stopped` took more than that."""

    name: str
    seconds: Mapping[str, float]
    stopped: frozenset[str] = frozenset()


def chart(title: str, lines: Sequence[Line]) -> str:
    """Draw.  The answer has no empty line, so that Markdown takes it as it is.

    Raises ValueError if there is nothing to draw.
    """
    values = [value for line in lines for value in line.seconds.values()]
    if not values:
        raise ValueError(f"{title}: nothing to draw")
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)

    def x(value: float) -> float:
        return round(LEFT + (math.log10(value) - low) / (high - low) * (WIDTH - LEFT - RIGHT), 1)

    bottom = TOP + LINE * len(lines)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {bottom + 34}" role="img" aria-label="{escape(title)}" {STYLE}>',
        f"<title>{escape(title)}</title>",
        *legend([peer for peer in MARKS if any(peer in line.seconds for line in lines)]),
    ]
    for power in range(low, high + 1):
        at = x(10.0**power)
        parts.append(f'<path d="M{at} {TOP - 8}V{bottom}" stroke="currentColor" stroke-opacity=".18"/>')
        parts.append(f'<text x="{at}" y="{bottom + 20}" text-anchor="middle">{10.0**power:g} s</text>')
    for number, line in enumerate(lines):
        parts += row(line, TOP + LINE * number + LINE // 2 - 4, x)
    return "\n".join([*parts, "</svg>"])


def row(line: Line, y: int, x: _Scale) -> list[str]:
    """Draw one scenario; Rookery's mark comes last, over the others."""
    ends = [x(value) for value in line.seconds.values()]
    parts = [f'<text x="{LEFT - 14}" y="{y + 4}" text-anchor="end">{escape(line.name)}</text>']
    parts.append(f'<path d="M{min(ends)} {y}H{max(ends)}" stroke="currentColor" stroke-opacity=".35"/>')
    for peer in sorted(line.seconds, key=lambda peer: peer == "rookery"):
        value, mark = line.seconds[peer], MARKS[peer]
        stopped = peer in line.stopped
        said = f"{peer}: {'over ' if stopped else ''}{value:.3g} s"
        open_end = f' fill-opacity=".3" stroke="{mark.colour}" stroke-width="1.5"' if stopped else ""
        parts.append(
            f'<g transform="translate({x(value)} {y})" fill="{mark.colour}"{open_end}>'
            f"<title>{escape(said)}</title>{mark.shape}</g>"
        )
    return parts


def legend(peers: Sequence[str]) -> list[str]:
    """Say which mark is whose."""
    parts, at = [], 14
    for peer in peers:
        mark = MARKS[peer]
        parts.append(f'<g transform="translate({at} 18)" fill="{mark.colour}">{mark.shape}</g>')
        parts.append(f'<text x="{at + 13}" y="22">{peer}</text>')
        at += 40 + 8 * len(peer)
    return parts
