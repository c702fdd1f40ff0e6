"""Network addresses, as limits count them."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

# One customer has a network of at least this size (RFC 6177): each of its addresses is as good as another.
_PREFIX = 64


def network_of(address: str) -> str:
    """Give what a limit counts an address as: the address itself, and in IPv6 its network."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address  # a socket in a file system has none
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> (128 - _PREFIX) << (128 - _PREFIX))}/{_PREFIX}"
