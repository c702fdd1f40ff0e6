"""What all commands have in common that make siblings on a server: find the dataset, the token, and go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from rookery.core.context import Context
from rookery.core.errors import InsufficientArgumentsError, UsageError
from rookery.dataset.locate import require_dataset
from rookery.forges.client import Forge
from rookery.forges.platform import HUB, Platform, checked_api, split_name
from rookery.forges.tokens import find_token, keep_token, place_of
from rookery.git.refs import check_ref_format
from rookery.git.repo import Repo
from rookery.steps.sharing.hosted import Access, Existing, Record, Wanted, create_siblings

# What DataLad describes a repository with that nobody described.
UNDESCRIBED = "some default"


class Asked(NamedTuple):
    """What a person asked for; `visibility` is private or public, unless the server has more."""

    reponame: str
    name: str | None
    existing: Existing
    access: Access
    publish_depends: list[str] | Any
    visibility: str
    description: str | None
    dry_run: bool


def create_on(
    ctx: Context,
    platform: Platform,
    api: str | None,
    asked: Asked,
    *,
    dataset: Any,
    credential: str | None,
    recursive: bool,
    limit: int | None,
) -> Iterator[Record]:
    """Make the repositories and siblings.  Raises UsageError, CredentialError."""
    if not api:
        raise InsufficientArgumentsError(f"API URL required for {platform.title}", hints=["--api URL"])
    api = checked_api(api)
    organization, repository = split_name(asked.reponame, platform)
    ds = require_dataset(ctx, dataset, purpose=f"create {platform.title} sibling(s)")
    name = asked.name or place_of(api)
    if not _fits_as_name(ds.repo, name):
        raise UsageError(f"{name!r} cannot be the name of a sibling", hints=["name it: -s NAME"])
    forge = Forge(ctx, platform, api)
    if not asked.dry_run:
        token = find_token(ctx, ds.config, api, title=platform.title, name=credential)
        forge = forge.with_token(token.secret)
        if token.typed:
            forge.who()
            keep_token(ctx, token)
    body: dict[str, Any] = {
        "description": UNDESCRIBED if asked.description is None else asked.description,
        "private": asked.visibility in ("private", "internal"),
        "auto_init": False,
    }
    if platform is HUB:  # it has more than two of them, and needs no description
        body |= {"description": asked.description or "", "visibility": asked.visibility}
    wanted = Wanted(
        name,
        organization,
        repository,
        asked.existing,
        asked.access,
        body,
        list(asked.publish_depends or []),
        asked.dry_run,
    )
    yield from create_siblings(ds, forge, wanted, recursive=recursive, limit=limit)


def _fits_as_name(repo: Repo, name: str) -> bool:
    return not name.startswith("-") and check_ref_format(repo, f"refs/remotes/{name}/x")
