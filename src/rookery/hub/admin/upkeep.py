"""What a hub does for itself from time to time: forgets what has expired, and lets Git tidy up."""

from __future__ import annotations

from rookery.core.errors import RookeryError
from rookery.core.log import get_log
from rookery.hub.admin.everything import repositories
from rookery.hub.opening import Opened

log = get_log("rookery.hub")

EVERY_SECONDS = 3600.0

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


def tidy(opened: Opened) -> None:
    """Do it once.  What goes wrong in one repository is logged, and the next one has its turn."""
    limits, now = opened.settings.limits, opened.hub.clock()
    with opened.database.writing() as work:
        work.locks.sweep()
        work.sessions.sweep(now)
    for repository in repositories(opened):
        try:
            opened.objects.sweep(repository.id, older_than=now - limits.unfinished)
            opened.histories.open(repository.id).run(*_GC, "gc", "--auto", "--quiet")
        except (OSError, RookeryError) as e:
            log.warning("%s could not be tidied up: %s", repository.path, e)
