"""Making the annex of a fresh clone without git-annex: what `git annex init` leaves, on top of the origin's branch.

Ours are clones of one repository on this machine, or of one that is not asked
for content, where nothing in the branch asks for more: no special remote that
enables itself, no demand for secure hashes, no folders of another kind.
All else is git-annex's, see `founding`.

git-annex's own index of the branch is not made: who reads the branch does
without, and git-annex makes it when it first writes there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rookery.annex import founding, identity
from rookery.annex.branch import LOCAL, Source, contents
from rookery.annex.branch_writing import MESSAGE, NotForUs, exclusively, who, yes
from rookery.annex.nearby.neighbours import rewritten
from rookery.annex.store import annex_dir
from rookery.core import files
from rookery.core.identifiers import new_uuid
from rookery.core.log import get_log
from rookery.core.process import encode
from rookery.git import refs, remotes
from rookery.git.objects import fast_import
from rookery.git.repo import NotARepository, Repo, open_repo

log = get_log("rookery.engine")

# Logs that git-annex looks at when it makes an annex, and the words in them that have it do more.
_UUIDS = "uuid.log"
_ASKING = {"remote.log": b"autoenable=", "config.log": b"annex.securehashesonly", "difference.log": b""}


def join(
    repo: Repo, settings: Mapping[str, str], origin: str, description: str | None = None, *, now: float
) -> str:
    """Make the annex of a clone, or name the one that is here, and give its uuid; git-annex does what is not ours.

    `settings` are all that Git reads here, as they are now.
    """
    try:
        return _join(repo, settings, origin, description, now)
    except NotForUs as e:
        log.debug("the annex of the clone is made by git-annex: %s", e)
        return identity.init(repo, description)


def _join(repo: Repo, settings: Mapping[str, str], origin: str, description: str | None, now: float) -> str:
    """Make an annex.  Raises NotForUs before anything is there that git-annex would mind."""
    ours = {f"remote.{origin}.{word}" for word in ("url", "fetch", "annex-ignore")}
    founding.require_usual(settings, known=ours)
    founding.require_no_annex(repo)
    branch = _only_branch(repo, origin)
    told = contents(repo, branch, [_UUIDS, *_ASKING])
    for name, word in _ASKING.items():
        if name in told and word in told[name]:
            raise NotForUs(f"{name} asks for more")
    theirs = _uuid_of(repo, settings, origin)
    says = who(repo, settings, now)
    mine = new_uuid()
    lines = told.get(_UUIDS, b"").splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n"):
        raise NotForUs(f"{_UUIDS} is cut off")
    text = b"".join(sorted([*lines, encode(founding.line_of(repo, mine, description, now))]))
    founding.prepare(repo, mine)
    _write_branch(repo, branch, text, says)
    if theirs is not None:
        remotes.configure(repo, origin, "annex-uuid", theirs)
    return mine


def _only_branch(repo: Repo, origin: str) -> Source:
    """Find the branch of the origin's annex.  Raises NotForUs if there is another, or a view of files not as in Git."""
    theirs = f"refs/remotes/{origin}/git-annex"
    found = None
    for ref in refs.for_each_ref(repo):
        if ref.name == theirs:
            found = Source(theirs, ref.sha)
        elif ref.name.endswith("/git-annex") or "/adjusted/" in ref.name:
            raise NotForUs(f"there is {ref.name}")
    if found is None:
        raise NotForUs(f"{origin} has no annex")
    return found


def _uuid_of(repo: Repo, settings: Mapping[str, str], origin: str) -> str | None:
    """Read whose annex the origin is; None if it is not to be asked for content.  Raises NotForUs."""
    ignored = settings.get(f"remote.{origin}.annex-ignore")
    if ignored is not None and yes(ignored):
        return None
    url = settings.get(f"remote.{origin}.url", "")
    if not url.startswith(("/", ".")) or rewritten(url, settings):
        raise NotForUs(f"{origin} is at {url}")
    try:
        there = open_repo(Path(os.path.normpath(repo.root / url)), repo.runner)
        if there.gitdir.stat().st_uid != os.geteuid():
            raise NotForUs(f"{url} is somebody else's, whose settings Git may not want to read")
        uuid = identity.uuid(there)
    except (NotARepository, OSError) as e:
        raise NotForUs(f"{url} cannot be read: {e}") from e
    if uuid is None:
        raise NotForUs(f"there is no annex at {url}")
    return uuid


def _write_branch(repo: Repo, theirs: Source, text: bytes, says: tuple[str, str]) -> None:
    author, committer = says
    script = [
        encode(f"commit {LOCAL}\nmark :1\nauthor {author}\ncommitter {committer}\n"),
        encode(f"data {len(MESSAGE) + 1}\n{MESSAGE}\n\nfrom {theirs.commit}\n"),
        b"M 100644 inline %s\ndata %d\n%s\ndone\n" % (encode(_UUIDS), len(text), text),
    ]
    with exclusively(repo):
        fast_import(repo, script)
        for name in ("journal", "othertmp"):
            (annex_dir(repo) / name).mkdir(exist_ok=True)
        files.write(annex_dir(repo) / "mergedrefs", f"{theirs.commit}\t{theirs.ref}\n")
