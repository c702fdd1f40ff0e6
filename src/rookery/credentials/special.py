"""Credentials for special remotes: which they need, and how git-annex is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from rookery.core import s3address
from rookery.core.config import Config
from rookery.core.context import Context
from rookery.credentials import probing
from rookery.credentials.credential import Credential
from rookery.credentials.finding import Wanted, find, from_environment, remember
from rookery.credentials.realm import Challenge, realm_of
from rookery.credentials.store import Store

# By type, in lower case: git-annex says S3, and people say s3.
VARIABLES: Mapping[str, tuple[str, str]] = {
    "webdav": ("WEBDAV_USERNAME", "WEBDAV_PASSWORD"),
    "s3": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "glacier": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
}
WEB = frozenset({"web", "httpalso"})

# Our own, read by the helper below; git-annex asks Git's helpers when a web server wants a login.
WEB_VARIABLES = ("ROOKERY_WEB_USER", "ROOKERY_WEB_SECRET")
WEB_HELPER = (
    '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" '
    f'"${WEB_VARIABLES[0]}" "${WEB_VARIABLES[1]}"; }}; f'
)


class Access(NamedTuple):
    """A way in.  `env` is what git-annex needs to see (secret!); `keep` notes that it has worked."""

    env: Mapping[str, str]
    credential: Credential | None
    keep: Callable[[], None]

    def __repr__(self) -> str:
        return f"Access({sorted(self.env)}, {self.credential!r})"


# git-annex wants a login for WebDAV, also where the server does not.
NOBODY = "anonymous"

OPEN = Access({}, None, lambda: None)


def needs_login(kind: str) -> bool:
    """Say whether special remotes of a type are given their login from outside."""
    return kind.lower() in VARIABLES or kind.lower() in WEB


def find_for_special_remote(
    ctx: Context, config: Config, parameters: Mapping[str, str], *, name: str | None = None
) -> Access:
    """Find a credential that a special remote takes, with `parameters` as in `initremote`.

    A type that needs none, and a server that lets everybody in, gives `OPEN`.
    The servers of webdav, S3, web and httpalso are asked whether they take it;
    glacier cannot be asked cheaply, so call `keep` when it has worked, as with
    all.  Raises CredentialError, AccessFailedError.
    """
    kind = parameters.get("type", "").lower()
    if kind in WEB:
        return _web(ctx, config, kind, parameters.get("url", ""), name)
    if kind == "webdav":
        return _webdav(ctx, config, parameters.get("url", ""), name)
    if kind in VARIABLES:
        place = s3address.bucket(parameters)
        if kind == "glacier":
            place = f"glacier:{parameters.get('vault') or parameters.get('datacenter') or ''}"
        purpose = f"{'S3' if kind == 's3' else 'Glacier'} access at {place}"
        wanted = Wanted(kind, purpose, name, None, lambda: [place], VARIABLES[kind])
        takes = (lambda one: probing.s3_takes(ctx, parameters, one)) if kind == "s3" else (lambda _: True)
        return _found(ctx, config, wanted, takes)
    return OPEN


def _found(ctx: Context, config: Config, wanted: Wanted, works: Callable[[Credential], bool]) -> Access:
    credential = find(ctx, config, wanted, works)
    env: dict[str, str] = {}
    if wanted.variables and credential.source != "environment":
        env = dict(zip(wanted.variables, (credential.user or "", credential.secret), strict=True))
    return Access(env, credential, lambda: remember(ctx, config, wanted, credential))


class _Server:
    """What a web server wants, asked once and only if somebody needs to know."""

    def __init__(self, ctx: Context, url: str) -> None:
        self._ctx = ctx
        self._url = url
        self._offered: list[Challenge] | None = None

    @property
    def offered(self) -> list[Challenge]:
        """The ways to authenticate that it offers."""
        if self._offered is None:
            self._offered = probing.wanted_by(self._ctx, self._url)
        return self._offered

    def realms(self) -> list[str]:
        """Give the names of its realm; DataLad takes the last way to authenticate that a server offers.

        They are those of the server that was named, not of one that it leads to:
        it is the one that would get the login.
        """
        return [realm_of(self._url, one) for one in reversed(self.offered)] or [realm_of(self._url, None)]


def _webdav(ctx: Context, config: Config, url: str, name: str | None) -> Access:
    server = _Server(ctx, url)
    purpose = f"WebDAV access at {url}"
    wanted = Wanted("webdav", purpose, name, url, server.realms, VARIABLES["webdav"])
    if name is None and from_environment(ctx, wanted) is None and not server.offered:
        ctx = ctx._replace(interactive=False)  # a server that asks nobody is no reason to ask somebody
        if not Store(ctx, config).query(realm=server.realms()[0]) and probing.webdav_is_open(ctx, url):
            return OPEN._replace(env=dict.fromkeys(VARIABLES["webdav"], NOBODY))
    return _found(ctx, config, wanted, lambda one: probing.webdav_takes(ctx, url, one))


def _web(ctx: Context, config: Config, kind: str, url: str, name: str | None) -> Access:
    server = _Server(ctx, url)
    if urlsplit(url).scheme not in ("http", "https") or not (name or server.offered):
        return OPEN
    wanted = Wanted(kind, f"access to {url}", name, url, server.realms)
    access = _found(ctx, config, wanted, lambda one: probing.web_takes(ctx, url, one))
    found = access.credential
    assert found is not None
    number = int(ctx.runner.env.get("GIT_CONFIG_COUNT") or 0)
    parts = urlsplit(url)
    env = {
        "GIT_CONFIG_COUNT": str(number + 1),
        f"GIT_CONFIG_KEY_{number}": f"credential.{parts.scheme}://{parts.netloc}.helper",
        f"GIT_CONFIG_VALUE_{number}": WEB_HELPER,
        WEB_VARIABLES[0]: found.user or "",
        WEB_VARIABLES[1]: found.secret,
    }
    return access._replace(env=env)
