"""The procedures that come with Rookery: set-ups of a dataset, done in process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rookery.annex import branch, identity, program
from rookery.core import files
from rookery.core.errors import RookeryError
from rookery.core.log import get_log
from rookery.dataset import layout
from rookery.dataset.model import Dataset
from rookery.git.attributes import check_attributes
from rookery.git.status import status
from rookery.steps.saving.commit import commit_changes

log = get_log("rookery.run")

RULE = "annex.largefiles"
TEXT_TO_GIT = "((mimeencoding=binary)and(largerthan=0))"

README = """\
# Project <insert name>

What this project is about, and who to ask.

- `inputs/` holds what comes from elsewhere, one dataset for each source.
- `code/` holds everything that computes.
"""

CODE_README = """\
The project's own code. It is started from the top of the dataset and names files relative to there,
so that it works in every clone.
"""


class ProcedureFailed(RookeryError):
    """A procedure cannot be applied to this dataset; nothing was changed."""


def text2git(ds: Dataset) -> None:
    """Let text files go to Git, all other content to the annex."""
    if _rule_of(ds, "*") != TEXT_TO_GIT:
        _append(ds, str(layout.ATTRIBUTES), [f"* {RULE}={TEXT_TO_GIT}"])
    _save(ds, [str(layout.ATTRIBUTES)], "Instruct annex to add text files to Git")


def yoda(ds: Dataset) -> None:
    """Lay out a dataset by the YODA principles.  Files that are there stay as they are."""
    texts = {"README.md": README, "CHANGELOG.md": "", "code/README.md": CODE_README}
    touched = [*texts, "code/.gitattributes", str(layout.ATTRIBUTES)]
    unsaved = [change.path for change in status(ds.repo, touched, untracked="all")]
    if unsaved:
        raise ProcedureFailed(
            f"files that this procedure changes have unsaved changes: {', '.join(sorted(unsaved))}",
            hints=["save them first"],
        )
    for path, text in texts.items():
        if not (ds.path / path).exists():
            files.write(ds.path / path, text, drafts=ds.repo.gitdir / "rookery")
    _append(ds, "code/.gitattributes", [f"* {RULE}=nothing"])
    _append(ds, str(layout.ATTRIBUTES), [f"{path} {RULE}=nothing" for path in ("CHANGELOG.md", "README.md")])
    _save(ds, touched, "Apply YODA dataset setup")


def noannex(ds: Dataset) -> None:
    """Take the annex away, which must be empty, and leave a mark that none is to be made again."""
    if identity.is_annex(ds.repo):
        if next(branch.all_logs(ds.repo), None) is not None:
            raise ProcedureFailed(
                "Annex has some annexed files, unsafe",
                hints=["their content would not be known any more; use a new dataset instead"],
            )
        program.run(ds.repo, "uninit")
        ds.forget()
    if not (ds.path / layout.NOANNEX).exists():
        log.info("Creating and committing a .noannex file")
        files.write(ds.path / layout.NOANNEX, "", drafts=ds.repo.gitdir / "rookery")
        _save(ds, [str(layout.NOANNEX)], "Added .noannex to prevent accidental initialization of git-annex")


SHIPPED: Mapping[str, Callable[[Dataset], None]] = {
    "cfg_noannex": noannex,
    "cfg_text2git": text2git,
    "cfg_yoda": yoda,
}


def _rule_of(ds: Dataset, path: str) -> str | None:
    for _, found in check_attributes(ds.repo, [RULE], [path]):
        return found.get(RULE)
    return None


def _append(ds: Dataset, path: str, lines: Sequence[str]) -> None:
    """Add the lines that a file does not have yet."""
    place = ds.path / path
    has = place.read_text("utf-8", "surrogateescape") if place.exists() else ""
    missing = [line for line in lines if line not in has.splitlines()]
    if missing:
        text = (has if not has or has.endswith("\n") else has + "\n") + "\n".join(missing) + "\n"
        files.write(place, text.encode("utf-8", "surrogateescape"), drafts=ds.repo.gitdir / "rookery")


def _save(ds: Dataset, paths: Sequence[str], message: str) -> None:
    for record in commit_changes(ds, paths, message=message):
        if record["status"] in ("error", "impossible"):
            raise ProcedureFailed(f"{record['path']} cannot be saved: {record.get('message')}")
