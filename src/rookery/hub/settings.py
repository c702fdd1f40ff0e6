"""What a site sets: in `hub.toml` in the hub's folder, in the environment, on the command line; the last one wins.

url = "https://hub.example.org"        the address that people use, if it is not the one they came by
http = "127.0.0.1:8910"                ROOKERY_HUB_HTTP, --http
ssh = "127.0.0.1:8922"                 ROOKERY_HUB_SSH, --ssh; "" for none
database = "postgresql+psycopg://..."  ROOKERY_HUB_DATABASE; SQLite in the folder without it
title = "Our data"
proxies = "127.0.0.1,::1"              web servers in front, whose X-Forwarded-For and -Proto are believed; "" for none
origins = "https://viewer.example.org" pages of other sites whose scripts may read the API, with a token or without
persona = "gitea"                      whose answer clients get for what exists already: "gin" (422), "gitea" (409)
content = "s3://bucket/prefix"         ROOKERY_HUB_CONTENT, --content; contents are in the folder without it

[s3]                                   ROOKERY_HUB_S3_ENDPOINT, ...; else what AWS's own programs read
endpoint = "https://s3.example.org"
region = "us-east-1"
key_id = "..."
secret = "..."
links = 60                             seconds that an address for a download is good; 0: the hub sends all itself

[limits]                               names and units in domain/limits.py
quota_account = 100000000000
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints
from urllib.parse import urlsplit

from rookery.core.config import parse_bool
from rookery.core.errors import UsageError
from rookery.hub.domain.limits import Limits

FILE = "hub.toml"
_PREFIX = "ROOKERY_HUB_"
_WORDS = ("url", "http", "ssh", "database", "title", "content", "proxies", "origins", "persona")

# What AWS's own programs read, where nothing is said to the hub.
_AWS = {
    "endpoint": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "key_id": ("AWS_ACCESS_KEY_ID",),
    "secret": ("AWS_SECRET_ACCESS_KEY",),
    "token": ("AWS_SESSION_TOKEN",),
    "links": (),
}
LOOPBACK = "127.0.0.1,::1"

# The status of what exists already.  DataLad's clients of GIN and Gitea send the same request to the same address, and
# each takes only its own server's answer for "exists".
PERSONAS = {"gin": 422, "gitea": 409}


class Address(NamedTuple):
    """Where a server listens; port 0 lets the system choose one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Bucket(NamedTuple):
    """A place in an object store; without `key_id`, the login is found as AWS's programs find it."""

    name: str
    prefix: str  # empty, or with a slash at its end
    endpoint: str | None
    region: str
    key_id: str
    secret: str
    token: str
    links: int  # seconds

    def __repr__(self) -> str:
        return f"Bucket({self.name!r}, {self.prefix!r}, {self.endpoint!r}, ...)"


class Settings(NamedTuple):
    """One hub's settings, read and checked."""

    data: Path
    http: Address
    ssh: Address | None
    url: str | None
    database: str
    title: str
    limits: Limits
    proxies: str = LOOPBACK
    origins: tuple[str, ...] = ()
    content: Bucket | None = None
    persona: str = "gin"

    @property
    def ssh_keys(self) -> Path:
        """Where the SSH server's own keys are."""
        return self.data / "ssh"

    def public_host_keys(self) -> list[str]:
        """Read the public parts of those keys, without comments; none before the SSH server has made them."""
        lines = (file.read_text("ascii").split() for file in sorted(self.ssh_keys.glob("*.pub")))
        return [" ".join(words[:2]) for words in lines]

    @property
    def repositories(self) -> Path:
        """Where the repositories are."""
        return self.data / "repositories"


