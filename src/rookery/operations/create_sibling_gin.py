"""`create-sibling-gin`: make a repository on a GIN server, which keeps content too, and a sibling of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from rookery.core.context import Context
from rookery.forges.platform import GIN
from rookery.opkit.declare import Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import (
    ForgeAccess,
    ForgeCredential,
    ForgeDescription,
    ForgeDryRun,
    ForgeExisting,
    ForgePrivate,
    PublishDepends,
    RecursionLimit,
    Recursive,
    RepositoryName,
    SiblingName,
)
from rookery.steps.sharing.on_forge import Asked, create_on


@operation()
def create_sibling_gin(
    ctx: Context,
    reponame: RepositoryName,
    *,
    dataset: DatasetParameter = None,
    recursive: Recursive = False,
    recursion_limit: RecursionLimit = None,
    name: SiblingName = "gin",
    existing: ForgeExisting = "error",
    api: Annotated[
        str, option("--api", metavar="URL", help="the server, without 'api/v1' behind it")
    ] = "https://gin.g-node.org",
    credential: ForgeCredential = None,
    access_protocol: ForgeAccess = "https-ssh",
    publish_depends: PublishDepends = None,
    private: ForgePrivate = False,
    description: ForgeDescription = None,
    dry_run: ForgeDryRun = False,
) -> Iterator[Record]:
    """Make a repository on a GIN server, for history and content, and a sibling of it.

    Other servers that speak as GIN does are named with --api, a Rookery hub
    among them.  The token is looked for in DATALAD_CREDENTIAL_NAME_TOKEN and among
    the credentials, by the server's HOST:PORT unless --credential names it; then
    it is asked for.  With -r, each subdataset gets a repository of its own, named
    for its path: NAME-PATH, with dashes for slashes.
    """
    asked = Asked(
        reponame,
        name,
        existing,
        access_protocol,
        publish_depends,
        "private" if private else "public",
        description,
        dry_run,
    )
    yield from create_on(
        ctx,
        GIN,
        api,
        asked,
        dataset=dataset,
        credential=credential,
        recursive=recursive,
        limit=recursion_limit,
    )
