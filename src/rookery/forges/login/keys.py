"""SSH: the hub knows the person's key, the person's ssh knows the hub's, and both are tried out together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from rookery.core import files
from rookery.core.context import Context
from rookery.core.errors import RookeryError, UsageError
from rookery.core.process import decode
from rookery.forges.client import Forge, ForgeError, Unauthorized
from rookery.forges.login.done import Done
from rookery.forges.login.person import Person

PATIENCE = 20
_LINE = re.compile(r"[a-z0-9@.-]+ [A-Za-z0-9+/=]+")


class Server(NamedTuple):
    """The hub's SSH server, as the hub tells of it."""

    host: str
    port: int
    keys: list[str]

    @property
    def name(self) -> str:
        """How known_hosts calls it."""
        return self.host if self.port == 22 else f"[{self.host}]:{self.port}"


def server_of(told: Any) -> Server | None:
    """Read what the hub tells (`ssh`, `ssh_host_keys`); None if it has no SSH server."""
    parts = urlsplit(str(told.get("ssh") or ""))
    if not parts.hostname or parts.hostname.startswith("-"):
        return None
    keys = [str(key) for key in told.get("ssh_host_keys") or () if _LINE.fullmatch(str(key))]
    return Server(parts.hostname, parts.port or 22, keys)


class Ssh:
    """The person's own `ssh`, which knows their files better than we do (ssh -G)."""

    def __init__(self, ctx: Context, server: Server) -> None:
        self._ctx = ctx
        self._server = server
        said = ctx.runner.run(["ssh", "-G", "-p", str(server.port), f"git@{server.host}"], cwd=ctx.cwd)
        self._settings = [line.partition(" ")[::2] for line in decode(said.stdout).splitlines()]

    def _paths(self, key: str) -> list[Path]:
        home = self._ctx.env.get("HOME", "~")
        words = [word for name, value in self._settings if name == key for word in value.split()]
        return [Path(home + word[1:] if word.startswith("~/") else word) for word in words]

    def public_key(self) -> Path | None:
        """Give the file of the first public key that ssh would offer."""
        files_ = [path.with_name(f"{path.name}.pub") for path in self._paths("identityfile")]
        return next((file for file in files_ if file.is_file()), None)

    def learn_host(self) -> Done:
        """Write the hub's host keys down, unless ssh knows some; never over those."""
        server, [known, *_] = self._server, self._paths("userknownhostsfile") or [Path()]
        find = ["ssh-keygen", "-F", server.name, "-f", str(known)]
        found = self._ctx.runner.run(find, cwd=self._ctx.cwd, ok=None) if known.is_file() else None
        lines = decode(found.stdout).splitlines() if found is not None and found.code == 0 else []
        have = {" ".join(line.split()[1:3]) for line in lines if line and not line.startswith("#")}
        if have & set(server.keys):
            return Done("ssh", f"{server.name} is known in {known}", "notneeded")
        if have:
            hints = (f"if the hub was made anew: ssh-keygen -R '{server.name}', then sign in again",)
            return Done(
                "ssh", f"{known} has other host keys for {server.name} than the hub says", "error", hints
            )
        text = known.read_text() if known.is_file() else ""
        text += "\n" if text and not text.endswith("\n") else ""
        known.parent.mkdir(mode=0o700, exist_ok=True)
        more = "".join(f"{server.name} {key}\n" for key in server.keys)
        files.write(known, text + more, mode=0o600)
        return Done("ssh", f"host keys of {server.name} written to {known}, as the hub tells them")

    def greeting(self) -> tuple[bool, str]:
        """Connect without asking anything; say whether it worked, and what was said."""
        options = [
            "-T", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", f"ConnectTimeout={PATIENCE}",
            "-p", str(self._server.port),
        ]  # fmt: skip
        argv = ["ssh", *options, f"git@{self._server.host}"]
        said = self._ctx.runner.run(argv, cwd=self._ctx.cwd, ok=None)
        lines = decode(said.stdout if said.code == 0 else said.stderr).strip().splitlines()
        return said.code == 0, lines[-1] if lines else f"ssh ended with {said.code}"


