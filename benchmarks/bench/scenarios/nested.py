"""A dataset with many subdatasets: `count` is how many."""

from __future__ import annotations

import uuid
from pathlib import Path

from bench.checks import every, need, says, told
from bench.scenario import Check, Command, Outcome, Scale, Scenario, State, both, commands, shell, words
from bench.states import SIBLING, by, sh

FAMILY = "nested"
SCALES = (Scale(200),)


def subs(place: Path) -> list[Path]:
    """Give the subdatasets that are installed."""
    return sorted(git.parent for git in place.glob("sub-*/.git"))


def nest(place: Path, scale: Scale) -> None:
    """Make a dataset with subdatasets, each with an annexed file."""
    sh("datalad create ds", place)
    ds = place / "ds"
    modules = []
    for number in range(scale.count):
        name, identity = f"sub-{number:04}", uuid.uuid4()
        sh(f"git init -q {name} && cd {name} && git annex init -q && mkdir .datalad", ds)
        sub = ds / name
        (sub / ".datalad" / "config").write_text(f'[datalad "dataset"]\n\tid = {identity}\n')
        (sub / ".gitattributes").write_text("* annex.backend=MD5E\n**/.git* annex.largefiles=nothing\n")
        (sub / "file.dat").write_text(f"{number}\n" * 100)
        sh("git add .datalad .gitattributes && git annex add -q file.dat && git commit -qm First", sub)
        modules.append(
            f'[submodule "{name}"]\n\tpath = {name}\n\turl = ./{name}\n\tdatalad-id = {identity}\n'
        )
    (ds / ".gitmodules").write_text("".join(modules))
    sh("git -c advice.addEmbeddedRepo=false add . && git commit -qm Subdatasets", ds)


def publish(place: Path, scale: Scale) -> None:
    """Give every dataset a sibling of its own."""
    for repo in (place / "ds", *subs(place / "ds")):
        line = SIBLING.replace(
            "../sibling.git", f"../{'' if repo.name == 'ds' else '../'}sibling-{repo.name}.git"
        )
        sh(line, repo)


NESTED = State("nested", nest)
# Two lines: a change that is annexed, in each.
EACH = "for sub in sub-*; do echo new >$sub/new.dat; done"
CHANGED = State("nested-changed", by(EACH), NESTED)
CLONED = State("nested-cloned", by("datalad clone ds clone", "."), NESTED)
PUBLISHED = State("nested-published", publish, NESTED)
ANNEX_EACH = "git annex copy -q --to sibling . && git annex push -q --no-content sibling"
OURS = "push -r --to sibling"
ANNEX_PUSH = f"git submodule --quiet foreach '{ANNEX_EACH}' && {ANNEX_EACH}"


def pushed_by(line: str) -> State:
    """Give the state after a push that each tool has done itself."""
    return State(f"nested-pushed by {line.split(maxsplit=1)[0]}", by(line), PUBLISHED)


def clean(outcome: Outcome) -> None:
    """Nothing is left to save, in any dataset; each has a commit with the new file."""
    ds = outcome.place / "ds"
    need(told("git", "status", "--porcelain", cwd=ds) == "", "not all is saved")
    for sub in subs(ds):
        need(
            told("git", "ls-files", "new.dat", cwd=sub) == "new.dat\n", f"new.dat is not saved in {sub.name}"
        )


def installed(outcome: Outcome) -> None:
    """All subdatasets are there, with the commit that is registered."""
    clone = outcome.place / "clone"
    found = len(subs(clone))
    need(found == outcome.scale.count, f"{found} of {outcome.scale.count} subdatasets")
    need(told("git", "status", "--porcelain", cwd=clone) == "", "other commits than those registered")


def content(outcome: Outcome) -> None:
    """All subdatasets have their content."""
    have = sum(path.exists() for path in (outcome.place / "clone").glob("sub-*/file.dat"))
    need(have == outcome.scale.count, f"{have} of {outcome.scale.count} files have their content")


def arrived(outcome: Outcome) -> None:
    """All siblings have the history and content of their dataset."""
    for repo in (outcome.place / "ds", *subs(outcome.place / "ds")):
        bare = outcome.place / f"sibling-{repo.name}.git"
        tips = {told("git", "rev-parse", "refs/heads/main", cwd=where) for where in (repo, bare)}
        need(len(tips) == 1, f"{bare.name} has another history")
        if repo.name != "ds":
            need(any(bare.glob("annex/objects/*/*/*/*.dat")), f"{bare.name} has no content")


def changes_named(outcome: Outcome) -> None:
    """Every subdataset's change is named."""
    named = sum("sub-" in line for line in outcome.output.splitlines())
    need(named >= outcome.scale.count, f"changes in {named} of {outcome.scale.count} subdatasets are named")


def foreach(line: str) -> tuple[str, ...]:
    """Give a line that does the same in each subdataset, then above."""
    return shell(f"git submodule --quiet foreach '{line}' && {line}")


PUSHES = {**both(OURS), "git-annex": shell(ANNEX_PUSH)}
PUSHED = {tool: pushed_by(f"{tool} {OURS}") for tool in ("rookery", "datalad")} | {
    "git-annex": pushed_by(ANNEX_PUSH)
}
ALL: Check = every(installed, content)

SCENARIOS = (
    Scenario(
        FAMILY,
        "status-r",
        "status of a dataset and all its subdatasets",
        commands(both("status -r"), NESTED, says("clean"), writes=False)
        | commands({"git": words("git status")}, NESTED, says("nothing to commit"), writes=False),
        SCALES,
        "subdatasets",
    ),
    Scenario(
        FAMILY,
        "status-r-changed",
        "the same, one change in each subdataset",
        commands({**both("status -r"), "git": words("git status")}, CHANGED, changes_named, writes=False),
        SCALES,
        "subdatasets",
    ),
    Scenario(
        FAMILY,
        "get-n-r",
        "install all subdatasets",
        commands(
            {**both("get -n -r ."), "git": words("git submodule --quiet update --init")},
            CLONED,
            installed,
            cwd="clone",
        ),
        SCALES,
        "subdatasets",
    ),
    Scenario(
        FAMILY,
        "get-r",
        "install all subdatasets and get their content",
        commands(both("get -r ."), CLONED, ALL, cwd="clone"),
        SCALES,
        "subdatasets",
    ),
    Scenario(
        FAMILY,
        "save-r",
        "save one change in each subdataset, and their new states above",
        commands(
            {
                **both("save -r -m x"),
                "git-annex": foreach("git annex add -q . && git commit -qam x"),
                "git": foreach("git add -A && git commit -qm x"),
            },
            CHANGED,
            clean,
        ),
        SCALES,
        "subdatasets",
    ),
    Scenario(
        FAMILY, "push-r", "push all datasets", commands(PUSHES, PUBLISHED, arrived), SCALES, "subdatasets"
    ),
    Scenario(
        FAMILY,
        "push-r-nothing",
        "push all datasets when all has been pushed",
        {tool: Command(argv, PUSHED[tool], arrived) for tool, argv in PUSHES.items()},
        SCALES,
        "subdatasets",
    ),
)
