"""Draw docs/tour.svg: a part of the tour as a terminal shows it.  Run it again when what is printed changes."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).resolve().parent
PICTURE = HERE.parent / "docs" / "tour.svg"

FIRST, LAST = "━━ Content comes and goes", "━━ Keep up"
WIDTH = 96

STYLES = (
    (re.compile(r"^\$ .*"), "bold white"),
    (re.compile(r"^━━ .*"), "bold cyan"),
    (re.compile(r"^\S+\((ok|notneeded)\):"), "green"),
    (re.compile(r"^\S+\((error|impossible)\):"), "red"),
    (re.compile(r"^\[INFO\].*"), "bright_black"),
)


def played() -> list[str]:
    """Play the tour and give the lines of the part to be drawn."""
    lines = subprocess.run(
        [sys.executable, HERE / "tour.py"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith(FIRST))
    end = next(n for n, line in enumerate(lines) if line.startswith(LAST))
    return lines[begin:end]


def draw(lines: list[str]) -> str:
    """Give the picture as SVG that loads nothing from elsewhere."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for line in lines:
        indent = len(line) - len(line.lstrip())
        text = Text("\u00a0" * indent + line.lstrip())  # SVG folds ordinary spaces at the start of a line
        for pattern, style in STYLES:
            if found := pattern.match(line):
                text.stylize(style, found.start(), found.end())
        console.print(text, soft_wrap=False)
    svg = console.export_svg(title="./run tour", unique_id="tour")
    svg = re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(draw(played()))
    print(PICTURE)
