"""Make repositories on a server for a dataset and those below it, and siblings of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from rookery.annex import identity
from rookery.core.errors import RookeryError
from rookery.core.log import get_log
from rookery.core.results import Message, result
from rookery.dataset import siblings as model
from rookery.dataset.hierarchy import walk
from rookery.dataset.model import Dataset
from rookery.forges.addresses import SETTING, missing, refused_by_annex
from rookery.forges.client import Ask, Forge, NameTaken, Unauthorized
from rookery.forges.platform import Hosted, annex_url, as_name
from rookery.forges.tokens import place_of
from rookery.git import remotes

log = get_log("rookery.siblings")

Record = dict[str, Any]
Existing = Literal["skip", "error", "reconfigure"]
Access = Literal["https", "ssh", "https-ssh"]

EXTRA = "datalad.create-sibling-ghlike.extra-remote-settings."


class Wanted(NamedTuple):
    """What is to be made; `body` is what every repository's request says besides its name."""

    sibling: str
    organization: str | None
    repository: str
    existing: Existing
    access: Access
    body: dict[str, Any]
    publish_depends: list[str]
    dry_run: bool


def create_siblings(
    ds: Dataset, forge: Forge, wanted: Wanted, *, recursive: bool, limit: int | None
) -> Iterator[Record]:
    """Yield a record for each repository, and one for each sibling that was configured."""
    places = _places(ds, recursive=recursive, limit=limit)
    todo = []
    for one in places:
        if wanted.existing != "reconfigure" and wanted.sibling in model.names(one):
            status = "error" if wanted.existing == "error" else "notneeded"
            why = ('already has a configured sibling "%s"', wanted.sibling)
            about = {"path": str(one.path), "type": "dataset"}
            yield {**_record(ds, forge, wanted, status, message=why), **about}
        else:
            todo.append(one)
    for one in todo:
        yield from _made(one, ds, forge, wanted)


def _places(ds: Dataset, *, recursive: bool, limit: int | None) -> list[Dataset]:
    found = [ds]
    if recursive:
        for one in walk(ds, recursive=True, limit=limit):
            if one.present:
                found.append(Dataset(one.path, ds.ctx))
            else:
                log.info("Ignoring unavailable subdataset %s", one.path)
    return found


def _name(wanted: Wanted, top: Dataset, ds: Dataset) -> str:
    """Name a repository as DataLad does: those of subdatasets by their paths, dashes for slashes."""
    if ds.path == top.path:
        return wanted.repository
    return f"{wanted.repository}-{as_name(str(top.relative(ds.path)))}"


def _record(top: Dataset, forge: Forge, wanted: Wanted, status: Any, **more: Any) -> Record:
    action = f"{forge.platform.action} [dry-run]" if wanted.dry_run else forge.platform.action
    record = result(action, "", status, refds=top.path, **more)
    del record["path"]  # as in DataLad: what was made is not here
    return record


def _made(ds: Dataset, top: Dataset, forge: Forge, wanted: Wanted) -> Iterator[Record]:
    """Make one repository, or find it, and configure the sibling."""
    name = _name(wanted, top, ds)
    ask = forge.creation(wanted.organization, {"name": name, **wanted.body})
    if wanted.dry_run:
        owner = f"{wanted.organization}/" if wanted.organization else ""
        why = ("would create sibling '%s' and repository '%s%s'", wanted.sibling, owner, name)
        asked = {"request_url": ask.url, "request_data": ask.body}
        yield _record(top, forge, wanted, "ok", message=why, **asked)
        return
    try:
        record, found = _repository(top, forge, wanted, name, ask)
    except Unauthorized as e:
        hints = ["is the token still good, and good for this? On a Rookery hub: rookery hub login URL"]
        yield _record(top, forge, wanted, "error", message=e.message, hints=hints, exception=e)
        return
    except RookeryError as e:
        yield _record(top, forge, wanted, "error", message=e.message, hints=e.hints or None, exception=e)
        return
    yield record
    if found is not None:
        yield from configure(ds, top, forge, wanted, found)


