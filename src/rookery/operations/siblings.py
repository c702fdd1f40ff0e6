"""`siblings`: list and edit the places a dataset is shared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

from rookery.annex import identity
from rookery.annex import remotes as annex_remotes
from rookery.annex.remotes import SpecialRemote
from rookery.core.context import Context
from rookery.core.errors import CommandError, InsufficientArgumentsError, RookeryError, UsageError
from rookery.core.results import result
from rookery.credentials.special import find_for_special_remote, needs_login
from rookery.dataset import siblings as model
from rookery.dataset import sources
from rookery.dataset.hierarchy import walk
from rookery.dataset.locate import require_dataset
from rookery.dataset.model import Dataset
from rookery.git import remotes
from rookery.opkit.declare import Positional, Record, Words, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import RecursionLimit, Recursive
from rookery.steps.sharing.sibling_settings import (
    Asked,
    ask_for_annex,
    inherited,
    make_common,
    write_lists,
    write_preferences,
)

Action = Literal["query", "add", "remove", "configure", "enable"]


@operation(renderer="siblings")
def siblings(
    ctx: Context,
    action: Annotated[Action, Positional("{query|add|remove|configure|enable}", help="what to do")] = "query",
    *,
    dataset: DatasetParameter = None,
    name: Annotated[
        str | None,
        option(
            "-s", "--name", metavar="NAME", help="the sibling; when adding, the machine's name unless given"
        ),
    ] = None,
    url: Annotated[
        str | None,
        option(
            "--url",
            metavar="URL",
            help="where the sibling is (a path works too); %NAME stands for the dataset's name. With -r and no "
            "%NAME, subdatasets are expected below it",
        ),
    ] = None,
    pushurl: Annotated[
        str | None, option("--pushurl", metavar="URL", help="where to push to, if that is another place")
    ] = None,
    description: Annotated[
        str | None,
        option(
            "-D", "--description", metavar="TEXT", help="describe the place, for people who look for content"
        ),
    ] = None,
    fetch: Annotated[bool, option("--fetch", help="fetch from the sibling when it is configured")] = False,
    as_common_datasrc: Annotated[
        str | None,
        option(
            "--as-common-datasrc",
            metavar="NAME",
            help="make the sibling (with an http or https URL) a source of content for all clones, under this name",
        ),
    ] = None,
    publish_depends: Annotated[
        Words,
        option(
            "--publish-depends",
            metavar="SIBLING",
            append=True,
            help="push there before pushing to this one; may be given several times",
        ),
    ] = None,
    publish_by_default: Annotated[
        Words,
        option(
            "--publish-by-default",
            metavar="REFSPEC",
            append=True,
            help="what to push if nothing else is said; may be given several times",
        ),
    ] = None,
    annex_wanted: Annotated[
        str | None,
        option("--annex-wanted", metavar="EXPR", help="which content the sibling wants (git-annex wanted)"),
    ] = None,
    annex_required: Annotated[
        str | None,
        option(
            "--annex-required",
            metavar="EXPR",
            help="which content the sibling must keep (git-annex required)",
        ),
    ] = None,
    annex_group: Annotated[
        str | None,
        option("--annex-group", metavar="GROUP", help="put the sibling into a group (git-annex group)"),
    ] = None,
    annex_groupwanted: Annotated[
        str | None,
        option(
            "--annex-groupwanted",
            metavar="EXPR",
            help="which content that group wants (git-annex groupwanted)",
        ),
    ] = None,
    inherit: Annotated[
        bool,
        option(
            "--inherit", help="take settings that are not given from the superdataset's sibling of that name"
        ),
    ] = False,
    get_annex_info: Annotated[
        bool, option("--no-annex-info", help="show settings only, not what git-annex knows")
    ] = True,
    recursive: Recursive = False,
    recursion_limit: RecursionLimit = None,
) -> Iterator[Record]:
    """List the places a dataset is shared with, or add, configure, enable or remove one.

    A sibling is shown as `name(+)` when its annex is known, `name(-)` when it
    has none that could be used, `name(?)` when nobody has asked yet.
    """
    if action not in WORKERS:
        raise UsageError(f"unknown action {action!r}", hints=[f"choose one of {', '.join(WORKERS)}"])
    if annex_groupwanted and not annex_group:
        raise InsufficientArgumentsError("To set groupwanted, you need to provide annex_group option")
    ds = require_dataset(ctx, dataset, purpose="configure sibling")
    asked = Asked(
        name,
        url,
        pushurl,
        description,
        fetch,
        as_common_datasrc,
        list(publish_depends or []),
        list(publish_by_default or []),
        {
            "wanted": annex_wanted,
            "required": annex_required,
            "group": annex_group,
            "groupwanted": annex_groupwanted,
        },
        inherit,
        get_annex_info,
    )
    _check(action, asked)
    for one, its in _targets(ds, asked, recursive=recursive, limit=recursion_limit):
        yield from WORKERS[action](one, its, ds.path)


def _check(action: str, asked: Asked) -> None:
    """Raise for what cannot work in any dataset."""
    if action == "add":
        url = asked.url or asked.pushurl
        if url is None:
            raise InsufficientArgumentsError(
                "insufficient information to add a sibling (needs at least a dataset, and any URL)"
            )
        if not asked.name and not sources.host_of(url):
            raise InsufficientArgumentsError(
                f"cannot derive a default remote name from '{url}', please specify a name.",
                hints=["name it: rookery siblings add -s NAME --url URL"],
            )
        if asked.as_common_datasrc is not None and asked.as_common_datasrc == asked.name:
            raise RookeryError(
                f"Sibling name ({asked.name}) and common data source name ({asked.as_common_datasrc}) "
                "can not be identical."
            )
    elif action == "remove" and not asked.name:
        raise InsufficientArgumentsError("no sibling name given", hints=["rookery siblings remove -s NAME"])
    for url in (asked.url, asked.pushurl):
        if url is not None:
            sources.check(url)


def _targets(
    ds: Dataset, asked: Asked, *, recursive: bool, limit: int | None
) -> Iterator[tuple[Dataset, Asked]]:
    """Yield the dataset and those below it, each with its own URLs."""
    top = ds.path.name

    def named(url: str | None, name: str) -> str | None:
        return url.replace("%NAME", name.replace("/", "-")) if url else url

    yield ds, asked._replace(url=named(asked.url, top), pushurl=named(asked.pushurl, top))
    if not recursive:
        return
    mirrored = bool(asked.url) and "%NAME" not in str(asked.url)
    for one in walk(ds, recursive=True, limit=limit, state="present"):
        path = str(ds.relative(one.path))
        if mirrored:
            url: str | None = f"{str(asked.url).rstrip('/')}/{path}"
            pushurl = f"{asked.pushurl.rstrip('/')}/{path}" if asked.pushurl else None
        else:
            url, pushurl = named(asked.url, f"{top}/{path}"), named(asked.pushurl, f"{top}/{path}")
        yield Dataset(one.path, ds.ctx), asked._replace(url=url, pushurl=pushurl)


def _query(ds: Dataset, asked: Asked, refds: Any) -> Iterator[Record]:
    yield from model.query(ds, refds=refds, name=asked.name, annex_info=asked.annex_info)


def _add(ds: Dataset, asked: Asked, refds: Any) -> Iterator[Record]:
    url = asked.url or asked.pushurl
    assert url is not None
    name = asked.name or str(sources.host_of(url))
    if name in model.names(ds) or name == model.HERE:
        why = ("sibling is already known: %s, use `configure` instead?", name)
        yield result("add-sibling", ds.path, "error", type="sibling", refds=refds, name=name, message=why)
        return
    yield from _configured(ds, asked._replace(name=name, url=url), refds, "add-sibling")


def _configure(ds: Dataset, asked: Asked, refds: Any) -> Iterator[Record]:
    if asked.name is None:
        why = "need sibling `name` for configuration"
        record = result("configure-sibling", ds.path, "error", type="sibling", refds=refds, message=why)
        yield {**record, "name": None}
        return
    yield from _configured(ds, asked, refds, "configure-sibling")


def _configured(ds: Dataset, asked: Asked, refds: Any, action: str) -> Iterator[Record]:
    """Write all settings, ask the sibling whether it has an annex, and report what is known then."""
    name = str(asked.name)

    def failure(status: Any, why: Any, **more: Any) -> Record:
        return result(action, ds.path, status, type="sibling", refds=refds, name=name, message=why, **more)

    known = model.names(ds)
    refusal = _refusal(ds, asked, known)
    if refusal is not None:
        yield failure(*refusal)
        return
    annex = identity.is_annex(ds.repo)
    try:
        if name != model.HERE:
            yield from _remote_configured(ds, asked, known, refds)
            asked = inherited(ds, asked) if asked.inherit else asked
            write_lists(ds, asked)
            if annex:
                ask_for_annex(ds, name)
                if asked.as_common_datasrc and (why := make_common(ds, name, asked.as_common_datasrc)):
                    yield failure("impossible", why)
        if annex:
            write_preferences(ds, asked)
    except RookeryError as e:
        ds.forget()
        yield failure("error", str(e), exception=e, hints=e.hints or None)
        return
    ds.forget()
    yield from model.query(ds, refds=refds, name=name, annex_info=asked.annex_info, action=action)


def _refusal(ds: Dataset, asked: Asked, known: list[str]) -> tuple[Any, Any] | None:
    """Say why nothing can be configured: status and message, before anything is written."""
    if asked.name != model.HERE:
        unknown = set(asked.publish_depends) - set(known)
        if unknown:
            return "error", ("unknown sibling(s) specified as publication dependency: %s", unknown)
        if asked.name not in known and not asked.url:
            return "error", "unknown sibling name"
        if not _fits_as_name(ds, str(asked.name)):
            return "error", ("%s cannot be the name of a sibling", asked.name)
    if not identity.is_annex(ds.repo):
        if asked.description:
            return "impossible", "cannot set description of a plain Git repository"
        if any(asked.preferences.values()):
            return "impossible", "cannot set what git-annex should do in a plain Git repository"
    return None


def _fits_as_name(ds: Dataset, name: str) -> bool:
    from rookery.git.refs import check_ref_format  # start-up: only where something is written

    return not name.startswith("-") and check_ref_format(ds.repo, f"refs/remotes/{name}/x")


def _remote_configured(ds: Dataset, asked: Asked, known: list[str], refds: Any) -> Iterator[Record]:
    """Make or change the Git remote, and fetch from it if asked."""
    repo, name = ds.repo, str(asked.name)
    if name not in known:
        remotes.add_remote(repo, name, str(asked.url))
    elif asked.url:
        remotes.configure(repo, name, "url", asked.url)
    if name in known and not remotes.list_remotes(repo)[name].fetch:
        remotes.configure(repo, name, "fetch", f"+refs/heads/*:refs/remotes/{name}/*")
    if asked.pushurl:
        remotes.configure(repo, name, "pushurl", asked.pushurl)
        if identity.is_annex(repo):  # content goes the way of pushes, as in DataLad
            remotes.configure(repo, name, "annexurl", asked.pushurl)
    if asked.fetch:
        try:
            remotes.fetch(repo, name, options=["--quiet", "--prune", "--no-recurse-submodules"])
            yield result("update", ds.path, type="dataset", refds=refds)
        except CommandError as e:
            why = ("Fetch failed: %s", e)
            yield result("update", ds.path, "error", type="dataset", refds=refds, message=why, exception=e)


def _remove(ds: Dataset, asked: Asked, refds: Any) -> Iterator[Record]:
    name = str(asked.name)
    known = name in model.names(ds)
    if known:
        remotes.remove_remote(ds.repo, name)
        ds.forget()
    status: Any = "ok" if known else "notneeded"
    yield result("remove-sibling", ds.path, status, type="sibling", refds=refds, name=name)


def _enable(ds: Dataset, asked: Asked, refds: Any) -> Iterator[Record]:
    def record(status: Any, why: Any = None, **more: Any) -> Record:
        said = result("enable-sibling", ds.path, status, type="sibling", refds=refds, message=why, **more)
        return {**said, "name": asked.name}

    if not identity.is_annex(ds.repo):
        yield record("impossible", "cannot enable sibling of non-annex dataset")
        return
    if asked.name is None:
        yield record("error", "require `name` of sibling to enable")
        return
    special = {one.name: one for one in annex_remotes.special(ds.repo).values()}
    if asked.name not in special:
        hints = [f"known are: {', '.join(filter(None, special))}"] if special else None
        yield record("impossible", ("cannot enable sibling '%s', not known", asked.name), hints=hints)
        return
    try:
        _enabled(ds, special[asked.name])
    except CommandError as e:
        yield record("error", e.stderr.strip() or str(e), exception=e)
        return
    except RookeryError as e:
        yield record("error", e.message, exception=e, hints=e.hints or None)
        return
    ds.forget()
    if ds.config.get(f"remote.{asked.name}.annex-verified") == "manual":
        settings = special[asked.name].settings
        place = (
            settings.get("url") or settings.get("host") or settings.get("directory") or settings.get("type")
        )
        why = ("git-annex will use it when you have said that %s is a place that you expect", place)
        yield record("ok", why, hints=[f"say so: git annex verifyremote {asked.name} --safe 1"])
        return
    yield record("ok")


def _enabled(ds: Dataset, special: SpecialRemote) -> None:
    """Enable a special remote, with a login if it needs one.  Raises RookeryError."""
    if special.type != "webdav":  # many others that could have a login are public
        try:
            annex_remotes.enable(ds.repo, special.name)
            return
        except CommandError:
            if not needs_login(special.type):
                raise
    access = find_for_special_remote(ds.ctx, ds.config, special.settings)
    annex_remotes.enable(ds.repo.with_env(**access.env), special.name)
    access.keep()


WORKERS: dict[str, Callable[[Dataset, Asked, Any], Iterator[Record]]] = {
    "query": _query,
    "add": _add,
    "remove": _remove,
    "configure": _configure,
    "enable": _enable,
}
