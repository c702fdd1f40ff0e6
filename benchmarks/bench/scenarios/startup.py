"""Start-up: what every command pays."""

from __future__ import annotations

from bench.checks import output, says
from bench.scenario import Command, Scale, Scenario, both, commands, words
from bench.states import DVC, EMPTY, LFS, NOTHING, PLAIN

FAMILY = "startup"
ONCE = (Scale(1),)
CLEAN = says("clean")
FLOOR = {"floor": words("python -c pass")}

SCENARIOS = (
    Scenario(
        FAMILY,
        "version",
        "`--version`",
        commands(
            {
                **both("--version"),
                "git-annex": words("git-annex version --raw"),
                "dvc": words("dvc --version"),
                "git-lfs": words("git-lfs --version"),
                "git": words("git --version"),
            },
            NOTHING,
            output(lambda said: any(c.isdigit() for c in said), "no number"),
            cwd=".",
            writes=False,
        )
        | commands(FLOOR, NOTHING, lambda _: None, cwd=".", writes=False),
        ONCE,
    ),
    Scenario(
        FAMILY,
        "help",
        "help of one command",
        commands(
            {
                **both("get --help"),
                "git-annex": words("git-annex get --help"),
                "dvc": words("dvc get --help"),
            },
            NOTHING,
            output(lambda said: "sage: " in said, "no usage"),
            cwd=".",
            writes=False,
        )
        | commands(FLOOR, NOTHING, lambda _: None, cwd=".", writes=False),
        ONCE,
    ),
    Scenario(
        FAMILY,
        "import",
        "import of the Python interface, and its `get`",
        commands(
            {
                "rookery": words("python -c 'from rookery.api import get; print(get)'"),
                "datalad": words("python -c 'from datalad.api import get; print(get)'"),
            },
            NOTHING,
            output(lambda said: "get" in said.lower(), "no function"),
            cwd=".",
            writes=False,
        )
        | commands(FLOOR, NOTHING, lambda _: None, cwd=".", writes=False),
        ONCE,
    ),
    Scenario(
        FAMILY,
        "status-tiny",
        "status of an empty dataset",
        {
            **commands(both("status"), EMPTY, CLEAN, writes=False),
            "git-annex": Command(words("git-annex status"), EMPTY, lambda _: None, writes=False),
            "dvc": Command(words("dvc status"), DVC, says("no data or pipelines"), writes=False),
            "git-lfs": Command(words("git-lfs status"), LFS, says("Objects"), writes=False),
            "git": Command(words("git status"), PLAIN, says("nothing to commit"), writes=False),
            "floor": Command(words("python -c pass"), EMPTY, lambda _: None, writes=False),
        },
        ONCE,
    ),
)
