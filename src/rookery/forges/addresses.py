"""Addresses that git-annex asks only if it is told that it may: this machine and private networks.

Its setting `annex.security.allowed-ip-addresses` takes `10.0.0.5`, `[10.0.0.5]:8910` (one port) and `all`, separated by
spaces, and no networks (git-annex 10.20261026).  SSH is not concerned.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from rookery.core.errors import AccessFailedError

SETTING = "annex.security.allowed-ip-addresses"


def refused_by_annex(url: str) -> list[str]:
    """Give what must be allowed for an address, host and port, so that git-annex asks it; mostly nothing.

    Raises AccessFailedError for a host that has no address.
    """
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except OSError as e:
        raise AccessFailedError(
            f"{parts.hostname} has no address: {e.strerror or e}", hints=["check the name and the network"]
        ) from e
    hosts = dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found)
    return [f"[{host}]:{port}" for host in hosts if _private(host)]


def _private(host: str) -> bool:
    address = ipaddress.ip_address(host)
    return address.is_loopback or address.is_private or address.is_link_local


def missing(allowed: str, wanted: list[str]) -> list[str]:
    """Give those of the wanted that a value of the setting does not allow yet."""
    words = allowed.split()
    if "all" in words:
        return []
    return [one for one in wanted if one not in words and one[1:].partition("]")[0] not in words]


def without(allowed: str, taken: list[str]) -> str:
    """Give a value of the setting without some of its entries."""
    return " ".join(word for word in allowed.split() if word not in taken)
