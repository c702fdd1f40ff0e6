"""All services together, as faces get them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rookery.hub.domain.limits import Limits
from rookery.hub.domain.ports.database import Database
from rookery.hub.domain.ports.histories import Histories
from rookery.hub.domain.ports.objects import Objects
from rookery.hub.services.accounts import AccountService
from rookery.hub.services.administration import AdministrationService
from rookery.hub.services.archives import ArchiveService
from rookery.hub.services.browsing import BrowsingService
from rookery.hub.services.changes import ChangeService
from rookery.hub.services.contents import ContentService
from rookery.hub.services.gate import Gate
from rookery.hub.services.history import HistoryService
from rookery.hub.services.identity import Identity
from rookery.hub.services.last_copy import LastCopy
from rookery.hub.services.nesting import Nesting
from rookery.hub.services.organisations import OrganisationService
from rookery.hub.services.passwords import Passwords
from rookery.hub.services.repositories import RepositoryService
from rookery.hub.services.runs import RunService
from rookery.hub.services.searching import SearchService
from rookery.hub.services.summaries import SummaryService
from rookery.hub.services.uploads import UploadService


class Hub(NamedTuple):
    """The services, made of what is stored; `clock` gives seconds since 1970."""

    gate: Gate
    identity: Identity
    accounts: AccountService
    repositories: RepositoryService
    contents: ContentService
    history: HistoryService
    browsing: BrowsingService
    archives: ArchiveService
    organisations: OrganisationService
    runs: RunService
    changes: ChangeService
    summaries: SummaryService
    uploads: UploadService
    administration: AdministrationService
    search: SearchService
    histories: Histories
    limits: Limits
    clock: Callable[[], float]


def make_hub(
    database: Database, histories: Histories, objects: Objects, limits: Limits, clock: Callable[[], float]
) -> Hub:
    """Put the services together."""
    gate = Gate(database, Nesting(histories))
    browsing = BrowsingService(histories, gate)
    contents = ContentService(database, objects, gate, LastCopy(histories), limits, clock)
    passwords = Passwords(clock)
    runs = RunService(database, objects)
    return Hub(
        gate,
        Identity(database, passwords, limits, clock),
        AccountService(database, gate, passwords, limits, clock),
        RepositoryService(database, histories, gate, clock),
        contents,
        HistoryService(database, histories, gate, limits, clock),
        browsing,
        ArchiveService(browsing, contents),
        OrganisationService(database, gate, clock),
        runs,
        ChangeService(contents),
        SummaryService(contents),
        UploadService(database, histories, gate, contents, clock),
        AdministrationService(database, objects, gate, clock),
        SearchService(database, histories, gate, runs, clock),
        histories,
        limits,
        clock,
    )
