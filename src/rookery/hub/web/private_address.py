"""What git-annex has to be told before it fetches content from a hub at a private address.

It refuses such addresses until `annex.security.allowed-ip-addresses` names them
(seen with git-annex 10.20261026), and clients then quietly do without content.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from rookery.hub.asking import Site


def allowance(site: Site) -> str:
    """Give the command for a client of a hub at this address; nothing if none is needed, or the name does not tell."""
    parts = urlsplit(site.http)
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return ""
    if not (found.is_loopback or found.is_private or found.is_link_local):
        return ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f'git config --global --add annex.security.allowed-ip-addresses "[{found}]:{port}"'
