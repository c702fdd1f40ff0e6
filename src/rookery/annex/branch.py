"""Reading the git-annex branch: location logs of any number of keys in at most four Git processes.

A fact may be in the branch, in branches of remotes that were fetched and not
merged yet, or in the journal (written, not committed yet).  All are read and
joined; the newest line wins (`logs`), so an uncommitted change counts at once
and nothing has to be merged to be known.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rookery.annex.keys import hashdirlower, key_file
from rookery.annex.logs import Presence, parse_presence
from rookery.annex.store import annex_dir
from rookery.core.process import decode, encode
from rookery.git import refs
from rookery.git.index import contents_listed
from rookery.git.objects import ObjectMissing, read_many
from rookery.git.repo import Repo
from rookery.git.trees import ls_tree

LOCAL = "refs/heads/git-annex"

# Up to here each log is asked for by name (Git walks to it through two small trees); above, one listing is
# cheaper.  Measured with 20,000 keys: by name 60 us each, the listing 40 ms.
ASK_BY_NAME = 300


_Filter = Callable[[str], bool]


class Location(NamedTuple):
    """What is known of one repository's copy of a key."""

    uuid: str
    present: bool
    timestamp: float


class Source(NamedTuple):
    """A version of the branch to read: a ref and its commit."""

    ref: str
    commit: str


def log_name(key: str, kind: str = ".log") -> str:
    """Give the name in the branch of a key's log: `.log` locations, `.log.web` URLs, `.log.met` metadata."""
    return f"{hashdirlower(key)}/{key_file(key)}{kind}"


def sources(repo: Repo) -> list[Source]:
    """Give the versions of the branch that have to be read: those that others brought first, our own last."""
    found = [
        Source(ref, sha) for sha, ref in refs.named(repo, "git-annex") if not ref.startswith("refs/annex/")
    ]
    mine = [s for s in found if s.ref == LOCAL]
    known = {s.commit for s in mine}
    # Of refs at one commit the first, which is the one that git-annex names when it merges.
    theirs = {s.commit: s for s in reversed(found) if s.ref != LOCAL and s.commit not in known}
    theirs = dict(reversed(theirs.items()))
    if mine and theirs:
        merged = set(merged_refs(repo).values())
        new = [s for s in theirs.values() if s.commit not in merged]
        if new:
            listed = repo.text("rev-list", "--no-walk", *(s.commit for s in new), "--not", mine[0].commit)
            unmerged = set(listed.split())
            new = [s for s in new if s.commit in unmerged]
        return [*new, *mine]
    return [*theirs.values(), *mine]


def merged_refs(repo: Repo) -> dict[str, str]:
    """Read git-annex's own note of what it has merged already: the commit of each ref then."""
    try:
        text = (annex_dir(repo) / "mergedrefs").read_bytes()
    except FileNotFoundError:
        return {}
    pairs = (decode(line).partition("\t") for line in text.splitlines())
    return {ref: commit for commit, _, ref in pairs}


def read(repo: Repo, names: Sequence[str]) -> dict[str, str]:
    """Read files of the branch by name, all versions of each joined; absent ones are left out."""
    journal = _journal(repo, set(names).__contains__)  # before the branch: a commit in between loses nothing
    parts_of: dict[str, list[bytes]] = {}
    for source in sources(repo):
        blobs = read_many(repo, (f"{source.commit}:{name}" for name in names))
        for name, blob in zip(names, blobs, strict=True):
            if blob is not None:
                parts_of.setdefault(name, []).append(blob.content)
    for name, parts in journal.items():
        parts_of.setdefault(name, []).extend(parts)
    return {name: _joined(parts) for name, parts in parts_of.items()}


class About(NamedTuple):
    """What the branch says: texts by kind of log and key, and by name of other files; absent ones are left out."""

    logs: dict[str, dict[str, str]]
    others: dict[str, str]


def logs_of_keys(repo: Repo, keys: Iterable[str], kind: str = ".log") -> dict[str, str]:
    """Read one kind of log for many keys: key -> text."""
    return about(repo, list(dict.fromkeys(keys)), (kind,)).logs[kind]


