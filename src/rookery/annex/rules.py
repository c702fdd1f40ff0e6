"""How a repository wants files taken in, as far as we can follow it; what we cannot is git-annex's.

Settings are looked for that change what `git annex add` does: one that is not
understood here hands the whole repository (NotForUs) or one file (no verdict)
to the stock engine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from rookery.annex import branch, identity, store
from rookery.annex.branch import Source
from rookery.annex.branch_writing import Known, NotForUs, require_plain, yes
from rookery.annex.checksum import hasher_of
from rookery.annex.keys import EXTENSION_LENGTH, EXTENSIONS
from rookery.annex.largefiles import Candidate, Judge, parse
from rookery.annex.logs import parse_by_name
from rookery.annex.magic import Magic, open_magic
from rookery.annex.permissions import permissions
from rookery.core.process import decode
from rookery.git import hooks, refs
from rookery.git.attributes import check_attributes
from rookery.git.repo import Repo

Force = Literal["large", "small"]

VERSION = "10"
DEFAULT_BACKEND = "SHA256E"

# Set to anything but no, these make `git annex add` do what is not done here.
_OTHERWISE = (
    "annex.addunlocked",
    "annex.crippledfilesystem",
    "annex.genmetadata",
    "annex.securehashesonly",
    "annex.thin",
    "annex.backends",
    "annex.direct",
    "annex.freezecontent-command",
    "annex.thawcontent-command",
)
# Unless these are on, it does otherwise too.
_NEEDED = ("core.symlinks", "core.filemode", "annex.addsmallfiles")
_HOOKS = ("freezecontent-annex", "thawcontent-annex")
# What a repository may say for all its clones (`git annex config`).
_SHARED = "config.log"
_SHARED_OTHERWISE = ("annex.addunlocked", "annex.securehashesonly", "annex.dotfiles")


class Verdict(NamedTuple):
    """What to do with a file: a backend to make its key with, or None: its content goes to Git."""

    backend: str | None


class Rules:
    """The rules of one repository; close them after use."""

    def __init__(self, repo: Repo, settings: Mapping[str, str], force: Force | None) -> None:
        self._repo = repo
        self._settings = settings
        self._force = force
        self._judges: dict[str, Judge | None] = {}
        self._magics: dict[bool, Magic | None] = {}
        self.known = Known(settings, branch.sources(repo))
        self.shared = permissions(settings)
        self._shared = _shared(repo, self.known.sources)
        self.longest = _number(settings, "annex.maxextensionlength", EXTENSION_LENGTH)
        self.most = _number(settings, "annex.maxextensions", EXTENSIONS)

    def close(self) -> None:
        """Let go of libmagic."""
        for magic in self._magics.values():
            if magic is not None:
                magic.close()

    def verdicts(self, files: Iterable[tuple[str, int]]) -> Iterator[tuple[str, Verdict | None]]:
        """Judge files given by path and size, in order; None where git-annex has to."""
        sizes = dict(files)
        names = ("annex.backend",) if self._force else ("annex.backend", "annex.largefiles")
        told = check_attributes(self._repo, names, sizes)
        for path, (_, given) in zip(sizes, told, strict=True):  # our paths, not equal ones made again
            yield path, self._verdict(path, sizes[path], given)

    def _verdict(self, path: str, size: int, given: Mapping[str, str]) -> Verdict | None:
        backend = given.get("annex.backend") or self._settings.get("annex.backend") or DEFAULT_BACKEND
        backend = sys.intern(backend)  # Git says it of each file anew
        if hasher_of(backend) is None:
            return None
        if self._force:
            return Verdict(backend if self._force == "large" else None)
        # The user's settings win over what the dataset says.
        wanted = self._settings.get("annex.largefiles", given.get("annex.largefiles", self._shared))
        if wanted is None:
            return Verdict(backend)
        judge = self._judge(wanted)
        if judge is None or ("mime" in wanted and not _is_utf8(path)):
            return None  # libmagic does not get to see such a file from git-annex (10.20261026)
        large = judge(Candidate(path, os.path.join(self._repo.root, path), size))
        return Verdict(backend if large else None)

    def _judge(self, expression: str) -> Judge | None:
        if expression not in self._judges:
            magic = None
            if "mime" in expression:
                types = "mimetype" in expression
                if types not in self._magics:
                    self._magics[types] = open_magic(self._repo.runner.env, types=types)
                magic = self._magics[types]
            self._judges[expression] = parse(expression, magic)
        return self._judges[expression]


def read_rules(repo: Repo, force: Force | None = None, *, listed: Mapping[str, str] | None = None) -> Rules:
    """Read how files are taken in here; `listed` are all settings, if they have been read just now.

    Raises NotForUs where only git-annex knows.
    """
    settings = require_plain(repo, r"^core\.(symlinks|filemode)$", listed=listed)
    if settings["annex.version"] != VERSION:
        raise NotForUs(f"git-annex may want to upgrade version {settings['annex.version']} first")
    if repo.bare or not _links_lead_to(repo, store.annex_dir(repo)):
        raise NotForUs("links by way of .git do not lead to the annex yet")
    for name, value in settings.items():
        off = name in _NEEDED and not yes(value)
        if off or (name in _OTHERWISE and yes(value)):
            raise NotForUs(f"{name} is {value!r}")
    for hook in _HOOKS:
        if hooks.find_hook(repo, hook, settings.get("core.hookspath")):
            raise NotForUs(f"there is a hook {hook}")
    current = refs.head(repo).branch
    if current is not None and identity.parse_adjusted(current):
        raise NotForUs(f"{current} is an adjusted branch")
    return Rules(repo, settings, force)


def _links_lead_to(repo: Repo, annex: Path) -> bool:
    """Say whether `.git/annex` is the annex: where `.git` is a file, git-annex first makes it a link."""
    try:
        return os.path.samefile(repo.root / ".git" / "annex", annex)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _shared(repo: Repo, sources: list[Source]) -> str | None:
    """Give the annex.largefiles that holds for all clones.  Raises NotForUs."""
    journal = branch.journalled(repo, _SHARED.__eq__)
    texts = [*(branch.contents(repo, source, [_SHARED]) for source in sources), journal]
    told = parse_by_name(decode(b"\n".join(part[_SHARED] for part in texts if _SHARED in part)))
    for name in _SHARED_OTHERWISE:
        if name in told and told[name].value:
            raise NotForUs(f"{name} is set for all clones")
    found = told.get("annex.largefiles")
    return found.value if found is not None and found.value else None  # an empty value takes it back


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _number(settings: Mapping[str, str], name: str, default: int) -> int:
    if name not in settings:
        return default
    if not settings[name].isdecimal():
        raise NotForUs(f"{name} is {settings[name]!r}")
    return int(settings[name])
