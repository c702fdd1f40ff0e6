"""The API of one server, asked as the owner of a token."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from rookery.core.context import Context
from rookery.core.errors import AccessFailedError, RookeryError
from rookery.core.webrequest import Answer, basic, send, shown
from rookery.forges.authority import trusted_by_git
from rookery.forges.platform import Hosted, Platform, hosted

CREATED = 201


class ForgeError(RookeryError):
    """A server does not do what it was asked for; `status` is its HTTP status."""

    def __init__(self, message: str, status: int, *, hints: tuple[str, ...] = ()) -> None:
        super().__init__(message, hints=hints)
        self.status = status


class NameTaken(ForgeError):
    """There is a repository of that name already."""


class Unauthorized(ForgeError):
    """The server does not know who asks, or does not let them."""


class Ask(NamedTuple):
    """A request that makes a repository: for a dry run, and to be sent."""

    url: str
    body: dict[str, Any]


class Forge:
    """One server.  `authorization` is the value of that header, shown nowhere; "" for a stranger.

    `ca` is the file of certificates to believe instead of the machine's; without it, what Git was told.
    """

    def __init__(
        self, ctx: Context, platform: Platform, api: str, authorization: str = "", *, ca: str | None = None
    ) -> None:
        self._ctx = ctx
        self.platform = platform
        self.api = api.rstrip("/")
        self._authorization = authorization
        self._ca = ca or trusted_by_git(ctx, api)

    def with_token(self, token: str) -> Forge:
        """Give the same server, asked as a token's owner."""
        return Forge(self._ctx, self.platform, self.api, f"token {token}", ca=self._ca)

    def with_password(self, user: str, password: str) -> Forge:
        """Give the same server, asked with a name and a password."""
        return Forge(self._ctx, self.platform, self.api, basic(user, password), ca=self._ca)

    def call(
        self, method: str, path: str, body: Any = None, *, ok: tuple[int, ...] = (200, 201, 204)
    ) -> tuple[int, Any]:
        """Call `api/v1/PATH`; give status and what it tells.

        Raises Unauthorized, ForgeError for a status that is not in `ok`, AccessFailedError without an answer.
        """
        headers = {"Accept": "application/json"}
        if self._authorization:
            headers["Authorization"] = self._authorization
        raw = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            raw = json.dumps(body).encode()
        url = f"{self.api}/api/v1/{path}"
        answer = send(self._ctx.env, method, url, headers=headers, body=raw, ca=self._ca)
        told = _told(answer)
        if answer.status in ok:
            return answer.status, told
        said = _message(told)
        if answer.status in (401, 403):
            raise Unauthorized(f"unauthorized: {said}", answer.status)
        raise ForgeError(said or f"{shown(url)} answered {answer.status}", answer.status)

    def who(self) -> str:
        """Give the name of the account that asks.  Raises as `call`."""
        _, told = self.call("GET", "user")
        return str(_needed(told, "login", self.api))

    def creation(self, organization: str | None, body: dict[str, Any]) -> Ask:
        """Give the request that makes a repository."""
        path = f"org/{organization}/repos" if organization else "user/repos"
        return Ask(f"{self.api}/api/v1/{path}", body)

    def create(self, ask: Ask) -> Hosted:
        """Make a repository.  Raises NameTaken, and as `call`."""
        path = ask.url.removeprefix(f"{self.api}/api/v1/")
        try:
            _, told = self.call("POST", path, ask.body, ok=(CREATED,))
        except Unauthorized:
            raise
        except ForgeError as e:
            if e.status == self.platform.taken and "already exist" in e.message:
                raise NameTaken("repository already exists", e.status) from e
            raise
        return self._hosted(told)

    def find(self, owner: str, name: str) -> Hosted:
        """Tell of a repository that is there.  Raises as `call`."""
        return self._hosted(self.call("GET", f"repos/{owner}/{name}")[1])

    def _hosted(self, told: Any) -> Hosted:
        try:
            return hosted(self.platform, told)
        except (KeyError, TypeError) as e:
            raise _odd(self.api) from e


def _told(answer: Answer) -> Any:
    try:
        return json.loads(answer.body) if answer.body else None
    except ValueError:
        return None


def _message(told: Any) -> str:
    return str(told.get("message") or "").strip() if isinstance(told, dict) else ""


def _needed(told: Any, key: str, api: str) -> Any:
    if not isinstance(told, dict) or key not in told:
        raise _odd(api)
    return told[key]


def _odd(api: str) -> AccessFailedError:
    return AccessFailedError(
        f"{shown(api)} answers in a way that is not understood",
        hints=["is this the address of such a server, without 'api/v1' behind it?"],
        again=False,
    )