def about(
    repo: Repo, keys: Collection[str], kinds: Sequence[str] = (".log",), others: Collection[str] = ()
) -> About:
    """Read logs of keys, and other files by name, in the way that is cheapest for so many."""
    found = About({kind: {} for kind in kinds}, {})
    if len(keys) * len(kinds) + len(others) <= ASK_BY_NAME:
        names = {log_name(key, kind): (found.logs[kind], key) for key in keys for kind in kinds}
        names |= {name: (found.others, name) for name in others}
        for name, text in read(repo, list(names)).items():
            texts, subject = names[name]
            texts[subject] = text
        return found
    # By file name only: repositories with tuned folders file logs differently (annex.tune.branchhash1).
    by_file = {key_file(key): key for key in keys}

    by_kind = [(kind, -len(kind), texts) for kind, texts in found.logs.items()]
    slots: dict[str, tuple[dict[str, str], str]] = {}

    def is_wanted(name: str) -> bool:
        if name in others:
            slots[name] = found.others, name
            return True
        file = name.rpartition("/")[2]
        for kind, length, texts in by_kind:
            if file.endswith(kind) and (key := by_file.get(file[:length])) is not None:
                slots[name] = texts, key
                return True
        return False

    for name, text in _read_all(repo, is_wanted):
        texts, subject = slots[name]
        texts[subject] = text
    return found


def all_logs(repo: Repo, kind: str = ".log") -> Iterator[tuple[str, str]]:
    """Yield (file name of the key, text) of every log of one kind in the branch."""
    for name, text in _read_all(repo, lambda name: name.endswith(kind) and name.count("/") > 0):
        yield name.rpartition("/")[2].removesuffix(kind), text


def locations(repo: Repo, keys: Iterable[str]) -> dict[str, list[Location]]:
    """Tell for each key which repositories had or have it, newest news first; of unknown keys nothing."""
    wanted = list(dict.fromkeys(keys))
    return parse_locations(wanted, logs_of_keys(repo, wanted))


def placed_at(repo: Repo, uuid: str, keys: Sequence[str]) -> frozenset[str]:
    """Give those of some keys that the log says are at a place."""
    known = locations(repo, keys)
    return frozenset(k for k, places in known.items() if any(p.uuid == uuid and p.present for p in places))


def parse_locations(keys: Iterable[str], logs: Mapping[str, str]) -> dict[str, list[Location]]:
    """Read the location logs of keys (key -> text)."""
    parsed: dict[str, list[Location]] = {}
    found: dict[str, list[Location]] = {key: [] for key in keys}
    for key, text in logs.items():
        if text not in parsed:  # thousands of keys that came together have equal logs
            parsed[text] = as_locations(parse_presence(text)[0].values())
        found[key] = parsed[text]
    return found


def as_locations(lines: Iterable[Presence]) -> list[Location]:
    """Turn lines of a location log into locations, newest first."""
    ordered = sorted(lines, key=lambda p: p.stamp.order, reverse=True)
    return [Location(p.subject, p.present, p.stamp.seconds) for p in ordered]


def urls(repo: Repo, keys: Iterable[str]) -> dict[str, list[str]]:
    """Give the URLs registered for keys; keys without one are left out."""
    return parse_urls(logs_of_keys(repo, keys, ".log.web"))


def parse_urls(logs: Mapping[str, str]) -> dict[str, list[str]]:
    """Read the URL logs of keys (key -> text)."""
    # a colon in front marks what a special remote has claimed and fetches itself (`:dl+archive:...`)
    found = {
        k: [p.subject.removeprefix(":") for p in parse_presence(t)[0].values() if p.present]
        for k, t in logs.items()
    }
    return {key: sorted(values) for key, values in found.items() if values}


def _read_all(repo: Repo, wanted: _Filter) -> Iterator[tuple[str, str]]:
    """Yield (name, text), one at a time: of equal names of objects, and equal texts, there is one in memory."""
    journal = _journal(repo, wanted)
    versions: list[dict[str, str]] = []
    shas: dict[str, str] = {}
    for source in sources(repo):
        versions.append(
            {name: shas.setdefault(sha, sha) for name, sha in _listing(repo, source) if wanted(name)}
        )
    cache = {blob.sha: blob.content for blob in read_many(repo, shas) if blob is not None} if shas else {}
    decoded = {sha: decode(content) for sha, content in cache.items()}
    for number, version in enumerate(versions):
        later = versions[number + 1 :]
        for name, sha in version.items():
            more = [other.pop(name) for other in later if name in other] if later else []
            if not more and name not in journal:
                if sha in decoded:
                    yield name, decoded[sha]
                continue
            parts = [cache[one] for one in (sha, *more) if one in cache]
            if parts := parts + journal.pop(name, []):
                yield name, _joined(parts)
    for name, parts in journal.items():
        yield name, _joined(parts)


