"""Many files in one dataset: create, save, status, diff, whereis, remove."""

from __future__ import annotations

from bench import checks, states
from bench.checks import clean, content, every, files, says, silent, sound
from bench.scenario import Command, Outcome, Scale, Scenario, both, commands, shell, words

FAMILY = "files"
SCALES = (Scale(1000), Scale(20_000))
GIT_SAVE = shell("git add -A && git commit -qm x")
DVC_SAVE = shell("dvc add -q data && git add -A && git commit -qm x")
ANNEX_SAVE = shell("git annex add -q . && git commit -qm x")
ONE_CHANGED = says("file-000000.dat", "new.dat")


def created(outcome: Outcome) -> None:
    """A repository is there, with its first commit where the tool makes one."""
    checks.need((outcome.place / "ds" / ".git" / "HEAD").exists(), "no repository")


SAVED = every(clean(), files(), content())
ONE_SAVED = every(clean(), content(), checks.there("ds/new.dat"))
NEW_IN_ANNEX = checks.logged("here", folder="new.dat", least=1)
ONE_SAVED_IN_DATA = every(clean(), content(extra=1), checks.there("ds/data/new.dat"))


def removed(outcome: Outcome) -> None:
    """The first folder is gone, from the disk and from history."""
    left = checks.told(
        "git", "ls-tree", "-r", "--name-only", "HEAD", "--", "data/part-000", cwd=outcome.place / "ds"
    )
    checks.need(left == "" and not (outcome.place / "ds" / "data" / "part-000").exists(), "files are left")


SCENARIOS = (
    Scenario(
        FAMILY,
        "create",
        "make a dataset",
        commands(
            {
                **both("create ds"),
                "git-annex": shell("git init -q ds && cd ds && git annex init -q"),
                "dvc": shell("git init -q ds && cd ds && dvc init -q"),
                "git-lfs": shell(
                    "git init -q ds && cd ds && git lfs install --local && git lfs track '*.dat'"
                ),
                "git": words("git init -q ds"),
            },
            states.NOTHING,
            created,
            cwd=".",
        ),
        (Scale(1),),
    ),
    Scenario(
        FAMILY,
        "save",
        "save new files",
        {
            **commands({**both("save -m x"), "git-annex": ANNEX_SAVE}, states.UNSAVED, every(SAVED, sound())),
            "dvc": Command(
                DVC_SAVE,
                states.DVC_UNSAVED,
                every(clean(), content(), checks.dvc_knows(), checks.store("ds/.dvc/cache")),
            ),
            "git-lfs": Command(
                GIT_SAVE, states.LFS_UNSAVED, every(SAVED, checks.store("ds/.git/lfs/objects"))
            ),
            "git": Command(GIT_SAVE, states.PLAIN_UNSAVED, SAVED),
        },
        (*SCALES, Scale(100_000, 100)),
    ),
    Scenario(
        FAMILY,
        "save-one",
        "save one new file among many",
        {
            **commands(
                {**both("save -m x"), "git-annex": ANNEX_SAVE},
                states.ONE_NEW,
                every(ONE_SAVED, sound(), NEW_IN_ANNEX),
            ),
            "dvc": Command(
                DVC_SAVE, states.DVC_ONE_NEW, every(clean(), content(extra=1), checks.dvc_knows(1))
            ),
            "git-lfs": Command(GIT_SAVE, states.LFS_ONE_NEW, ONE_SAVED_IN_DATA),
            "git": Command(GIT_SAVE, states.PLAIN_ONE_NEW, ONE_SAVED_IN_DATA),
        },
        SCALES,
    ),
    Scenario(
        FAMILY,
        "save-nothing",
        "save when nothing has changed",
        {
            **commands({**both("save -m x"), "git-annex": words("git-annex add -q .")}, states.SAVED, SAVED),
            "dvc": Command(words("dvc add -q data"), states.DVC_SAVED, every(clean(), content())),
            "git-lfs": Command(words("git add -A"), states.LFS_SAVED, SAVED),
            "git": Command(words("git add -A"), states.PLAIN_SAVED, SAVED),
        },
        SCALES,
    ),
    Scenario(
        FAMILY,
        "status",
        "status, nothing changed",
        {
            **commands(both("status"), states.SAVED, says("clean"), writes=False),
            "git-annex": Command(words("git-annex status"), states.SAVED, silent(), writes=False),
            "dvc": Command(words("dvc data status"), states.DVC_SAVED, says("No changes"), writes=False),
            "git-lfs": Command(
                words("git status"), states.LFS_SAVED, says("nothing to commit"), writes=False
            ),
            "git": Command(words("git status"), states.SAVED, says("nothing to commit"), writes=False),
        },
        (*SCALES, Scale(100_000, 100)),
    ),
    Scenario(
        FAMILY,
        "status-changed",
        "status, one file modified and one new",
        commands(
            {**both("status"), "git-annex": words("git-annex status"), "git": words("git status")},
            states.CHANGED,
            ONE_CHANGED,
            writes=False,
        ),
        SCALES,
    ),
    Scenario(
        FAMILY,
        "status-availability",
        "status, and which content is here",
        {
            **commands(both("status --annex availability"), states.SAVED, says("present"), writes=False),
            "git-annex": Command(words("git-annex find"), states.SAVED, checks.names_all(), writes=False),
            "git-lfs": Command(words("git-lfs ls-files"), states.LFS_SAVED, checks.names_all(), writes=False),
        },
        SCALES,
    ),
    Scenario(
        FAMILY,
        "status-all",
        "status, and all that is known of content",
        commands(both("status --annex all"), states.SAVED, says("present"), writes=False),
        SCALES,
    ),
    Scenario(
        FAMILY,
        "whereis",
        "say where all content is",
        commands(
            {"rookery": words("rookery whereis"), "git-annex": words("git-annex whereis")},
            states.SAVED,
            checks.names_all(),
            writes=False,
        ),
        (*SCALES, Scale(100_000, 100)),
    ),
    Scenario(
        FAMILY,
        "diff",
        "diff of one file modified and one new",
        commands(both("diff"), states.CHANGED, says("file-000000.dat"), writes=False)
        | commands({"git": words("git diff --stat")}, states.CHANGED, says("file-000000"), writes=False),
        SCALES,
    ),
    Scenario(
        FAMILY,
        "remove",
        "remove a folder of up to 500 files whose content is nowhere else",
        commands(both("remove --reckless availability data/part-000"), states.SAVED, removed)
        | {
            "git": Command(shell("git rm -rq data/part-000 && git commit -qm x"), states.PLAIN_SAVED, removed)
        },
        SCALES,
    ),
)
