"""Who vouches for a server: the file of certificates that Git was told to believe for an address."""

from __future__ import annotations

from rookery.core.context import Context


def trusted_by_git(ctx: Context, url: str) -> str | None:
    """Give the file that `http.sslCAInfo` names for an address (git-config(1), http.URL.*); None for the machine's."""
    if not url.startswith("https:"):
        return None
    if named := ctx.env.get("GIT_SSL_CAINFO"):
        return named
    asked = ["git", "config", "--path", "--get-urlmatch", "http.sslCAInfo", url]
    return ctx.runner.run(asked, cwd=ctx.cwd, ok=(0, 1)).stdout.decode().strip() or None
