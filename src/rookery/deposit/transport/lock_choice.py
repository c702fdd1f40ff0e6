"""Which lock a special remote can have, by its parameters."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from rookery.core import s3address
from rookery.core.log import get_log
from rookery.core.process import Runner
from rookery.core.sigv4 import Signer
from rookery.core.webrequest import Login
from rookery.deposit.transport.lock_refusal import CannotLock
from rookery.deposit.transport.lock_s3 import NAME, S3Cell
from rookery.deposit.transport.lock_ssh import SshCell, far
from rookery.deposit.transport.lock_webdav import FOLDER, WebDavCell
from rookery.deposit.transport.locks import Exclusive, FolderCell, Lease

log = get_log("rookery.deposit")


def lock_for(
    parameters: Mapping[str, str], *, runner: Runner, login: Login | None, clock: Callable[[], float]
) -> Exclusive | None:
    """Give the lock of a special remote; None for types without one, and servers that cannot lock.

    Servers are tried out at once, which writes a little.  Raises Unreadable.
    """
    env = runner.env
    kind = parameters.get("type", "").lower()
    if kind == "directory" and parameters.get("directory"):
        return Lease(FolderCell(Path(parameters["directory"]) / FOLDER))
    where = parameters.get("rsyncurl", "")
    if kind == "rsync" and os.path.isabs(where):
        return Lease(FolderCell(Path(where) / FOLDER))
    cell: WebDavCell | S3Cell | SshCell
    if kind == "webdav" and parameters.get("url"):
        cell = WebDavCell(env, f"{parameters['url'].rstrip('/')}/{FOLDER}", login)
    elif kind == "s3" and login is not None:
        token = env.get("AWS_SESSION_TOKEN")
        signer = Signer(login.user, login.password, s3address.region(parameters), token)
        name = quote(parameters.get("fileprefix", "") + NAME)
        cell = S3Cell(env, f"{s3address.bucket(parameters)}/{name}", signer, clock)
    elif kind == "rsync" and (place := far(where)) is not None:
        cell = SshCell(runner, place, FOLDER)
    else:
        return None
    try:
        cell.try_out()
    except CannotLock as e:
        log.info("%s", e.message)
        return None
    return Lease(cell)
