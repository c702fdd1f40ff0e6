"""The program `rookery-hub-ssh`, through which a site's own sshd serves a hub.

In sshd_config, for the account `git` that owns the hub's data:

    Match User git
        AuthorizedKeysCommand /usr/local/bin/rookery-hub-ssh --data /srv/hub keys %f %t %k
        AuthorizedKeysCommandUser git
        AcceptEnv GIT_PROTOCOL

sshd asks `keys` whether a key is known, and runs `serv` for who has it.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path

USAGE = """\
usage: rookery-hub-ssh --data DIR keys FINGERPRINT TYPE KEY
       rookery-hub-ssh --data DIR serv FINGERPRINT"""

CHUNK = 1 << 18

_WORD = re.compile(r"[A-Za-z0-9@._:+/=-]+")


def main() -> None:
    """Do what sshd asks for, and exit as a command does."""
    match sys.argv[1:]:
        case ["--data", data, "keys", fingerprint, kind, blob]:
            sys.exit(_keys(Path(data).absolute(), fingerprint, kind, blob))
        case ["--data", data, "serv", fingerprint]:
            sys.exit(_serve(Path(data).absolute(), fingerprint, os.environ))
    sys.exit(USAGE)


def _keys(data: Path, fingerprint: str, kind: str, blob: str) -> int:
    """Print the line of authorized_keys for a key that is known, nothing for others."""
    from rookery.hub.domain.errors import HubError  # start-up: `--help` and mistakes need no server
    from rookery.hub.opening import open_hub  # start-up
    from rookery.hub.settings import read_settings  # start-up

    if not all(_WORD.fullmatch(word) for word in (fingerprint, kind, blob)):
        return 1
    hub = open_hub(read_settings(data, os.environ), os.environ, time.time).hub
    try:
        hub.identity.by_key(fingerprint, "")
    except HubError:
        return 0
    argv = [sys.executable, "-m", "rookery.cli.hub_ssh", "--data", str(data), "serv", fingerprint]
    command = shlex.join(argv).replace("\\", "\\\\").replace('"', '\\"')
    sys.stdout.write(f'restrict,command="{command}" {kind} {blob}\n')
    return 0


def _serve(data: Path, fingerprint: str, env: Mapping[str, str]) -> int:
    """Do the command that the client sent, on this process's streams."""
    from rookery.hub.domain.errors import HubError  # start-up
    from rookery.hub.opening import open_hub  # start-up
    from rookery.hub.settings import read_settings  # start-up
    from rookery.hub.ssh.running import Ends, run_command  # start-up

    hub = open_hub(read_settings(data, env), env, time.time).hub
    try:
        actor = hub.identity.by_key(fingerprint, env.get("SSH_CLIENT", "").partition(" ")[0])
    except HubError as e:
        _complain(f"hub: {e.message}\n".encode())
        return 1
    ends = Ends(lambda: os.read(0, CHUNK), _write, _complain)
    try:
        return run_command(
            hub, actor, env.get("SSH_ORIGINAL_COMMAND", ""), ends, protocol=env.get("GIT_PROTOCOL", "")
        )
    except BrokenPipeError:
        return 1  # the client has gone


def _write(data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(1, left) :]


def _complain(data: bytes) -> None:
    try:
        os.write(2, data)
    except OSError:
        pass  # nobody is there to hear it


if __name__ == "__main__":
    main()