def _repository(
    top: Dataset, forge: Forge, wanted: Wanted, name: str, ask: Ask
) -> tuple[Record, Hosted | None]:
    """Make a repository, or take the one that is there; give the record, and None where nothing is to follow."""
    why: Message
    try:
        found, preexisted = forge.create(ask), False
    except NameTaken as e:
        if wanted.existing == "skip":
            why = (
                "A repository '%s' already exists at '%s', use existing=reconfigure to use it as a sibling",
                name,
                forge.api,
            )
            return _record(top, forge, wanted, "error", message=why, preexisted=True), None
        if wanted.existing != "reconfigure":
            hints = ["to use it as it is: --existing reconfigure"]
            told = {"message": e.message, "preexisted": True, "hints": hints}
            return _record(top, forge, wanted, "impossible", **told), None
        found, preexisted = forge.find(wanted.organization or forge.who(), name), True
    why = "repository already exists"
    if not preexisted:
        why = ("sibling repository '%s' created at %s", wanted.sibling, found.page)
    about = {
        "preexisted": preexisted,
        "reponame": found.name,
        "private": found.private,
        "clone_url": found.url,
        "ssh_url": found.ssh_url,
        "html_url": found.page,
        "host_response": dict(found.told),
    }
    status = "notneeded" if preexisted else "ok"
    return _record(top, forge, wanted, status, message=why, **about), found


def configure(ds: Dataset, top: Dataset, forge: Forge, wanted: Wanted, found: Hosted) -> Iterator[Record]:
    """Write the sibling into the dataset's settings, and tell of it."""
    repo, name = ds.repo, wanted.sibling
    annex = identity.is_annex(repo)
    try:
        url = found.ssh_url if wanted.access == "ssh" else found.url
        if name in model.names(ds):
            remotes.configure(repo, name, "url", url)
        else:
            remotes.add_remote(repo, name, url)
        if wanted.access == "https-ssh":
            remotes.configure(repo, name, "pushurl", found.ssh_url)
            if annex:  # content goes the way of pushes
                remotes.configure(repo, name, "annexurl", found.ssh_url)
        for key, value in _settings(ds, forge, wanted, found, annex=annex).items():
            if wanted.existing == "reconfigure" or f"remote.{name}.{key}" not in ds.config:
                remotes.configure(repo, name, key, value)
        if found.uuid is not None and annex and wanted.access != "ssh":
            _allow_address(ds, found.url)
        if wanted.publish_depends:
            remotes.configure(repo, name, "datalad-publish-depends", *wanted.publish_depends)
    except RookeryError as e:
        ds.forget()
        yield result(
            "configure-sibling",
            ds.path,
            "error",
            type="sibling",
            refds=top.path,
            name=name,
            message=e.message,
            hints=e.hints or None,
            exception=e,
        )
        return
    ds.forget()
    yield from model.query(ds, refds=top.path, name=name, action="configure-sibling")


def _settings(ds: Dataset, forge: Forge, wanted: Wanted, found: Hosted, *, annex: bool) -> dict[str, str]:
    """Give what else a remote on this server is to have.

    Git-annex, asked before the first push, would say for good that there is no annex: of a server that
    can have one we say ourselves that there is, of others that there is none.
    """
    given = {"annex-ignore": "false" if forge.platform.keeps_content and annex else "true"}
    if annex and found.uuid is not None:
        given["annex-uuid"] = found.uuid
        if wanted.access == "https":
            given["annexurl"] = annex_url(found.url)
    prefix = f"{EXTRA}{place_of(forge.api)}."
    for key in ds.config.keys(prefix):
        given[key.removeprefix(prefix)] = str(ds.config.get(key))
    return given


def _allow_address(ds: Dataset, url: str) -> None:
    """Let git-annex ask a hub at a private address, in this dataset, unless it may already."""
    allowed = str(ds.config.get(SETTING, ""))
    more = missing(allowed, refused_by_annex(url))
    if more:
        ds.repo.run("config", "--replace-all", SETTING, " ".join([*allowed.split(), *more]))
        log.info("git-annex may ask %s from this dataset: %s", ", ".join(more), SETTING)
