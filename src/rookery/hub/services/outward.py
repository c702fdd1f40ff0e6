"""Messages to servers elsewhere, which somebody has named who may know the way to servers inside.

A name is looked up once, addresses that only this machine or its network can reach are taken out, and
the connection goes to what is left: a name that means something else a moment later changes nothing. Redirects are
not followed, and an answer is read no further than its beginning, for no longer than a time that is given.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from rookery.annex.reachable import Endpoint, open_http
from rookery.core.errors import RookeryError
from rookery.hub.domain.hooks import HookTarget

# So much of an answer is kept, for people who look for what went wrong.
MOST_ANSWER = 4096

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class NotSent(RookeryError):
    """There was no answer; the message says why."""


class Sent(NamedTuple):
    """An answer: its status, and the beginning of its body."""

    status: int
    answer: str


def is_public(text: str) -> bool:
    """Say whether an address can be reached from everywhere; one that stands for another is judged by that."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
        teredo = address.teredo
        inside = address.ipv4_mapped or address.sixtofour or (teredo and teredo[1])
        if inside and not is_public(str(inside)):
            return False
        if address.ipv4_mapped:
            return True
    return address.is_global and not address.is_multicast and not address.is_reserved


def _endpoints(target: HookTarget, *, private: bool) -> list[Endpoint]:
    try:
        found = [
            Endpoint(family, address)
            for family, _, _, _, address in socket.getaddrinfo(
                target.host, target.port, type=socket.SOCK_STREAM
            )
        ]
    except (OSError, UnicodeError) as e:
        raise NotSent(f"{target.host} was not found: {e}") from e
    fine = [one for one in found if private or is_public(str(one.address[0]))]
    if not fine:
        raise NotSent(
            f"{target.host} is inside of the hub's own network",
            hints=["the site's settings can allow that: hooks_private = true in [limits]"],
        )
    return fine


def send(
    target: HookTarget, headers: Mapping[str, str], body: bytes, *, private: bool, seconds: float
) -> Sent:
    """Send a message, and give the answer of any status; all of it takes `seconds` at most.  Raises NotSent."""
    found = _endpoints(target, private=private)
    try:
        tls = ssl.create_default_context() if target.tls else None
        connection = open_http(found, target.host, target.port, tls, patience=seconds)
    except (OSError, http.client.HTTPException) as e:
        raise NotSent(f"{target.host} could not be reached: {e}") from e
    line, late = connection.sock, threading.Event()

    def end() -> None:
        late.set()
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        connection.request("POST", target.path, body, dict(headers))
        answer = connection.getresponse()
        return Sent(answer.status, answer.read(MOST_ANSWER).decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException) as e:
        raise NotSent(
            f"no answer within {seconds:g} seconds" if late.is_set() else f"{target.host} gave no answer: {e}"
        ) from e
    finally:
        timer.cancel()
        connection.close()
