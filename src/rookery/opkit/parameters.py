"""The parameters that many operations share, said once."""

from __future__ import annotations

from typing import Annotated, Literal

from rookery.opkit.declare import PathLikeText, Positional, Words, option

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

# What a repository on a server is like: the family of create-sibling-gin.

RepositoryName = Annotated[
    str,
    Positional(
        "[ORGANISATION/]NAME", help="the repository, one's own unless an organisation is named", required=True
    ),
]
SiblingName = Annotated[
    str | None,
    option(
        "-s", "--name", metavar="NAME", help="the sibling; the server's HOST:PORT if nothing else is said"
    ),
]
ForgeExisting = Annotated[
    Literal["skip", "error", "reconfigure"],
    option(
        "--existing",
        help="what to do where the sibling or the repository exists: leave it (skip), fail (error), or use the "
        "repository and write the sibling's settings anew (reconfigure)",
    ),
]
ForgeCredential = Annotated[
    str | None, option("--credential", metavar="NAME", help="the credential that has the token")
]
ForgeAccess = Annotated[
    Literal["https", "ssh", "https-ssh"],
    option(
        "--access-protocol",
        help="how the sibling is reached: over HTTP, over SSH, or read over HTTP and written over SSH",
    ),
]
PublishDepends = Annotated[
    Words,
    option(
        "--publish-depends",
        metavar="SIBLING",
        append=True,
        help="push there before pushing to this one; may be given several times",
    ),
]
ForgePrivate = Annotated[bool, option("--private", help="let only those see it who are invited")]
ForgeDescription = Annotated[
    str | None, option("--description", metavar="TEXT", help="a line for the repository's page")
]
ForgeDryRun = Annotated[
    bool, option("--dry-run", help="say which repositories would be made; ask the server nothing")
]
