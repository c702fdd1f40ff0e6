"""The grammar of `datalad-annex::` URLs: from a text to parameters for git-annex, and settings of our own."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from string import Formatter
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from rookery.core.errors import UsageError

PREFIX = "datalad-annex::"

# Settings of ours in a URL, which git-annex never sees.
UNCOMPRESSED = "dladotgit"
CREDENTIAL = "dlacredential"
HEAD = "dlahead"
LEGACY = "dlalegacy"
FOREIGN = "dlaforeign"
LOCK = "dlalock"
ARCHIVE = "dlaarchive"
REFS_HEADER = "dlarefsheader"
# With the values that each may have; none: any.
OURS: Mapping[str, tuple[str, ...]] = {
    UNCOMPRESSED: ("uncompressed",),
    CREDENTIAL: (),
    HEAD: (),
    LEGACY: ("auto", "now", "always", "off"),
    FOREIGN: ("yes", "no"),
    LOCK: ("auto", "require", "off"),
    ARCHIVE: ("fast-export",),
    REFS_HEADER: ("yes", "no"),
}

PLACEHOLDERS = (
    "scheme",
    "netloc",
    "path",
    "fragment",
    "username",
    "password",
    "hostname",
    "port",
    "noquery",
)  # fmt: skip

# Served by nothing but a web server: nobody can write there, nor can anything be encrypted.
READ_ONLY = ("web", "httpalso")


class Address(NamedTuple):
    """Where a deposit is.  `settings` are for git-annex, in the order of the URL; `ours` are for us."""

    settings: Mapping[str, str]
    ours: Mapping[str, str]

    @property
    def type(self) -> str:
        """The type of the special remote."""
        return self.settings["type"]

    @property
    def exported(self) -> bool:
        """Whether the deposit is a tree of files rather than of keys."""
        return self.settings.get("exporttree", "no").lower() in ("yes", "true")

    @property
    def encrypted(self) -> bool:
        """Whether git-annex encrypts what it stores there."""
        return self.settings.get("encryption", "none") != "none"

    @property
    def read_only(self) -> bool:
        """Whether a special remote of this type only gives."""
        return self.type in READ_ONLY

    @property
    def compressed(self) -> bool:
        """Whether the archive may be compressed."""
        return self.ours.get(UNCOMPRESSED) != "uncompressed"

    @property
    def uuid(self) -> str:
        """The same uuid for the same place at every call, so that what git-annex marks there stays ours."""
        return self.settings.get("uuid") or str(uuid.uuid5(uuid.NAMESPACE_URL, PREFIX + self._text))

    @property
    def name(self) -> str:
        """A short name that any file system takes, whatever the length of the URL."""
        return hashlib.sha256(self._text.encode("utf-8", "surrogateescape")).hexdigest()[:20]

    @property
    def _text(self) -> str:
        return "&".join(f"{name}={value}" for name, value in self.settings.items())


def parse(url: str) -> Address:
    """Take a URL apart, with or without the prefix.  Raises UsageError."""
    text = url.removeprefix(PREFIX)
    if not text:
        raise UsageError(
            f"'{url}' names no place: nothing follows {PREFIX}",
            hints=[f"say where the deposit is: {PREFIX}?type=directory&directory=/path&encryption=none"],
        )
    try:
        parts = urlsplit(text)
    except ValueError as e:
        raise UsageError(f"'{url}' is no URL: {e}") from e
    words = [word for word in parts.query.split("&") if word]
    if not any(word.startswith("type=") for word in words):
        return Address({"type": "web", "exporttree": "yes", "url": text}, {})
    values = _values(parts)
    return _address(list(_assigned(words, values, url)), url)


def _values(parts: SplitResult) -> dict[str, object]:
    try:
        port = parts.port
    except ValueError as e:
        raise UsageError(f"the port in '{parts.netloc}' is no number that a port can have") from e
    return {
        "scheme": parts.scheme,
        "netloc": parts.netloc,
        "path": parts.path,
        "fragment": parts.fragment,
        "username": parts.username,
        "password": parts.password,
        "hostname": parts.hostname,
        "port": port,
        "noquery": urlunsplit(parts._replace(query="")),
    }


def _assigned(words: Sequence[str], values: Mapping[str, object], url: str) -> Iterator[tuple[str, str]]:
    """Expand the placeholders first, then decode: `%7Bpath%7D` is braces, and no placeholder."""
    for word in words:
        name, sign, value = unquote(_expanded(word, values, url), errors="surrogateescape").partition("=")
        if not sign or not name:
            raise UsageError(
                f"'{word}' in '{url}' is no parameter",
                hints=["parameters look like name=value and stand between '&'"],
            )
        yield name, value


def _expanded(word: str, values: Mapping[str, object], url: str) -> str:
    try:
        fields = [name for _, name, _, _ in Formatter().parse(word) if name is not None]
        unknown = [name for name in fields if name not in PLACEHOLDERS]
        if not unknown:
            return word.format(**values)
    except (KeyError, ValueError, IndexError) as e:
        raise UsageError(
            f"the braces in '{word}' of '{url}' are not understood: {e}",
            hints=["a brace that is meant as one is written %7B or %7D"],
        ) from e
    raise UsageError(
        f"there is no placeholder {{{unknown[0]}}} (in '{url}')",
        hints=["there are: " + ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)],
    )


def _address(pairs: Sequence[tuple[str, str]], url: str) -> Address:
    settings: dict[str, str] = {}
    ours: dict[str, str] = {}
    for name, value in pairs:
        (ours if name.startswith("dla") else settings)[name] = value
    if settings["type"].lower() == "s3":
        settings["type"] = "S3"  # the only type that git-annex spells with a capital
    _check_ours(ours, url)
    _check_archive(ours, url)
    _check_encryption(settings, url)
    return Address(settings, ours)


def _check_ours(ours: Mapping[str, str], url: str) -> None:
    for name, value in ours.items():
        if name not in OURS:
            raise UsageError(
                f"'{name}' in '{url}' is no setting of a deposit", hints=["there are: " + ", ".join(OURS)]
            )
        values = OURS[name]
        if not value or (values and value not in values):
            raise UsageError(
                f"'{name}={value}' in '{url}' means nothing",
                hints=[f"the values of {name} are: {', '.join(values) or 'any name'}"],
            )


def _check_archive(ours: Mapping[str, str], url: str) -> None:
    """Refuse an archival copy that would never be made: it is made when the legacy pair is."""
    if ARCHIVE in ours and ours.get(LEGACY) == "off":
        raise UsageError(
            f"'{url}' wants an archival copy ({ARCHIVE}), which is made with the pair that {LEGACY}=off leaves out",
            hints=[f"leave one of the two out, or use {LEGACY}=now when a copy is wanted"],
        )


def _check_encryption(settings: Mapping[str, str], url: str) -> None:
    """Refuse what could be pushed and never cloned: git-annex makes a new secret at each place that has none."""
    scheme = settings.get("encryption")
    if scheme == "none" or settings["type"] in READ_ONLY:
        return
    if scheme is None:
        raise UsageError(
            f"'{url}' does not say how the deposit is encrypted",
            hints=["add encryption=none, or encryption=shared with a cipher= that all who clone it know"],
        )
    if scheme != "shared" or not settings.get("cipher"):
        raise UsageError(
            f"a deposit with encryption={scheme} could never be cloned: its secret would be known here only",
            hints=["use encryption=none, or encryption=shared with a cipher= that all who clone it know"],
        )
