"""All services together, as faces get them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rookery.core.log import get_log
from rookery.hub.domain.limits import Limits
from rookery.hub.domain.ports.database import Database
from rookery.hub.domain.ports.histories import Histories
from rookery.hub.domain.ports.objects import Objects
from rookery.hub.services import outward
from rookery.hub.services.accounts import AccountService
from rookery.hub.services.administration import AdministrationService
from rookery.hub.services.archives import ArchiveService
from rookery.hub.services.browsing import BrowsingService
from rookery.hub.services.changes import ChangeService
from rookery.hub.services.contents import ContentService
from rookery.hub.services.forking import ForkService
from rookery.hub.services.gate import Gate
from rookery.hub.services.history import HistoryService
from rookery.hub.services.identity import Identity
from rookery.hub.services.issues import IssueService
from rookery.hub.services.last_copy import LastCopy
from rookery.hub.services.lineage import LineageService
from rookery.hub.services.merging import MergeService
from rookery.hub.services.nesting import Nesting
from rookery.hub.services.noticing import NoticeService
from rookery.hub.services.organisations import OrganisationService
from rookery.hub.services.own_contents import OwnContents
from rookery.hub.services.passwords import Passwords
from rookery.hub.services.pulls import PullService
from rookery.hub.services.pushes import Pushes
from rookery.hub.services.references import References
from rookery.hub.services.repositories import RepositoryService
from rookery.hub.services.runs import RunService
from rookery.hub.services.searching import SearchService
from rookery.hub.services.sharing import Sharing
from rookery.hub.services.small_contents import SmallContents
from rookery.hub.services.summaries import SummaryService
from rookery.hub.services.telling import Telling
from rookery.hub.services.uploads import UploadService
from rookery.hub.services.webhooks import WebhookService

log = get_log("rookery.hub")


@dataclass(frozen=True)
class Talk:
    """What people say to each other and do together."""

    forks: ForkService
    issues: IssueService
    pulls: PullService
    merging: MergeService
    notices: NoticeService
    references: References
    webhooks: WebhookService


@dataclass(frozen=True, kw_only=True)
class Hub(Talk):
    """The services, made of what is stored; `clock` gives seconds since 1970."""

    gate: Gate
    identity: Identity
    accounts: AccountService
    repositories: RepositoryService
    contents: ContentService
    small: SmallContents
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
    lineage: LineageService
    histories: Histories
    limits: Limits
    clock: Callable[[], float]


def make_hub(
    database: Database,
    histories: Histories,
    objects: Objects,
    limits: Limits,
    clock: Callable[[], float],
    *,
    home: str = "",
) -> Hub:
    """Put the services together; `home` is what the hub's addresses begin with, for messages that leave it."""
    gate = Gate(database, Nesting(histories))
    browsing = BrowsingService(histories, gate)
    contents = ContentService(database, objects, gate, LastCopy(histories), limits, clock)
    passwords, own = Passwords(clock), OwnContents(database, objects)
    runs = RunService(own)
    sharing, telling = Sharing(database, objects, clock), Telling(gate, home, clock)
    pulls = PullService(database, histories, sharing, gate, telling, clock)
    pushes = Pushes(database, histories, pulls, telling, log.warning)
    talk = Talk(
        ForkService(database, histories, sharing, gate, telling, clock),
        IssueService(database, gate, telling, clock),
        pulls,
        MergeService(database, histories, sharing, gate, pulls, pushes, limits, clock),
        NoticeService(database, gate, clock),
        References(histories),
        WebhookService(database, gate, outward.send, limits, home, clock),
    )
    return Hub(
        **vars(talk),
        gate=gate,
        identity=Identity(database, passwords, limits, clock),
        accounts=AccountService(database, gate, passwords, limits, clock),
        repositories=RepositoryService(database, histories, gate, clock),
        contents=contents,
        small=SmallContents(database, objects, gate, limits, clock),
        history=HistoryService(database, histories, gate, pushes, limits, clock),
        browsing=browsing,
        archives=ArchiveService(browsing, contents),
        organisations=OrganisationService(database, gate, clock),
        runs=runs,
        changes=ChangeService(contents),
        summaries=SummaryService(contents, runs),
        uploads=UploadService(database, histories, gate, contents, pushes, clock),
        administration=AdministrationService(database, objects, gate, clock),
        search=SearchService(database, histories, gate, runs, own, clock),
        lineage=LineageService(runs),
        histories=histories,
        limits=limits,
        clock=clock,
    )
