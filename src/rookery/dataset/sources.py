"""What a person, a configuration or `.gitmodules` names as a place to clone from.

    source           type       what Git is given
    /path, ../path   giturl     the path
    file:///path     giturl     the path
    http(s)://, ssh://, git://, user@host:path      itself
    ria+SCHEME://store#ID, #~ALIAS, ...@VERSION     the repository inside the store, at that branch or tag
    ///name          dataladri  the same name below datasets.datalad.org
    webdav(s)://host/path   giturl   the deposit there, datalad-annex::http(s)://host/path?type=webdav...

A source can come from strangers (`.gitmodules`, a link in a mail), so it is
never able to start a program of its choice: `ext::` and its kin are refused,
and so is what Git would take for an option.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from rookery.core.config import Config, SettingError
from rookery.core.errors import UsageError

DATASETS_TOP = "https://datasets.datalad.org/"
SUBSTITUTE = "datalad.clone.url-substitute."

# How a deposit lies on a WebDAV server that people look into with other programs.
IN_WEBDAV = "type=webdav&encryption=none&exporttree=yes&url={noquery}"

# DataLad's own rules, which a setting of the same name replaces.
SUBSTITUTIONS = {
    f"{SUBSTITUTE}github": (
        r",https?://github.com/([^/]+)/(.*)$,\1###\2",
        r",[/\\]+(?!$),-",
        r",\s+|(%2520)+|(%20)+,_",
        r",([^#]+)###(.*),https://github.com/\1/\2",
    ),
    f"{SUBSTITUTE}osf": (r",^https://osf.io/([^/]+)[/]*$,osf://\1",),
    f"{SUBSTITUTE}webdav": (rf",^webdav(s?)://([^?]+)$,datalad-annex::http\1://\2?{IN_WEBDAV}",),
}

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HELPER = re.compile(r"([A-Za-z0-9][A-Za-z0-9+.-]*)::")
_SCP = re.compile(r"(?!.*::)(?P<host>[^/\\#:]+):(?P<path>.*)", re.DOTALL)
_ID = re.compile(r"[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}")

# Remote helpers that hand the address to a shell or to open file descriptors.
PROGRAM_HELPERS = frozenset({"ext", "fd"})
# What a committed file may name; people may type other helpers.
COMMITTED_HELPERS = frozenset({"datalad-annex"})

Kind = Literal["path", "url", "ssh", "datalad", "helper"]


class BadSource(UsageError, ValueError):
    """A source that cannot be understood, or that must not be used."""

    exit_code = 1


class Source(NamedTuple):
    """One place to clone from.  `source` is what was named, `giturl` what Git gets to hear."""

    source: str
    type: str
    giturl: str
    version: str | None
    default_destpath: str

    def as_record(self) -> dict[str, Any]:
        """Give the `source` entry of a result record."""
        return self._asdict()


def kind_of(text: str) -> Kind:
    """Tell what sort of source a text is."""
    if _HELPER.match(text):
        return "helper"
    if _SCHEME.match(text):
        return "url"
    if text.startswith("//"):
        return "datalad"
    return "ssh" if _SCP.fullmatch(text) else "path"


def is_path(text: str) -> bool:
    """Say whether a source is a path of this machine, spelled as one."""
    return kind_of(text) == "path"


def local_path(text: str) -> str | None:
    """Give the path that a path or a file:// URL means, `~` expanded; None for anything elsewhere."""
    from urllib.parse import unquote, urlsplit  # start-up

    if is_path(text):
        return os.path.expanduser(text)
    if text.startswith("file://"):
        parts = urlsplit(text)
        return unquote(parts.path) if parts.netloc in ("", "localhost") else None
    return None


def host_of(text: str) -> str | None:
    """Give the name of the machine in a URL or an scp-like address; None for paths."""
    from urllib.parse import urlsplit  # start-up

    kind = kind_of(text)
    if kind == "url":
        return urlsplit(text).hostname
    if kind == "ssh":
        found = _SCP.fullmatch(text)
        assert found is not None
        return found["host"].rpartition("@")[2]
    return None