def read_settings(data: Path, env: Mapping[str, str], **said: str | None) -> Settings:
    """Read all sources; `said` is what the command line said.  Raises UsageError."""
    file = data / FILE
    values: dict[str, Any] = {}
    if file.is_file():
        try:
            values = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
            raise UsageError(f"{file} cannot be read: {e}") from e
    limits, s3 = values.pop("limits", {}), values.pop("s3", {})
    if unknown := sorted(set(values) - set(_WORDS)):
        known = f"settings: {', '.join(_WORDS)}, and the tables [limits] and [s3]"
        raise UsageError(f"{file} sets {', '.join(unknown)}: no such settings", hints=[known])
    for name in _WORDS:
        values[name] = said.get(name) or env.get(_PREFIX + name.upper(), values.get(name))
    inherited = {
        k.removeprefix(f"{_PREFIX}LIMITS_").lower(): v
        for k, v in env.items()
        if k.startswith(f"{_PREFIX}LIMITS_")
    }
    return Settings(
        data,
        parse_address(values["http"] or "127.0.0.1:8910"),
        None if values["ssh"] == "" else parse_address(values["ssh"] or "127.0.0.1:8922"),
        _url(values["url"]),
        values["database"] or f"sqlite:///{data / 'hub.sqlite3'}",
        values["title"] or "Rookery hub",
        _limits(limits, inherited, str(file)),
        LOOPBACK if values["proxies"] is None else _proxies(values["proxies"]),
        _origins(values["origins"] or ""),
        _bucket(values["content"], s3, env, str(file)),
        _persona(values["persona"] or "gin"),
    )


def parse_address(text: str) -> Address:
    """Read HOST:PORT; a host with colons stands in brackets.  Raises UsageError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"{text!r} is not HOST:PORT", hints=["for example 127.0.0.1:8910, or [::]:8910"])
    return Address(host.strip("[]"), int(port))


def _url(text: str | None) -> str | None:
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.path.strip("/"):
        raise UsageError(f"url: {text!r} is not http(s)://HOST[:PORT]")
    return f"{parts.scheme}://{parts.netloc}"


def _bucket(text: str | None, said: Mapping[str, Any], env: Mapping[str, str], file: str) -> Bucket | None:
    if unknown := sorted(set(said) - set(_AWS)):
        known = f"settings: {', '.join(_AWS)}"
        raise UsageError(f"{file} sets {', '.join(unknown)} in [s3]: no such settings", hints=[known])
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise UsageError(f"content: {text!r} is not s3://BUCKET[/PREFIX]")
    found = {}
    for name, usual in _AWS.items():
        given = [env.get(f"{_PREFIX}S3_{name.upper()}"), said.get(name), *map(env.get, usual)]
        found[name] = str(next((value for value in given if value not in (None, "")), ""))
    if bool(found["key_id"]) != bool(found["secret"]):
        raise UsageError("the login of the object store is key_id and secret: one of them is missing")
    prefix = parts.path.strip("/")
    return Bucket(
        parts.netloc,
        f"{prefix}/" if prefix else "",
        found["endpoint"].rstrip("/") or None,
        found["region"] or "us-east-1",
        found["key_id"],
        found["secret"],
        found["token"],
        _number("links of [s3]", found["links"] or 0, int),
    )


def _proxies(text: str) -> str:
    for word in text.split(",") if text.strip() else ():
        try:
            ip_network(word.strip())
        except ValueError as e:
            raise UsageError(
                f"proxies: {word.strip()!r} is neither an address nor a network",
                hints=["for example 127.0.0.1, or 10.0.0.0/24; commas between several"],
            ) from e
    return text.strip()


def _origins(text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    for word in words:
        parts = urlsplit(word)
        if word != "*" and (
            parts.scheme not in ("http", "https") or word != f"{parts.scheme}://{parts.netloc}"
        ):
            raise UsageError(
                f"origins: {word!r} is not http(s)://HOST[:PORT]", hints=["commas between several; * for all"]
            )
    return words


def _persona(text: str) -> str:
    if text not in PERSONAS:
        raise UsageError(f"persona: {text!r} is none of {', '.join(PERSONAS)}")
    return text


def _limits(in_file: Mapping[str, Any], inherited: Mapping[str, str], file: str) -> Limits:
    hints = get_type_hints(Limits)
    made: dict[str, Any] = {}
    for name, value in {**in_file, **inherited}.items():
        if name not in hints:
            where = file if name in in_file else f"the variable {_PREFIX}LIMITS_{name.upper()}"
            raise UsageError(f"{where}: there is no limit {name!r}", hints=[f"limits: {', '.join(hints)}"])
        made[name] = _number(name, value, hints[name])
    return Limits(**made)


def _number(name: str, value: Any, kind: Any) -> Any:
    try:
        if kind is bool:
            return value if isinstance(value, bool) else parse_bool(str(value))
        if isinstance(value, bool):
            raise ValueError
        number = float(value) if kind is float else int(value)
    except ValueError as e:
        raise UsageError(f"the limit {name} cannot be {value!r}") from e
    if number < 0:
        raise UsageError(f"the limit {name} cannot be negative")
    return number
