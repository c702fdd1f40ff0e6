"""What differs between HEAD, the index and the work tree: one `git status`, typed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from rookery.core.process import decode
from rookery.git.index_stale import is_stale
from rookery.git.repo import Repo
from rookery.git.trees import Selection, fit_on_command_line

Kind = Literal["changed", "renamed", "conflict", "untracked", "ignored"]


class Change(NamedTuple):
    """One path that is not as HEAD has it.

    `staged` compares HEAD with the index, `unstaged` the index with the work
    tree, in Git's letters (M T A D R C, "." for the same).  Modes are 0 where
    there is nothing; for conflicts `mode_head` and `sha_head` are ours.  The
    three submodule flags are false for anything that is not one.  An untracked
    folder that is shown as one has a path that ends in "/".
    """

    kind: Kind
    path: str
    staged: str = "."
    unstaged: str = "."
    mode_head: int = 0
    mode_index: int = 0
    mode_worktree: int = 0
    sha_head: str = ""
    sha_index: str = ""
    from_path: str | None = None
    submodule: bool = False
    new_commits: bool = False
    modified_content: bool = False
    untracked_content: bool = False


class Standing(NamedTuple):
    """The branch (None if detached) and commit (None if not born) that a status was taken against."""

    branch: str | None
    commit: str | None


def status(
    repo: Repo,
    paths: Sequence[str] = (),
    *,
    untracked: Literal["no", "normal", "all"] = "normal",
    ignored: Literal["no", "traditional", "matching"] = "no",
    ignore_submodules: Literal["none", "untracked", "dirty", "all"] = "none",
    renames: bool = False,
) -> Iterator[Change]:
    """Yield what is not as in HEAD, at or below `paths` (relative to the root).

    Takes no lock, but where Git would have to read files anew each time: it then
    notes in the index what it found, unless somebody else has that.

    Works on unborn branches (everything is added).  The first process that a
    status starts may start more below it: Git looks into submodules itself
    unless `ignore_submodules` says not to.
    """
    for item in _status(repo, paths, untracked, ignored, ignore_submodules, renames, branch=False):
        if isinstance(item, Change):
            yield item


def status_at(
    repo: Repo,
    paths: Sequence[str] = (),
    *,
    untracked: Literal["no", "normal", "all"] = "normal",
    ignore_submodules: Literal["none", "untracked", "dirty", "all"] = "none",
) -> Iterator[Standing | Change]:
    """Yield where HEAD stands, then what is not as there: both from one process, so they belong together."""
    yield from _status(repo, paths, untracked, "no", ignore_submodules, renames=False, branch=True)


def _status(
    repo: Repo,
    paths: Sequence[str],
    untracked: str,
    ignored: str,
    ignore_submodules: str,
    renames: bool,
    *,
    branch: bool,
) -> Iterator[Standing | Change]:
    few = fit_on_command_line(paths)
    argv = [] if is_stale(repo) else ["--no-optional-locks"]
    argv += ["--literal-pathspecs", "status", "--porcelain=v2", "-z"]
    argv += [f"--untracked-files={untracked}", f"--ignored={ignored}"]
    argv += [f"--ignore-submodules={ignore_submodules}", "--find-renames" if renames else "--no-renames"]
    argv += ["--branch", "--no-ahead-behind"] if branch else ["--no-branch"]
    wanted = Selection(() if few else paths)
    limit = ["--", *paths] if few and paths else []
    for item in parse(repo.records(*argv, *limit)):
        if isinstance(item, Standing) or item.path in wanted:
            yield item


def parse(records: Iterator[bytes]) -> Iterator[Standing | Change]:
    """Parse the porcelain v2 `-z` form; a Standing comes first if headers were asked for."""
    headers: dict[str, str] = {}
    standing: Standing | None = None
    for record in records:
        line = decode(record)
        if line.startswith("# "):
            key, _, value = line[2:].partition(" ")
            headers[key] = value
            continue
        if headers and standing is None:
            standing = _standing(headers)
            yield standing
        yield _change(line, records)
    if headers and standing is None:
        yield _standing(headers)


def _standing(headers: dict[str, str]) -> Standing:
    branch, commit = headers.get("branch.head", ""), headers.get("branch.oid", "")
    return Standing(
        None if branch == "(detached)" else branch,
        None if commit == "(initial)" else commit,
    )


def _change(line: str, records: Iterator[bytes]) -> Change:
    match line[0]:
        case "?":
            return Change("untracked", line[2:])
        case "!":
            return Change("ignored", line[2:])
        case "1":
            _, xy, sub, mh, mi, mw, hh, hi, path = line.split(" ", 8)
            return _tracked("changed", xy, sub, (mh, mi, mw), hh, hi, path, None)
        case "2":
            _, xy, sub, mh, mi, mw, hh, hi, _score, path = line.split(" ", 9)
            return _tracked("renamed", xy, sub, (mh, mi, mw), hh, hi, path, decode(next(records)))
        case "u":
            _, xy, sub, _m1, m2, m3, mw, _h1, h2, h3, path = line.split(" ", 10)
            return _tracked("conflict", xy, sub, (m2, m3, mw), h2, h3, path, None)
        case other:
            raise ValueError(f"unknown line {other!r} in the answer of git status")


def _tracked(
    kind: Kind, xy: str, sub: str, m: tuple[str, str, str], hh: str, hi: str, path: str, origin: str | None
) -> Change:
    return Change(
        kind,
        path,
        xy[0],
        xy[1],
        int(m[0], 8),
        int(m[1], 8),
        int(m[2], 8),
        hh,
        hi,
        origin,
        submodule=sub[0] == "S",
        new_commits=sub[1:2] == "C",
        modified_content=sub[2:3] == "M",
        untracked_content=sub[3:4] == "U",
    )
