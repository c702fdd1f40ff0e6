"""What a hub does for itself from time to time: forgets what has expired, and lets Git tidy up."""

from __future__ import annotations

from rookery.core.errors import RookeryError
from rookery.core.log import get_log
from rookery.hub.admin.everything import repositories
from rookery.hub.opening import Opened

log = get_log("rookery.hub")

EVERY_SECONDS = 3600.0

# How soon what was pushed is found by more than its name.
SEARCH_SECONDS = 2.0

# Objects that nothing leads to are kept as long as the reflog does not forget what a forced push replaced: for ever.
_GC = (
    "-c",
    "gc.auto=6700",
    "-c",
    "gc.autoDetach=false",
    "-c",
    "gc.reflogExpire=never",
    "-c",
    "gc.reflogExpireUnreachable=never",
)


def read_for_search(opened: Opened) -> bool:
    """Read one repository that changed, for the search; say whether there was one.  Logs what goes wrong."""
    try:
        return bool(opened.hub.search.catch_up(most=1))
    except Exception:  # the mark stays in the database, and the next round tries again
        log.exception("the search could not be kept up to date")
        return False


def tidy(opened: Opened) -> None:
    """Do it once.  What goes wrong in one repository is logged, and the next one has its turn."""
    limits, now = opened.settings.limits, opened.hub.clock()
    with opened.database.writing() as work:
        work.locks.sweep()
        work.sessions.sweep(now)
    opened.hub.forks.go_on()
    opened.hub.merging.settle_all()
    opened.hub.webhooks.forget_old()
    try:
        opened.objects.sweep_removed()
    except (OSError, RookeryError) as e:
        log.warning("contents of removed repositories are still there: %s", e)
    for repository in repositories(opened):
        try:
            opened.objects.sweep(repository.id, older_than=now - limits.unfinished)
            opened.histories.open(repository.id).run(*_GC, "gc", "--auto", "--quiet")
        except (OSError, RookeryError) as e:
            log.warning("%s could not be tidied up: %s", repository.path, e)
