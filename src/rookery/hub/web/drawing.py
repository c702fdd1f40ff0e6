"""The drawing of a file's provenance: boxes in columns from what people brought in to what was made, and lines between.

Places are computed here, SVG is made by the template.  The same is beside it as a list, for
those who do not see drawings, and for what has no room in one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from rookery.hub.services.provenance import Lineage, Maker, Use, Version

WIDTH, HEIGHT = 190, 46
_ACROSS, _DOWN = 236, 62
_MARGIN = 12

# So many boxes are drawn at most, and so many files of one command that used the file.
MOST_BOXES = 80
_MOST_MADE = 4

_LETTERS = 25


class Branch(NamedTuple):
    """A version with what made it, and below it what that was made from; `again` where that is told elsewhere."""

    version: Version
    maker: Maker | None
    again: bool
    below: tuple[Branch, ...]


class Box(NamedTuple):
    """A box: `kind` is file, root or run; `address` is below the repository's; middle left is at x, y."""

    kind: str
    text: str
    whole: str
    address: str
    x: float
    y: float


class Line(NamedTuple):
    """A line from one box to the next; `renamed` is drawn dashed."""

    x: float
    y: float
    to_x: float
    to_y: float
    renamed: bool = False


class Drawing(NamedTuple):
    """Boxes and lines, and how much room they take; `cut` says that there are more boxes."""

    boxes: list[Box]
    lines: list[Line]
    width: float
    height: float
    cut: bool


def branches(lineage: Lineage) -> Branch | None:
    """Make a tree of what is known; what is told already is not told again."""
    seen: set[Version] = set()

    def grown(version: Version) -> Branch:
        maker, again = lineage.makers.get(version), version in seen
        seen.add(version)
        below: tuple[Branch, ...] = ()
        if maker is not None and not again:
            former = (maker.renamed,) if maker.renamed else ()
            below = tuple(grown(one) for one in (*former, *maker.inputs))
        return Branch(version, maker, again, below)

    return None if lineage.root is None else grown(lineage.root)


class _Pen:
    """Draws: columns are numbered from the file itself (0), rows from the top."""

    def __init__(self) -> None:
        self.boxes: list[tuple[str, str, str, float, float]] = []
        self.lines: list[tuple[float, float, float, float, bool]] = []
        self._rows = 0
        self._places: dict[Version, tuple[int, float]] = {}
        self._runs: dict[str, tuple[int, float]] = {}

    def box(self, kind: str, whole: str, address: str, column: int, row: float) -> None:
        """Draw a box."""
        self.boxes.append((kind, whole, address, column, row))

    def line(self, start: tuple[int, float], end: tuple[int, float], *, renamed: bool = False) -> None:
        """Draw a line between two boxes."""
        self.lines.append((*start, *end, renamed))

    def back(self, branch: Branch, column: int) -> tuple[int, float]:
        """Draw a version and all that it was made from, each once; give its place."""
        version, maker = branch.version, branch.maker
        if version in self._places:
            return self._places[version]
        ran = version.commit if maker and maker.run else ""
        below = [] if ran in self._runs else branch.below  # told with what the same command made before
        former = maker.renamed if maker else None
        known = set(self._places)
        came = [(one.version == former, self.back(one, column - 2)) for one in below]
        rows = [start[1] for one, (_, start) in zip(below, came, strict=True) if one.version not in known]
        row = sum(rows) / len(rows) if rows else float(self._rows)
        self._rows += not rows
        place = self._places[version] = (column, row)
        self.box(
            "root" if column == 0 else "file", version.path, f"src/{version.commit}/{version.path}", *place
        )
        if maker and maker.run and ran not in self._runs:
            run = self._runs[ran] = (column - 1, row)
            self.box("run", maker.run.words or maker.run.command, f"commit/{ran}", *run)
        if ran:
            self.line(self._runs[ran], place)
        for renamed, start in came:
            self.line(start, place if renamed or not ran else self._runs[ran], renamed=renamed)
        return place

    def onward(self, uses: tuple[Use, ...], root: Version, row: float) -> None:
        """Draw what was made of the file later."""
        places = {root.path: (0, row)}
        at = 0.0
        for use in uses:
            came = [places[path] for path in use.took if path in places]
            made = [path for path in use.made if path not in use.took][:_MOST_MADE]
            column = 1 + max((column for column, _ in came), default=0)
            middle = at + max(len(made) - 1, 0) / 2
            words = use.run.words or use.run.command
            self.box("run", words, f"commit/{use.commit.sha}", column, middle)
            for place in came:
                self.line(place, (column, middle))
            for n, path in enumerate(made):
                self.box("file", path, f"src/{use.commit.sha}/{path}", column + 1, at + n)
                self.line((column, middle), (column + 1, at + n))
                places[path] = (column + 1, at + n)
            at += max(len(made), 1)


def draw(lineage: Lineage) -> Drawing | None:
    """Give the drawing; None where nothing is known."""
    top = branches(lineage)
    if top is None:
        return None
    pen = _Pen()
    pen.onward(lineage.uses, top.version, pen.back(top, 0)[1])
    near = sorted(pen.boxes, key=lambda box: (abs(box[3]), box[4]))[:MOST_BOXES]
    kept = {(column, row) for *_, column, row in near}
    first = min(column for column, _ in kept)

    def x(column: float) -> float:
        return _MARGIN + (column - first) * _ACROSS

    def y(row: float) -> float:
        return _MARGIN + HEIGHT / 2 + row * _DOWN

    boxes = [Box(kind, _short(whole), whole, way, x(c), y(row)) for kind, whole, way, c, row in near]
    lines = list(_lines(pen, kept, x, y))
    width = max(box.x for box in boxes) + WIDTH + _MARGIN
    height = max(box.y for box in boxes) + HEIGHT / 2 + _MARGIN
    return Drawing(boxes, lines, width, height, len(near) < len(pen.boxes))


def _lines(
    pen: _Pen,
    kept: set[tuple[float, float]],
    x: Callable[[float], float],
    y: Callable[[float], float],
) -> Iterator[Line]:
    for column, row, to_column, to_row, renamed in pen.lines:
        if (column, row) in kept and (to_column, to_row) in kept:
            yield Line(x(column) + WIDTH, y(row), x(to_column), y(to_row), renamed)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return (
        line
        if len(line) <= _LETTERS
        else f"…{line[1 - _LETTERS :]}"
        if "/" in line
        else f"{line[: _LETTERS - 1]}…"
    )
