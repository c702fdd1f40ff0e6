"""Making an annex without git-annex: what `git annex init` leaves in a repository that has nothing yet.

git-annex starts 35 programs for it.  Ours are repositories that were just made,
in a plain `.git` folder, on a file system with links, permissions and locks, and
with no settings that could make a difference; all else is git-annex's.  What it
leaves of its own checks (a database in `annex/fsck`, empty files to lock) is made
by it when it is needed.

Whoever is killed on the way leaves something that is not ours any more: git-annex
does it then, and takes over what is there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from rookery.annex import identity, stock_hooks
from rookery.annex.branch import LOCAL
from rookery.annex.branch_writing import ENGINE, MESSAGE, NATIVE, NotForUs, exclusively, who, yes
from rookery.annex.store import annex_dir
from rookery.core import files
from rookery.core.identifiers import new_uuid
from rookery.core.log import get_log
from rookery.core.process import encode
from rookery.git import modes
from rookery.git.index import NewEntry
from rookery.git.index_lock import index_lock
from rookery.git.index_update import write_first
from rookery.git.objects import fast_import, name_of_blob
from rookery.git.repo import Repo

log = get_log("rookery.engine")

# The format of repositories that git-annex makes now.
VERSION = "10"

_BEGINNING = "branch created"
_ATTRIBUTES = "\n* filter=annex\n"
_CONFIGURATION = """\
[annex]
\tuuid = {uuid}
\tversion = {version}
[filter "annex"]
\tsmudge = git-annex smudge -- %f
\tclean = git-annex smudge --clean -- %f
\tprocess = git-annex filter-process
"""

# What else is said of an annex, of filters and hooks, or of the format of the repository may make a difference.
_OTHERWISE = re.compile(
    r"(annex|filter\.annex|extensions|remote)\..*|core\.(hookspath|sharedrepository|worktree)"
)
_HARMLESS = re.compile(
    r"annex\.(backend|diskreserve|dotfiles|jobs|largefiles|retry|security\..*|synccontent)"
)
_NEEDED = ("core.filemode", "core.symlinks")


def found(repo: Repo, settings: Mapping[str, str], description: str | None = None, *, now: float) -> str:
    """Make an annex, or name the one that is here, and give its uuid; git-annex does what is not ours.

    `settings` are all that Git reads here, as they are now.
    """
    try:
        return _found(repo, settings, description, now)
    except NotForUs as e:
        log.debug("the annex is made by git-annex: %s", e)
        return identity.init(repo, description)


def _found(repo: Repo, settings: Mapping[str, str], description: str | None, now: float) -> str:
    """Make an annex.  Raises NotForUs before anything is there that git-annex would mind."""
    require_usual(settings)
    _require_new(repo)
    says = who(repo, settings, now)
    mine = new_uuid()
    text = line_of(repo, mine, description, now)
    prepare(repo, mine)
    _write_branch(repo, text, says)
    return mine


def line_of(repo: Repo, uuid: str, description: str | None, now: float) -> str:
    """Give the line of uuid.log that describes this repository.  Raises NotForUs."""
    described = _described(repo) if description is None else description
    if not described or described != described.strip() or "\n" in described:
        raise NotForUs(f"a description that is odd: {described!r}")
    return f"{uuid} {described} timestamp={int(now)}s\n"


def prepare(repo: Repo, uuid: str) -> None:
    """Do all but the branch.  Raises NotForUs if the file system is not for us; git-annex can begin then."""
    _require_able(annex_dir(repo))
    _mark_inodes(annex_dir(repo))
    _install_filter(repo)
    _configure(repo, uuid)


def _require_new(repo: Repo) -> None:
    """Raise NotForUs unless nothing is here but what `git init` makes."""
    require_no_annex(repo)
    there = [repo.gitdir / "packed-refs", repo.gitdir / "refs" / "remotes"]
    if used := [place for place in there if os.path.lexists(place)]:
        raise NotForUs(f"there is {used[0]} already")
    if any(os.scandir(repo.gitdir / "refs" / "heads")):
        raise NotForUs("there are branches, whose files git-annex may have to look at")


def require_no_annex(repo: Repo) -> None:
    """Raise NotForUs unless this is a plain repository that nobody has made anything of yet."""
    if repo.bare or repo.gitdir != repo.root / ".git" or repo.gitdir.is_symlink():
        raise NotForUs("the repository is not in a plain `.git` folder")
    if repo.commondir != repo.gitdir or any(name.startswith("GIT_ANNEX_") for name in repo.runner.env):
        raise NotForUs("other worktrees, or git-annex's own variables")
    there = [
        repo.gitdir / "hooks" / name
        for name in (*stock_hooks.COMMANDS, "freezecontent-annex", "thawcontent-annex")
    ]
    there += [annex_dir(repo), repo.gitdir / "info" / "attributes"]
    if used := [place for place in there if os.path.lexists(place)]:
        raise NotForUs(f"there is {used[0]} already")


def require_usual(settings: Mapping[str, str], *, known: Collection[str] = ()) -> None:
    """Raise NotForUs if a setting, other than those that are known, may make a difference to what git-annex does."""
    if settings.get(ENGINE, NATIVE) != NATIVE:
        raise NotForUs(f"{ENGINE} is {settings[ENGINE]!r}")
    for name, value in settings.items():
        off = name in _NEEDED and not yes(value)
        odd = _OTHERWISE.fullmatch(name) and not _HARMLESS.fullmatch(name) and name not in known
        if off or odd:
            raise NotForUs(f"{name} is {value!r}")


def _described(repo: Repo) -> str:
    """Give the description that git-annex makes up: who, on which machine, and where, seen from the home folder."""
    env = repo.runner.env
    home, here = env.get("HOME", ""), os.path.realpath(repo.root)
    if home in ("", "/") or home != os.path.normpath(home):
        raise NotForUs(f"an odd home folder: {home!r}")
    person = env.get("USER", env.get("LOGNAME"))
    if person is None:
        import pwd  # start-up: the environment says it mostly

        person = pwd.getpwuid(os.geteuid()).pw_name
    if here == home or here.startswith(home + "/"):
        here = "~/" + here[len(home) + 1 :]
    return f"{person}@{os.uname().nodename}:{here}"


def _require_able(annex: Path) -> None:
    """Make the annex's folder, and try out what git-annex needs of a file system.  Raises NotForUs."""
    annex.mkdir()
    place = annex / "misctmp"
    first, second = place / "gaprobe", place / "gaprobe2"
    try:
        place.mkdir()
        with files.locked(place / "lockprobe", wait=0):
            os.mkfifo(first, 0o400)
            os.link(first, second)
        first.unlink()
        second.unlink()
        first.touch()
        os.symlink(first, second)
        first.chmod(0o444)
        writable = first.stat().st_mode & 0o222 or (os.geteuid() and os.access(first, os.W_OK))
    except OSError as e:
        raise NotForUs(f"the file system is not one for links and locks: {e}") from e
    finally:
        for name in (first, second, place / "lockprobe"):
            name.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            place.rmdir()
    if writable:
        raise NotForUs("the file system does not keep permissions")


