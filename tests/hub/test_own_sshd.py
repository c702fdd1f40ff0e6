"""A site's own sshd in front of a hub: it asks for keys, and each key has one command."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.home import Home
from support.hub_keys import Keyring
from support.hubs import HubServer
from support.programs import Program
from support.secure_shell import SecureShell, server_program

if server_program() is None:
    pytest.skip("no sshd on this machine", allow_module_level=True)


class OwnSshd(SecureShell):
    """An sshd that knows no keys but those of a hub."""

    def settle(self, served: HubServer) -> None:
        """Write its configuration: what it calls must be root's, and in a folder that is."""
        self.folder.mkdir(parents=True)
        key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / "host_key")]
        subprocess.run(key, check=True)
        helper = f"{sys.executable} -m rookery.cli.hub_ssh --data {served.folder} keys %f %t %k"
        # An AuthorizedKeysCommand is told nothing by the environment.
        told = {n.removeprefix("ROOKERY_HUB_").lower(): v for n, v in served.env.items() if v}
        lines = [f'{name} = "{told[name]}"' for name in ("database", "content") if name in told]
        lines += [
            "[s3]",
            *(f'{n.removeprefix("s3_")} = "{v}"' for n, v in told.items() if n.startswith("s3_")),
        ]
        (served.folder / "hub.toml").write_text("\n".join(lines))
        (self.folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {self.folder}/host_key\nPidFile none\n"
            "UsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "AuthorizedKeysFile none\nPermitRootLogin yes\nMaxStartups 100\nAcceptEnv GIT_PROTOCOL\n"
            f"AuthorizedKeysCommand {helper}\nAuthorizedKeysCommandUser {pwd.getpwuid(os.getuid()).pw_name}\n"
        )


@pytest.fixture
def sshd(served: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnSshd]:
    own = OwnSshd(tmp_path_factory.mktemp("sshd") / "server", {})
    own.settle(served)
    with own.running():
        yield own


def test_git_and_git_annex_work_through_it(
    served: HubServer, sshd: OwnSshd, home: Home, git: Program, annex: Program, tmp_path: Path
) -> None:
    keys = Keyring(home, served)
    token = keys.person("ada")
    served.api("POST", "user/repos", {"name": "data"}, 201, token=token)
    url = f"ssh://{pwd.getpwuid(os.getuid()).pw_name}@127.0.0.1:{sshd.port}/ada/data.git"
    here = tmp_path / "clone"
    git("init", "-q", "-b", "main", here)
    annex("init", "-q", cwd=here)
    (here / "file").write_bytes(b"content")
    annex("add", "-q", "file", cwd=here)
    git("commit", "-qm", "a file", cwd=here)
    git("remote", "add", "hub", url, cwd=here)
    git("push", "-q", "hub", "main", cwd=here)
    annex("copy", "--to", "hub", ".", cwd=here)
    assert annex("find", "--in", "hub", cwd=here).text == "file"
    ssh = Program(["ssh", "-p", str(sshd.port), url.partition("//")[2].partition(":")[0]], home.env, tmp_path)
    assert "You are ada" in ssh().stdout
    keys.make("nobody")
    keys.come_as("nobody")
    assert "Permission denied" in ssh("true", code=255).stderr
