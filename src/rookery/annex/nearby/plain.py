"""Whether a repository is one whose content we may touch as git-annex would.

What we know to make no difference is listed; any other setting of git-annex's
means that git-annex has to do the work.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from rookery.annex.branch_writing import NotForUs
from rookery.annex.files import index_entries, with_keys
from rookery.annex.permissions import Permissions, permissions
from rookery.annex.store import is_shared
from rookery.core.config import parse_bool
from rookery.core.process import decode
from rookery.git.repo import Repo

Settings = Mapping[str, str]

# About other things than moving content, or read by us where they matter.
_NEUTRAL = frozenset(
    f"annex.{name}"
    for name in (
        "addsmallfiles",
        "addunlocked",
        "allowsign",
        "alwayscommit",
        "alwayscompact",
        "autocommit",
        "autoupgraderepository",
        "backend",
        "backends",
        "commitmessage",
        "delayadd",
        "diskreserve",
        "dotfiles",
        "fsckmode",
        "genmetadata",
        "gitaddtoannex",
        "jobs",
        "largefiles",
        "maxextensionlength",
        "maxextensions",
        "numcopies",
        "private",
        "queuesize",
        "resolvemerge",
        "retry",
        "retry-delay",
        "showsizes",
        "skipunknown",
        "ssh-options",
        "sshcaching",
        "synccontent",
        "synconlyannex",
        "uuid",
    )
)

# May be set, to this.
_ONLY = {"annex.version": "10"}
_ONLY_TRUE = frozenset({"annex.verify"})
_ONLY_FALSE = frozenset(
    {
        "annex.adjustedbranchrefresh",
        "annex.crippledfilesystem",
        "annex.fastcopy",
        "annex.pidlock",
        "annex.thin",
    }
)

# Content is to be shared between neighbours instead of copied; either of them may want it so.
_LINKS = "annex.hardlink"

# git-annex's default for annex.diskreserve, in bytes.
RESERVE = 100_000_000

# As git-annex reads them; other spellings are for it to judge.
_UNITS = {
    "": 1,
    **{unit: 1000**n for n, unit in enumerate(("b", "kb", "mb", "gb", "tb", "pb"))},
    **{unit: 1024**n for n, unit in enumerate(("b", "kib", "mib", "gib", "tib", "pib"))},
    **{unit: 1000**n for n, unit in enumerate(("byte", "kilobyte", "megabyte", "gigabyte", "terabyte"))},
    **{unit: 1000**n for n, unit in enumerate(("bytes", "kilobytes", "megabytes", "gigabytes", "terabytes"))},
}


class Names(NamedTuple):
    """What the index says of keys: the paths of each, and which are unlocked somewhere."""

    paths: Mapping[str, tuple[str, ...]]
    unlocked: frozenset[str]


def read_settings(repo: Repo) -> dict[str, str]:
    """Read all of Git's settings that hold in a repository, the last value of each; one process."""
    items = repo.run("config", "--list", "-z").stdout.split(b"\0")
    pairs = (decode(item).partition("\n") for item in items if item)
    return {name: value if given else "true" for name, given, value in pairs}


def require_plain_store(repo: Repo, settings: Settings) -> None:
    """Raise NotForUs unless the object store may be read, and keys locked, as in any other."""
    for name, value in settings.items():
        if not name.startswith("annex.") or name in _NEUTRAL or name.startswith("annex.security."):
            continue
        fits = (
            _ONLY.get(name) == value
            or (name in _ONLY_TRUE and _is(value, True))
            or (name in _ONLY_FALSE and _is(value, False))
            or (name == _LINKS and (_is(value, True) or _is(value, False)))
        )
        if not fits:
            raise NotForUs(f"{name} is {value!r} in {repo.root}")
    if settings.get("annex.version") != _ONLY["annex.version"]:
        raise NotForUs(f"{repo.root} has no annex of version {_ONLY['annex.version']}")
    if is_shared(repo):
        raise NotForUs(f"the annex of {repo.root} is another repository's")


def require_plain(repo: Repo, settings: Settings) -> None:
    """Raise NotForUs unless content may come into the store, and go from it, without git-annex noticing it."""
    require_plain_store(repo, settings)
    if repo.gitdir != repo.commondir or (repo.commondir / "worktrees").is_dir():
        raise NotForUs(f"{repo.root} has several work trees, in each of which files may be unlocked")
    if "extensions.refstorage" in settings or not _is(settings.get("core.symlinks", "true"), True):
        raise NotForUs(f"{repo.root} is of an unusual format")
    if (repo.gitdir / "HEAD").read_bytes().startswith(b"ref: refs/heads/adjusted/"):
        raise NotForUs(f"{repo.root} shows an adjusted branch")
    if not repo.bare and not (repo.root / ".git").is_dir():
        raise NotForUs("the links of annexed files lead nowhere until git-annex makes .git a link")
    hooks = settings.get("core.hookspath")
    folder = repo.root / Path(os.path.expanduser(hooks)) if hooks else repo.commondir / "hooks"
    for hook in folder.glob("*-annex"):
        if hook.name != "pre-commit-annex" and os.access(hook, os.X_OK):
            raise NotForUs(f"there is a hook {hook}")


def shared_how(settings: Settings) -> Permissions:
    """Read for whom what is made in a repository is to be there too.  Raises NotForUs."""
    try:
        return permissions(settings)
    except ValueError as e:
        raise NotForUs(str(e)) from e


def hard_links(*sides: Settings) -> bool:
    """Say whether one of several neighbours wants content to be linked between them."""
    return any(_is(settings.get(_LINKS, "false"), True) for settings in sides)


def reserve(settings: Settings) -> int:
    """Read how much of the disk is to stay free.  Raises NotForUs."""
    text = settings.get("annex.diskreserve")
    if text is None:
        return RESERVE
    digits = text.strip().rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    unit = _UNITS.get(text.strip()[len(digits) :].strip().lower())
    try:
        return int(float(digits) * (unit or 0)) if unit else _unreadable(text)
    except ValueError:
        return _unreadable(text)


def _unreadable(text: str) -> int:
    raise NotForUs(f"annex.diskreserve is {text!r}")


def unlocked_keys(repo: Repo) -> frozenset[str]:
    """Read which keys have an unlocked file in the index; links are not looked at."""
    entries = () if repo.bare else (e for e in index_entries(repo) if stat.S_ISREG(e.mode))
    return frozenset(key for _, key, _ in with_keys(repo, entries) if key is not None)


def names_in_index(repo: Repo, keys: Iterable[str]) -> Names:
    """Read which paths of the index stand for some keys, and which keys are unlocked; a bare repository has none."""
    named: dict[str, tuple[str, ...]] = dict.fromkeys(keys, ())
    others: dict[str, list[str]] = {}  # most keys have one name
    unlocked = set()
    for entry, key, target in with_keys(repo, () if repo.bare else index_entries(repo)):
        if key is None:
            continue
        if target is None:
            unlocked.add(key)
        first = named.get(key)
        if first:
            others.setdefault(key, []).append(entry.path)
        elif first is not None:
            named[key] = (entry.path,)
    for key, more in others.items():
        named[key] += tuple(more)
    return Names(named, frozenset(unlocked))


def _is(value: str, wanted: bool) -> bool:
    try:
        return parse_bool(value) is wanted
    except ValueError:
        return False
