"""`create-sibling-gitea`: make a repository on a Gitea server, and a sibling of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from rookery.core.context import Context
from rookery.forges.platform import GITEA
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
def create_sibling_gitea(
    ctx: Context,
    reponame: RepositoryName,
    *,
    dataset: DatasetParameter = None,
    recursive: Recursive = False,
    recursion_limit: RecursionLimit = None,
    name: SiblingName = "gitea",
    existing: ForgeExisting = "error",
    api: Annotated[
        str, option("--api", metavar="URL", help="the server, without 'api/v1' behind it")
    ] = "https://gitea.com",
    credential: ForgeCredential = None,
    access_protocol: ForgeAccess = "https",
    publish_depends: PublishDepends = None,
    private: ForgePrivate = False,
    description: ForgeDescription = None,
    dry_run: ForgeDryRun = False,
) -> Iterator[Record]:
    """Make a repository on a Gitea server, for a dataset's history, and a sibling of it.

    Such a server keeps no annexed content: git-annex is told to leave it alone.
    (A Rookery hub does; use create-sibling-hub there.)  The token is looked for in
    DATALAD_CREDENTIAL_NAME_TOKEN and among the credentials, by the server's
    HOST:PORT unless --credential names it; then it is asked for.
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
        GITEA,
        api,
        asked,
        dataset=dataset,
        credential=credential,
        recursive=recursive,
        limit=recursion_limit,
    )
