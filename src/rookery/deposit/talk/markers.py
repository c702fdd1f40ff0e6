"""The refs `refs/dlra-upload-failed/REMOTE/REF` in the user's repository: what did not get into a deposit.

They name a branch by its short name (`main`), anything else in full (`refs/tags/v1`).
"""

from __future__ import annotations

from rookery.core.errors import CommandError
from rookery.core.process import encode
from rookery.deposit.terms.refsfile import HEADS, RefList, valid_name
from rookery.git import refs
from rookery.git.objects import stat_many
from rookery.git.repo import Repo

TOP = "refs/dlra-upload-failed/"


def folder_for(remote: str, url: str, name: str) -> str:
    """Give where the markers of a remote are; an unnamed one goes by the `name` of its address."""
    named = TOP + remote
    return f"{named}/" if remote not in url and valid_name(named) else f"{TOP}{name}/"


def marker(folder: str, ref: str) -> str:
    """Give the marker's name for a ref of the deposit."""
    return folder + ref.removeprefix(HEADS)


def put(repo: Repo, folder: str, state: RefList) -> None:
    """Mark the refs of a state that did not get through, as far as their objects are here."""
    shas = list(dict.fromkeys(state.refs.values()))
    here = {sha for sha, found in zip(shas, stat_many(repo, shas), strict=True) if found is not None}
    wanted = {marker(folder, ref): sha for ref, sha in state.refs.items() if sha in here}
    _apply(repo, [f"update {name}\0{sha}\0\0" for name, sha in wanted.items() if valid_name(name)])


def clear(repo: Repo, folder: str) -> None:
    """Take a remote's markers away."""
    _apply(repo, [f"delete {ref.name}\0\0" for ref in refs.for_each_ref(repo, folder)])


def _apply(repo: Repo, commands: list[str]) -> None:
    """Do all of them, or if they are in each other's way, each that can be done."""
    if not commands:
        return
    try:
        repo.run("update-ref", "-z", "--stdin", stdin=encode("".join(commands)))
    except CommandError:
        for command in commands:
            repo.run("update-ref", "-z", "--stdin", stdin=encode(command), ok=None)
