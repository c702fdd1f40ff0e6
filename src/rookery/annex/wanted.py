"""What repositories are set to want or to require, judged as git-annex judges it.

    include=GLOB exclude=GLOB largerthan=SIZE smallerthan=SIZE inbackend=NAME securehash
    copies=[LEVEL:|LEVEL+:|GROUP:]N lackingcopies=N approxlackingcopies=N
    inallgroup=GROUP onlyingroup=GROUP present inpreferreddir standard groupwanted anything nothing

Everything else (metadata, `unused`, `balanced`, kinds of content) is git-annex's
to judge: there is no judge then.  What was seen with git-annex 10.20261026
(tests/property): a copy counts if the log places it somewhere that is not dead;
what is lacking counts untrusted places out; a term about a group that nobody is
in is true for `inallgroup`, false for `onlyingroup`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from rookery.annex import expressions
from rookery.annex.expressions import Judge, NotUnderstood
from rookery.annex.keys import parse_key
from rookery.annex.remotes import Trust

# How git-annex's own groups are meant to work (https://git-annex.branchable.com/preferred_content/standard_groups/).
_CLIENT = (
    "((include=* and ((exclude=*/archive/* and exclude=archive/*) or "
    "(not (copies=archive:1 or copies=smallarchive:1)))) or approxlackingcopies=1)"
)
_ARCHIVE = "((not (copies=archive:1 or copies=smallarchive:1)) or approxlackingcopies=1)"
STANDARD = {
    "client": _CLIENT,
    "transfer": f"((not (inallgroup=client and copies=client:2)) and {_CLIENT})",
    "archive": _ARCHIVE,
    "smallarchive": f"(((include=*/archive/* or include=archive/*) and {_ARCHIVE}) or approxlackingcopies=1)",
    "source": "(not copies=1)",
    "manual": f"(present and {_CLIENT})",
    "public": "inpreferreddir",
}

_LEVELS: Mapping[str, frozenset[Trust]] = {
    "trusted": frozenset({"trusted"}),
    "semitrusted": frozenset({"semitrusted"}),
    "untrusted": frozenset({"untrusted"}),
    "trusted+": frozenset({"trusted"}),
    "semitrusted+": frozenset({"trusted", "semitrusted"}),
    "untrusted+": frozenset({"trusted", "semitrusted", "untrusted"}),
}

# Backends whose keys nobody can make a second content for, as far as is known.
_SECURE = ("SHA256", "SHA512", "SHA384", "SHA224", "SHA3_", "SKEIN", "BLAKE2", "BLAKE3")


class Situation(NamedTuple):
    """All that expressions ask for, of the repository whose wishes are judged and of those around it.

    `missing` are places that are taken for not having anything: the one
    itself, when it is to be decided what may go from it.
    """

    uuid: str
    groups: Mapping[str, frozenset[str]]
    trust: Mapping[str, Trust]
    groupwanted: Mapping[str, str]
    preferred_folder: str | None = None
    copies: int = 1
    missing: frozenset[str] = frozenset()

    def members(self, group: str) -> set[str]:
        """Give the repositories in a group."""
        return {uuid for uuid, groups in self.groups.items() if group in groups}

    def level(self, uuid: str) -> Trust:
        """Give how far a repository is trusted."""
        return self.trust.get(uuid, "semitrusted")


class Subject(NamedTuple):
    """A file to be judged: its path, key, the places that have it, how many copies it needs."""

    path: str
    key: str
    places: Collection[str]
    copies: int = 1


def parse(expression: str, about: Situation, *, negated: bool = False) -> Judge[Subject] | None:
    """Make a judge of an expression; None if git-annex has to be asked."""
    return expressions.parse(expression, lambda word, inside: _term(word, about, inside), negated=negated)


def _term(word: str, about: Situation, negated: bool) -> Judge[Subject]:
    name, has_value, value = word.partition("=")
    if has_value:
        if name not in _VALUED:
            raise NotUnderstood
        return _VALUED[name](value, about)
    if name not in _PLAIN:
        raise NotUnderstood
    return _PLAIN[name](about, negated)


def _nested(expression: str | None, about: Situation, negated: bool) -> Judge[Subject]:
    judge = parse(expression or "", about, negated=negated)
    if judge is None:
        raise NotUnderstood
    return judge


def _standard(about: Situation, negated: bool) -> Judge[Subject]:
    mine = about.groups.get(about.uuid, frozenset())
    if len(mine) != 1:
        raise NotUnderstood
    return _nested(STANDARD.get(next(iter(mine))), about, negated)


def _groupwanted(about: Situation, negated: bool) -> Judge[Subject]:
    mine = about.groups.get(about.uuid, frozenset())
    said = [about.groupwanted[group] for group in mine if about.groupwanted.get(group)]
    if len(said) != 1 or "groupwanted" in said[0]:
        raise NotUnderstood
    return _nested(said[0], about, negated)


def _present(about: Situation, negated: bool) -> Judge[Subject]:
    if negated:
        # What is wanted as long as it is not there would come and go: git-annex finds such content unwanted.
        raise NotUnderstood
    return lambda one: about.uuid in one.places


def _securehash(_: Situation, __: bool) -> Judge[Subject]:
    return lambda one: one.key.startswith(_SECURE)


def _inpreferreddir(about: Situation, _: bool) -> Judge[Subject]:
    folder = about.preferred_folder or "public"
    return lambda one: one.path.split("/")[-2:-1] == [folder]  # the folder that it is in, no other


def _copies(value: str, about: Situation) -> Judge[Subject]:
    who, colon, digits = value.rpartition(":")
    least = _number(digits)
    if colon and not who:
        raise NotUnderstood
    members = about.members(who) if who and who not in _LEVELS else None

    def counts(uuid: str) -> bool:
        if uuid in about.missing:
            return False
        if members is not None:
            return uuid in members
        return not who or about.level(uuid) in _LEVELS[who]

    return lambda one: sum(map(counts, one.places)) >= least


def _lacking(value: str, about: Situation, *, roughly: bool) -> Judge[Subject]:
    least = _number(value)

    def judge(one: Subject) -> bool:
        having = sum(about.level(uuid) != "untrusted" for uuid in one.places if uuid not in about.missing)
        return (about.copies if roughly else one.copies) - having >= least

    return judge


def _inallgroup(value: str, about: Situation) -> Judge[Subject]:
    members = about.members(value)
    if members & about.missing:
        return lambda _: False
    return lambda one: members.issubset(one.places)


def _onlyingroup(value: str, about: Situation) -> Judge[Subject]:
    members = about.members(value)

    def judge(one: Subject) -> bool:
        having = {uuid for uuid in one.places if uuid not in about.missing}
        return bool(members) and bool(having) and having <= members

    return judge


def _sized(value: str, *, larger: bool) -> Judge[Subject]:
    limit = expressions.size(value)

    def judge(one: Subject) -> bool:
        parsed = parse_key(one.key)
        if parsed is None or parsed.size is None:
            return False
        return parsed.size > limit if larger else parsed.size < limit

    return judge


def _matching(value: str, *, included: bool) -> Judge[Subject]:
    pattern = expressions.glob(value)
    return lambda one: (pattern.fullmatch(one.path) is not None) is included


def _inbackend(value: str) -> Judge[Subject]:
    return lambda one: one.key.partition("-")[0] == value


def _number(digits: str) -> int:
    if not (digits.isascii() and digits.isdecimal()):
        raise NotUnderstood
    return int(digits)


_PLAIN: Mapping[str, Callable[[Situation, bool], Judge[Subject]]] = {
    "present": _present,
    "securehash": _securehash,
    "inpreferreddir": _inpreferreddir,
    "standard": _standard,
    "groupwanted": _groupwanted,
}

_VALUED: Mapping[str, Callable[[str, Situation], Judge[Subject]]] = {
    "include": lambda value, _: _matching(value, included=True),
    "exclude": lambda value, _: _matching(value, included=False),
    "largerthan": lambda value, _: _sized(value, larger=True),
    "smallerthan": lambda value, _: _sized(value, larger=False),
    "inbackend": lambda value, _: _inbackend(value),
    "copies": _copies,
    "lackingcopies": lambda value, about: _lacking(value, about, roughly=False),
    "approxlackingcopies": lambda value, about: _lacking(value, about, roughly=True),
    "inallgroup": _inallgroup,
    "onlyingroup": _onlyingroup,
}
