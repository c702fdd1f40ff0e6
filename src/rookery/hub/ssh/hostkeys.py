"""The host keys: made once, at the first start, and kept, since clients remember them."""

from __future__ import annotations

import os
from pathlib import Path

import asyncssh

from rookery.core import files

# What all OpenSSH clients of these years take.
_KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256")


def host_keys(folder: Path) -> list[asyncssh.SSHKey]:
    """Read the keys in a folder, those that are missing made first."""
    folder.mkdir(exist_ok=True)
    os.chmod(folder, 0o700)
    return [_host_key(folder / f"{kind}.key", kind) for kind in _KINDS]


def _host_key(file: Path, kind: str) -> asyncssh.SSHKey:
    if not file.exists():
        made = asyncssh.generate_private_key(kind, comment="rookery hub")
        public = file.with_suffix(".pub")
        files.write(public, made.export_public_key().decode(), durable=True)
        files.write(file, made.export_private_key().decode(), durable=True, mode=0o600)
    return asyncssh.read_private_key(file)
