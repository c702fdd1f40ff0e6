"""The parameters that many operations share, said once."""

from __future__ import annotations

from typing import Annotated, Literal

from rookery.opkit.declare import PathLikeText, Words, option

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

# What a clone is like: `clone`, and what installs subdatasets.

Description = Annotated[
    str | None,
    option(
        "-D", "--description", metavar="TEXT", help="describe this place, for people who look for content"
    ),
]
CfgProc = Annotated[
    Words,
    option(
        "-c",
        "--cfg-proc",
        metavar="PROC",
        append=True,
        help="run the procedure cfg_PROC on each dataset that is made or installed, e.g. text2git (text files go to "
        "Git) or yoda; may be given several times",
    ),
]
CloneMode = Annotated[
    str | None,
    option(
        "--reckless",
        metavar="MODE",
        const="auto",
        help="trade safety for speed or space: 'auto' hardlinks content of a source on this machine and does not "
        "trust the clone, 'ephemeral' uses the source's content in place (for clones that are thrown away), "
        "'shared-MODE' lets others write (MODE as in git init --shared). Remembered for subdatasets",
    ),
]

# What a comparison looks at.

Annexed = Annotated[
    Literal["basic", "availability", "all"] | None,
    option(
        "--annex",
        const="basic",
        help="tell of annexed content too: 'basic' (the default) its size and key, 'availability' and 'all' "
        "also whether it is here",
    ),
]
Untracked = Annotated[
    Literal["no", "normal", "all"],
    option(
        "--untracked", help="leave untracked files out, name whole untracked folders, or each file in them"
    ),
]
