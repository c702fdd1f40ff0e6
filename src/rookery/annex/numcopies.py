"""How many copies must stay: the rule that every drop obeys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rookery.annex.branch import read
from rookery.annex.logs import parse_single
from rookery.git.repo import Repo


class Copies(NamedTuple):
    """`wanted` copies are to be kept, and `least` of them must be proven at a drop."""

    wanted: int = 1
    least: int = 1


def required_copies(repo: Repo) -> Copies:
    """Give what holds for the whole repository; attributes of single files (annex.numcopies) come on top."""
    texts = read(repo, ["numcopies.log", "mincopies.log"])
    setting = repo.run("config", "annex.numcopies", ok=(0, 1)).text
    wanted = _number(texts, "numcopies.log")
    if wanted is None and setting.isdigit():
        wanted = int(setting)
    return Copies(1 if wanted is None else wanted, _number(texts, "mincopies.log") or 1)


def _number(texts: Mapping[str, str], name: str) -> int | None:
    found = parse_single(texts.get(name, ""))
    return int(found.value) if found and found.value.strip().isdigit() else None
