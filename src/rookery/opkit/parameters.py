"""The parameters that many operations share, said once."""

from __future__ import annotations

from typing import Annotated

from rookery.opkit.declare import PathLikeText, option

Dataset = Annotated[
    PathLikeText | None,
    option(
        "-d",
        "--dataset",
        metavar="DATASET",
        help="the dataset to work on; without it, the one around the current folder. "
        "'^' is the topmost superdataset, '^.' the dataset around the current folder.",
    ),
]
Recursive = Annotated[bool, option("-r", "--recursive", help="go into subdatasets too")]
RecursionLimit = Annotated[
    int | None,
    option(
        "-R", "--recursion-limit", metavar="LEVELS", help="go at most this many levels of subdatasets deep"
    ),
]
Jobs = Annotated[
    int | str | None,
    option(
        "-J",
        "--jobs",
        metavar="N",
        help="how many things to do at the same time: a number, or 'auto' for the configured number",
    ),
]
Message = Annotated[
    str | None, option("-m", "--message", metavar="MESSAGE", help="describe the change in the history")
]
DryRun = Annotated[
    bool,
    option(
        "--dry-run", help="say what would be done, how much data it is, and what would be lost; do nothing"
    ),
]
