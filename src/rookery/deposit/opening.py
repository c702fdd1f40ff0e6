"""Opening a deposit: from an address to all the parts that work together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from rookery.core import files
from rookery.core.process import Runner
from rookery.deposit.protocol.ledger import writer_of
from rookery.deposit.talk.mirror import Mirror, lender_of
from rookery.deposit.terms.url import Address
from rookery.deposit.transport import logins, stores
from rookery.deposit.transport.annexstore import AnnexStore
from rookery.deposit.transport.lock_choice import lock_for
from rookery.deposit.transport.logins import Logins, Way
from rookery.deposit.whole import User, WholeDeposit
from rookery.git.repo import Repo

FOLDER = "dl-repoannex"


class Surroundings(NamedTuple):
    """What a deposit needs of the world: programs, a clock, a way to wait, the machine's name, logins, an ear."""

    runner: Runner
    clock: Callable[[], float]
    pause: Callable[[float], None]
    machine: str
    find_login: Logins
    say: Callable[[str], None]


class Opened(NamedTuple):
    """A deposit and what it is made of; `folder` is for one process at a time, which `working` sees to."""

    deposit: WholeDeposit
    mirror: Mirror
    annex: AnnexStore
    way: Way
    folder: Path

    @contextmanager
    def working(self) -> Iterator[None]:
        """Keep all others out of the folder, and leave nothing that still runs in it."""
        with files.locked(self.folder / "lock"):
            try:
                yield
            finally:
                self.annex.rest()


def open_deposit(address: Address, repo: Repo | None, place: Path, around: Surroundings) -> Opened:
    """Open a deposit for a repository, or for nobody: then `place` is a folder that is going to be removed.

    Raises UsageError, and what finding a login raises.
    """
    folder = (repo.commondir if repo else place) / FOLDER / address.name
    folder.mkdir(parents=True, exist_ok=True)
    way = logins.way(address, around.find_login)
    runner = around.runner.with_env({**way.env, "GIT_NO_LAZY_FETCH": "1"})
    mirror = Mirror(folder / "mirror", lender_of(repo) if repo else None, runner)
    helped = address.read_only and bool(way.env)
    annex = stores.annex_store(address, folder / "annex", runner, helped=helped)
    writer = writer_of(folder, f"{around.machine}:{folder}")

    deposit = WholeDeposit(
        stores.store_for(address, annex),
        address,
        mirror,
        folder,
        runner,
        user=User(repo, writer, around.clock, around.pause, around.say),
        find_lock=lambda: lock_for(
            address.settings,
            runner=runner,
            login=logins.login_in(address, runner.env),
            clock=around.clock,
        ),
    )
    return Opened(deposit, mirror, annex, way, folder)
