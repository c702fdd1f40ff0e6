"""Opening a hub: what is stored, and the services on it.  The only module that sees both."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import NamedTuple

from rookery.core.environment import with_overrides
from rookery.core.errors import RookeryError
from rookery.core.process import Runner
from rookery.hub.domain.ports.objects import Objects
from rookery.hub.services.hub import Hub, make_hub
from rookery.hub.settings import Settings
from rookery.hub.storage import object_tables  # noqa: F401 - the tables must be known, whatever the store is
from rookery.hub.storage.database import SqlDatabase
from rookery.hub.storage.disk_histories import DiskHistories
from rookery.hub.storage.disk_objects import DiskObjects

# What Git is told on every call, whatever a repository's own file says: it came from somebody.
GIT_SETTINGS = (
    ("core.hooksPath", os.devnull),
    ("core.fsmonitor", "false"),
    ("core.logAllRefUpdates", "always"),  # what a forced push replaced can be found again
    ("gc.auto", "0"),
    ("receive.autogc", "false"),
    ("receive.hideRefs", "refs/pull"),  # what was proposed is the hub's to write
    ("safe.directory", "*"),
    ("protocol.allow", "never"),
    ("uploadpack.allowFilter", "true"),
    ("uploadpack.allowAnySHA1InWant", "false"),
    ("transfer.fsckObjects", "true"),
    # Old histories have these and do no harm; what does is refused.
    ("receive.fsck.zeroPaddedFilemode", "ignore"),
    ("receive.fsck.badTimezone", "ignore"),
    ("receive.fsck.missingSpaceBeforeDate", "ignore"),
    ("pack.threads", "1"),
    ("pack.windowMemory", "100m"),
)


class Opened(NamedTuple):
    """A hub whose data is open."""

    hub: Hub
    settings: Settings
    database: SqlDatabase
    objects: Objects
    histories: DiskHistories


def open_hub(settings: Settings, env: Mapping[str, str], clock: Callable[[], float]) -> Opened:
    """Open a hub's data, made if there is none yet, brought to this version if it is older."""
    settings.data.parent.mkdir(parents=True, exist_ok=True)
    settings.data.mkdir(mode=0o700, exist_ok=True)  # it holds what proves who people are
    settings.repositories.mkdir(exist_ok=True)
    database = SqlDatabase(settings.database, clock)
    database.migrate()
    histories = DiskHistories(settings.repositories, Runner(git_environment(settings, env)))
    objects = _objects(settings, database, clock)
    home = settings.url or f"http://{settings.http}"
    hub = make_hub(database, histories, objects, settings.limits, clock, home=home)
    return Opened(hub, settings, database, objects, histories)


def _objects(settings: Settings, database: SqlDatabase, clock: Callable[[], float]) -> Objects:
    if settings.content is None:
        return DiskObjects(settings.repositories)
    if find_spec("botocore") is None:
        raise RookeryError(
            "contents in an object store need more than is installed: botocore",
            hints=["pip install 'rookery[s3]'"],
        )
    from rookery.hub.storage.s3 import S3  # start-up: most hubs have their contents on disk
    from rookery.hub.storage.s3_objects import S3Objects  # start-up: the same

    return S3Objects(S3(settings.content), database, clock, links=settings.content.links)


def git_environment(settings: Settings, env: Mapping[str, str]) -> dict[str, str]:
    """Give the environment that Git runs in: nobody's home, nobody's settings but ours."""
    clean = {
        "PATH": env.get("PATH", os.defpath),
        "HOME": str(settings.data),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ATTR_NOSYSTEM": "1",
    }
    return with_overrides(clean, GIT_SETTINGS)
