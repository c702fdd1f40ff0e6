"""A second opinion where git-annex says that something is not there.

For most types that word can be trusted, and trouble is told apart (exit code 100).
For rsync it takes every failure of the program, and over HTTP every answer
but success, for absence; a push that believed it would erase the branches that
it did not see.
"""

from __future__ import annotations

from rookery.core.process import Runner
from rookery.deposit.terms import layout
from rookery.deposit.terms.store import Unreadable
from rookery.deposit.terms.url import Address

TIMEOUT = 60  # seconds without an answer
GONE = (404, 410)
# rsync's exit code when something could not be transferred, with its words for a file that is not there.
PARTIAL = 23
NO_FILE = b"No such file or directory (2)"


def is_asked_first(address: Address) -> bool:
    """Say whether git-annex need not be asked at all: what is said here is the better answer, and the quicker one."""
    return address.type == "rsync" and not address.encrypted


def is_certain(address: Address, name: str, runner: Runner) -> bool:
    """Say whether an object that git-annex did not find is really not there.  Raises Unreadable."""
    if address.encrypted:
        return address.type != "rsync" or _rsync_answers(address, runner)
    path = layout.path_of(name, exported=address.exported)
    if address.type == "rsync":
        return _rsync_misses(address, path, runner)
    if address.read_only:
        return _web_misses(f"{address.settings['url'].rstrip('/')}/{path}")
    return True


def _rsync_misses(address: Address, path: str, runner: Runner) -> bool:
    there = f"{address.settings['rsyncurl'].rstrip('/')}/{path}"
    answer = runner.run(["rsync", "--list-only", "--", there], cwd="/", ok=None)
    if answer.code == 0:
        return False
    if answer.code == PARTIAL and NO_FILE in answer.stderr:
        return True
    raise _unreadable(there, answer.stderr)


def _rsync_answers(address: Address, runner: Runner) -> bool:
    """Names of encrypted objects are git-annex's secret: at least the place must answer."""
    there = f"{address.settings['rsyncurl'].rstrip('/')}/"
    answer = runner.run(["rsync", "--list-only", "--", there], cwd="/", ok=None)
    if answer.code == 0 or (answer.code == PARTIAL and NO_FILE in answer.stderr):
        return True
    raise _unreadable(there, answer.stderr)


def _unreadable(there: str, said: bytes) -> Unreadable:
    words = " ".join(said.decode("utf-8", "replace").split())
    return Unreadable(
        f"{there} cannot be looked at: {words}",
        hints=["try again when it can be reached; nothing was changed"],
    )


def _web_misses(url: str) -> bool:
    import urllib.error  # start-up: wanted only where something was not found
    import urllib.request  # start-up: as above

    request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "rookery"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT):
            return False
    except urllib.error.HTTPError as e:
        if e.code in GONE:
            return True
        raise Unreadable(
            f"{url} could not be read: the server answers {e.code} {e.reason}",
            hints=["try again later; nothing was changed"],
        ) from e
    except OSError as e:
        raise Unreadable(
            f"{url} could not be read: {e}", hints=["look at the address, and at the network"]
        ) from e
