"""The proxies that the user's environment names, for requests through urllib.

urllib's own handler reads the process's environment; ours comes in the context.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from typing import Any


class Proxies(urllib.request.ProxyHandler):
    """The proxies that the user's environment names, and the hosts that it takes out."""

    def __init__(self, env: Mapping[str, str]) -> None:
        named = {k.lower(): v for k, v in env.items() if k.lower().endswith("_proxy") and v}
        if "REQUEST_METHOD" in env:
            named.pop("http_proxy", None)  # in a CGI program a client could have set it: https://httpoxy.org
        self._but = {"no": named.pop("no_proxy", "")}
        self.none = not named
        super().__init__({k.removesuffix("_proxy"): v for k, v in named.items()})

    def proxy_open(self, req: urllib.request.Request, proxy: str, type: str) -> Any:
        """Send a request through the proxy for its scheme, unless its host is taken out."""
        if urllib.request.proxy_bypass_environment(req.host, self._but):  # type: ignore[attr-defined]  # typeshed knows it on macOS only
            return None
        return super().proxy_open(req, proxy, type)
