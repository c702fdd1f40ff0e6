"""`create-sibling-hub`: make a repository on a Rookery hub, and a sibling that has history and content there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from rookery.core.context import Context
from rookery.core.errors import InsufficientArgumentsError
from rookery.forges.platform import HUB
from rookery.opkit.declare import Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import (
    ForgeCredential,
    ForgeDescription,
    ForgeDryRun,
    ForgeExisting,
    PublishDepends,
    RecursionLimit,
    Recursive,
    RepositoryName,
    SiblingName,
)
from rookery.steps.sharing.on_forge import Asked, create_on

# The words of create-sibling-gin mean the same whether the address begins with http or https.
ACCESS: dict[str, Literal["https", "ssh", "https-ssh"]] = {
    "http": "https",
    "ssh": "ssh",
    "http-ssh": "https-ssh",
}


@operation()
def create_sibling_hub(
    ctx: Context,
    reponame: RepositoryName,
    *,
    dataset: DatasetParameter = None,
    recursive: Recursive = False,
    recursion_limit: RecursionLimit = None,
    name: SiblingName = "hub",
    existing: ForgeExisting = "error",
    api: Annotated[
        str | None,
        option("--api", metavar="URL", help="the hub's address [the one that was signed in to last]"),
    ] = None,
    credential: ForgeCredential = None,
    access_protocol: Annotated[
        Literal["http", "ssh", "http-ssh"],
        option(
            "--access-protocol",
            help="how history and content go there and back: over HTTP (with the token), over SSH (with a key), or "
            "read over HTTP and written over SSH",
        ),
    ] = "http",
    publish_depends: PublishDepends = None,
    visibility: Annotated[
        Literal["private", "internal", "unlisted", "public"],
        option(
            "--visibility",
            help="who can read it: those who are invited (private), everybody with an account (internal), everybody "
            "who has the address (unlisted), everybody (public)",
        ),
    ] = "private",
    description: ForgeDescription = None,
    dry_run: ForgeDryRun = False,
) -> Iterator[Record]:
    """Make a repository on a Rookery hub, for history and content, and a sibling of it.

    Sign in once, with `rookery hub login URL`; then this needs a name alone, and
    `push --to hub` sends everything.  With -r, each subdataset gets a repository
    of its own, named for its path (NAME-PATH, with dashes for slashes); the hub
    also finds it at the path below this one, so that clones find their subdatasets.
    """
    api = api or ctx.settings.at(ctx.cwd).get("rookery.hub")
    if not api:
        raise InsufficientArgumentsError(
            "no hub is named, and none was signed in to", hints=["rookery hub login URL", "or --api URL"]
        )
    asked = Asked(
        reponame,
        name,
        existing,
        ACCESS[access_protocol],
        publish_depends,
        visibility,
        description,
        dry_run,
    )
    yield from create_on(
        ctx,
        HUB,
        api,
        asked,
        dataset=dataset,
        credential=credential,
        recursive=recursive,
        limit=recursion_limit,
    )
