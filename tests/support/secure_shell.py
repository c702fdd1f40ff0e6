"""A real OpenSSH server on loopback, with keys of its own, that lets in nobody but the test."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

HOST = "sshbox"  # what the tests write for a host: `ssh sshbox`, `ssh://sshbox/path`, `sshbox:path`


def server_program() -> str | None:
    """Give the path of sshd, which wants to be called by its whole path; None if it is not installed."""
    return shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin:/usr/bin:/opt/homebrew/sbin")


class SecureShell:
    """A running server.  `host` is an alias that the private home's ssh configuration knows."""

    host = HOST

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder = folder
        self._env = dict(env)
        self.port = _free_port()

    def url(self, path: Path) -> str:
        """Give the address of a folder."""
        return f"ssh://{self.host}{path}"

    def prepare(self, home: Path) -> None:
        """Make keys and both sides' configuration; commands on the server live in `home` too."""
        self.folder.mkdir(parents=True)
        for name in ("host_key", "user_key"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", self.folder / name],
                check=True,
            )
        authorized = self.folder / "authorized_keys"
        shutil.copy(self.folder / "user_key.pub", authorized)
        authorized.chmod(0o600)
        passed_on = ("PATH", "MAGIC", "HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "LC_ALL", "TZ")
        settings = " ".join(f'"{n}={self._env[n]}"' for n in passed_on if n in self._env)
        (self.folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {self.folder}/host_key\n"
            f"AuthorizedKeysFile {authorized}\nPidFile none\nUsePAM no\nStrictModes no\n"
            f"PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
            f"MaxStartups 100\nMaxSessions 100\nSubsystem sftp internal-sftp\nSetEnv {settings}\n"
        )
        public = (self.folder / "host_key.pub").read_text()
        known = self.folder / "known_hosts"
        known.write_text(f"[127.0.0.1]:{self.port} {public}")
        config = home / ".ssh" / "config"
        config.parent.mkdir(mode=0o700, exist_ok=True)
        config.write_text(
            f"Host {HOST}\n  HostName 127.0.0.1\n  Port {self.port}\n  User {pwd.getpwuid(os.getuid()).pw_name}\n"
            f"  IdentityFile {self.folder}/user_key\n  IdentitiesOnly yes\n  UserKnownHostsFile {known}\n"
            f"  StrictHostKeyChecking yes\n  LogLevel ERROR\n"
        )
        _wrap_clients(home, config)

    @contextlib.contextmanager
    def running(self) -> Iterator[SecureShell]:
        """Serve while the block runs."""
        program = server_program()
        assert program is not None
        if Path("/run").is_dir() and not Path("/run/sshd").exists():
            # Debian's sshd wants this folder for privilege separation; only root can make it, and only root needs it
            with contextlib.suppress(PermissionError):
                Path("/run/sshd").mkdir(mode=0o755)
        with (self.folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [program, "-D", "-e", "-f", self.folder / "sshd_config"], stdin=subprocess.DEVNULL, stderr=log
            )
        try:
            self._until_it_answers(server)
            yield self
        finally:
            server.terminate()
            server.wait(10)

    def _until_it_answers(self, server: subprocess.Popen[bytes]) -> None:
        for _ in range(400):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as line:
                if line.recv(4).startswith(b"SSH"):
                    return
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(0.025)
                break
        raise RuntimeError(f"sshd did not start:\n{(self.folder / 'log').read_text()}")


def _wrap_clients(home: Path, config: Path) -> None:
    """Put `ssh` and its kin in front of the PATH: OpenSSH looks in the account's home, whatever HOME says."""
    (home / "bin").mkdir(exist_ok=True)
    for name in ("ssh", "scp", "sftp"):
        if program := shutil.which(name):
            wrapper = home / "bin" / name
            wrapper.write_text(f'#!/bin/sh\nexec {program} -F {config} "$@"\n')
            wrapper.chmod(0o755)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
