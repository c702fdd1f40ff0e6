"""How many copies must stay: the rule that every drop obeys.

For a file its attributes (annex.numcopies, annex.mincopies) come first, then
numcopies.log and mincopies.log, then the older setting annex.numcopies, then 1.
A content with several names needs what the most demanding of them needs
(as `git annex drop` does, also with --all; seen with 10.20261026).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rookery.annex.branch import read
from rookery.annex.logs import parse_single
from rookery.git.attributes import check_attributes
from rookery.git.repo import Repo


class Copies(NamedTuple):
    """`wanted` copies are to be kept, and `least` of them must be proven at a drop."""

    wanted: int = 1
    least: int = 1

    @property
    def elsewhere(self) -> int:
        """How many other places must have the content before it may go from here."""
        return max(self.wanted, self.least)


def required_copies(repo: Repo) -> Copies:
    """Give what holds for the whole repository; attributes of single files come on top."""
    texts = read(repo, ["numcopies.log", "mincopies.log"])
    wanted = _number(texts, "numcopies.log")
    if wanted is None:
        wanted = _positive(repo.run("config", "annex.numcopies", ok=(0, 1)).text)
    return Copies(wanted or 1, _number(texts, "mincopies.log") or 1)


def copies_of_keys(repo: Repo, names: Iterable[tuple[str, str]]) -> dict[str, Copies]:
    """Give what holds for each key, from all its (path, key) pairs; one more process for any number."""
    keys = dict(names)
    found: dict[str, Copies] = {}
    for path, here in copies_of_paths(repo, keys).items():
        most = found.get(keys[path], here)
        found[keys[path]] = Copies(max(most.wanted, here.wanted), max(most.least, here.least))
    return found


def copies_of_paths(repo: Repo, paths: Iterable[str]) -> dict[str, Copies]:
    """Give what holds for each file; one more process for any number."""
    overall = required_copies(repo)
    found: dict[str, Copies] = {}
    for path, told in check_attributes(repo, ["annex.numcopies", "annex.mincopies"], paths):
        wanted = _positive(told.get("annex.numcopies", "")) or overall.wanted
        least = _positive(told.get("annex.mincopies", "")) or overall.least
        found[path] = Copies(wanted, least)
    return found


def _number(texts: Mapping[str, str], name: str) -> int | None:
    found = parse_single(texts.get(name, ""))
    return _positive(found.value.strip()) if found else None


def _positive(text: str) -> int | None:
    """Read a number of copies; git-annex never lets nought or less be asked for."""
    return int(text) or None if text.isdecimal() else None
