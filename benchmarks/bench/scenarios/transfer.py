"""Between repositories on one disk: clone, get, drop, push, update."""

from __future__ import annotations

from bench import states
from bench.checks import content, every, files, logged, no_content, same_branch, says, sound, store, there
from bench.scenario import Command, Scale, Scenario, both, commands, shell, words

FAMILY = "transfer"
SCALES = (Scale(1000), Scale(20_000))
OURS = "push --to sibling"
ANNEX = states.ANNEX_PUSH
ARRIVED = every(store("sibling.git/annex/objects"), same_branch("ds", "sibling.git"), logged("sibling"))
PUSHED = {tool: states.pushed_by(f"{tool} {OURS}") for tool in ("rookery", "datalad")} | {
    "git-annex": states.pushed_by(ANNEX)
}
PUSHES = {**both(OURS), "git-annex": shell(ANNEX)}

SCENARIOS = (
    Scenario(
        FAMILY,
        "clone",
        "clone, without content",
        commands(
            {**both("clone ds c"), "git-annex": shell("git clone -q ds c && cd c && git annex init -q")},
            states.SAVED,
            every(files("c"), there("c/.git/annex")),
            cwd=".",
        )
        | commands({"git": words("git clone -q ds c")}, states.SAVED, files("c"), cwd="."),
        SCALES,
    ),
    Scenario(
        FAMILY,
        "get",
        "get all content",
        {
            **commands(
                {**both("get ."), "git-annex": words("git-annex get -q .")},
                states.CLONED,
                every(content("clone"), sound("clone")),
                cwd="clone",
            ),
            "dvc": Command(words("dvc pull -q"), states.DVC_CLONED, content("clone"), "clone"),
            "git-lfs": Command(words("git-lfs pull"), states.LFS_CLONED, content("clone"), "clone"),
        },
        SCALES,
    ),
    Scenario(
        FAMILY,
        "drop",
        "drop all content, of which there is another copy",
        commands(
            {**both("drop ."), "git-annex": words("git-annex drop -q .")},
            states.COPIED,
            every(no_content("clone"), content("ds"), sound("ds")),
            cwd="clone",
        ),
        SCALES,
    ),
    Scenario(
        FAMILY,
        "push",
        "push history and all content",
        {
            **commands(PUSHES, states.PUBLISHED, ARRIVED),
            "dvc": Command(words("dvc push -q"), states.DVC_PUBLISHED, store("sibling")),
            "git-lfs": Command(
                words("git push -q sibling main"),
                states.LFS_PUBLISHED,
                every(store("sibling.git/lfs/objects"), same_branch("ds", "sibling.git")),
            ),
        },
        SCALES,
    ),
    Scenario(
        FAMILY,
        "push-nothing",
        "push when all has been pushed",
        {
            **{tool: Command(argv, PUSHED[tool], ARRIVED) for tool, argv in PUSHES.items()},
            "dvc": Command(words("dvc push"), states.DVC_PUSHED, says("up to date")),
            "git-lfs": Command(
                words("git push -q sibling main"), states.LFS_PUSHED, store("sibling.git/lfs/objects")
            ),
        },
        SCALES,
    ),
    Scenario(
        FAMILY,
        "push-one",
        "push one new file among many",
        {
            tool: Command(
                argv,
                states.new_after(PUSHED[tool]),
                every(ARRIVED, logged("sibling", folder="new.dat", least=1)),
            )
            for tool, argv in PUSHES.items()
        },
        SCALES,
    ),
    Scenario(
        FAMILY,
        "update",
        "bring in one new file from the sibling that the clone came from",
        commands(
            {
                **both("update --how merge -s origin"),
                "git-annex": words("git-annex pull -q --no-content origin"),
                "git": words("git pull -q origin main"),
            },
            states.NEWS,
            every(there("clone/new.dat"), same_branch("ds", "clone")),
            cwd="clone",
        ),
        SCALES,
    ),
    Scenario(
        FAMILY,
        "update-nothing",
        "update when there is nothing new",
        commands(
            {
                **both("update --how merge -s origin"),
                "git-annex": words("git-annex pull -q --no-content origin"),
                "git": words("git pull -q origin main"),
            },
            states.CLONED,
            same_branch("ds", "clone"),
            cwd="clone",
        ),
        SCALES,
    ),
)