def share_key(ctx: Context, forge: Forge, told: Any, *, file: str | None, dry_run: bool) -> Iterator[Done]:
    """Upload a public key, write down the host keys, and connect.  Raises UsageError.

    `forge` is asked with the password if that is known: hubs let few tokens add keys.
    """
    server = server_of(told)
    if server is None:
        yield Done("ssh", "the hub has no SSH server: everything goes over HTTP", "notneeded")
        return
    ssh = Ssh(ctx, server)
    public = ctx.cwd / Path(file).expanduser() if file else ssh.public_key()
    if public is None:
        hints = (
            "to have SSH too, make a key: ssh-keygen -t ed25519",
            f"and again: rookery hub login {forge.api}",
        )
        yield Done("ssh-key", "there is none: everything goes over HTTP", "notneeded", hints)
        return
    line = _public(public)
    if dry_run:
        yield Done("ssh-key", f"would tell the hub {public}, and ssh the host keys of {server.name}")
        return
    yield _uploaded(ctx, forge, public, line)
    host = ssh.learn_host()
    yield host
    if host.status == "error":
        return
    works, said = ssh.greeting()
    if works:
        yield Done("ssh", f"tried out: {said}")
    else:
        yield Done(
            "ssh",
            f"the hub cannot be reached with this key: {said}",
            "error",
            (
                f"try it yourself: ssh -p {server.port} git@{server.host}",
                "if the key has a passphrase: ssh-add",
            ),
        )


def _public(file: Path) -> str:
    """Read a public key, never a private one.  Raises UsageError."""
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as e:
        raise UsageError(f"{file} cannot be read: {e}") from e
    if "PRIVATE KEY" in text:
        raise UsageError(f"{file} is a private key", hints=[f"name the public one: {file}.pub"])
    return text.strip()


def _uploaded(ctx: Context, forge: Forge, file: Path, line: str) -> Done:
    essence = line.split()[:2]
    try:
        known = forge.call("GET", "user/keys")[1] or []
        if any(str(one["key"]).split()[:2] == essence for one in known):
            return Done("ssh-key", f"the hub knows {file}", "notneeded")
        made = _post(ctx, forge, line)
    except ForgeError as e:
        hints: tuple[str, ...] = ("an account has its own keys: take another one with --ssh-key FILE",)
        if isinstance(e, Unauthorized):
            by_hand = f"or add it there: {forge.api}/user/settings/keys"
            hints = (
                f"with the password: rookery hub login --user NAME --password-stdin {forge.api}",
                by_hand,
            )
        return Done("ssh-key", f"the hub does not take {file}: {e.message}", "error", hints)
    Person(ctx).note(forge.api, "key", str(made["id"]))
    return Done("ssh-key", f"the hub was told {file}")


def _post(ctx: Context, forge: Forge, line: str) -> Any:
    """Upload a key, with the password if a token is not enough: a key may do more than most tokens."""
    body = {"title": "", "key": line}
    try:
        return forge.call("POST", "user/keys", body)[1]
    except Unauthorized:
        user = forge.who()
        password = ctx.ask(f"password of {user}, to add the SSH key", True) if ctx.interactive else None
        if not password:
            raise
        return forge.with_password(user, password).call("POST", "user/keys", body)[1]


def take_back_key(ctx: Context, forge: Forge) -> Done:
    """Have the hub forget the key that it was told.  Raises RookeryError."""
    number = Person(ctx).noted(forge.api, "key")
    if not number:
        return Done("ssh-key", "the hub was told none", "notneeded")
    try:
        forge.call("DELETE", f"user/keys/{number}")
    except RookeryError as e:
        return Done("ssh-key", f"the hub still knows the key: {e.message}", "error", tuple(e.hints))
    return Done("ssh-key", "the hub has forgotten the key")
