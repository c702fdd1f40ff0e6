"""What somebody says when they sign in."""

from __future__ import annotations

from typing import NamedTuple


class Wish(NamedTuple):
    """How somebody wants to sign in; `secret` is a password or, with `is_token`, a token; "" to be asked."""

    url: str
    user: str | None = None
    secret: str = ""
    is_token: bool = False
    ca: str | None = None
    ssh_key: str | None = None
    dry_run: bool = False
