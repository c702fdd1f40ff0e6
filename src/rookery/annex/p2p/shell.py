"""The P2P protocol with `git-annex-shell p2pstdio`, through ssh.

ssh is started as Git starts it (GIT_SSH_COMMAND, core.sshCommand, GIT_SSH), with
the options that are set for git-annex.
"""

from __future__ import annotations

import fcntl
import os
import shlex
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

from rookery.annex.incoming.arrival import STEP, Arrival
from rookery.annex.nearby.content_locks import NotKept
from rookery.annex.nearby.placing import Unplaced
from rookery.annex.nearby.plain import Settings
from rookery.annex.p2p import messages as m
from rookery.annex.p2p.address import ShellAddress
from rookery.annex.p2p.peer import Content, Parcel, PeerLost
from rookery.core.errors import CommandError, LockedError
from rookery.core.process import Batch
from rookery.git.repo import Repo

# Questions that are under way at once.  Their lines fit into a pipe, so that none of both sides waits for the other.
WINDOW = 64

PIECE = 1 << 20


def command_line(
    address: ShellAddress, repo: Repo, settings: Settings, *, here: str, there: str
) -> list[str]:
    """Give what starts the other side.  Raises NotForUs."""
    env = repo.runner.env
    if env.get("GIT_SSH_VARIANT", "auto") not in ("auto", "ssh"):
        raise PeerLost("ssh is another program than OpenSSH")
    port = ["-p", str(address.port)] if address.port else []
    # The program is a setting of the user's and may be several words, for the shell on the other side to read.
    words = ["p2pstdio", address.path, here, "--uuid", there]
    command = " ".join([address.program, *map(shlex.quote, words)])
    arguments = [*address.options, *port, address.host, command]
    line = env.get("GIT_SSH_COMMAND") or settings.get("core.sshcommand")
    if line:
        return ["sh", "-c", f'{line} "$@"', line, *arguments]
    return [env.get("GIT_SSH") or "ssh", *arguments]


