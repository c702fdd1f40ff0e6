"""What Git said about a failure, short enough for a record."""

from __future__ import annotations

import re

from rookery.core.errors import CommandError

# A paragraph of advice that follows every failure to connect, whatever the reason.
ACCESS_RIGHTS = "Please make sure you have the correct access rights"


def on_one_line(error: CommandError) -> str:
    """Give Git's own words on one line, without what is no reason."""
    lines = [line.strip() for line in (error.stderr or error.msg).partition(ACCESS_RIGHTS)[0].splitlines()]
    told = [line for line in lines if line and line != "Aborting" and not line.startswith("Updating ")]
    return "; ".join(told) or str(error)


def without_credentials(url: str) -> str:
    """Give a URL that may be shown: no password, and over HTTP no user name either, which may be a token."""
    if re.match(r"https?://", url, re.IGNORECASE):
        return re.sub(r"^([^/]*//)[^/@]*@", r"\1", url)
    return re.sub(r"^([^/]*//[^/@:]*):[^/@]*@", r"\1@", url)
