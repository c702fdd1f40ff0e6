"""`deposit`: look after a deposit, a repository inside a special remote."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Literal

from rookery.core.context import Context
from rookery.core.errors import NoDatasetFound, UsageError
from rookery.core.results import result
from rookery.dataset.locate import find_dataset
from rookery.deposit import mending
from rookery.deposit.opening import Opened, open_deposit
from rookery.deposit.terms import url as grammar
from rookery.deposit.transport import stores
from rookery.deposit.upkeep import Fact, Finding, Verdict
from rookery.git.repo import Repo, open_repo
from rookery.opkit.declare import Positional, Record, operation
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.steps.depositing import surroundings

Action = Literal["status", "verify", "repair", "compact"]


@operation(renderer="deposit")
def deposit(
    ctx: Context,
    action: Annotated[
        Action,
        Positional("{status|verify|repair|compact}", help="what to do with the deposit", required=True),
    ],
    url: Annotated[
        str, Positional("URL", help="a datalad-annex:: URL, or the sibling that has one", required=True)
    ],
    *,
    dataset: DatasetParameter = None,
) -> Iterator[Record]:
    """Look after a deposit: a repository that is kept inside a special remote.

    `status` says what is in it and costs next to nothing; `verify` reads all of it
    and looks whether everything that the refs lead to is there, as it was stored.
    `repair` replaces what is missing or torn, out of the clone that one stands in
    (or that `-d` names), and `compact` puts all history into as few parts as can be, and removes
    what nothing has named for two weeks.
    """
    ds = find_dataset(ctx, dataset)
    repo = None if ds is None else open_repo(ds.path, ctx.runner)
    if action == "repair" and repo is None:
        raise NoDatasetFound("a deposit is repaired from a clone of it", hints=["stand in one, or use -d"])
    where = _url_of(repo, url)
    with ExitStack() as stack:
        place = ds.path if ds else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        opened = open_deposit(grammar.parse(where), repo, place, surroundings(ctx, lambda _: None))
        stack.enter_context(opened.working())
        common = {"path": ds.path if ds else ctx.cwd, "type": "deposit", "url": where}
        for found in _done(action, opened, repo, where):
            yield _record(action, found, common)
        opened.way.keep()


def _url_of(repo: Repo | None, typed: str) -> str:
    if typed.startswith(grammar.PREFIX):
        return typed
    named = repo.text("config", "--get", f"remote.{typed}.url", ok=(0, 1)) if repo else ""
    if named.startswith(grammar.PREFIX):
        return named
    raise UsageError(
        f"'{typed}' is neither a {grammar.PREFIX} URL nor a sibling that has one",
        hints=["see: git remote -v"],
    )


def _done(action: Action, opened: Opened, repo: Repo | None, where: str) -> Iterator[Fact | Finding]:
    store = stores.store_for(grammar.parse(where), opened.annex)
    if action == "status":
        yield from mending.status(opened.deposit, store)
    elif action == "verify":
        yield from mending.verify(opened.deposit, store)
    elif action == "compact":
        yield from mending.compact(opened.deposit)
    elif repo is not None:
        yield from mending.repair(opened.deposit, store, repo)


def _record(action: Action, found: Fact | Finding, common: dict[str, Any]) -> Record:
    named = f"deposit-{action}"
    if isinstance(found, Fact):
        return result(named, status="ok", **common, name=found.name, value=found.value)
    bad = found.verdict is Verdict.BAD and action == "verify"
    return result(
        named,
        status="error" if bad else "ok",
        **common,
        name=found.name,
        verdict=found.verdict.value,
        message=found.message or None,
    )