def check(text: str, *, committed: bool = False) -> None:
    """Raise BadSource for what could start a program, or be taken for an option.

    `committed` says that the text comes from a file in a dataset.
    """
    if not text:
        raise BadSource("the source to clone from is empty")
    if text.startswith("-"):
        raise BadSource(
            f"source {text!r} looks like an option, and is refused",
            hints=[f"if it is a folder, write ./{text}"],
        )
    if "\0" in text or "\n" in text:
        raise BadSource(f"source {text!r} has a line break in it, and is refused")
    helper = _HELPER.match(text)
    if helper and (helper[1] in PROGRAM_HELPERS or (committed and helper[1] not in COMMITTED_HELPERS)):
        raise BadSource(
            f"source {text!r} is refused: {helper[1]}:: would let it run a program on this machine"
        )
    if (host := host_of(text)) and host.startswith("-"):
        raise BadSource(f"source {text!r} is refused: its host name would be taken for an option of ssh")


def decode(text: str, config: Config, *, committed: bool = False) -> Source:
    """Read one source.  Raises BadSource."""
    spec = rewritten(text, config)
    check(spec, committed=committed)
    kind = kind_of(spec)
    if kind == "datalad":
        url = _at_datasets(spec, config)
        return Source(text, "dataladri", url, None, default_target(url))
    if kind == "url" and spec.startswith("ria+"):
        return _in_store(text, spec)
    return Source(text, "giturl", spec, None, default_target(spec))


def _at_datasets(spec: str, config: Config) -> str:
    if not spec.startswith("///"):
        raise BadSource(
            f"source {spec!r} names a server that is not known", hints=["use ///NAME, or a whole URL"]
        )
    top = str(config.get("datalad.datasets.topurl") or DATASETS_TOP)
    return top.rstrip("/") + "/" + spec.lstrip("/")


def _in_store(text: str, spec: str) -> Source:
    """Find the repository in a RIA store: ID[:3]/ID[3:], or alias/NAME."""
    address, _, fragment = spec.removeprefix("ria+").partition("#")
    which, at, version = fragment.partition("@")
    if _ID.match(which):
        trace, target = f"{which[:3]}/{which[3:]}", which
    elif which.startswith("~") and len(which) > 1 and ".." not in which.split("/"):
        trace, target = f"alias/{which[1:]}", which[1:]
    else:
        raise BadSource(
            f"RIA URI not recognized, no valid dataset ID or other supported scheme: {spec}",
            hints=["name a dataset in the store: ria+SCHEME://STORE#ID or ria+SCHEME://STORE#~ALIAS"],
        )
    url = f"{address}{'' if address.endswith('/') else '/'}{trace}"
    return Source(text, "ria", url, version if at else None, target)


def default_target(url: str) -> str:
    """Give the folder name that a clone gets if nobody names one, as `git clone` would choose it."""
    from urllib.parse import unquote, urlsplit  # start-up

    kind = kind_of(url)
    if kind == "path":
        path = os.path.normpath(url)
    elif kind == "url":
        parts = urlsplit(url)
        path = unquote(parts.path.rstrip("/")) or parts.hostname or ""
    elif kind == "ssh":
        host, _, path = url.partition(":")
        path = unquote(path.rstrip("/")) or host
    else:
        path = _inside_helper(url)
    parts_ = path.split("/")
    if len(parts_) > 1 and parts_[-1] == ".git":
        parts_.pop()
    name = parts_[-1].removesuffix(".git")
    if name in ("", ".", ".."):
        raise BadSource(
            f"no folder name can be made from {url!r}", hints=["name the folder after the source"]
        )
    return name


# The parameters of a deposit that end in something like a name, the most telling first.
TELLING = ("url", "directory", "rsyncurl", "fileprefix", "bucket")


def _inside_helper(url: str) -> str:
    """Find a path in the address of a remote helper, or in its parameters if it has nothing else."""
    from urllib.parse import unquote  # start-up

    address, _, query = url.partition("::")[2].partition("?")
    if path := address.rstrip("/"):
        return path
    parameters = dict(pair.partition("=")[::2] for pair in query.split("&"))
    named = (unquote(parameters.get(key, "")).rstrip("/") for key in TELLING)
    return next((path for path in named if path), "deposit")


def rewritten(text: str, config: Config) -> str:
    """Apply Git's `url.BASE.insteadOf`, which Git cannot apply to addresses that it never sees."""
    best = ""
    base = ""
    for key in config.keys("url."):
        if key.endswith(".insteadof"):
            for label in config.values(key):
                if text.startswith(label) and len(label) > len(best):
                    best, base = label, key[len("url.") : -len(".insteadof")]
    return base + text[len(best) :] if best else text


