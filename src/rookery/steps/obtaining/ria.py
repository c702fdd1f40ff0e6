"""A clone from a RIA store: where its subdatasets are, and the ORA special remote that has its content."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from rookery.annex import identity
from rookery.annex import remotes as annex_remotes
from rookery.annex.remotes import SpecialRemote
from rookery.core.errors import CommandError, RookeryError
from rookery.core.log import get_log
from rookery.core.process import decode
from rookery.dataset import siblings
from rookery.dataset.model import Dataset
from rookery.dataset.sources import Source
from rookery.git import remotes
from rookery.git.modules import parse_config

log = get_log("rookery.clone")

# Before DataLad's ordinary candidates, which expect subdatasets to lie below their superdataset.
CANDIDATE_KEY = "datalad.get.subdataset-source-candidate-200origin"
ORA = "ora"
UUID_KEY = "datalad.ora-remote.uuid"

# Nobody's settings are longer; what a web server sends may be.
LARGEST_CONFIG = 1 << 20

Record = dict[str, Any]


def settle(ds: Dataset, source: Source, remote: str) -> Iterator[Record]:
    """Finish a clone from a store: candidate for subdatasets, special remote, order of publication."""
    store = source.source.partition("#")[0]
    ds.repo.run("config", CANDIDATE_KEY, f"{store}#{{id}}")
    if not identity.is_annex(ds.repo):
        return
    known = {uuid: one for uuid, one in annex_remotes.special(ds.repo).items() if one.externaltype == ORA}
    if not known:
        return
    own: str | None = None
    if not any(_is_at(known[uuid], store) for uuid in _enabled(ds, known)):
        own = uuid_in_store(ds, source.giturl)
        if own in known:
            _enable_at(ds, known[own], store)
    enabled = _enabled(ds, known)
    fitting = [name for uuid, name in enabled.items() if known[uuid].settings.get("url") == store]
    if not fitting and enabled:
        own = own or uuid_in_store(ds, source.giturl)
        fitting = [name for uuid, name in enabled.items() if uuid == own]
    if len(fitting) > 1:
        log.warning(
            "several ORA siblings fit (%s), so that pushing to '%s' depends on none of them; choose one with: "
            "rookery siblings configure -s %s --publish-depends NAME",
            ", ".join(fitting),
            remote,
            remote,
        )
    elif fitting:
        log.info('Configure additional publication dependency on "%s"', fitting[0])
        remotes.configure(ds.repo, remote, "datalad-publish-depends", fitting[0])
        ds.forget()
        yield from siblings.query(ds, name=remote, action="configure-sibling", refds=ds.path)


def _enabled(ds: Dataset, known: dict[str, SpecialRemote]) -> dict[str, str]:
    """Give those of some special remotes that are enabled here: uuid to the name here."""
    here = annex_remotes.configured(ds.repo).values()
    return {str(one.uuid): one.name for one in here if one.uuid in known}


def _is_at(one: SpecialRemote, store: str) -> bool:
    return any(one.settings.get(key, "").startswith(store) for key in ("url", "push-url"))


def _enable_at(ds: Dataset, one: SpecialRemote, store: str) -> None:
    """Enable a special remote at the address that was cloned from, which is not the one it was made with."""
    remotes.configure(ds.repo, one.name, "ora-url", store)
    try:
        annex_remotes.enable(ds.repo, one.name)
    except CommandError as e:
        remotes.configure(ds.repo, one.name, "ora-url")
        log.warning("sibling %s could not be enabled at %s: %s", one.name, store, e.stderr.strip() or e)
        return
    log.info("Reconfigured %s for %s", one.name, store)


def uuid_in_store(ds: Dataset, giturl: str) -> str | None:
    """Read which special remote a repository in a store belongs to; None if that cannot be found out."""
    try:
        text = _read_config(ds, giturl)
        listed = ds.ctx.runner.run(
            ["git", "config", "-f", "-", "-z", "--list"], cwd=ds.path, stdin=text
        ).stdout
    except (RookeryError, OSError) as e:
        log.debug("no answer from %s about its special remote: %s", giturl, e)
        return None
    return dict(parse_config(listed)).get(UUID_KEY)


def _read_config(ds: Dataset, giturl: str) -> bytes:
    parts = urlsplit(giturl)
    if parts.scheme in ("http", "https"):
        from rookery.steps.fetching.web import Web  # start-up: few stores are asked over HTTP

        with Web(ds.ctx.env) as web, web.open(f"{giturl.rstrip('/')}/config") as answer:
            return answer.body.read(LARGEST_CONFIG)
    path = f"{unquote(parts.path).rstrip('/')}/config"
    if parts.scheme == "ssh":
        where = f"{parts.username}@{parts.hostname}" if parts.username else str(parts.hostname)
        port = ["-p", str(parts.port)] if parts.port else []
        return ds.ctx.runner.run(["ssh", *port, "--", where, f"cat {shlex.quote(path)}"], cwd=ds.path).stdout
    return Path(decode(path.encode())).read_bytes()
