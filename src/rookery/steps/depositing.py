"""What a deposit gets from the context of a command, logins above all."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping

from rookery.core.context import Context
from rookery.credentials.credential import CredentialError
from rookery.credentials.special import find_for_special_remote
from rookery.deposit.opening import Surroundings
from rookery.deposit.transport.logins import Way

PUBLIC = ("s3", "glacier")  # may be open to all, which only trying tells


def surroundings(ctx: Context, say: Callable[[str], None]) -> Surroundings:
    """Give what a deposit needs; logins are found by name or realm, in the environment first."""

    def find_login(parameters: Mapping[str, str], name: str | None) -> Way:
        try:
            found = find_for_special_remote(ctx, ctx.settings.at(ctx.cwd), parameters, name=name)
        except CredentialError:
            if name is None and parameters["type"].lower() in PUBLIC:
                return Way()
            raise
        return Way(found.env, found.keep)

    return Surroundings(ctx.runner, ctx.clock, time.sleep, platform.node(), find_login, say)