def contents(repo: Repo, source: Source, names: Collection[str]) -> dict[str, bytes]:
    """Read files of one version of the branch by their exact names; absent ones are left out.

    Raises ObjectMissing rather than taking a log that cannot be read for an empty one.
    """
    if len(names) <= ASK_BY_NAME:
        blobs = read_many(repo, (f"{source.commit}:{name}" for name in names))
        return {name: blob.content for name, blob in zip(names, blobs, strict=True) if blob is not None}
    wanted = {name: name for name in names}  # theirs, and not the equal ones that the listing makes
    shas: dict[str, str] = {}  # one object for the equal ones, of which there are thousands
    listed = _listing(repo, source)
    picked = {wanted[name]: shas.setdefault(sha, sha) for name, sha in listed if name in wanted}
    if not picked:
        return {}
    blobs = read_many(repo, shas)
    texts_of = {blob.sha: blob.content for blob in blobs if blob is not None}
    if lost := next((name for name, sha in picked.items() if sha not in texts_of), None):
        raise ObjectMissing(f"the content of {lost} in {source.ref} is not in {repo.root}")
    return {name: texts_of[sha] for name, sha in picked.items()}


def _listing(repo: Repo, source: Source) -> Iterator[tuple[str, str]]:
    """Yield (name, blob) of a version of the branch, from git-annex's own index where that is up to date."""
    index = annex_dir(repo) / "index"
    if source.ref == LOCAL and index.exists() and index_is_at(repo, source.commit):
        for name, _, sha in contents_listed(repo.with_env(GIT_INDEX_FILE=str(index))):
            yield decode(name), sha
        return
    for entry in ls_tree(repo, source.commit):
        yield entry.path, entry.sha


def index_is_at(repo: Repo, commit: str) -> bool:
    """Say whether git-annex's own index stands for this commit of the branch."""
    try:
        return (annex_dir(repo) / "index.lck").read_bytes().strip() == encode(commit)
    except FileNotFoundError:
        return False


def _journal(repo: Repo, wanted: _Filter) -> dict[str, list[bytes]]:
    """Read what is written down and not committed yet (annex.private repositories never commit it)."""
    parts_of: dict[str, list[bytes]] = {}
    for folder in ("journal", "journal-private"):
        for name, text in journalled(repo, wanted, folder).items():
            parts_of.setdefault(name, []).append(text)
    return parts_of


def journalled(repo: Repo, wanted: _Filter, folder: str = "journal") -> dict[str, bytes]:
    """Read files of one journal by name."""
    found: dict[str, bytes] = {}
    place = annex_dir(repo) / folder
    try:
        listed = os.listdir(encode(str(place)))
    except FileNotFoundError:
        return {}
    for file in map(decode, listed):
        if wanted(name := unmangled(file)):
            try:
                found[name] = (place / file).read_bytes()
            except FileNotFoundError:
                continue  # committed since the folder was listed: the branch, read later, has it
    return found


def journal_is_used(repo: Repo) -> bool:
    """Say whether git-annex has news written down that its branch does not have yet."""
    return is_behind(repo) or _in_journal(repo, "journal-private")


def is_behind(repo: Repo) -> bool:
    """Say whether git-annex has news written down that its branch is to have, and does not have yet."""
    return _in_journal(repo, "journal")


def _in_journal(repo: Repo, name: str) -> bool:
    folder = annex_dir(repo) / name
    return folder.is_dir() and bool(os.listdir(folder))


def mangled(name: str) -> str:
    """Give the flat file name that a file of the branch has in the journal."""
    return name.replace("_", "__").replace("/", "_")


def unmangled(file: str) -> str:
    """Undo `mangled`."""
    return file.replace("__", "\0").replace("_", "/").replace("\0", "_")


def _joined(parts: list[bytes]) -> str:
    return decode(b"\n".join(parts)) if len(parts) > 1 else decode(parts[0])
