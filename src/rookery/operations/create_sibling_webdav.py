"""`create-sibling-webdav`: make a place on a WebDAV server for a dataset's history and content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import SplitResult, quote, urlsplit

from rookery.annex import identity
from rookery.annex import remotes as annex_remotes
from rookery.core.context import Context
from rookery.core.errors import CommandError, UsageError
from rookery.core.log import get_log
from rookery.core.results import failed, result
from rookery.credentials.special import find_for_special_remote
from rookery.dataset import siblings as model
from rookery.dataset.hierarchy import datasets_below
from rookery.dataset.locate import require_dataset
from rookery.dataset.model import Dataset
from rookery.git import remotes
from rookery.git.refs import check_ref_format
from rookery.opkit.declare import Positional, Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import RecursionLimit, Recursive

log = get_log("rookery.siblings")

Mode = Literal["annex", "filetree", "annex-only", "filetree-only", "git-only"]
Existing = Literal["skip", "error", "reconfigure"]

MADE, MADE_STORAGE = "create_sibling_webdav", "create_sibling_webdav.storage"
AGAIN, AGAIN_STORAGE = "reconfigure_sibling_webdav", "reconfigure_sibling_webdav.storage"


class Plan(NamedTuple):
    """What is to be made; `storage` is None for history alone."""

    url: str
    name: str
    storage: str | None
    mode: Mode
    credential: str | None
    existing: Existing

    @property
    def names(self) -> list[str]:
        """The names that are looked for among the siblings that exist."""
        return [name for name in (self.name, self.storage) if name is not None]

    @property
    def exports(self) -> str:
        """Whether content lies there as files that people can read, as git-annex says it."""
        return "yes" if self.mode.startswith("filetree") else "no"


@operation(renderer="create_sibling_webdav")
def create_sibling_webdav(
    ctx: Context,
    url: Annotated[str, Positional("URL", help="where the dataset is to be on the server", required=True)],
    *,
    dataset: DatasetParameter = None,
    name: Annotated[
        str | None,
        option("-s", "--name", metavar="NAME", help="the sibling; the server's name unless given"),
    ] = None,
    storage_name: Annotated[
        str | None,
        option(
            "--storage-name",
            metavar="NAME",
            help="the sibling that has the content; the other's name with '-storage' unless given",
        ),
    ] = None,
    mode: Annotated[
        Mode,
        option(
            "--mode",
            help="what is made: siblings for the history and for all versions of the content (annex), or for one "
            "version as files that anybody can read (filetree); only the one for content (annex-only, filetree-only), "
            "or only the one for the history (git-only)",
        ),
    ] = "annex",
    credential: Annotated[
        str | None,
        option(
            "--credential",
            metavar="NAME",
            help="the credential to use, now and by the sibling later; without it, the one that fits the server and "
            "worked last",
        ),
    ] = None,
    existing: Annotated[
        Existing,
        option("--existing", help="what to do where a sibling of that name exists"),
    ] = "error",
    recursive: Recursive = False,
    recursion_limit: RecursionLimit = None,
) -> Iterator[Record]:
    """Make siblings on a WebDAV server, for a dataset's history and content.

    The history goes to a Git remote of type datalad-annex, the content to a
    special remote beside it; pushing to the first sends the content too.
    Subdatasets go to their paths below URL.

    The login is looked for in WEBDAV_USERNAME and WEBDAV_PASSWORD, among the
    credentials (see `credentials`), at Git's helpers; then it is asked for.  One
    that works is kept.  In a clone, enable the content's sibling with `siblings
    enable`: clones do not know the login.
    """
    ds = require_dataset(ctx, dataset, purpose="create WebDAV sibling(s)")
    parts = _checked(url)
    plan = _plan(parts, name, storage_name, mode, credential, existing)
    _check_names(ds, plan)
    places = list(datasets_below(ds, recursive=recursive, limit=recursion_limit))
    if existing == "error":
        conflicts = [_conflict(ds, one, known) for one in places for known in _known(one, plan)]
        yield from conflicts
        if conflicts:
            return
    access = find_for_special_remote(
        ctx, ds.config, {"type": "webdav", "url": plan.url}, name=plan.credential
    )
    for one in places:
        yield from _made(one, ds, _at(plan, ds, one), access.env)
    access.keep()


def _checked(url: str) -> SplitResult:
    """Read the address of the server.  Raises UsageError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"{url!r} is not the URL of a WebDAV server", hints=["it begins with https:// or http://"]
        )
    if "@" in parts.netloc:
        raise UsageError(
            "the URL has a login in it, which everybody would read in the configuration",
            hints=["keep it as a credential and name that: rookery credentials set NAME user=USER"],
        )
    if parts.query or parts.fragment:
        raise UsageError(f"{url!r} has a '?' or '#' in it, so it names no folder")
    if parts.scheme == "http":
        log.warning("http:// sends the login unencrypted over the network; use https:// if the server has it")
    return parts


def _plan(
    url: SplitResult,
    name: str | None,
    storage: str | None,
    mode: Mode,
    credential: str | None,
    existing: Existing,
) -> Plan:
    name = name or str(url.hostname)
    if mode == "git-only":
        if storage:
            log.warning("--storage-name is of no use in mode git-only, which makes no sibling for content")
        storage = None
    else:
        storage = storage or f"{name}-storage"
    if storage == name:
        raise UsageError(
            f"sibling names must not be equal: {name!r}", hints=["name the second: --storage-name NAME"]
        )
    return Plan(url.geturl(), name, storage, mode, credential, existing)


def _check_names(ds: Dataset, plan: Plan) -> None:
    for name in plan.names:
        if name.startswith("-") or not check_ref_format(ds.repo, f"refs/remotes/{name}/x"):
            raise UsageError(f"{name!r} cannot be the name of a sibling")


def _at(plan: Plan, top: Dataset, ds: Dataset) -> Plan:
    """Give the plan for a dataset below: its path below the address."""
    if ds.path == top.path:
        return plan
    return plan._replace(url=f"{plan.url.rstrip('/')}/{quote(str(top.relative(ds.path)))}")


def _known(ds: Dataset, plan: Plan) -> list[str]:
    """Give those of the names that are siblings already, or special remotes that are not enabled here."""
    known = set(model.names(ds))
    if identity.is_annex(ds.repo):
        known |= {one.name for one in annex_remotes.special(ds.repo).values()}
    return [name for name in plan.names if name in known]


def _record(top: Dataset, ds: Dataset, action: str, status: Any, name: str, **more: Any) -> Record:
    return result(action, ds.path, status, type="sibling", refds=top.path, name=name, **more)


def _conflict(top: Dataset, ds: Dataset, name: str) -> Record:
    why = ("a sibling %r is already configured in dataset %r", name, str(ds.path))
    hints = ["choose another name with -s, or what to do with the one that is there: --existing"]
    return _record(top, ds, MADE, "error", name, message=why, hints=hints)


def _made(ds: Dataset, top: Dataset, plan: Plan, env: Mapping[str, str]) -> Iterator[Record]:
    """Make what the plan wants in one dataset: content first, because the history's sibling depends on it."""
    known = _known(ds, plan)
    try:
        if plan.storage is not None:
            record = _storage(ds, top, plan, env, known=plan.storage in known)
            yield record
            if failed(record):
                return
        if not plan.mode.endswith("-only") or plan.mode == "git-only":
            yield _history(ds, top, plan, known=plan.name in known)
    except CommandError as e:
        yield _record(top, ds, MADE, "error", plan.name, message=e.stderr.strip() or str(e), exception=e)
    finally:
        ds.forget()


def _skipped(top: Dataset, ds: Dataset, action: str, what: str, name: str) -> Record:
    why = ("skipped creating %r sibling %r, already exists", what, name)
    return _record(top, ds, action, "notneeded", name, message=why)


def _storage(ds: Dataset, top: Dataset, plan: Plan, env: Mapping[str, str], *, known: bool) -> Record:
    """Make or set again the special remote for content."""
    name = str(plan.storage)
    if known and plan.existing == "skip":
        return _skipped(top, ds, MADE_STORAGE, "storage", name)
    action = AGAIN_STORAGE if known else MADE_STORAGE
    if not identity.is_annex(ds.repo):
        why = "a plain Git repository has no content to store"
        return _record(top, ds, action, "impossible", name, message=why, hints=["use --mode git-only"])
    settings = {"type": "webdav", "url": plan.url, "exporttree": plan.exports, "encryption": "none"}
    repo = ds.repo.with_env(**env)
    try:
        # Not enabled in clones by itself: that would fail, as a clone does not know the login (datalad#6634).
        if known:
            annex_remotes.enable(repo, name, settings)
        else:
            annex_remotes.initialize(repo, name, settings)
    except CommandError as e:
        why = e.stderr.strip() or str(e)
        return _record(top, ds, action, "error", name, url=plan.url, message=why, exception=e)
    return _record(top, ds, action, "ok", name, url=plan.url)


def _history(ds: Dataset, top: Dataset, plan: Plan, *, known: bool) -> Record:
    """Make or set again the Git remote for the history."""
    if known and plan.existing == "skip":
        return _skipped(top, ds, MADE, "git", plan.name)
    repo, name = ds.repo, plan.name
    if name not in model.names(ds):
        remotes.add_remote(repo, name, address(plan))
    else:
        remotes.configure(repo, name, "url", address(plan))
        remotes.configure(repo, name, "fetch", f"+refs/heads/*:refs/remotes/{name}/*")
    # It has no annex: the content's sibling is beside it, and git-annex need not go and look.
    remotes.configure(repo, name, "annex-ignore", "true")
    if plan.storage is not None:
        remotes.configure(repo, name, "datalad-publish-depends", plan.storage)
    ds.forget()
    return next(model.query(ds, refds=top.path, name=name, action=AGAIN if known else MADE))


def address(plan: Plan) -> str:
    """Give the URL under which Git reaches the history, as DataLad spells it."""
    url = f"datalad-annex::?type=webdav&encryption=none&exporttree={plan.exports}&url={quote(plan.url)}"
    return f"{url}&dlacredential={quote(plan.credential)}" if plan.credential else url
