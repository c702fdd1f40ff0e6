"""The small annex of ours, one for each URL, through which git-annex reaches a special remote.

It is written by hand where the type of the special remote is known to need no
more than its parameters: `git annex initremote` would write to the place even when
somebody only wants to read (a folder and a test file with webdav, a mark in an S3
bucket), and would refuse a bucket that somebody else has marked.  All other
types are set up by git-annex, once, under a uuid that stays the same.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from rookery.annex import logs, program
from rookery.core import files
from rookery.core.errors import CommandError, UsageError
from rookery.core.process import Runner, encode
from rookery.deposit.terms import layout
from rookery.deposit.terms.store import Unreadable
from rookery.deposit.terms.url import Address
from rookery.deposit.transport import complaints
from rookery.git import configfile
from rookery.git.repo import Repo

REMOTE = "origin"
BESIDE_THE_TREE = "annexobjects=yes"  # so that keys other than the legacy pair have a place too
HERE = "6a1c41bf-7c3e-5d0a-9f5b-1d1d4b0c5f6e"  # no other repository ever hears of ours
FORMAT = "1"  # of the folder; another one is made anew

# Type -> what its remote's configuration says: a setting with the value of a parameter, or just "true".
_DIRECT: Mapping[str, tuple[str, str | None]] = {
    "directory": ("annex-directory", "directory"),
    "rsync": ("annex-rsyncurl", "rsyncurl"),
    "webdav": ("annex-webdav", None),
    "S3": ("annex-s3", None),
    "httpalso": ("annex-httpalso", None),
}
# What git-annex would have filled in itself.
_DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "S3": {"datacenter": "US", "host": "s3.amazonaws.com", "storageclass": "STANDARD"}
}
_NEEDED: Mapping[str, str] = {
    "directory": "directory",
    "rsync": "rsyncurl",
    "webdav": "url",
    "S3": "bucket",  # git-annex would invent one, and nobody could find it again
    "httpalso": "url",
    "web": "url",
}


def is_direct(address: Address) -> bool:
    """Say whether the annex for this address is written by hand."""
    return address.type in _DIRECT or address.type == "web"


def folder_for(address: Address, folder: Path, runner: Runner) -> Repo:
    """Give the annex in `folder`, made if it is not there whole.  Raises UsageError, Unreadable."""
    _check(address)
    stamp = folder / "made"
    if not (stamp.is_file() and stamp.read_text() == FORMAT):
        remove(folder)
        if is_direct(address):
            _write(address, folder)
        else:
            set_up(address, folder, runner)
        if address.exported and address.type != "web":
            _write_export_log(address, repo_at(folder, runner))
        files.write(stamp, FORMAT)
    return repo_at(folder, runner)


def twin(source: Repo, folder: Path) -> Repo:
    """Make an annex that knows the same remote, and of no export to it.

    Nor of keys beside the exported tree: git-annex would believe that a file is
    there already, and leave the old one.
    """
    _write_repository(folder, (source.gitdir / "config").read_text("utf-8", "surrogateescape"))
    log = Path("annex", "journal-private", "remote.log")
    text = (source.gitdir / log).read_text("utf-8", "surrogateescape")
    files.write(folder / log, encode(text.replace(f" {BESIDE_THE_TREE} ", " ")))
    return repo_at(folder, source.runner)


def set_up(address: Address, folder: Path, runner: Runner) -> None:
    """Let git-annex set the remote up, which may write to the place.  Raises Unreadable."""
    _write_repository(folder, _ANNEX)
    settings = {**address.settings, "uuid": address.uuid}
    if address.exported:
        settings.setdefault(*BESIDE_THE_TREE.split("="))
    pairs = [f"{name}={value}" for name, value in settings.items()]
    try:
        program.run(repo_at(folder, runner), "initremote", "--private", REMOTE, *pairs)
    except CommandError as e:
        raise Unreadable(
            f"git-annex cannot set up the special remote of type {address.type}: {complaints.readable(e.stderr)}",
            hints=[
                *complaints.hints(e.stderr),
                "look at the parameters in the URL, and at the place that they name",
            ],
        ) from e


def repo_at(folder: Path, runner: Runner) -> Repo:
    """Give the handle of a bare repository."""
    return Repo(folder, folder, runner, bare=True)


def remove(folder: Path) -> None:
    """Remove a folder in which git-annex has write-protected some."""
    for top, _, _ in os.walk(folder):
        os.chmod(top, 0o700)  # before it is looked into
    shutil.rmtree(folder, ignore_errors=True)


_ANNEX = (
    "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
    f"[annex]\n\tprivate = true\n\tversion = 10\n\tuuid = {HERE}\n"
    "[gc]\n\tauto = 0\n"
)


def _check(address: Address) -> None:
    needed = _NEEDED.get(address.type)
    if needed is not None and not address.settings.get(needed):
        raise UsageError(
            f"the URL does not say {needed}=, which a special remote of type {address.type} needs",
            hints=[f"add {needed}= to the URL"],
        )
    if needed == "directory" and not os.path.isabs(address.settings[needed]):
        raise UsageError(
            f"directory={address.settings[needed]} is relative, and a deposit's URL is used from many places",
            hints=["give the whole path, from / on"],
        )


def _write(address: Address, folder: Path) -> None:
    config = _ANNEX
    entry = _DIRECT.get(address.type)
    if entry is not None:
        setting, parameter = entry
        value = "true" if parameter is None else address.settings[parameter]
        remote = {"annex-uuid": address.uuid, setting: value, "skipFetchAll": "true"}
        config += configfile.section("remote", REMOTE, remote)
    _write_repository(folder, config)
    if entry is None:
        return
    settings = {**_DEFAULTS.get(address.type, {}), **address.settings, "name": REMOTE}
    settings.setdefault("encryption", "none")
    if address.exported:
        settings.setdefault(*BESIDE_THE_TREE.split("="))
    settings.pop("uuid", None)
    entry_text = logs.build_by_uuid(
        {address.uuid: logs.Valued(logs.build_settings(settings), logs.Stamp("1"))}
    )
    files.write(folder / "annex" / "journal-private" / "remote.log", entry_text)


def _write_repository(folder: Path, config: str) -> None:
    for name in ("objects/info", "objects/pack", "refs/heads", "annex/journal-private"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    files.write(folder / "config", encode(config))
    files.write(folder / "HEAD", "ref: refs/heads/main\n")


def _write_export_log(address: Address, repo: Repo) -> None:
    """Say that the constant tree is exported there, so that git-annex knows where the legacy pair lies."""
    tree = export_tree(repo, {place: name for name, place in layout.PLACES.items()})
    line = f"1s {_uuid_here(repo)}:{address.uuid} {tree}\n"
    files.write(repo.gitdir / "annex" / "journal-private" / "export.log", line)


def _uuid_here(repo: Repo) -> str:
    return repo.text("config", "annex.uuid")


def export_tree(repo: Repo, keys: Mapping[str, str]) -> str:
    """Make the tree of the folder of the legacy pair, from path to key, and give its name."""
    lines = []
    for path, key in sorted(keys.items()):
        blob = repo.run("hash-object", "-w", "--stdin", stdin=layout.link_text(key).encode()).text
        lines.append(f"120000 blob {blob}\t{path.rpartition('/')[2]}\n")
    tree = repo.run("mktree", stdin="".join(lines).encode()).text
    for folder in ("dotgit", ".datalad"):
        tree = repo.run("mktree", stdin=f"040000 tree {tree}\t{folder}\n".encode()).text
    return tree
