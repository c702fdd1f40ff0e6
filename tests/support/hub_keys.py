"""People with SSH keys, as a hub's clients: `ssh` in a private home comes with the key of who is there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from support.home import Home
from support.hubs import HubServer


class Keyring:
    """Makes keys, and changes who `ssh`, Git, git-annex and DataLad come as."""

    def __init__(self, home: Home, served: HubServer) -> None:
        self.home = home
        self.served = served
        (home.path / ".ssh").mkdir(mode=0o700)
        (home.path / "bin").mkdir(exist_ok=True)
        self._config = home.path / ".ssh" / "config"
        program = shutil.which("ssh")
        assert program is not None
        wrapper = home.path / "bin" / "ssh"  # OpenSSH looks in the account's home, whatever HOME says
        wrapper.write_text(f'#!/bin/sh\nexec {program} -F {self._config} "$@"\n')
        wrapper.chmod(0o755)

    def make(self, name: str) -> str:
        """Make a key; give its public part."""
        file = self.file(name)
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(file)]
        subprocess.run(made, check=True)
        return file.with_suffix(".pub").read_text()

    def file(self, name: str) -> Path:
        """Give the file of a key."""
        return self.home.path / ".ssh" / f"{name}-key"

    def come_as(self, name: str) -> None:
        """Let `ssh` use a key from now on."""
        self._config.write_text(
            f"Host 127.0.0.1\n  IdentityFile {self.file(name)}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self.home.path}/.ssh/known\n  StrictHostKeyChecking accept-new\n"
            "  LogLevel ERROR\n"
        )

    def person(self, name: str) -> str:
        """Make an account (if need be) with a new key, and come as it; give a token."""
        token = self.served.add_user(name)
        body = {"title": "test", "key": self.make(name)}
        self.served.api("POST", "user/keys", body, 201, token=token)
        self.come_as(name)
        return token
