"""One git-annex process that carries any number of objects, both ways.

`git annex transferrer` does for each line what `transferkey` does for its one key: no
questions first, whatever the location log says.  (The batch modes of `get` and `copy`
ask the log, and remember it: with 10.20261026 the second upload of a key that has changed
is left out in silence.)  What it speaks is internal to git-annex, and is known from
watching that version:

    we      d rREMOTE KEY            download; `u` for upload; the line ends with a space (no file's name)
    it      opb, op N, ops N, ope    progress
    it      om TEXT, oe TEXT         words for people, backslashes for line breaks
    it      t | f                    done, or not

Any other answer, or none, and it is not used again: `transferkey` is started for
each object then, as for each one that was refused, since that says why.
"""

from __future__ import annotations

import weakref
from contextlib import ExitStack

from rookery.annex import program
from rookery.core.errors import CommandError
from rookery.core.process import Batch, encode
from rookery.git.repo import Repo

DONE, REFUSED = b"t", b"f"
MEANWHILE = (b"om ", b"oe ", b"op ", b"ops ")
MARKS = (b"opb", b"ope")


class _Unheard(Exception):
    """The conversation went another way than is known."""


class Carrier:
    """Carries objects between an annex and one of its remotes; `rest` ends the processes that it has started.

    For one thread, and to be used while nobody else works in the annex.  Processes that are
    forgotten end with the object.
    """

    def __init__(self, repo: Repo, remote: str) -> None:
        self._repo = repo
        self._remote = remote
        self._running: dict[str, Batch] = {}
        self._stack = ExitStack()
        self._understood = True
        weakref.finalize(self, self._stack.close)

    def rest(self) -> None:
        """End the processes; the next object starts one anew."""
        self._running.clear()
        self._stack.close()

    def bring(self, key: str) -> bool:
        """Bring an object into the annex; False: it did not come, and only `transferkey` says why."""
        return self._carried("d", key)

    def send(self, key: str) -> bool:
        """Carry an object over, replacing what is there; False: it was not taken, as above."""
        return self._carried("u", key)

    def finds(self, key: str) -> bool:
        """Say whether an object is certainly there; False: it may be absent, or nobody can tell."""
        try:
            return self._process("checkpresentkey", "--batch", self._remote).ask(encode(key)) == b"1"
        except CommandError:
            self.rest()
            return False

    def register(self, key: str, url: str) -> None:
        """Say at which address an object is, for a remote of type web.  Raises CommandError."""
        told = self._process("registerurl", "--batch", "--json", "--json-error-messages")
        answer = told.ask(encode(f"{key} {url}"))
        if b'"success":true' not in answer:
            raise CommandError(
                list(told.argv), code=1, stderr=answer.decode("utf-8", "replace"), cwd=str(self._repo.root)
            )

    def _carried(self, direction: str, key: str) -> bool:
        if not self._understood:
            return False
        try:
            talk = self._process("transferrer")
            talk.send(encode(f"{direction} r{self._remote} {key} \n"))
            while (answer := talk.line()) not in (DONE, REFUSED):
                if answer not in MARKS and not answer.startswith(MEANWHILE):
                    raise _Unheard(answer)
        except (CommandError, _Unheard):
            self._understood = False
            self.rest()
            return False
        return answer == DONE

    def _process(self, *arguments: str) -> Batch:
        command = arguments[0]
        if command not in self._running:
            line = program.argv(command, arguments[1:])
            self._running[command] = self._stack.enter_context(
                self._repo.runner.batch(line, cwd=self._repo.root)
            )
        return self._running[command]