class ShellPeer:
    """A sibling at the other end of ssh.

    Small contents are asked for one behind the other without waiting for each;
    that the former ones have arrived is then said ahead, which nobody takes for
    a proof: the server only lets go of its lock.  What was wrong is not kept here.
    """

    def __init__(self, repo: Repo, argv: Sequence[str], uuid: str) -> None:
        """Connect.  Raises PeerLost, also if somebody else answers than expected."""
        self._held = ExitStack()
        try:
            batch = self._held.enter_context(repo.runner.batch(argv, cwd=repo.root))
        except CommandError as e:
            raise PeerLost(str(e)) from e
        try:
            self._wire = _Wire(batch)
            self._wire.say(m.Version(m.NEWEST))
            answer = self._wire.hear()
            if answer != m.AuthSuccess(uuid):
                raise PeerLost(f"{uuid} should answer, and it says {answer}")
            answer = self._wire.hear()
            # A server of the first days knows no versions, and says that.
            self._version = answer.number if isinstance(answer, m.Version) else 0
            if self._version > m.NEWEST:
                raise PeerLost(f"the other side wants version {self._version}")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hang up."""
        with suppress(BrokenPipeError):  # what was still to be said does not matter any more
            self._held.close()

    def present(self, keys: Iterable[str]) -> Iterator[tuple[str, bool]]:
        """Ask for keys, many at a time."""
        asked: deque[str] = deque()
        for key in keys:
            self._wire.say(m.CheckPresent(key), at_once=False)
            asked.append(key)
            if len(asked) >= WINDOW:
                yield from self._answered(asked)
        yield from self._answered(asked)

    def _answered(self, asked: deque[str]) -> Iterator[tuple[str, bool]]:
        self._wire.flush()
        while asked:
            key, answer = asked.popleft(), self._wire.hear()
            if isinstance(answer, m.Success | m.Failure):
                yield key, isinstance(answer, m.Success)
            elif not isinstance(answer, m.Error):
                raise PeerLost(f"{answer} is no answer to CHECKPRESENT")

    def fetch(self, arrivals: Iterable[Arrival]) -> Iterator[Arrival]:
        """Bring contents: the small ones in windows, large ones alone."""
        asked: deque[Arrival] = deque()
        for arrival in arrivals:
            if arrival.large:
                yield from self._received(asked, 0)
            try:
                offset = arrival.begin()
            except (Unplaced, LockedError, OSError):
                arrival.leave()
                yield arrival
                continue
            self._ask(arrival, offset)
            asked.append(arrival)
            if arrival.large:
                self._wire.flush()
                yield from self._received(asked, 0)
            elif len(asked) >= WINDOW:
                self._wire.flush()
                yield from self._received(asked, WINDOW // 2)
        self._wire.flush()
        yield from self._received(asked, 0)

    def _ask(self, arrival: Arrival, offset: int) -> None:
        self._wire.say(m.Get(offset, arrival.item.path or "", arrival.item.key), at_once=False)
        if not arrival.large:
            self._wire.say(m.Success(), at_once=False)

    def _received(self, asked: deque[Arrival], rest: int) -> Iterator[Arrival]:
        self._wire.flush()
        while len(asked) > rest:
            arrival = asked.popleft()
            try:
                again = self._receive(arrival)
                if again:  # what was there before was not the beginning of it
                    self._ask(arrival, 0)
                    self._wire.flush()
                    self._receive(arrival)
            finally:
                arrival.leave()
            yield arrival

    def _receive(self, arrival: Arrival) -> bool:
        """Take in one content, and say whether it is worth to ask for all of it once more."""
        resumed = arrival.done
        answer = self._wire.hear()
        if not isinstance(answer, m.Data):
            raise PeerLost(f"{answer} is no answer to GET")
        wanted = arrival.fits(answer.size)
        if not wanted and answer.size > PIECE:
            raise PeerLost(f"{answer.size} bytes come that nobody wants")
        written = True
        for piece in self._wire.pieces(answer.size):
            if wanted and written:
                try:
                    arrival.write(piece)
                except OSError as e:
                    if answer.size > PIECE:
                        raise PeerLost(f"the content cannot be written down: {e}") from e
                    written = False
        valid = self._version < 1 or self._wire.hear() == m.Valid()
        came = False
        if wanted and written and valid:
            with suppress(Unplaced, OSError):
                arrival.finish()
                came = True
        elif not valid and wanted:
            arrival.restart()  # it changed while it was sent
        if arrival.large:
            self._wire.say(m.Success() if came else m.Failure())
        return bool(resumed) and not came and arrival.done == 0 and arrival.large

    def store(self, parcels: Iterable[Parcel]) -> Iterator[tuple[Parcel, bool]]:
        """Send contents; while the other side checks one it is asked for the next."""
        sent: Parcel | None = None
        for parcel in parcels:
            with ExitStack() as stack:
                try:
                    content = stack.enter_context(parcel.opened())
                except (Unplaced, OSError):
                    yield parcel, False
                    continue
                self._wire.say(m.Put(parcel.item.path or "", parcel.item.key))
                if sent is not None:
                    yield sent, self._confirmed()
                    sent = None
                answer = self._wire.hear()
                if isinstance(answer, m.PutFrom) and answer.offset <= content.size:
                    self._send(parcel, content, answer.offset)
                    sent = parcel
                elif isinstance(answer, m.AlreadyHave | m.AlreadyHavePlus | m.Error | m.Failure):
                    yield parcel, isinstance(answer, m.AlreadyHave | m.AlreadyHavePlus)
                else:
                    raise PeerLost(f"{answer} is no answer to PUT")
        if sent is not None:
            yield sent, self._confirmed()

    def _send(self, parcel: Parcel, content: Content, offset: int) -> None:
        self._wire.say(m.Data(content.size - offset), at_once=False)
        for done in self._wire.copy(content.handle, offset, content.size):
            if parcel.heard is not None:
                parcel.heard(done)
        if self._version >= 1:
            self._wire.say(m.Valid(), at_once=False)
        self._wire.flush()

    def _confirmed(self) -> bool:
        answer = self._wire.hear()
        if isinstance(answer, m.Success | m.SuccessPlus):
            return True
        if isinstance(answer, m.Failure | m.FailurePlus | m.Error):
            return False
        raise PeerLost(f"{answer} is no answer to content")

    @contextmanager
    def kept(self, key: str) -> Iterator[None]:
        """Have a content kept."""
        self._wire.say(m.LockContent(key))
        answer = self._wire.hear()
        if isinstance(answer, m.Failure):
            raise NotKept(f"the other side does not keep {key}")
        if isinstance(answer, m.Error):
            raise LockedError(answer.text)
        if not isinstance(answer, m.Success):
            raise PeerLost(f"{answer} is no answer to LOCKCONTENT")
        try:
            yield
        finally:
            with suppress(PeerLost):  # then the lock ends by itself; whoever speaks next notices
                self._wire.say(m.UnlockContent())


class _Wire:
    """Lines and bytes on the pipes of a program; everything that goes wrong is PeerLost."""

    def __init__(self, batch: Batch) -> None:
        self._out, self._in = batch.stdin, batch.stdout
        self._room = memoryview(bytearray(PIECE))
        for pipe in (self._out, self._in):
            with suppress(OSError, AttributeError):  # Linux alone has pipes that can be made larger
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIECE)

    def say(self, message: m.Message, *, at_once: bool = True) -> None:
        try:
            self._out.write(m.build(message))
        except (OSError, ValueError) as e:
            raise PeerLost(f"the connection is gone: {e}") from e
        if at_once:
            self.flush()

    def flush(self) -> None:
        try:
            self._out.flush()
        except (OSError, ValueError) as e:
            raise PeerLost(f"the connection is gone: {e}") from e

    def hear(self) -> m.Message:
        try:
            line = self._in.readline(m.LONGEST_LINE + 2)
        except OSError as e:
            raise PeerLost(f"the connection is gone: {e}") from e
        if not line.endswith(b"\n"):
            raise PeerLost("the connection is gone")
        try:
            return m.parse(line)
        except m.BadMessage as e:
            raise PeerLost(e.message) from e

    def pieces(self, size: int) -> Iterator[memoryview]:
        """Take in so many bytes; each piece is good until the next is asked for."""
        while size:
            room = self._room[: min(size, PIECE)]
            try:
                count = self._in.readinto1(room)  # type: ignore[attr-defined]  # a pipe is a BufferedReader
            except OSError as e:
                raise PeerLost(f"the connection is gone: {e}") from e
            if not count:
                raise PeerLost(f"the connection was cut {size} bytes before the end")
            size -= count
            yield room[:count]

    def copy(self, source: int, start: int, size: int) -> Iterator[int]:
        """Send a file's bytes from `start` on up to `size`; yields how many are done."""
        at = start
        told = start
        while at < size:
            try:
                data = os.pread(source, min(PIECE, size - at), at)
                if not data:
                    raise PeerLost("the content became shorter while it was sent")
                self._out.write(data)
            except OSError as e:
                raise PeerLost(f"the connection is gone: {e}") from e
            at += len(data)
            if at - told >= STEP:
                told = at
                yield at