def _mark_inodes(annex: Path) -> None:
    """Write the file by which git-annex will know whether inodes are still what they were, with its inode beside."""
    sentinel = annex / "sentinal"
    sentinel.touch()
    # A time in which no zero begins or ends the fraction: that is written in the same way whatever one thinks of those.
    seconds, fraction = divmod(sentinel.stat().st_mtime_ns, 1_000_000_000)
    fraction = fraction % 900_000_000 // 10 * 10 + 100_000_001
    time = seconds * 1_000_000_000 + fraction
    os.utime(sentinel, ns=(time, time))
    seen = sentinel.stat()
    if seen.st_mtime_ns != time:
        sentinel.unlink()
        raise NotForUs("the file system does not keep times to the nanosecond")
    (annex / "sentinal.cache").write_text(f"{seen.st_ino} 0 {seconds} {fraction}")


def _install_filter(repo: Repo) -> None:
    """Write the hooks and the attributes that have Git call git-annex for unlocked files."""
    for name in stock_hooks.COMMANDS:
        hook = repo.gitdir / "hooks" / name
        files.write(hook, stock_hooks.text_of(name))
        hook.chmod(hook.stat().st_mode & 0o777 | 0o111)
    attributes = repo.gitdir / "info" / "attributes"
    attributes.parent.mkdir(exist_ok=True)
    files.write(attributes, _ATTRIBUTES)


def _configure(repo: Repo, uuid: str) -> None:
    """Add the settings of an annex to those of the repository."""
    file = repo.gitdir / "config"
    with index_lock(file) as draft:
        before = file.read_bytes()
        if before and not before.endswith(b"\n"):
            before += b"\n"
        draft.write_bytes(before + encode(_CONFIGURATION.format(uuid=uuid, version=VERSION)))
        draft.chmod(file.stat().st_mode & 0o777)
        os.replace(draft, file)


def _write_branch(repo: Repo, log: str, says: tuple[str, str]) -> None:
    """Write the branch as git-annex begins it: nothing, then who is here; its index follows."""
    text = encode(log)
    author, committer = says
    script = []
    for mark, message in enumerate((_BEGINNING, MESSAGE), 1):
        head = f"commit {LOCAL}\nmark :{mark}\nauthor {author}\ncommitter {committer}\n"
        script.append(encode(f"{head}data {len(message) + 1}\n{message}\n\n"))
    script += [b"M 100644 inline uuid.log\ndata %d\n%s\n" % (len(text), text), b"get-mark :2\ndone\n"]
    with exclusively(repo):
        commit = fast_import(repo, script)
        (annex_dir(repo) / "journal").mkdir(exist_ok=True)
        (annex_dir(repo) / "othertmp").mkdir(exist_ok=True)
        write_first(annex_dir(repo) / "index", [NewEntry("uuid.log", modes.FILE, name_of_blob(text))])
        files.write(annex_dir(repo) / "index.lck", commit + "\n")
