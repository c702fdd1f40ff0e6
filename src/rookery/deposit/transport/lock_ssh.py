"""A cell in a folder on another machine, by its shell over ssh: as the cell of a folder here, one file for each value.

Only one can link a file to the next number.  Each step is a small POSIX script that the
shell there reads from its standard input, so nothing hangs on which shell it is that a person logs in
to.  Whoever may use rsync there only has no lock.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import NamedTuple

from rookery.core.process import Runner, encode
from rookery.deposit.terms.store import Unreadable
from rookery.deposit.transport.lock_refusal import CannotLock
from rookery.deposit.transport.locks import KEPT

MARK = "rookery-lock"  # begins the line of an answer: whatever else a login prints is not ours
# `[USER@]HOST:PATH`; neither a path here, nor a daemon (HOST::MODULE, rsync://HOST/MODULE), nor an option for ssh.
FAR = re.compile(r"(?P<host>[^-/:][^/:]*):(?P<path>(?!:).*)")
UNREACHED = 255  # ssh's own exit code

_NUMBERS = "ls | grep -E '^[0-9]+$' | sort -n"
# A number that was cleared away between the two commands means that there is a newer one.
_GET = f"""
cd {{folder}} 2>/dev/null || {{{{ echo '{MARK} none'; exit 0; }}}}
while n=$({_NUMBERS} | tail -n 1) && [ -n "$n" ]; do
    if value=$(cat "$n" 2>/dev/null && echo .); then echo "{MARK} $n"; printf '%s' "${{{{value%.}}}}"; exit 0; fi
done
echo '{MARK} none'
"""
# Without hard links the shell makes the file itself, if it is not there (`set -C`).
_SWAP = f"""
mkdir -p {{folder}} && cd {{folder}} || exit 3
made=no
printf '%s' {{content}} > {{draft}} || exit 3
if ln {{draft}} {{number}} 2>/dev/null; then made=yes
elif [ ! -e {{number}} ] && (set -C; printf '%s' {{content}} > {{number}}) 2>/dev/null; then made=yes
fi
rm -f {{draft}}
if [ $made = yes ] && [ "$({_NUMBERS} | tail -n 1)" != {{number}} ]; then rm -f {{number}}; made=no; fi
if [ $made = yes ]; then {_NUMBERS} -r | tail -n +{KEPT + 2} | while read old; do rm -f "$old"; done; fi
echo "{MARK} $made"
"""


class Far(NamedTuple):
    """A folder on another machine, as rsync is told of it."""

    host: str
    path: str


def far(rsyncurl: str) -> Far | None:
    """Take apart where a special remote of type rsync is; None: not behind ssh."""
    found = FAR.fullmatch(rsyncurl)
    if found is None or rsyncurl.startswith("rsync://"):
        return None
    # ssh begins in the home of who logs in.
    return Far(found["host"], found["path"].removeprefix("~/") or ".")


class SshCell:
    """One small object in a folder of its own, `name`, that is replaced only if nobody else has done so."""

    def __init__(self, runner: Runner, place: Far, name: str) -> None:
        self._runner = runner
        self._place = place
        self._folder = shlex.quote(f"{place.path.rstrip('/')}/{name}")
        self._tried: list[tuple[bytes, str] | None] = []

    def try_out(self) -> None:
        """See that a shell is there; what it says is the next answer of `get`.  Raises CannotLock, Unreadable."""
        self._tried = [self.get()]

    def get(self) -> tuple[bytes, str] | None:
        """Give the newest value with its number.  Raises Unreadable, CannotLock."""
        if self._tried:
            return self._tried.pop()  # if it is old already, the swap will tell
        word, value = self._told(_GET.format(folder=self._folder))
        return (value, word) if word.isdecimal() else None

    def swap(self, content: bytes, *, tag: str | None) -> str | None:
        """Make the next number, if it is still free and nobody is further.  Raises Unreadable, CannotLock."""
        number = str(int(tag or 0) + 1)
        word, _ = self._told(
            _SWAP.format(
                folder=self._folder,
                content=shlex.quote(content.decode()),
                draft=f"draft-{os.urandom(8).hex()}",
                number=number,
            )
        )
        return number if word == "yes" else None

    def _told(self, script: str) -> tuple[str, bytes]:
        """Run a script there; give the word behind the mark, and all that follows that line."""
        shell = shlex.split(self._runner.env.get("RSYNC_RSH") or "ssh")
        answer = self._runner.run([*shell, self._place.host, "sh"], cwd="/", stdin=encode(script), ok=None)
        where = f"{self._place.host}:{self._place.path}"
        if answer.code == UNREACHED:
            raise Unreadable(
                f"the lock at {where}: {' '.join(answer.stderr.decode('utf-8', 'replace').split())}",
                hints=["try again when it can be reached; nothing was changed"],
            )
        if answer.code == 3:
            raise Unreadable(
                f"this login may not write at {where}: {' '.join(answer.stderr.decode('utf-8', 'replace').split())}",
                hints=["push with a login that may"],
            )
        found = re.search(rf"^{MARK} (\w+)\n".encode(), answer.stdout, re.MULTILINE)
        if answer.code or found is None:
            raise CannotLock(where, "there is no shell for this login")
        return found[1].decode(), answer.stdout[found.end() :]
