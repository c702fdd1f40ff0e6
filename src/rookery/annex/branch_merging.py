"""Merging fetched `git-annex` branches into ours, as git-annex does it: the union of the lines of each log.

Which line counts is for the reader to say (the newest about its subject), so
nothing has to be understood to be merged, and lines of formats yet to come are
kept.  A log that is no longer in one of the branches stays.  What was seen with
git-annex 10.20261026, and is done here byte for byte (tests/interop):

- a log whose lines are all in one of the versions stays that version, else the
  lines are put in order;
- all branches that are not merged yet become parents of one commit; if one of
  them has all others behind it, ours moves there without a commit;
- what was merged is noted in `annex/mergedrefs`, so that nobody compares it again.

Where more than that is to be done (`git annex forget` in one of them, news in
the journal), git-annex does it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rookery.annex import branch, program
from rookery.annex.branch import LOCAL, Source
from rookery.annex.branch_commit import Said, make
from rookery.annex.branch_writing import MOST_TRIES, NotForUs, exclusively, follow, require_plain, yes
from rookery.annex.branch_writing import who as who_commits
from rookery.annex.outcome import Clock
from rookery.annex.permissions import Permissions, permissions
from rookery.annex.store import annex_dir
from rookery.core import files
from rookery.core.errors import LostRaceError
from rookery.git import modes, refs
from rookery.git.index import NewEntry, name_length
from rookery.git.objects import ObjectMissing, name_of_blob, read_many
from rookery.git.repo import Repo
from rookery.git.trees import diff_trees

# A difference in these says that history was or is to be rewritten, or that logs are filed otherwise.
_BEYOND_US = frozenset(("transitions.log", "difference.log"))

_SETTING = "annex.merge-annex-branches"


class _Merged(NamedTuple):
    """What a merge changes of our version: blobs that are stored already, and new texts, by name of log."""

    stored: Mapping[str, str]
    new: Mapping[str, bytes]

    def entries(self, length: int) -> list[NewEntry]:
        """Give it for an index; `length` as for `name_of_blob`."""
        found = [NewEntry(name, modes.FILE, sha) for name, sha in self.stored.items()]
        return found + [
            NewEntry(name, modes.FILE, name_of_blob(text, length)) for name, text in self.new.items()
        ]


def merge_fetched(repo: Repo, *, clock: Clock) -> None:
    """Merge all fetched git-annex branches into ours, and see to it that what is in the journal is committed.

    git-annex does this before it answers any question about the branch.  `git
    annex merge` would also merge `synced/` branches into the work tree.  Raises CommandError.
    """
    try:
        _merge(repo, clock())
    except (NotForUs, LostRaceError):
        program.commit_journal(repo)


def _merge(repo: Repo, now: float) -> None:
    settings = require_plain(repo)
    if not yes(settings.get(_SETTING, "true")):
        raise NotForUs(f"{_SETTING} is off")
    with exclusively(repo, permissions(settings)):
        if branch.journal_is_used(repo):
            raise NotForUs("there is news in the journal")
        ignored = annex_dir(repo) / "ignoredrefs"
        if ignored.exists() and ignored.read_bytes().strip():
            raise NotForUs("history of the branch was forgotten")
        for _ in range(MOST_TRIES):
            sources = branch.sources(repo)
            if not sources or sources[-1].ref != LOCAL:
                raise NotForUs("there is no git-annex branch yet")
            *theirs, mine = sources
            if not theirs or _joined(repo, mine, theirs, settings, now):
                return
    raise LostRaceError(f"{LOCAL} was moved by others {MOST_TRIES} times while it was to be merged")


def _joined(
    repo: Repo, mine: Source, theirs: Sequence[Source], settings: Mapping[str, str], now: float
) -> bool:
    """Merge; False if the branch was moved under us."""
    followed = branch.index_is_at(repo, mine.commit)
    commits = list(dict.fromkeys(source.commit for source in theirs))
    heads = repo.text("merge-base", "--independent", mine.commit, *commits).split()
    made: str | None
    if len(heads) == 1:
        made, entries = _moved_on(repo, mine, heads[0])
    else:
        merged = _union(repo, mine, theirs)
        entries = merged.entries(name_length(repo))
        names = " ".join(_short(source.ref) for source in theirs)
        says = Said(who_commits(repo, settings, now), f"merging {names} into git-annex")
        made = make(repo, [mine.commit, *commits], merged.new, says, stored=merged.stored)
    if made is None:
        return False
    if followed and made != mine.commit:
        follow(repo, made, entries)
    _note(repo, [mine, *theirs], permissions(settings))
    return True


def _moved_on(repo: Repo, mine: Source, head: str) -> tuple[str | None, list[NewEntry]]:
    """Move our branch to a commit that has it behind itself, and give what differs there.  Raises NotForUs."""
    if head == mine.commit:
        return head, []
    changes = list(diff_trees(repo, mine.commit, head))
    for change in changes:
        _require_usual(change.path, head)
    try:
        refs.update(repo, LOCAL, head, old=mine.commit, message="update")
    except LostRaceError:
        return None, []
    return head, [NewEntry(change.path, change.new_mode, change.new_sha) for change in changes]


def _require_usual(path: str, where: str) -> None:
    if path in _BEYOND_US:
        raise NotForUs(f"{path} differs in {where}")


def _union(repo: Repo, mine: Source, theirs: Sequence[Source]) -> _Merged:
    """Find out what is to change.  Raises NotForUs."""
    versions: dict[str, list[str]] = {}
    own: dict[str, str] = {}
    for their in theirs:
        gone = set()
        for change in diff_trees(repo, mine.commit, their.commit):
            _require_usual(change.path, their.ref)
            if not change.new_mode:
                gone.add(change.path)
                continue
            if change.new_mode != modes.FILE or change.old_mode not in (0, modes.FILE):
                raise NotForUs(f"{change.path} is no plain file in {their.ref}")
            if change.old_mode:
                own[change.path] = change.old_sha
            known = versions.setdefault(change.path, [change.old_sha] if change.old_mode else [])
            known.append(change.new_sha)
        if any(_has_parent_in(path, gone) for path in versions):
            raise NotForUs(f"a log in {their.ref} is a folder here, or the reverse")
    return _folded(repo, versions, own)


def _has_parent_in(path: str, names: set[str]) -> bool:
    while path := path.rpartition("/")[0]:
        if path in names:
            return True
    return False


def _folded(repo: Repo, versions: Mapping[str, Sequence[str]], own: Mapping[str, str]) -> _Merged:
    needed = list(dict.fromkeys(sha for several in versions.values() if len(several) > 1 for sha in several))
    texts = {}
    for sha, blob in zip(needed, read_many(repo, needed) if needed else (), strict=True):
        if blob is None:
            raise ObjectMissing(f"a log of the git-annex branch, {sha}, is not in {repo.root}")
        texts[sha] = blob.content
    stored: dict[str, str] = {}
    new: dict[str, bytes] = {}
    for name, (first, *others) in versions.items():
        kept: str | None = first
        text = texts.get(first, b"")
        for other in others:
            joined = joined_lines(text, texts[other])
            if joined is not text:
                kept = other if joined is texts[other] else None
            text = joined
        if kept is None:
            new[name] = text
        elif kept != own.get(name):
            stored[name] = kept
    return _Merged(stored, new)


def joined_lines(one: bytes, other: bytes) -> bytes:
    """Give the union of the lines of two texts: one of the two themselves if it has them all, else in order."""
    ours, theirs = _lines(one), _lines(other)
    both = ours | theirs
    if both == ours:
        return one
    if both == theirs:
        return other
    return b"".join(line + b"\n" for line in sorted(both))


def _lines(text: bytes) -> set[bytes]:
    return set(text.removesuffix(b"\n").split(b"\n")) if text else set()


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/remotes/")


def _note(repo: Repo, merged: Sequence[Source], shared: Permissions) -> None:
    """Note what was merged, in git-annex's form; it is for speed only."""
    file = annex_dir(repo) / "mergedrefs"
    known = branch.merged_refs(repo)
    known.update({source.ref: source.commit for source in merged})
    text = "".join(f"{commit}\t{ref}\n" for ref, commit in sorted(known.items()))
    files.write(file, text.encode("utf-8", "surrogateescape"), drafts=annex_dir(repo) / "othertmp")
    shared.share_file(str(file))
