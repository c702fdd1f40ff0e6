"""Names for commits: HEAD, branches, tags, and moving them by compare-and-swap."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from rookery.core.errors import CommandError, LockedError, LostRaceError
from rookery.core.process import decode, encode
from rookery.git.repo import Repo

_SHA = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")

HEADS = "refs/heads/"
# Names that mean nothing but themselves where Git reads revisions.
_BRANCH = re.compile(r"refs/heads/[A-Za-z0-9_/-]+", re.ASCII)

# How long Git waits for another writer's lock on a ref before it gives up.
LOCK_PATIENCE_MS = 5000


class Head(NamedTuple):
    """Where a repository stands: the branch (None if detached) and the commit (None if not born)."""

    branch: str | None
    commit: str | None

    @property
    def ref(self) -> str:
        """The ref that a new commit moves."""
        return HEADS + self.branch if self.branch is not None else "HEAD"


class Ref(NamedTuple):
    """One ref.  `peeled` is the commit behind an annotated tag, else `sha` again."""

    name: str
    sha: str
    kind: str
    peeled: str
    upstream: str | None
    symref: str | None


def head(repo: Repo) -> Head:
    """Say where HEAD stands, reading files where they tell it, else asking Git."""
    found = _head_from_files(repo)
    return _head_from_git(repo) if found is None else found


def _head_from_files(repo: Repo) -> Head | None:
    """Read HEAD and the ref that it names; None where another ref store (reftable) is in use."""
    file = repo.gitdir / "HEAD"
    if file.is_symlink():
        return None
    text = file.read_bytes().strip()
    if _SHA.fullmatch(text):
        return Head(None, decode(text))
    if not text.startswith(b"ref: refs/heads/") or text == b"ref: refs/heads/.invalid":
        return None  # reftable leaves ".invalid" there for programs that do not know it
    name = decode(text[len(b"ref: ") :])
    branch = name.removeprefix(HEADS)
    value = _value(repo, name)
    if value is None:
        return Head(branch, None)
    return Head(branch, decode(value)) if _SHA.fullmatch(value) else None


def _value(repo: Repo, name: str) -> bytes | None:
    """Read what the files say of one ref; None if there is none."""
    try:
        return (repo.commondir / name).read_bytes().strip()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return _packed(repo.commondir / "packed-refs", name)


def named(repo: Repo, name: str) -> list[tuple[str, str]]:
    """Give (commit, ref) of all refs whose last word is `name`, sorted; reading files where they tell it."""
    found = _named_in_files(repo, name)
    if found is not None:
        return found
    listed = repo.run("show-ref", name, ok=(0, 1)).stdout.splitlines()
    return [(sha, ref) for sha, _, ref in (decode(line).partition(" ") for line in listed)]


def _named_in_files(repo: Repo, name: str) -> list[tuple[str, str]] | None:
    """Read the refs as files; None where another store is in use, or one of them names another."""
    if not _are_files(repo):
        return None
    found: dict[str, str] = {}
    folders = [(os.fsencode(repo.commondir / "refs"), b"refs")]
    while folders:
        place, prefix = folders.pop()
        try:
            entries = list(os.scandir(place))
        except FileNotFoundError:
            continue  # its last ref was packed or deleted in this moment
        for entry in entries:
            ref = prefix + b"/" + entry.name
            if entry.is_dir():
                folders.append((entry.path, ref))
            elif entry.name == encode(name):
                try:
                    value = Path(os.fsdecode(entry.path)).read_bytes().strip()
                except FileNotFoundError:
                    continue  # the packed ones, which are read later, have it
                if not _SHA.fullmatch(value):
                    return None
                found[decode(ref)] = decode(value)
    for full, sha in _all_packed(repo.commondir / "packed-refs", name):
        found.setdefault(full, sha)
    return [(sha, full) for full, sha in sorted(found.items(), key=lambda pair: encode(pair[0]))]


def _are_files(repo: Repo) -> bool:
    """Say whether refs are kept in files: reftable leaves ".invalid" in HEAD for programs that do not know it."""
    head = repo.gitdir / "HEAD"
    return not head.is_symlink() and head.read_bytes().strip() != b"ref: refs/heads/.invalid"


def _all_packed(file: Path, name: str) -> Iterator[tuple[str, str]]:
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return
    for found in re.finditer(
        rb"^([0-9a-f]{40,64}) (refs/(?:[^\n]*/)?" + re.escape(encode(name)) + rb")$", text, re.M
    ):
        yield decode(found[2]), decode(found[1])


def _packed(file: Path, name: str) -> bytes | None:
    # Git too looks here after the loose file only: `pack-refs` writes this file before it removes that one.
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return None
    end = text.find(b" " + name.encode("utf-8", "surrogateescape") + b"\n")
    if end < 0:
        return None
    return text[text.rfind(b"\n", 0, end) + 1 : end]


def _head_from_git(repo: Repo) -> Head:
    symbolic = repo.run("symbolic-ref", "-q", "HEAD", ok=(0, 1)).text
    branch = symbolic.removeprefix(HEADS) if symbolic.startswith(HEADS) else None
    return Head(branch, resolve(repo, "HEAD"))


def resolve(repo: Repo, rev: str, kind: str = "commit") -> str | None:
    """Give the name of the object of that kind ("commit", "tree", "object") behind `rev`, None if none."""
    if kind == "commit" and _BRANCH.fullmatch(rev) and ".." not in rev and _are_files(repo):
        value = _value(repo, rev)  # a branch is at a commit
        if value is None or _SHA.fullmatch(value):
            return None if value is None else decode(value)
    answer = repo.run("rev-parse", "-q", "--verify", "--end-of-options", f"{rev}^{{{kind}}}", ok=(0, 1, 128))
    return answer.text if answer.code == 0 and answer.text else None


def update(repo: Repo, ref: str, new: str | None, old: str | None = None, *, message: str = "") -> None:
    """Move a ref to `new` (None deletes it) if it still is at `old`.

    `old` of "" means that the ref must not exist, None that any value will do.
    HEAD, if given, is moved itself, not the branch that it names.  Raises LostRaceError if
    the ref is elsewhere, LockedError if somebody does not let go of it,
    CommandError if it cannot be written.  As with Git's own commits, the
    reflog's message follows GIT_REFLOG_ACTION where that is set.
    """
    if action := repo.runner.env.get("GIT_REFLOG_ACTION"):
        message = f"{action}: {message}" if message else action
    argv = ["-c", f"core.filesRefLockTimeout={LOCK_PATIENCE_MS}", "update-ref"]
    argv += ["--no-deref"] if ref == "HEAD" else []
    argv += ["-m", message] if message else []
    argv += ["-d", ref] if new is None else [ref, new]
    if old is not None:
        argv.append(old)
    try:
        repo.run(*argv)
    except CommandError as e:
        if old is None:
            raise
        now = repo.run("rev-parse", "-q", "--verify", "--end-of-options", ref, ok=(0, 1, 128)).text
        if now == old:
            if "File exists" in e.stderr:
                lock = repo.commondir / f"{ref}.lock"
                raise LockedError(
                    f"{lock} is held by another process, or was left behind by one that was killed",
                    hints=[f"if no other Git command runs here, remove {lock}"],
                ) from e
            raise
        raise LostRaceError(f"{ref} is at {now or 'nothing'}, not at {old or 'nothing'}") from e


def update_together(repo: Repo, moves: Iterable[tuple[str, str, str]], *, message: str) -> None:
    """Move refs, each given as (name, new, old), in one step: all of them, or none.

    Raises LostRaceError if one is not at its old value, or cannot be locked.
    """
    lines = b"".join(encode(f"update {ref}\0{new}\0{old}\0") for ref, new, old in moves)
    try:
        repo.run("update-ref", "-m", message, "-z", "--stdin", stdin=lines)
    except CommandError as e:
        raise LostRaceError(f"refs could not be moved together: {e.stderr.strip()}") from e


def set_symbolic(repo: Repo, name: str, target: str, *, message: str = "") -> None:
    """Point a symbolic ref (HEAD) to a ref, which need not exist."""
    repo.run("symbolic-ref", "-m", message or f"rookery: moving to {target}", name, target)


def for_each_ref(repo: Repo, *patterns: str) -> Iterator[Ref]:
    """Yield the refs below the patterns ("refs/heads", "refs/remotes/x"), all if there is none, sorted."""
    fields = "%(refname)%00%(objectname)%00%(objecttype)%00%(*objectname)%00%(upstream)%00%(symref)"
    for line in repo.records("for-each-ref", f"--format={fields}", *patterns, end=b"\n"):
        name, sha, kind, peeled, upstream, symref = decode(line).split("\0")
        yield Ref(name, sha, kind, peeled or sha, upstream or None, symref or None)


def upstream(repo: Repo, branch: str) -> tuple[str, str] | None:
    """Give the remote ("." is this repository) and the ref there that a branch follows, None if none."""
    found = repo.run("config", "-z", "--get-regexp", r"^branch\..*\.(remote|merge)$", ok=(0, 1)).stdout
    values = dict(decode(item).split("\n", 1) for item in found.split(b"\0") if b"\n" in item)
    remote, merge = values.get(f"branch.{branch}.remote"), values.get(f"branch.{branch}.merge")
    return (remote, merge) if remote and merge else None


def is_ancestor(repo: Repo, ancestor: str, descendant: str) -> bool:
    """Say whether one commit is in the history of another (or is the same)."""
    return repo.run("merge-base", "--is-ancestor", ancestor, descendant, ok=(0, 1)).code == 0


def merge_base(repo: Repo, one: str, other: str) -> str | None:
    """Give the best common ancestor, None if the histories have nothing in common."""
    return repo.run("merge-base", "--end-of-options", one, other, ok=(0, 1)).text or None


def count(repo: Repo, revisions: str) -> int:
    """Count the commits of a range such as `a..b`."""
    return int(repo.text("rev-list", "--count", "--end-of-options", revisions))


def check_ref_format(repo: Repo, name: str) -> bool:
    """Say whether Git takes a full ref name."""
    return repo.run("check-ref-format", name, ok=(0, 1)).code == 0
