"""Where a dataset wants its files kept, in Git or in the annex, as its own rules say.

The same settings as for `git annex add`: the attributes `annex.largefiles` and
`annex.backend` of the commit that the files are put upon, and what `git annex config` has set for all clones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from rookery.annex import largefiles
from rookery.annex.branch import LOCAL
from rookery.annex.checksum import hasher_of
from rookery.annex.largefiles import Candidate
from rookery.annex.logs import parse_by_name
from rookery.core.process import decode
from rookery.git.attributes import check_attributes
from rookery.git.objects import ObjectMissing, read_blob
from rookery.git.repo import Repo
from rookery.hub.domain.errors import BadName

_DEFAULT_BACKEND = "SHA256E"  # git-annex's own

# libmagic's letters of text: all but most control characters (file 5.44, encoding.c).
_NO_TEXT = bytes({*range(7), *range(14, 27), *range(28, 32), 127})
_LOOKED_AT = 1 << 16


class Keep(StrEnum):
    """Who decides where a file is kept."""

    RULES = "rules"
    GIT = "git"
    ANNEX = "annex"


class Kept(NamedTuple):
    """Where a file goes: a backend to make its key with, or None for Git."""

    path: str
    backend: str | None


class _ByBytes:
    """Tells text from other content, which is what `mimeencoding=binary` asks."""

    def look(self, file: str, /) -> tuple[str, str]:
        with open(file, "rb") as content:
            begin = content.read(_LOOKED_AT)
        if begin.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "", "utf-16le"
        plain = begin and len(begin.translate(None, _NO_TEXT)) == len(begin)
        return "", "us-ascii" if plain else "binary"


def decide(index: Repo, files: Iterable[Candidate], keep: Keep) -> Iterator[Kept]:
    """Say where files go.  `index` is the repository with an index of the commit.  Raises BadName if nobody can say."""
    known = {one.path: one for one in files}
    shared = _shared(index)
    for path, given in check_attributes(index, ("annex.backend", "annex.largefiles"), known, cached=True):
        rule = given.get("annex.largefiles", shared)
        if keep is Keep.GIT or (keep is Keep.RULES and rule and not _large(rule, known[path])):
            yield Kept(path, None)
            continue
        backend = given.get("annex.backend", _DEFAULT_BACKEND)
        if hasher_of(backend) is None:
            raise BadName(
                f"{path} should get a key of the backend {backend}, which is not made here",
                hints=["add it in a clone, with `datalad save`, and push that"],
            )
        yield Kept(path, backend)


def _large(rule: str, one: Candidate) -> bool:
    judge = None if "mimetype" in rule else largefiles.parse(rule, _ByBytes())
    if judge is None:
        raise BadName(
            f"the dataset's rule for {one.path} cannot be judged here: annex.largefiles={rule}",
            hints=["choose yourself whether it goes to Git or into the annex"],
        )
    return judge(one)


def _shared(repo: Repo) -> str | None:
    try:
        told = parse_by_name(decode(read_blob(repo, f"{LOCAL}:config.log")))
    except ObjectMissing:
        return None
    found = told.get("annex.largefiles")
    return found.value if found and found.value else None
