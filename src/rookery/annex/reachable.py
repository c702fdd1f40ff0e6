"""The addresses of a web server to which git-annex would connect from here (annex.security.allowed-ip-addresses).

A dataset of a stranger must not make us read what only this machine can reach.
So the name of a server is looked up once, what is not allowed is taken out, and
the connection goes to what is left: a name that means something else a moment
later changes nothing.
"""

from __future__ import annotations

import http.client
import ipaddress
import os
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from rookery.annex.branch_writing import NotForUs

# The second is the first one's name in older versions of git-annex.
_KEYS = ("annex.security.allowed-ip-addresses", "annex.security.allowed-http-addresses")

PATIENCE = 60.0


class Endpoint(NamedTuple):
    """Where a socket can be connected to, as `socket.getaddrinfo` tells it."""

    family: int
    address: Any


def endpoints(settings: Mapping[str, str], host: str, port: int) -> list[Endpoint]:
    """Look a host up.  Raises NotForUs if git-annex would not connect, or if that is not certain; OSError."""
    words = [word for key in _KEYS for word in settings.get(key, "").split()]
    found = [
        Endpoint(family, address)
        for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    ]
    allowed = [one for one in found if "all" in words or _allowed(one.address[0], port, words)]
    if not allowed:
        raise NotForUs(f"{host} has no address to which git-annex is allowed to connect")
    return allowed


def connected(found: list[Endpoint], patience: float = PATIENCE) -> socket.socket:
    """Connect to the first of some addresses that answers; each is given so many seconds.  Raises OSError."""
    failure: OSError | None = None
    for one in found:
        line = socket.socket(one.family, socket.SOCK_STREAM)
        line.settimeout(patience)
        try:
            line.connect(one.address)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as e:
            line.close()
            failure = e
        else:
            return line
    raise failure or OSError("there is no address")


def open_http(
    found: list[Endpoint],
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    *,
    patience: float = PATIENCE,
) -> http.client.HTTPConnection:
    """Open a connection for requests, which is never made anew by itself.  Raises OSError."""
    line = connected(found, patience)
    connection = http.client.HTTPConnection(host, port)
    connection.auto_open = 0  # it would look the name up once more
    if tls is not None:
        connection.default_port = 443
    connection.sock = tls.wrap_socket(line, server_hostname=host) if tls else line
    return connection


def trusted(settings: Mapping[str, str], env: Mapping[str, str]) -> ssl.SSLContext:
    """Give the certificates that count, as git-annex takes them from Git's settings.  Raises OSError, NotForUs.

    To it `http.sslCAPath` is a folder of certificates by any name (10.20261026);
    OpenSSL finds only those that have their hash as a name.
    """
    odd = [
        n for n in settings if n.startswith("http.") and ".ssl" in n.removeprefix("http") and "sslca" not in n
    ]
    if odd:
        raise NotForUs(f"git-annex knows better what to do with {odd}")
    file = env.get("GIT_SSL_CAINFO") or settings.get("http.sslcainfo") or env.get("SSL_CERT_FILE")
    folder = env.get("GIT_SSL_CAPATH") or settings.get("http.sslcapath")
    if folder is None:
        return ssl.create_default_context(cafile=file)
    found = ssl.create_default_context(cafile=file, capath=folder)
    for one in sorted(os.scandir(folder), key=lambda entry: entry.name):
        with suppress(OSError):  # no certificate, or a folder
            found.load_verify_locations(cafile=one.path)
    return found


def _allowed(address: str, port: int, words: list[str]) -> bool:
    bare = address.partition("%")[0]
    if ipaddress.ip_address(bare).is_global and not ipaddress.ip_address(bare).is_multicast:
        return True
    return bool({bare, f"[{bare}]", f"[{bare}]:{port}"} & set(words))