def substituted(texts: Iterable[str], config: Config) -> Iterator[str]:
    """Apply `datalad.clone.url-substitute.*`: a text that rules change is replaced by every change of it."""
    rules = _rules(config)
    for text in texts:
        changed = [new for series in rules if (new := _apply(series, text)) != text]
        yield from changed or [text]


def _rules(config: Config) -> list[list[tuple[re.Pattern[str], str]]]:
    keys = dict.fromkeys((*config.keys(SUBSTITUTE), *SUBSTITUTIONS))
    return [[_rule(key, one) for one in config.values(key) or SUBSTITUTIONS[key]] for key in keys]


def _rule(key: str, text: str) -> tuple[re.Pattern[str], str]:
    """Read `,PATTERN,REPLACEMENT`, the first letter being the delimiter."""
    parts = text[1:].split(text[:1]) if len(text) > 2 else []
    if len(parts) != 2:
        raise SettingError(f"setting {key}: {text!r} is not of the form ,PATTERN,REPLACEMENT")
    try:
        return re.compile(parts[0]), parts[1]
    except re.error as e:
        raise SettingError(f"setting {key}: {parts[0]!r} is not a pattern: {e}") from e


def _apply(series: list[tuple[re.Pattern[str], str]], text: str) -> str:
    """Run a series over a text; nothing happens unless its first pattern is found at the beginning."""
    if not series or not series[0][0].match(text):
        return text
    for pattern, replacement in series:
        try:
            text = pattern.sub(replacement, text)
        except (re.error, IndexError) as e:
            raise SettingError(f"substitution {replacement!r} does not fit its pattern: {e}") from e
    return text


def alternates(source: Source) -> list[Source]:
    """Give a source and what else to try for it: a web server shows a work tree's repository at /.git."""
    url = source.giturl.rstrip("/")
    if url.startswith(("http://", "https://")) and not url.endswith("/.git"):
        return [source, source._replace(giturl=f"{url}/.git")]
    return [source]


def candidates(texts: Iterable[str], config: Config, *, committed: bool = False) -> list[Source]:
    """Give all places to try for these sources, in order, each once.  Raises BadSource, SettingError."""
    found: dict[tuple[str, str | None], Source] = {}
    for text in substituted(texts, config):
        for one in alternates(decode(text, config, committed=committed)):
            found.setdefault((one.giturl, one.version), one)
    return list(found.values())


def beside(reference: str, base: str) -> str:
    """Give a path relative to a base (a path or URL) in the base's own terms; anything else as it is."""
    import posixpath  # start-up

    if not is_path(reference) or os.path.isabs(reference):
        return reference
    inner = base.rstrip("/")
    suffix = ""
    if inner.endswith("/.git"):
        inner, suffix = inner[: -len("/.git")], ".git"
    kind = kind_of(base)
    if kind == "path":
        return os.path.normpath(os.path.join(inner, reference, suffix))
    if kind == "ssh":
        host, _, path = inner.partition(":")
        return f"{host}:{posixpath.normpath(posixpath.join(path, reference, suffix))}"
    if kind != "url":
        return reference
    from urllib.parse import quote, urlsplit, urlunsplit  # start-up

    parts = urlsplit(inner)
    path = posixpath.normpath(posixpath.join(parts.path or "/", quote(reference), suffix))
    return urlunsplit(parts._replace(path=path))


def with_scheme_of(like: str, url: str) -> str | None:
    """Spell an address of a well-known host the way that `like` is spelled (https or ssh); None if it is no help.

    Helps where a superdataset was cloned by ssh and `.gitmodules` says https,
    or the reverse.  Nothing is rewritten to plain http.
    """
    from urllib.parse import urlsplit  # start-up

    def taken_apart(text: str) -> tuple[str, str, str] | None:
        if kind_of(text) == "ssh":
            found = _SCP.fullmatch(text)
            assert found is not None
            return "ssh", found["host"].rpartition("@")[2], found["path"]
        parts = urlsplit(text) if kind_of(text) == "url" else None
        return (parts.scheme, parts.hostname or "", parts.path.lstrip("/")) if parts else None

    wanted, has = taken_apart(like), taken_apart(url)
    if not wanted or not has or wanted[0] == has[0] or wanted[0] not in ("https", "ssh"):
        return None
    if has[0] not in ("http", "https", "ssh", "git"):
        return None
    _, host, path = has
    path = path.removesuffix(".git") + ".git"
    return f"https://{host}/{path}" if wanted[0] == "https" else f"git@{host}:{path}"
