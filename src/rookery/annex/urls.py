"""URLs of content: which of them git-annex will fetch from here, and content inside annexed archives.

Registering is `remotes.register_urls`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rookery.annex import remotes
from rookery.core.config import Config
from rookery.core.errors import CommandError
from rookery.git.repo import Repo

# DataLad's special remote for files inside annexed archives is the same in every repository.
ARCHIVES = "datalad-archives"
ARCHIVES_UUID = "c04eb54b-4b4e-5755-8436-866b043170fa"

DEFAULT_SCHEMES = "http https ftp"

Resolve = Callable[[str], Iterable[str]]
"""From a host name to its addresses; empty when it has none."""


def refusal(config: Config, url: str, resolve: Resolve) -> str | None:
    """Say why git-annex, as it is configured here, will not fetch a URL; None if it will try.

    git-annex's rules (annex.security.*): only some schemes, and no host on the
    machine itself or in a private network, lest a stranger's dataset reads what
    only this machine can.
    """
    from urllib.parse import urlsplit  # start-up

    parts = urlsplit(url)
    schemes = str(config.get("annex.security.allowed-url-schemes", DEFAULT_SCHEMES)).split()
    if parts.scheme not in schemes:
        more = " ".join([*schemes, parts.scheme])
        return (
            f"git-annex does not fetch {parts.scheme}: URLs; to allow it: "
            f"git config annex.security.allowed-url-schemes '{more}'"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    allowed = _allowed(config)
    if "all" in allowed:
        return None
    addresses = list(resolve(parts.hostname))
    if not addresses or any(address in allowed or _public(address) for address in addresses):
        return None
    more = " ".join([*allowed, *addresses])
    return (
        f"git-annex does not fetch from the private address {addresses[0]} of {parts.hostname}; to allow it: "
        f"git config annex.security.allowed-ip-addresses '{more}'"
    )


def _allowed(config: Config) -> list[str]:
    # the second key is the first one's name in older versions of git-annex
    keys = ("annex.security.allowed-ip-addresses", "annex.security.allowed-http-addresses")
    return [word.strip("[]") for key in keys for word in str(config.get(key, "")).split()]


def _public(address: str) -> bool:
    import ipaddress  # start-up

    return ipaddress.ip_address(address.partition("%")[0]).is_global


def inside_archive(archive_key: str, path: str, size: int) -> str:
    """Write the address of a file inside an annexed archive, as DataLad's `datalad-archives` remote reads it."""
    from urllib.parse import urlencode  # start-up

    return f"dl+archive:{archive_key}#{urlencode({'path': path, 'size': size}, errors='surrogateescape')}"


def enable_archives(repo: Repo) -> str:
    """Make sure that the special remote for files inside archives is usable here; say why not if it cannot be."""
    import shutil  # start-up

    program = f"git-annex-remote-{ARCHIVES}"
    if shutil.which(program, path=repo.runner.env.get("PATH")) is None:
        return f"the program {program} is not installed"
    if ARCHIVES_UUID in remotes.by_uuid(repo):
        return ""
    try:
        if (known := remotes.special(repo).get(ARCHIVES_UUID)) is not None:
            remotes.enable(repo, known.name)
        else:
            settings = {
                "type": "external",
                "externaltype": ARCHIVES,
                "encryption": "none",
                "autoenable": "true",
            }
            remotes.initialize(repo, ARCHIVES, {**settings, "uuid": ARCHIVES_UUID})
    except CommandError as e:
        return e.stderr.strip() or str(e)
    return ""
