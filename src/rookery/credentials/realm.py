"""Authentication realms: what a server says about who it wants to know (RFC 9110, section 11)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf'({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))')
_SCHEME = re.compile(rf"({_TOKEN})(?=$|[\s,])")
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))")


class Challenge(NamedTuple):
    """One way to authenticate that a server offers: `scheme` in lower case, and its realm, "" if it names none."""

    scheme: str
    realm: str


def challenges(headers: Iterable[str]) -> list[Challenge]:
    """Read the values of WWW-Authenticate; what cannot be understood ends the reading of its header."""
    return [one for header in headers for one in _parsed(header)]


def _parsed(header: str) -> Iterator[Challenge]:
    at = 0
    scheme: str | None = None
    realm = ""
    while at < len(header):
        if header[at] in " \t,":
            at += 1
            continue
        parameter = _PARAMETER.match(header, at)
        if parameter and scheme is not None:
            if parameter[1].lower() == "realm":
                quoted = parameter[2]
                realm = parameter[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            at = parameter.end()
            continue
        found = _SCHEME.match(header, at)
        if not found:
            break
        if scheme is not None:
            yield Challenge(scheme, realm)
        scheme, realm, at = found[1].lower(), "", found.end()
        token = _TOKEN68.match(header, at + 1) if header[at : at + 1] == " " else None
        if token and not _SCHEME.fullmatch(token[0]):
            at = token.end()
    if scheme is not None:
        yield Challenge(scheme, realm)


def realm_of(url: str, challenge: Challenge | None) -> str:
    """Give the name under which DataLad keeps what a server wants: its own realm, if that is a URL, else made one.

    A server that wants nothing is its own realm.  One that gives as its realm a
    URL of another server is not believed, as DataLad would: it could have any
    login sent to itself.
    """
    if challenge is None:
        return url
    parts = urlsplit(url)
    if _is_url_at(challenge.realm, parts.hostname):
        return challenge.realm
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{'' if challenge.realm.startswith('/') else '/'}{challenge.realm}"


def _is_url_at(text: str, host: str | None) -> bool:
    try:
        parts = urlsplit(text)
        return bool(parts.scheme and parts.netloc) and parts.hostname == host
    except ValueError:
        return False
