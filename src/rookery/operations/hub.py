"""`hub`: run a hub on this machine, and look after it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from rookery.core.context import Context
from rookery.core.errors import InsufficientArgumentsError, RookeryError, UsageError
from rookery.core.results import result
from rookery.forges.login.wish import Wish
from rookery.forges.platform import checked_api
from rookery.opkit.declare import Positional, Record, Words, operation, option

if TYPE_CHECKING:
    from rookery.hub.admin.findings import Finding
    from rookery.hub.opening import Opened
    from rookery.hub.settings import Settings

Action = Literal["serve", "user", "login", "logout", "doctor", "fsck", "backup", "restore"]

# Modules of the extra `hub`; without one of them nothing works.
NEEDED = (
    "alembic",
    "argon2",
    "asyncssh",
    "fastapi",
    "httptools",
    "jinja2",
    "sqlalchemy",
    "uvicorn",
    "uvloop",
)

USER_ACTIONS = ("add", "passwd", "token")


@operation(renderer="hub", summary="never")
def hub(
    ctx: Context,
    action: Annotated[
        Action,
        Positional(
            "{serve|user|login|logout|doctor|fsck|backup|restore}",
            help="serve: run the hub; user: make and change accounts; login: sign in to a hub, logout: take that back; "
            "doctor: look whether all is as it must be; fsck: look at every byte; backup and restore: keep all of it "
            "elsewhere, and make a hub of that",
            required=True,
        ),
    ],
    words: Annotated[
        Words,
        Positional(
            "WORD",
            help="user: add NAME, passwd NAME, token NAME; login, logout: the URL; backup, restore: a folder",
        ),
    ] = None,
    *,
    data: Annotated[
        str | None,
        option(
            "--data",
            metavar="DIR",
            help="where the hub keeps everything [$ROOKERY_HUB_DATA, or ~/rookery-hub]",
        ),
    ] = None,
    http: Annotated[
        str | None, option("--http", metavar="HOST:PORT", help="serve: where browsers and clients come")
    ] = None,
    ssh: Annotated[
        str | None, option("--ssh", metavar="HOST:PORT", help="serve: where Git and git-annex come over SSH")
    ] = None,
    content: Annotated[
        str | None,
        option(
            "--content",
            metavar="s3://BUCKET/PREFIX",
            help="where contents are kept, if not in the hub's folder; [s3] in hub.toml and AWS's variables say how",
        ),
    ] = None,
    workers: Annotated[
        int | None, option("--workers", metavar="N", help="serve: how many processes answer by HTTP [1]")
    ] = None,
    email: Annotated[
        str | None, option("--email", metavar="ADDRESS", help="user add: an e-mail address")
    ] = None,
    admin: Annotated[bool, option("--admin", help="user add: may administer the hub")] = False,
    password_stdin: Annotated[
        bool,
        option("--password-stdin", help="user add, passwd, login: read the password from standard input"),
    ] = False,
    token_stdin: Annotated[
        bool, option("--token-stdin", help="login: read a token from standard input, and make none")
    ] = False,
    user: Annotated[
        str | None, option("--user", metavar="NAME", help="login: one's account on the hub")
    ] = None,
    ca: Annotated[
        str | None,
        option(
            "--ca", metavar="FILE", help="login: the certificates of the authority that vouches for the hub"
        ),
    ] = None,
    ssh_key: Annotated[
        str | None,
        option(
            "--ssh-key",
            metavar="FILE",
            help="login: the public key to tell the hub [the first that ssh offers]",
        ),
    ] = None,
    dry_run: Annotated[
        bool, option("--dry-run", help="login, logout: say what would be done; do nothing")
    ] = False,
    password: str | None = None,
    token: str | None = None,
    name: Annotated[
        str | None, option("--name", metavar="TEXT", help="user token: what the token is called")
    ] = None,
    scopes: Annotated[
        str | None,
        option(
            "--scopes", metavar="SCOPE,...", help="user token: what it is good for, such as write:repository"
        ),
    ] = None,
    days: Annotated[
        int | None, option("--days", metavar="N", help="user token: how long it is good [for ever]")
    ] = None,
    append_only: Annotated[
        bool, option("--append-only", help="user token: it can add, and take nothing away")
    ] = False,
) -> Iterator[Record]:
    """Run a hub on this machine: a home for datasets, with accounts and access; or sign in to one.

    `serve` answers until it is interrupted; everything is kept in one folder. The
    first account is best made with `user add NAME --email ADDRESS --admin`; others
    can sign up with a browser. `user token NAME` prints a token, which programs send
    instead of a password, alone on the last line. `doctor`, `fsck` and `backup` may run while the hub does.

    `login URL` makes a token on a hub and keeps it where Git, DataLad and
    create-sibling-hub find it, tells the hub the public SSH key if there is one, lets
    git-annex ask the hub where it would refuse its address, and tries all of that
    out. `logout URL` takes it back. Neither needs more than a plain installation.
    (From Python, `password` or `token` hand over the secret.)
    """
    said = list(words or ())
    if action in ("login", "logout"):
        given = token or password or ""
        secret = given or (_from_input(ctx) if token_stdin or password_stdin else "")
        by_token = token_stdin or token is not None
        wish = Wish(_url(action, said), user, secret, by_token, ca, ssh_key, dry_run)
        yield from _signing(ctx, action, wish)
        return
    _require_extra()
    settings = _settings(ctx, data, http=http, ssh=ssh, content=content)
    if action != "user":
        yield from _plain(ctx, action, settings, said, 1 if workers is None else workers)
        return
    if len(said) != 2 or said[0] not in USER_ACTIONS:
        raise InsufficientArgumentsError(
            "what about whom?", hints=[f"rookery hub user {'|'.join(USER_ACTIONS)} NAME"]
        )
    what, who = said
    if what == "add" and not email:
        raise InsufficientArgumentsError("a new account needs an e-mail address", hints=["--email ADDRESS"])
    from rookery.hub.admin import console  # start-up: most commands need no server

    opened = _opened(ctx, settings)
    common: dict[str, Any] = {"path": settings.data, "type": "account", "name": who}
    if what == "token":
        wanted = (scopes or "").replace(",", " ").split()
        secret = console.add_token(
            opened, who, name or "command line", scopes=wanted, days=days, append_only=append_only
        )
        yield result("hub-user-token", **common, token=secret)
        return
    chosen = password or _password(ctx, who, from_stdin=password_stdin)
    if what == "add":
        made = console.add_user(opened, who, email or "", chosen, admin=admin)
        yield result("hub-user-add", **common, admin=made.admin)
    else:
        console.set_password(opened, who, chosen)
        yield result("hub-user-passwd", **common)


def _url(action: str, said: list[str]) -> str:
    if len(said) != 1:
        raise InsufficientArgumentsError(f"hub {action} takes one URL", hints=[f"rookery hub {action} URL"])
    return checked_api(said[0])


def _signing(ctx: Context, action: str, wish: Wish) -> Iterator[Record]:
    from rookery.forges.login.session import sign_in, sign_out  # start-up: few commands sign in

    if wish.is_token and not wish.secret:
        raise InsufficientArgumentsError("no token came on standard input")
    did = sign_in(ctx, wish) if action == "login" else sign_out(ctx, wish.url, dry_run=wish.dry_run)
    name = f"hub-{action} [dry-run]" if wish.dry_run else f"hub-{action}"
    for one in did:
        yield one.record(name, wish.url)


def _from_input(ctx: Context) -> str:
    return ctx.read_input().decode().partition("\n")[0].rstrip("\r")


def _plain(
    ctx: Context, action: Action, settings: Settings, said: list[str], workers: int
) -> Iterator[Record]:
    """Do what is not about an account."""
    folders = 1 if action in ("backup", "restore") else 0
    if len(said) != folders:
        wanted = "one folder" if folders else "no more words"
        raise InsufficientArgumentsError(f"hub {action} takes {wanted}, not: {' '.join(said) or 'nothing'}")
    if action == "serve":
        yield from _serve(ctx, settings, workers)
        return
    if action != "restore" and not settings.data.is_dir():
        raise RookeryError(f"there is no hub in {settings.data}", hints=["name its folder: --data DIR"])
    opened = _opened(ctx, settings)
    for found in _looked(ctx, action, opened, said):
        yield result(
            f"hub-{action}",
            settings.data,
            "error" if found.verdict == "bad" else "ok",
            type="hub",
            name=found.name,
            verdict=found.verdict.value,
            message=found.message or None,
            hints=[found.hint] if found.hint else None,
        )


def _looked(ctx: Context, action: Action, opened: Opened, said: list[str]) -> Iterator[Finding]:
    from rookery.hub.admin import backup, doctor, fsck  # start-up: most commands need no server

    if action == "doctor":
        yield from doctor.look(opened, ctx.runner)
    elif action == "fsck":
        yield from fsck.look(opened)
    elif action == "backup":
        yield from backup.back_up(opened, ctx.cwd / said[0])
    else:
        yield from backup.restore(opened, ctx.cwd / said[0])


def _require_extra() -> None:
    from importlib.util import find_spec  # start-up

    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise RookeryError(
            f"the hub needs more than is installed: {', '.join(missing)}",
            hints=["pip install 'rookery[hub]'"],
        )


def _settings(ctx: Context, data: str | None, **said: str | None) -> Settings:
    from rookery.hub.settings import read_settings  # start-up: most commands need no server

    home = Path(ctx.env.get("HOME", os.sep))
    folder = data or ctx.env.get("ROOKERY_HUB_DATA") or str(home / "rookery-hub")
    return read_settings(ctx.cwd / Path(folder).expanduser(), ctx.env, **said)


def _opened(ctx: Context, settings: Settings) -> Opened:
    from rookery.hub.opening import open_hub  # start-up: most commands need no server

    return open_hub(settings, ctx.env, ctx.clock)


def _serve(ctx: Context, settings: Settings, workers: int) -> Iterator[Record]:
    from rookery.hub.admin import http_server, serving  # start-up: most commands need no server

    if workers < 1:
        raise UsageError("at least one process must answer", hints=["--workers 1"])
    with serving.listening(settings) as (settings, http, ssh):
        opened = _opened(ctx, settings)
        opened.objects.check()
        with (
            serving.beside(opened, http, ssh, ctx.env, ctx.clock, workers=workers),
            http_server.told_to_stop() as told,
        ):
            url = settings.url or f"http://{settings.http}"
            said: dict[str, Any] = {"ssh": f"ssh://git@{settings.ssh}"} if settings.ssh else {}
            yield result(
                "hub-serve", settings.data, type="hub", url=url, message=f"the hub is at {url}", **said
            )
            http_server.serve(opened, http, told=told)


def _password(ctx: Context, who: str, *, from_stdin: bool) -> str:
    if from_stdin:
        return _from_input(ctx)
    first = ctx.ask(f"password of {who}", True) if ctx.interactive else None
    if not first:
        raise InsufficientArgumentsError(
            "no password was given", hints=["hand it over on standard input: --password-stdin"]
        )
    if ctx.ask("once more", True) != first:
        raise RookeryError("the two passwords are not the same", hints=["nothing was changed; try again"])
    return first
