"""The places a dataset is shared with, as result records: `here` and every remote."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from rookery.annex import identity
from rookery.annex import remotes as annex_remotes
from rookery.annex.remotes import Preference
from rookery.core.config import parse_bool
from rookery.core.results import result
from rookery.dataset.model import Dataset
from rookery.git import remotes
from rookery.git.remotes import Remote

HERE = "here"

Record = dict[str, Any]

_PREFERENCES: tuple[Preference, ...] = ("wanted", "required", "group")


class _AnnexFacts:
    """What the git-annex branch knows about repositories, read once for all siblings."""

    def __init__(self, ds: Dataset) -> None:
        self.here = identity.uuid(ds.repo)
        self.descriptions = identity.descriptions(ds.repo)
        self.preferences = annex_remotes.preferences(ds.repo)
        self.special = annex_remotes.special(ds.repo)


def names(ds: Dataset) -> list[str]:
    """Give the names of the remotes, special ones included."""
    return list(remotes.list_remotes(ds.repo))


def query(
    ds: Dataset,
    *,
    refds: Any,
    name: str | None = None,
    annex_info: bool = True,
    action: str = "query-sibling",
) -> Iterator[Record]:
    """Yield a record of each sibling, `here` first, or of the named one; an unknown name is an error record.

    Asks nobody else: what was never found out about a sibling stays unsaid.
    """
    known = remotes.list_remotes(ds.repo)
    facts = _AnnexFacts(ds) if annex_info and identity.is_annex(ds.repo) else None
    for one in [HERE, *known] if name is None else [name]:
        if one != HERE and one not in known:
            why = "unknown sibling name"
            hints = [f"known are: {', '.join([HERE, *known])}"]
            yield result(
                action, ds.path, "error", type="sibling", refds=refds, name=one, message=why, hints=hints
            )
            continue
        about = _here(ds, facts) if one == HERE else _settings(known[one])
        if facts is not None:
            about.update(_from_branch(facts, one, about))
        yield result(action, ds.path, type="sibling", refds=refds, name=one, **about)


def _here(ds: Dataset, facts: _AnnexFacts | None) -> Record:
    config = ds.config
    keys = {"annex-uuid": "annex.uuid", "annex-bare": "core.bare", "annex-version": "annex.version"}
    about: Record = {key: config.get(source) for key, source in keys.items()}
    if facts is not None:
        space = os.statvfs(ds.path)
        about["available_local_disk_space"] = space.f_bavail * space.f_frsize
    return about


def _settings(remote: Remote) -> Record:
    return {key: values[-1] if len(values) == 1 else list(values) for key, values in remote.settings.items()}


def _from_branch(facts: _AnnexFacts, name: str, about: Record) -> Record:
    found: Record = {}
    uuid = about.get("annex-uuid")
    if uuid in facts.descriptions:
        described = facts.descriptions[uuid]
        found["annex-description"] = described if name == HERE else _with_name(described, name)
    if is_ignored(about.get("annex-ignore")):
        found["annex-ignore"] = True
    elif uuid:
        for kind in _PREFERENCES:
            found[f"annex-{kind}"] = facts.preferences[kind].get(uuid)
        group = facts.preferences["group"].get(uuid)
        found["annex-groupwanted"] = facts.preferences["groupwanted"].get(group) if group else None
    special = facts.special.get(about.get("annex-config-uuid") or uuid or "")
    if special is not None:
        found.update((f"annex-{key}", value) for key, value in special.settings.items())
    return found


def _with_name(description: str, name: str) -> str:
    """Describe a remote as `git annex info` does: its own words, and its name here."""
    return f"[{name}]" if not description or description == name else f"{description} [{name}]"


def is_ignored(value: Any) -> bool:
    """Say whether `annex-ignore` has a value that makes git-annex leave the sibling alone."""
    try:
        return value is not None and parse_bool(str(value))
    except ValueError:
        return False
