"""Who an annex is: its uuid and description, its making, and the branch that it shows adjusted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from rookery.annex import program
from rookery.annex.branch import LOCAL, read
from rookery.annex.logs import parse_by_uuid
from rookery.core.process import decode
from rookery.git import refs
from rookery.git.repo import Repo

# uuids that stand for something else than a repository.
WEB = "00000000-0000-0000-0000-000000000001"
BITTORRENT = "00000000-0000-0000-0000-000000000002"

_ADJUSTED = re.compile(r"adjusted/(?P<original>.+)\((?P<how>[a-z]+)\)")


class Adjusted(NamedTuple):
    """An adjusted branch, taken apart: `adjusted/main(unlocked)`."""

    original: str
    how: str


def uuid(repo: Repo) -> str | None:
    """Give the uuid of the annex here; None in a repository without one.

    Read from the repository's own configuration file, since no other scope can
    give a repository its identity; includes are not followed.
    """
    try:
        text = (repo.commondir / "config").read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None
    found = None
    in_section = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            in_section = line.lower().startswith("[annex]")
        elif in_section and line.lower().startswith("uuid"):
            found = line.partition("=")[2].strip().strip('"') or found
    return found


def is_annex(repo: Repo) -> bool:
    """Say whether git-annex was ever initialized here (and not taken away again)."""
    return uuid(repo) is not None


def knows_annex(repo: Repo) -> bool:
    """Say whether there is annexed content to speak of: this repository, or one that it came from, has an annex."""
    return is_annex(repo) or any(ref.name.endswith("/git-annex") for ref in refs.for_each_ref(repo))


def init(repo: Repo, description: str | None = None, *, settings: Mapping[str, str] | None = None) -> str:
    """Make an annex here, or name the one that is, and give its uuid.

    git-annex enables the special remotes that ask for it (autoenable=true) on
    the way; one that fails to is left for `remotes.enable`, with a warning of
    git-annex's in the record.  `settings` hold for this process only.
    """
    options = [part for key, value in (settings or {}).items() for part in ("-c", f"{key}={value}")]
    program.run(repo, "init", *options, *([description] if description is not None else []))
    found = uuid(repo)
    assert found is not None
    return found


def descriptions(repo: Repo) -> dict[str, str]:
    """Give the descriptions of all known repositories by uuid, special remotes and the web included."""
    return parse_descriptions(read(repo, ["uuid.log"]).get("uuid.log", ""))


def parse_descriptions(text: str) -> dict[str, str]:
    """Read uuid.log."""
    told = {uuid: entry.value for uuid, entry in parse_by_uuid(text)[0].items()}
    return {WEB: "web", BITTORRENT: "bittorrent", **told}


def describe(repo: Repo, description: str, *, which: str = "here") -> None:
    """Change the description of a repository (a uuid, a remote's name, or "here")."""
    program.run(repo, "describe", which, description)


def version(repo: Repo) -> str:
    """Give the version of the git-annex program."""
    return program.run(repo, "version", "--raw", reading=True).text.strip()


def private(repo: Repo) -> bool:
    """Say whether this annex keeps its existence to itself (annex.private)."""
    return repo.run("config", "--type=bool", "annex.private", ok=(0, 1)).stdout.strip() == b"true"


def parse_adjusted(branch: str) -> Adjusted | None:
    """Take the name of an adjusted branch apart; None for any other."""
    found = _ADJUSTED.fullmatch(branch)
    return Adjusted(found["original"], found["how"]) if found else None


def corresponding_branch(repo: Repo) -> str | None:
    """Give the branch that people mean: the original of an adjusted one, else the current; None if detached."""
    current = refs.head(repo).branch
    if current is None:
        return None
    adjusted = parse_adjusted(current)
    return adjusted.original if adjusted else current


def is_managed_branch(repo: Repo) -> bool:
    """Say whether git-annex rewrites the current branch: files are not in it as a plain commit would put them."""
    current = refs.head(repo).branch
    return current is not None and parse_adjusted(current) is not None


def propagate_adjusted(repo: Repo, original: str) -> None:
    """Carry commits made on an adjusted branch over to the branch that it was made from.

    Only `git annex sync` does that; the `synced/` branch that it leaves is taken away again.
    """
    synced = f"refs/heads/synced/{original}"
    had = refs.resolve(repo, synced)
    program.run(repo, "sync", "--no-push", "--no-pull", "--no-commit", "--no-resolvemerge", "--no-content")
    if had is None and (made := refs.resolve(repo, synced)):
        refs.update(repo, synced, None, made)


def has_branch(repo: Repo) -> bool:
    """Say whether this repository has its own git-annex branch."""
    return refs.resolve(repo, LOCAL) is not None


def said(raw: bytes) -> str:
    """Make one line of what git-annex said on standard error."""
    return "; ".join(line.strip() for line in decode(raw).splitlines() if line.strip())
