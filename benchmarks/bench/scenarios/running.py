"""Commands with a record of what they did."""

from __future__ import annotations

from bench import states
from bench.checks import clean, content, every, need, there, told
from bench.scenario import Check, Command, Outcome, Scale, Scenario, State, shell
from bench.states import by

FAMILY = "run"
SCALES = (Scale(1000), Scale(20_000))
LINE = "'date +%s%N >out.txt'"  # another result each time, so that a rerun has something to save
TOOLS = ("rookery", "datalad")


def recorded(commits: int) -> Check:
    """So many commits bear a run record, and the last one changed the output."""

    def check(outcome: Outcome) -> None:
        ds = outcome.place / "ds"
        found = told("git", "log", "--format=%H", "--grep=Do not change lines below", cwd=ds).split()
        need(len(found) == commits, f"{len(found)} of {commits} run records")
        changed = told("git", "diff", "--name-only", "HEAD~1", "HEAD", cwd=ds).split()
        need(changed == ["out.txt"], f"the commit changes {changed}")

    return every(check, clean(), content(), there("ds/out.txt"))


RAN = State("ran", by(f"datalad run -m x {LINE}"), states.SAVED)

SCENARIOS = (
    Scenario(
        FAMILY,
        "run",
        "run a trivial command and save its result",
        {
            tool: Command((tool, "run", "-m", "x", LINE.strip("'")), states.SAVED, recorded(1))
            for tool in TOOLS
        }
        | {
            "dvc": Command(
                shell(f"dvc stage add -q --run -n x -o out.txt {LINE} && git add -A && git commit -qm x"),
                states.DVC_SAVED,
                every(clean(), content(), there("ds/dvc.lock"), there("ds/out.txt")),
            )
        },
        SCALES,
    ),
    Scenario(
        FAMILY,
        "run-explicit",
        "run a trivial command whose output is named, looking at nothing else",
        {
            tool: Command(
                (tool, "run", "-m", "x", "--explicit", "-o", "out.txt", LINE.strip("'")),
                states.SAVED,
                recorded(1),
            )
            for tool in TOOLS
        },
        SCALES,
    ),
    Scenario(
        FAMILY,
        "rerun",
        "run a recorded command again",
        {tool: Command((tool, "rerun"), RAN, recorded(2)) for tool in TOOLS},
        SCALES,
    ),
)
