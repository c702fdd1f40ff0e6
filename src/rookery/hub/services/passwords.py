"""Passwords: hashed slowly, so that a stolen database does not tell them, and compared fast when they come again.

Git and git-annex send the password with every request.  A hash takes a twentieth
of a second on purpose; so what was right is remembered for some minutes, in
memory, under a key of this process.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from rookery.hub.domain.errors import BadName

SHORTEST, LONGEST = 8, 200
REMEMBERED_SECONDS, REMEMBERED = 300.0, 1000


class Passwords:
    """Makes hashes (argon2id) and compares passwords with them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._hasher = PasswordHasher()
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._right: dict[bytes, float] = {}
        self._mutex = threading.Lock()
        self._nobody = self._hasher.hash(secrets.token_hex(16))

    def hash(self, password: str) -> str:
        """Give the hash of a new password.  Raises BadName if it is too short, or absurdly long."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise BadName(f"a password has {SHORTEST} to {LONGEST} characters")
        return self._hasher.hash(password)

    def right(self, password: str, hashed: str | None) -> bool:
        """Say whether a password is the one; takes as long for an account that has none."""
        mark = hmac.digest(self._secret, f"{hashed}\0{password}".encode("utf-8", "surrogatepass"), "sha256")
        with self._mutex:
            if hashed is not None and self._right.get(mark, 0.0) > self._clock():
                return True
        try:
            self._hasher.verify(hashed or self._nobody, password)
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False
        if hashed is None:
            return False
        with self._mutex:
            if len(self._right) >= REMEMBERED:
                self._right.clear()
            self._right[mark] = self._clock() + REMEMBERED_SECONDS
        return True
