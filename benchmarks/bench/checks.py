"""Whether the work was done, seen with other eyes than the peer's own: nobody is quick by doing nothing."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from bench.scenario import Check, Outcome, Wrong


def need(holds: bool, what: str) -> None:
    """Raise Wrong unless something holds."""
    if not holds:
        raise Wrong(what)


def told(*argv: str, cwd: Path) -> str:
    """Give what a program says; Wrong if it fails, or has no place to look at."""
    need(cwd.is_dir(), f"{cwd.name} is not there")
    ended = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    need(ended.returncode == 0, f"{' '.join(argv)} failed: {ended.stdout}{ended.stderr}")
    return ended.stdout


def every(*checks: Check) -> Check:
    """Give a check that is all of these."""

    def check(outcome: Outcome) -> None:
        for one in checks:
            one(outcome)

    return check


def sizes(folder: Path) -> list[int]:
    """Give the sizes of the files of a folder that have content: links are followed, broken ones have none."""
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if os.path.exists(path):
                found.append(os.stat(path).st_size)
    return found


def content(where: str = "ds", extra: int = 0) -> Check:
    """All files have their content; `extra` more files, of other sizes, are there."""

    def check(outcome: Outcome) -> None:
        found = sizes(outcome.place / where / "data")
        right = found.count(outcome.scale.size)
        need(right == outcome.scale.count, f"{right} of {outcome.scale.count} files have their content")
        need(len(found) == right + extra, f"{len(found) - right} files of another size")

    return check


def no_content(where: str) -> Check:
    """No file has content, and all are still known."""

    def check(outcome: Outcome) -> None:
        folder = outcome.place / where
        left = len(sizes(folder / "data"))
        need(left == 0, f"{left} files still have content")
        need(
            stored(folder / ".git" / "annex" / "objects", outcome.scale.size) == 0, "content is still stored"
        )
        files(where)(outcome)

    return check


def files(where: str = "ds", extra: int = 0) -> Check:
    """The last commit has all files."""

    def check(outcome: Outcome) -> None:
        listed = told(
            "git", "ls-tree", "-r", "-z", "--name-only", "HEAD", "--", "data", cwd=outcome.place / where
        )
        known, wanted = listed.count("\0"), outcome.scale.count + extra
        need(known == wanted, f"{known} of {wanted} files are committed")

    return check


def clean(where: str = "ds") -> Check:
    """Git sees nothing that is not committed."""

    def check(outcome: Outcome) -> None:
        left = told("git", "status", "--porcelain", "--ignore-submodules=none", cwd=outcome.place / where)
        need(left == "", f"not committed: {left[:200]}")

    return check


def dvc_knows(extra: int = 0) -> Check:
    """The committed description of DVC's folder has all files."""

    def check(outcome: Outcome) -> None:
        said = told("git", "show", "HEAD:data.dvc", cwd=outcome.place / "ds")
        wanted = outcome.scale.count + extra
        need(f"nfiles: {wanted}\n" in said, f"not {wanted} files: {said}")

    return check


def stored(folder: Path, size: int) -> int:
    """Count the files of a size below a folder."""
    return sum(
        os.lstat(os.path.join(place, name)).st_size == size
        for place, _, names in os.walk(folder)
        for name in names
    )


def store(where: str) -> Check:
    """A store has the content of all files."""

    def check(outcome: Outcome) -> None:
        found = stored(outcome.place / where, outcome.scale.size)
        need(found == outcome.scale.count, f"{found} of {outcome.scale.count} contents are at {where}")

    return check


def sound(where: str = "ds") -> Check:
    """Git-annex finds content, checksum and location log of the first folder right, without repairing anything."""

    def check(outcome: Outcome) -> None:
        if not outcome.deep:
            return
        said = told("git", "annex", "fsck", "--json", "data/part-000", cwd=outcome.place / where)
        answers = [json.loads(line) for line in said.splitlines()]
        need(len(answers) >= min(outcome.scale.count, 500), "git annex fsck knows too few files")
        for answer in answers:
            mended = "fixing" in f"{answer.get('note', '')}{answer.get('error-messages', '')}"
            need(answer["success"] and not mended, f"git annex fsck: {answer}")

    return check


def logged(remote: str, where: str = "ds", folder: str = "data/part-000", least: int = 500) -> Check:
    """The location log says that a remote has the content of a folder's files: all, or `least`."""

    def check(outcome: Outcome) -> None:
        if outcome.deep:
            said = told("git", "annex", "find", f"--in={remote}", folder, cwd=outcome.place / where)
            wanted = min(outcome.scale.count, least)
            need(
                len(said.splitlines()) >= wanted, f"the log knows {len(said.splitlines())} files at {remote}"
            )

    return check


def same_branch(here: str, there: str) -> Check:
    """Both repositories have the same `main`."""

    def check(outcome: Outcome) -> None:
        tips = {told("git", "rev-parse", "refs/heads/main", cwd=outcome.place / p) for p in (here, there)}
        need(len(tips) == 1, f"{here} and {there} have different histories")

    return check


def says(*texts: str) -> Check:
    """The command has said something of this."""
    return output(lambda said: all(text in said for text in texts), f"it does not say: {', '.join(texts)}")


def silent() -> Check:
    """The command has said nothing."""
    return output(lambda said: said == "", "it has something to say")


def output(holds: Callable[[str], bool], what: str) -> Check:
    """What the command has said is as it should be."""

    def check(outcome: Outcome) -> None:
        need(holds(outcome.output), f"{what}; it says: {outcome.output[:200]!r}")

    return check


def names_all() -> Check:
    """The command has named every file."""

    def check(outcome: Outcome) -> None:
        named = sum("file-" in line for line in outcome.output.splitlines())
        need(named >= outcome.scale.count, f"it names {named} of {outcome.scale.count} files")

    return check


def there(path: str) -> Check:
    """A file or link is there."""

    def check(outcome: Outcome) -> None:
        need(os.path.lexists(outcome.place / path), f"{path} is not there")

    return check
