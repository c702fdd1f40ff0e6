"""The hub of the tour: a server of its own, accounts for the people on the stage, and keys where they use SSH."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

Access = Literal["http", "ssh"]

PASSWORD = "a penguin in the snow"
PATIENCE_SECONDS = 60.0

SSH_CONFIG = """IdentityFile {home}/.ssh/id_ed25519
UserKnownHostsFile {home}/.ssh/known_hosts
IdentitiesOnly yes
LogLevel ERROR
"""

# What a person does on the page "Settings, Collaboration"; for comments of the page.
INVITE = '''#!{python}
"""Invite somebody to a repository: invite OWNER NAME PERSON."""
import json, os, subprocess, sys, urllib.request
owner, name, person = sys.argv[1:]
made = subprocess.run(["rookery", "hub", "user", "token", owner], capture_output=True, text=True, check=True)
url = f"{{os.environ['HUB']}}/api/v1/repos/{{owner}}/{{name}}/collaborators/{{person}}"
headers = {{"Authorization": "token " + made.stdout.split()[-1], "Content-Type": "application/json"}}
body = json.dumps({{"permission": "write"}}).encode()
urllib.request.urlopen(urllib.request.Request(url, body, headers, method="PUT"))
'''

# What a person does with a button of a page; for comments of the page.
PRESS = '''#!{python}
"""Ask the hub's API as somebody: press PERSON METHOD PATH JSON."""
import os, subprocess, sys, urllib.request
person, method, path, body = sys.argv[1:]
made = subprocess.run(["rookery", "hub", "user", "token", person], capture_output=True, text=True, check=True)
headers = {{"Authorization": "token " + made.stdout.split()[-1], "Content-Type": "application/json"}}
url = f"{{os.environ['HUB']}}/api/v1/{{path}}"
urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers, method=method))
'''

# OpenSSH looks for its files in the account's home, whatever HOME says.
SSH = '#!/bin/sh\nexec {ssh} -F "$HOME/.ssh/config" "$@"\n'


class Hub(NamedTuple):
    """A hub that runs: its process, where browsers and Git go, and the folder with its data."""

    process: subprocess.Popen[bytes]
    url: str
    ssh: str
    data: Path

    def address(self, access: Access) -> str:
        """Give what the addresses of repositories begin with."""
        return self.ssh if access == "ssh" else self.url


def has_ssh() -> bool:
    """Say whether this machine has what people use for SSH."""
    return shutil.which("ssh") is not None and shutil.which("ssh-keygen") is not None


def start(data: Path, env: Mapping[str, str]) -> Hub:
    """Start a hub in a folder and wait until it says where it is.  It outlives us unless it is stopped."""
    log = data.with_suffix(".log")
    argv = [sys.executable, "-m", "rookery", "hub", "serve", "--data", str(data)]
    argv += ["--http", "127.0.0.1:0", "--ssh", "127.0.0.1:0"]
    with open(log, "wb") as out:
        process = subprocess.Popen(
            argv,
            cwd=data.parent,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        said = log.read_text().splitlines()
        if len(said) >= 3:
            return Hub(process, said[0].split()[-1], said[1].split()[-1], data)
        time.sleep(0.1)
    process.kill()
    raise RuntimeError(f"the hub did not start; it said: {log.read_text()}")


def stop(hub: Hub) -> None:
    """Stop it."""
    hub.process.send_signal(signal.SIGTERM)
    hub.process.wait(PATIENCE_SECONDS)


def add_person(hub: Hub, name: str, env: Mapping[str, str]) -> None:
    """Make an account."""
    argv = [sys.executable, "-m", "rookery", "hub", "user", "add", name, "--data", str(hub.data)]
    argv += ["--email", f"{name}@example.org", "--password-stdin"]
    subprocess.run(argv, env=dict(env), input=PASSWORD.encode(), check=True, stdout=subprocess.DEVNULL)


def set_aside(hub: Hub, owner: str, name: str, new: str) -> None:
    """Give a repository another name, so that the next play finds its own one free."""
    argv = [sys.executable, "-m", "rookery", "hub", "user", "token", owner, "--data", str(hub.data)]
    token = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()[-1]
    url = f"{hub.url}/api/v1/repos/{owner}/{name}"
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps({"name": new}).encode(), headers, method="PATCH")
    with urllib.request.urlopen(request):
        pass  # an answer that is a refusal raises


def furnish(home: Path, access: Access) -> None:
    """Put the password into a person's home, and a key if they use SSH."""
    password = home / "password"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    keys = home / ".ssh"
    keys.mkdir(mode=0o700)
    (keys / "config").write_text(SSH_CONFIG.format(home=home))
    if access == "ssh":
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", home.name, "-f", str(keys / "id_ed25519")],
            check=True,
        )


def make_programs(folder: Path) -> None:
    """Make the programs that the stage has of its own."""
    folder.mkdir()
    programs = {
        name: text.format(python=sys.executable) for name, text in (("invite", INVITE), ("press", PRESS))
    }
    if ssh := shutil.which("ssh"):
        programs["ssh"] = SSH.format(ssh=ssh)
    for name, text in programs.items():
        (folder / name).write_text(text)
        os.chmod(folder / name, 0o755)
