"""Many small files from a web server on this machine."""

from __future__ import annotations

import atexit
import csv
import subprocess
import sys
from functools import cache, partial
from pathlib import Path

from bench.checks import clean, logged, need, sizes, told
from bench.scenario import Check, Command, Outcome, Scale, Scenario, State, shell, words
from bench.states import sh, write_files

FAMILY = "web"
SCALES = (Scale(500),)

# Seconds until an answer comes: the goal was set where each file took curl 5.6 ms, and loopback takes 0.2.
NEAR, FAR = 0.0, 0.005


@cache
def server(folder: Path, delay: float) -> str:
    """Start a web server for a folder, which may come and go; give its URL.  It ends with this program."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.server", folder, str(delay)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.kill)
    assert process.stdout is not None
    return process.stdout.readline().strip()


def site(place: Path, scale: Scale, *, delay: float) -> None:
    """Make a dataset, files on a server, a list of their URLs, and a table with names."""
    sh("datalad create ds", place)
    write_files(place / "site", scale)
    url = server(place / "site", delay)
    paths = sorted(path.relative_to(place / "site").as_posix() for path in place.glob("site/*/*.dat"))
    (place / "urls").write_text("".join(f"{url}/{path}\n" for path in paths))
    with (place / "table.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["url", "name"])
        rows.writerows([f"{url}/{path}", f"data/{path}"] for path in paths)
    (place / "batch").write_text("".join(f"{url}/{path} data/{path}\n" for path in paths))


WEB = State("web", partial(site, delay=NEAR))
WEB_FAR = State("web-far", partial(site, delay=FAR))


def downloaded(folder: str, *, in_annex: bool = True) -> Check:
    """All files have come whole; an annex knows them, and that the web has them."""

    def check(outcome: Outcome) -> None:
        found = sizes(outcome.place / "ds" / folder)
        right = sum(size == outcome.scale.size for size in found)
        need(right >= outcome.scale.count, f"{right} of {outcome.scale.count} files have come")
        if in_annex:
            clean()(outcome)
            committed = told("git", "ls-files", "*.dat", cwd=outcome.place / "ds").splitlines()
            need(len(committed) == outcome.scale.count, f"{len(committed)} files are saved")
            logged("web", folder=".")(outcome)

    return check


ADDURL = "git annex addurl -q --pathdepth=-1"
COMMIT = "git commit -qm x"


def _download(start: State) -> dict[str, Command]:
    """Give the ways to fetch a list of URLs; curl asks for one after the other on one connection, and saves nothing."""
    had, in_folder = downloaded("."), downloaded(".", in_annex=False)
    return {
        "rookery": Command(shell("xargs rookery download-url -m x <../urls"), start, had),
        "datalad": Command(shell("xargs datalad download-url -m x <../urls"), start, had),
        "git-annex": Command(shell(f"xargs {ADDURL} -J4 <../urls && {COMMIT}"), start, had),
        "floor": Command(shell("xargs curl -sS --fail --remote-name-all <../urls"), start, in_folder),
    }


SCENARIOS = (
    Scenario(
        FAMILY, "download", "download small files and save them with their URLs", _download(WEB), SCALES
    ),
    Scenario(
        FAMILY,
        "download-far",
        f"download small files from a server that answers after {FAR * 1000:.0f} ms, and save them",
        _download(WEB_FAR),
        SCALES,
    ),
    Scenario(
        FAMILY,
        "addurls",
        "make files of a table of URLs",
        {
            **{
                tool: Command(
                    words(f"{tool} addurls -d . ../table.csv {{url}} {{name}}"), WEB, downloaded("data")
                )
                for tool in ("rookery", "datalad")
            },
            "git-annex": Command(
                shell(f"git annex addurl -q -J4 --batch --with-files <../batch && {COMMIT}"),
                WEB,
                downloaded("data"),
            ),
        },
        SCALES,
    ),
)
