"""What all connections to one sibling behind HTTP share: its version, the login, whom we may connect to."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Mapping

from rookery import __version__
from rookery.annex.branch_writing import NotForUs
from rookery.annex.nearby.plain import Settings
from rookery.annex.p2p.address import WebAddress
from rookery.annex.p2p.peer import PeerLost
from rookery.annex.reachable import endpoints, open_http, trusted
from rookery.core.errors import CommandError
from rookery.core.process import encode
from rookery.core.webrequest import basic
from rookery.git.repo import Repo


class Server:
    """A sibling's server; threads share it.

    `version` is None until somebody has found it out, and whether it takes
    `several` contents in one request; with `stopped` no connection is made any more.
    """

    def __init__(self, repo: Repo, settings: Settings, address: WebAddress, here: str, there: str) -> None:
        """Look the server up.  Raises PeerLost."""
        self.address, self.here, self.there = address, here, there
        self.version: int | None = None
        self.several = False
        self.authorization: str | None = None
        self.stopped = False
        self._repo = repo
        self._told: dict[str, str] = {}
        self._lock = threading.Lock()
        proxies = [n for n in repo.runner.env if n.lower().endswith("_proxy") and n.lower() != "no_proxy"]
        odd = [
            n for n in settings if n.startswith("http.") and n.rpartition(".")[2] in ("proxy", "sslverify")
        ]
        if proxies or odd:
            raise PeerLost(f"git-annex knows better what to do with {[*proxies, *odd]}")
        try:
            self._endpoints = endpoints(settings, address.host, address.port)
            self._tls = trusted(settings, repo.runner.env) if address.secure else None
        except (NotForUs, OSError) as e:
            raise PeerLost(str(e)) from e

    def connect(self) -> http.client.HTTPConnection:
        """Open a connection.  Raises OSError."""
        if self.stopped:
            raise OSError("the command ends")
        return open_http(self._endpoints, self.address.host, self.address.port, self._tls)

    def headers(self) -> dict[str, str]:
        """Give what goes with each request."""
        agent = {"User-Agent": f"rookery/{__version__}"}
        return {**agent, "Authorization": self.authorization} if self.authorization else agent

    def log_in(self, refused: str | None) -> bool:
        """Get a login from Git's credential helpers, unless another thread has got one since `refused`.

        Says whether it is worth to ask the server again.
        """
        with self._lock:
            if self.authorization is not None:
                return self.authorization != refused
            told = self._credential("fill", self._who())
            if not told.get("username") or not told.get("password"):
                return False
            self._told = told
            self.authorization = basic(told["username"], told["password"])
            return True

    def judge(self, *, accepted: bool) -> None:
        """Tell Git's credential helpers once whether their login was right."""
        with self._lock:
            told, self._told = self._told, {}
            if told:
                self._credential("approve" if accepted else "reject", told)

    def _who(self) -> dict[str, str]:
        where = self.address
        who = {"protocol": "https" if where.secure else "http", "host": f"{where.host}:{where.port}"}
        who["path"] = where.base.lstrip("/")
        return {**who, **({"username": where.user} if where.user else {})}

    def _credential(self, action: str, told: Mapping[str, str]) -> dict[str, str]:
        lines = "".join(f"{name}={value}\n" for name, value in told.items()) + "\n"
        try:
            answer = self._repo.run("credential", action, stdin=encode(lines))
        except CommandError:
            return {}  # nobody has one
        return dict(line.split("=", 1) for line in answer.text.splitlines() if "=" in line)
