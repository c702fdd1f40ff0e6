"""Public SSH keys as people paste them: `ssh-ed25519 AAAA... comment` (RFC 4253, 6.6; sshd(8), authorized_keys)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import NamedTuple

from rookery.hub.domain.errors import BadName

_KINDS = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_SMALLEST_RSA_BITS = 2048


class ParsedKey(NamedTuple):
    """A key without its comment, by the fingerprint that `ssh-keygen -l` shows."""

    line: str
    fingerprint: str
    comment: str


def public_key(text: str) -> ParsedKey:
    """Read a key.  Raises BadName for anything else, a private key and a weak one too."""
    words = text.strip().split(None, 2)
    if "PRIVATE KEY" in text:
        raise BadName("that is a private key, which nobody else may see", hints=["paste the file *.pub"])
    if len(words) < 2 or words[0] not in _KINDS or "\n" in text.strip():
        raise BadName(
            "that is not a public SSH key",
            hints=["it begins with ssh-ed25519, ssh-rsa or ecdsa-sha2-nistp..."],
        )
    try:
        blob = base64.b64decode(words[1], validate=True)
        kind, rest = _string(blob)
    except (binascii.Error, ValueError) as e:
        raise BadName("the public SSH key is damaged") from e
    if kind != words[0].encode():
        raise BadName("the public SSH key is damaged: its two parts are of different kinds")
    if kind == b"ssh-rsa" and _rsa_bits(rest) < _SMALLEST_RSA_BITS:
        raise BadName(f"RSA keys have at least {_SMALLEST_RSA_BITS} bits", hints=["ssh-keygen -t ed25519"])
    fingerprint = "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return ParsedKey(f"{words[0]} {words[1]}", fingerprint, words[2] if len(words) > 2 else "")


def _string(data: bytes) -> tuple[bytes, bytes]:
    """Take the first string off: four bytes of length, and so many."""
    size = int.from_bytes(data[:4], "big")
    if len(data) < 4 + size:
        raise ValueError("cut off")
    return data[4 : 4 + size], data[4 + size :]


def _rsa_bits(rest: bytes) -> int:
    try:
        _exponent, rest = _string(rest)
        modulus, _ = _string(rest)
    except ValueError as e:
        raise BadName("the public SSH key is damaged") from e
    return int.from_bytes(modulus, "big").bit_length()
