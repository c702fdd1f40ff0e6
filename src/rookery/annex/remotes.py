"""Remotes as git-annex sees them: who they are, what they may do, what they want."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from rookery.annex import program
from rookery.annex.branch import read
from rookery.annex.logs import parse_by_name, parse_by_uuid, parse_settings
from rookery.git.remotes import list_remotes
from rookery.git.repo import Repo

Trust = Literal["trusted", "semitrusted", "untrusted", "dead"]

_TRUST: dict[str, Trust] = {"1": "trusted", "?": "semitrusted", "0": "untrusted", "X": "dead"}

_TRUST_HERE: dict[str, Trust] = {
    "trusted": "trusted",
    "semitrusted": "semitrusted",
    "untrusted": "untrusted",
}

Preference = Literal["wanted", "required", "group", "groupwanted"]


class Remote(NamedTuple):
    """One configured remote.  `settings` are all of `remote.NAME.*`, names in lower case, last value wins."""

    name: str
    settings: Mapping[str, str]

    @property
    def uuid(self) -> str | None:
        """Its annex uuid, None while it is not known (never asked, or no annex there)."""
        return self.settings.get("annex-uuid") or None

    @property
    def url(self) -> str | None:
        """Where Git fetches from; special remotes have none."""
        return self.settings.get("url")

    @property
    def ignored(self) -> bool:
        """Whether git-annex leaves it alone.  Any command value (annex-ignore-command) is not run to find out."""
        return _true(self.settings.get("annex-ignore"))

    @property
    def readonly(self) -> bool:
        """Whether content may not be sent there."""
        return _true(self.settings.get("annex-readonly"))

    @property
    def special(self) -> bool:
        """Whether it holds content only, no Git repository."""
        return self.url is None and self.uuid is not None

    @property
    def usable(self) -> bool:
        """Whether git-annex would use it for content."""
        return self.uuid is not None and not self.ignored

    @property
    def trust(self) -> Trust | None:
        """The trust level set for it in this repository alone, which wins over the log; None if there is none."""
        return _TRUST_HERE.get(self.settings.get("annex-trustlevel", ""))

    @property
    def cost(self) -> float | None:
        """Its configured cost, None if git-annex chooses."""
        try:
            return float(self.settings["annex-cost"])
        except (KeyError, ValueError):
            return None


class SpecialRemote(NamedTuple):
    """A special remote as every clone knows it (remote.log); not necessarily enabled here."""

    uuid: str
    settings: Mapping[str, str]

    @property
    def name(self) -> str:
        """The name it was made under."""
        return self.settings.get("name") or self.settings.get("sameas-name", "")

    @property
    def type(self) -> str:
        """Its type: directory, S3, external, git ..."""
        return self.settings.get("type", "")

    @property
    def externaltype(self) -> str | None:
        """Which program `git-annex-remote-TYPE` serves it, for type external."""
        return self.settings.get("externaltype")

    @property
    def autoenable(self) -> bool:
        """Whether clones should enable it by themselves."""
        return _true(self.settings.get("autoenable"))

    @property
    def exporttree(self) -> bool:
        """Whether it holds exported trees rather than keys."""
        return _true(self.settings.get("exporttree"))

    @property
    def overwritten(self) -> bool:
        """Whether what is there may be replaced by something else, so that git-annex trusts no copy in it."""
        trees = self.exporttree or _true(self.settings.get("importtree"))
        return trees and not _true(self.settings.get("versioning"))


def _true(value: str | None) -> bool:
    return value is not None and value.strip().lower() in ("true", "yes", "on", "1", "")


def configured(repo: Repo) -> dict[str, Remote]:
    """Give the remotes configured here, in the order of the configuration."""
    return {
        name: Remote(name, {key: values[-1] for key, values in remote.settings.items()})
        for name, remote in list_remotes(repo).items()
    }


def by_uuid(repo: Repo) -> dict[str, Remote]:
    """Give the configured remotes whose annex is known, by uuid."""
    return {remote.uuid: remote for remote in configured(repo).values() if remote.uuid}


def special(repo: Repo) -> dict[str, SpecialRemote]:
    """Give all special remotes that this repository ever heard of, by uuid."""
    return parse_special(read(repo, ["remote.log"]).get("remote.log", ""))


def parse_special(text: str) -> dict[str, SpecialRemote]:
    """Read remote.log."""
    entries = parse_by_uuid(text)[0].items()
    return {uuid: SpecialRemote(uuid, parse_settings(entry.value)) for uuid, entry in entries}


def trust(repo: Repo) -> dict[str, Trust]:
    """Give the trust level of the repositories that have one; all others are semitrusted."""
    return parse_trust(read(repo, ["trust.log"]).get("trust.log", ""))


def parse_trust(text: str) -> dict[str, Trust]:
    """Read trust.log."""
    entries = parse_by_uuid(text)[0].items()
    return {uuid: _TRUST.get(entry.value.strip(), "semitrusted") for uuid, entry in entries}


def set_trust(repo: Repo, which: str, level: Trust) -> None:
    """Change the trust level of a repository (name, uuid, description or "here")."""
    command = {"trusted": "trust", "semitrusted": "semitrust", "untrusted": "untrust", "dead": "dead"}[level]
    # Trusting blindly can lose data, so git-annex wants to be forced; the person has asked for it by name.
    program.run(repo, command, *(["--force"] if level == "trusted" else []), which)


def preferences(repo: Repo) -> dict[Preference, dict[str, str]]:
    """Give what repositories are set to want, require and belong to: kind -> uuid (or group) -> expression."""
    names = {
        "wanted": "preferred-content.log",
        "required": "required-content.log",
        "group": "group.log",
        "groupwanted": "group-preferred-content.log",
    }
    texts = read(repo, list(names.values()))
    found: dict[Preference, dict[str, str]] = {}
    for kind in ("wanted", "required", "group", "groupwanted"):
        text = texts.get(names[kind], "")
        values = parse_by_name(text) if kind == "groupwanted" else parse_by_uuid(text)[0]
        found[kind] = {who: entry.value for who, entry in values.items() if entry.value}
    return found


def set_preference(repo: Repo, kind: Preference, which: str, expression: str) -> None:
    """Set what a repository wants or requires, or put it into a group; `which` is a group for groupwanted."""
    program.run(repo, kind, which, expression)


def enable(repo: Repo, name: str, settings: Mapping[str, str] | None = None) -> None:
    """Make a known special remote (or a Git remote's annex) usable here.  Raises CommandError."""
    program.run(repo, "enableremote", name, *_pairs(settings))


def probe(repo: Repo, name: str) -> None:
    """Ask a Git remote for its annex and write down what it says: `annex-uuid`, or `annex-ignore` if it has none.

    A local or ssh repository that has a git-annex branch and no annex yet gets
    one.  No branch of ours is pushed or merged but git-annex.
    """
    local_only = ("--no-push", "--no-pull", "--no-commit", "--no-content")
    program.run(repo, "sync", "--only-annex", *local_only, name, ok=None)


def initialize(repo: Repo, name: str, settings: Mapping[str, str], *, options: Iterable[str] = ()) -> str:
    """Make a new special remote and give its uuid.  Raises CommandError."""
    program.run(repo, "initremote", name, *options, *_pairs(settings))
    uuid = configured(repo)[name].uuid
    assert uuid is not None
    return uuid


def _pairs(settings: Mapping[str, str] | None) -> list[str]:
    return [f"{key}={value}" for key, value in (settings or {}).items()]


def register_urls(repo: Repo, pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Register (key, URL) pairs, one process for all; yields (key, URL, message), an empty message for success."""
    wanted = list(pairs)
    if not wanted:
        return
    # Two words on a line, so a URL cannot hold a line break; git-annex encodes none.
    lines = (f"{key} {url}\0".encode("utf-8", "surrogateescape") for key, url in wanted)
    answers = iter(list(program.records(repo, "registerurl", "--batch", "-z", stdin=lines)))
    for key, url in wanted:
        record = next(answers, None)
        ok = record is not None and record.get("success")
        yield key, url, "" if ok else program.failure_text(record or {}) or "git-annex did not register it"


def add_url_to_file(repo: Repo, path: str, url: str, *, relaxed: bool = True) -> None:
    """Register a URL as a source of a file that is annexed already."""
    options = ["--relaxed"] if relaxed else []
    program.run(repo, "addurl", *options, f"--file={path}", "--", url)


def unregister_url(repo: Repo, key: str, url: str) -> None:
    """Forget a URL of a key."""
    program.run(repo, "unregisterurl", key, url)


def display_name(uuid: str, remotes: Mapping[str, Remote], descriptions: Mapping[str, str]) -> str:
    """Name a repository as git-annex does: `description [remote]`, or what there is of the two, or its uuid."""
    description = descriptions.get(uuid, "")
    name = remotes[uuid].name if uuid in remotes else None
    if name and description and name != description:
        return f"{description} [{name}]"
    return f"[{name}]" if name else description or uuid
