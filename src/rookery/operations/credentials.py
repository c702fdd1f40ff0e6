"""`credentials`: list, show, keep and forget names and secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from rookery.core.config import Config
from rookery.core.context import Context
from rookery.core.errors import InsufficientArgumentsError, RookeryError, UsageError
from rookery.core.results import result
from rookery.credentials.credential import Credential, CredentialError, checked_name, checked_property
from rookery.credentials.store import SECRET, Store
from rookery.dataset.locate import require_dataset
from rookery.opkit.declare import Many, Positional, Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter

Action = Literal["query", "get", "set", "remove"]
Properties = dict[str, str | None]

FROM_INPUT = "-"


@operation(renderer="credentials", summary="never")
def credentials(
    ctx: Context,
    action: Annotated[
        Action, Positional("{query,get,set,remove}", help="what to do; without it, list what is known")
    ] = "query",
    spec: Annotated[
        Many,
        Positional(
            "[NAME] [:]PROPERTY[=VALUE]",
            help="a credential's name (not for query) and its properties; ':PROPERTY' takes one away (set), or asks "
            "for it (get with --prompt); 'secret=-' reads the secret from standard input",
        ),
    ] = None,
    *,
    name: str | None = None,
    prompt: Annotated[
        str | None,
        option("--prompt", metavar="TEXT", help="get: ask for what is missing, and say this before"),
    ] = None,
    show_secret: Annotated[
        bool, option("--show-secret", help="get: show the secret too; it is shown nowhere else")
    ] = False,
    dataset: DatasetParameter = None,
) -> Iterator[Record]:
    """List, show, keep and forget the names and secrets that servers want to know.

    A credential is a secret, with properties: `user`, `type`, `realm` (what a
    server says about who it wants to know), `last-used`, and any others.  The
    secret is kept in the machine's keyring, the rest in the user's Git
    configuration, both as DataLad keeps them.

    Without a secret on the command line, `set` asks for it.  What is typed
    there can be seen by others on the machine, so better let it ask, or read it
    from standard input.
    """
    name, properties = _understood(action, name, spec)
    if show_secret and action != "get":
        raise UsageError("--show-secret is for get alone")
    if prompt is not None and action != "get":
        raise UsageError("--prompt is for get alone")
    config = ctx.settings.at(ctx.cwd) if dataset is None else _settings(ctx, dataset)
    store = Store(ctx, config)
    if action == "query":
        yield from _query(store, properties)
    elif action == "get":
        yield _get(ctx, store, name, properties, prompt, show_secret=show_secret)
    elif action == "set":
        yield _set(ctx, config, store, name, properties)
    else:
        yield _remove(store, name, properties)


def _settings(ctx: Context, dataset: Any) -> Config:
    return require_dataset(ctx, dataset, purpose="manage credentials").config


def _understood(action: str, name: str | None, spec: Any) -> tuple[str | None, Properties]:
    """Read a name and properties off the command line, or off what Python gives."""
    if isinstance(spec, Mapping):
        return name, {_key(key): None if key.startswith(":") else value for key, value in spec.items()}
    words = [spec] if isinstance(spec, str) else list(spec or ())
    if words and not name and action != "query" and _is_name(words[0]):
        name = str(words.pop(0))
    properties: Properties = {}
    for word in words:
        key, equals, value = word if isinstance(word, tuple) else str(word).partition("=")
        if bool(equals) == key.startswith(":"):
            raise UsageError(
                f"{word!r} is neither PROPERTY=VALUE nor :PROPERTY",
                hints=["a name comes first, and has no '='"] if action != "query" else (),
            )
        properties[_key(key)] = value if equals else None
    if action != "query" and not name and (action != "get" or not properties):
        raise InsufficientArgumentsError(
            "no credential is named", hints=[f"rookery credentials {action} NAME"]
        )
    return name if name is None else checked_name(name), properties


def _is_name(word: Any) -> bool:
    return isinstance(word, str) and not word.startswith(":") and "=" not in word


def _key(key: str) -> str:
    return checked_property(key.removeprefix(":"))


def _record(name: str | None, status: Any = "ok", **more: Any) -> Record:
    record = result("credentials", "", status, **more)
    del record["path"]  # as in DataLad: what belongs to a person is nowhere
    return {**record, "name": name}


def _shown(credential: Credential) -> dict[str, Any]:
    return {"secret_known": True, **{f"cred_{key}": value for key, value in credential.properties.items()}}


def _query(store: Store, wanted: Properties) -> Iterator[Record]:
    for name in store.names():
        properties = store.properties(name)
        if all(properties.get(key) == value for key, value in wanted.items()):
            known = store.get(name)
            properties.pop(SECRET, None)
            about = known or Credential("", properties, name)
            yield _record(name, type="credential", **{**_shown(about), "secret_known": known is not None})


def _get(
    ctx: Context, store: Store, name: str | None, wanted: Properties, prompt: str | None, *, show_secret: bool
) -> Record:
    """Show a credential as it would be with these properties; nothing is written."""
    kind = wanted.get("type")
    kept = store.get(name, kind) if name else None
    properties = dict(kept.properties) if kept else store.properties(name) if name else {}
    given = {key: value for key, value in wanted.items() if value is not None}
    secret = given.pop(SECRET, None) or (kept.secret if kept else None)
    properties.update(given)
    if prompt is not None and ctx.interactive:
        before = f"{prompt}\n"
        for key in (key for key in wanted if key not in properties and key != SECRET):
            if answer := ctx.ask(f"{before}{key}", False):
                properties[key] = answer
            before = ""
        secret = secret or ctx.ask(f"{before}secret", True)
    if not secret:
        hints = [f"keep it: rookery credentials set {name or 'NAME'}"]
        return _record(name, "error", message="credential not found", hints=hints)
    more = {"cred_secret": secret} if show_secret else {}
    return _record(name, **_shown(Credential(secret, properties, name)), **more)


def _set(ctx: Context, config: Config, store: Store, name: str | None, properties: Properties) -> Record:
    assert name is not None
    secret = properties.pop(SECRET, None)
    try:
        if secret == FROM_INPUT:
            secret = ctx.read_input().decode().partition("\n")[0].rstrip("\r")
        if not secret:
            secret = store.secret(name, properties.get("type")) or _typed(ctx, config, name)
        updated = store.set(name, properties, secret)
    except RookeryError as e:
        return _record(name, "error", message=e.message, exception=e, hints=e.hints or None)
    stored = updated.pop(SECRET, None) is not None
    changed = {f"cred_{key}": value for key, value in updated.items()}
    record = _record(
        name, "ok" if stored or updated else "notneeded", secret_known=True, secret_stored=stored
    )
    return {**record, **changed}


def _typed(ctx: Context, config: Config, name: str) -> str:
    """Ask for a secret, twice if the settings want that.  Raises CredentialError."""
    hidden = config.getbool("datalad.credentials.hidden-secret-entry", True)
    first = ctx.ask(f"secret of {name}", hidden) if ctx.interactive else None
    if not first:
        raise CredentialError(
            f"credential {name!r} has no secret yet, and none was given",
            hints=[f"hand it over on standard input: rookery credentials set {name} secret=-"],
        )
    again = config.getbool("datalad.credentials.repeat-secret-entry", True)
    if again and ctx.ask("once more", hidden) != first:
        raise CredentialError("the two secrets are not the same", hints=["nothing was kept; try again"])
    return first


def _remove(store: Store, name: str | None, properties: Properties) -> Record:
    assert name is not None
    try:
        removed = store.remove(name, properties.get("type"))
    except RookeryError as e:
        return _record(name, "error", message=e.message, exception=e, hints=e.hints or None)
    return _record(name, "ok" if removed else "notneeded")
