"""One conversation of git-annex's P2P protocol in lines, as `git-annex-shell p2pstdio` has it, on the hub's services.

    server: AUTH-SUCCESS UUID
    client: VERSION 4                 server: VERSION 4
    client: PUT file KEY              server: PUT-FROM 0
    client: DATA 5, five bytes, VALID server: SUCCESS

What is refused is an ERROR with the reason, and the conversation goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rookery.annex.p2p import messages as m
from rookery.hub.domain.access import Actor
from rookery.hub.domain.errors import Forbidden, HubError, NotFound
from rookery.hub.domain.ports.objects import Reader
from rookery.hub.p2p.keeper import Keeper
from rookery.hub.p2p.wire import Lost, Wire
from rookery.hub.services.contents import ContentService

PIECE = 1 << 18

# The words of git-annex-shell, which people know.
READ_ONLY = "this repository is read-only; write access denied"
APPEND_ONLY = "this repository is append-only; removal denied"


class Session:
    """Answers one client about one repository until it has no more to ask; every request goes through the gate."""

    def __init__(
        self, contents: ContentService, actor: Actor, uuid: str, wire: Wire, *, renew_seconds: float
    ) -> None:
        self._contents = contents
        self._actor = actor
        self._uuid = uuid
        self._wire = wire
        self._keeper = Keeper(contents, renew_seconds)
        self._version = 0
        self._answers: dict[type[Any], Callable[[Any], None]] = {
            m.Version: self._agree,
            m.CheckPresent: self._check_present,
            m.LockContent: self._lock,
            m.UnlockContent: self._unlock,
            m.Remove: self._remove,
            m.RemoveBefore: self._remove,
            m.GetTimestamp: self._timestamp,
            m.Get: self._get,
            m.Put: self._put,
            m.Bypass: self._ignore,
            m.Success: self._ignore,  # of a client that says so where nothing was asked
            m.Failure: self._ignore,
        }

    def run(self) -> None:
        """Answer to the end.  Raises OSError if nobody listens any more."""
        self._wire.send(m.AuthSuccess(self._uuid))
        try:
            while self._next():
                pass
        except Lost:
            pass  # what had come of an upload is kept
        finally:
            self._keeper.forget()  # without a word from the client a lock stays until it expires

    def _next(self) -> bool:
        """Answer one request; False at the end of all."""
        try:
            line = self._wire.line()
            if line is None:
                return False
            message = m.parse(line)
        except m.BadMessage as e:
            self._wire.send(m.Error(_one_line(e.message)))
            return not e.message.startswith("there is no end")
        if isinstance(message, m.Error):
            return False
        answer = self._answers.get(type(message))
        if answer is None or self._version < m.VERSIONS.get(type(message), 0):
            self._wire.send(m.Error("this is not answered here, or not in this version of the protocol"))
            return True
        try:
            answer(message)
        except m.BadMessage as e:
            self._wire.send(m.Error(_one_line(e.message)))
        except HubError as e:
            if isinstance(message, m.Put):
                # git-annex 10.20261026 shows the reason why a removal is refused, but not of this
                self._wire.complain(f"hub: {_reason(e)}\n".encode())
            self._wire.send(m.Error(self._known_words(e, message) or _reason(e)))
        return True

    def _known_words(self, error: HubError, message: m.Message) -> str | None:
        if type(error) is Forbidden and isinstance(message, m.Put):
            return READ_ONLY
        if type(error) is Forbidden and self._actor.means.append_only:
            return APPEND_ONLY
        return None

    def _say(self, done: bool) -> None:
        self._wire.send(m.Success() if done else m.Failure())

    def _ignore(self, _: m.Message) -> None:
        """Let it pass: there are no other repositories behind this one."""

    def _agree(self, message: m.Version) -> None:
        self._version = min(message.number, m.NEWEST)
        self._wire.send(m.Version(self._version))

    def _check_present(self, message: m.CheckPresent) -> None:
        self._say(self._contents.present(self._actor, self._uuid, message.key))

    def _lock(self, message: m.LockContent) -> None:
        lock = self._contents.lock(self._actor, self._uuid, message.key)
        if lock is not None:
            self._keeper.keep(lock)
        self._say(lock is not None)

    def _unlock(self, _: m.UnlockContent) -> None:
        self._keeper.release()

    def _remove(self, message: m.Remove | m.RemoveBefore) -> None:
        before = message.timestamp if isinstance(message, m.RemoveBefore) else None
        self._say(self._contents.remove(self._actor, self._uuid, message.key, before=before))

    def _timestamp(self, _: m.GetTimestamp) -> None:
        self._wire.send(m.Timestamp(int(self._contents.timestamp(self._actor, self._uuid))))

    # --- content ---------------------------------------------------------------------------------

    def _get(self, message: m.Get) -> None:
        try:
            reader = self._contents.open(self._actor, self._uuid, message.key, message.offset)
        except NotFound:
            self._contents.present(self._actor, self._uuid, message.key)  # raises for who may not even ask
            self._wire.send_raw(m.build(m.Data(0)) + self._seal(valid=False))
        else:
            self._send(reader, max(reader.size - message.offset, 0))
        self._hear()

    def _send(self, reader: Reader, left: int) -> None:
        said = m.build(m.Data(left))
        try:
            while left > 0:
                piece = reader.read(min(PIECE, left))
                if not piece:
                    raise Lost  # a client that waits for so many bytes can be told nothing else
                left -= len(piece)
                if left > 0:
                    self._wire.send_raw(said + piece)
                    said = b""
                else:
                    said += piece
        finally:
            reader.close()
        self._wire.send_raw(said + self._seal(valid=True))

    def _seal(self, *, valid: bool) -> bytes:
        if self._version < 1:
            return b""
        return m.build(m.Valid() if valid else m.Invalid())

    def _hear(self) -> None:
        """Wait for what the client says of the content; it changes nothing here."""
        if self._wire.line() is None:
            raise Lost

    def _put(self, message: m.Put) -> None:
        offset = self._contents.put_offset(self._actor, self._uuid, message.key)
        if offset is None:
            self._wire.send(m.AlreadyHave())
            return
        self._wire.send(m.PutFrom(offset))
        line = self._wire.line()
        if line is None:
            raise Lost
        coming = m.parse(line)
        if isinstance(coming, m.Data):
            self._say(self._taken(message.key, offset, coming.size))
        elif isinstance(coming, m.DataPresent) and self._version >= m.VERSIONS[m.DataPresent]:
            self._say(self._contents.present(self._actor, self._uuid, message.key))
        elif not isinstance(coming, m.Error | m.Failure):
            self._wire.send(m.Error("expected DATA"))

    def _taken(self, key: str, offset: int, size: int) -> bool:
        """Take in what was announced, all of it whatever becomes of it, so that the next line is one."""
        pieces = self._wire.pieces(size)
        try:
            with self._contents.receive(self._actor, self._uuid, key, length=size, offset=offset) as coming:
                for piece in pieces:
                    coming.write(piece)
                if self._is_valid():
                    return coming.finish()
        except HubError:
            for _ in pieces:
                pass
            self._is_valid()
            return False
        self._contents.start_over(self._actor, self._uuid, key)
        return False

    def _is_valid(self) -> bool:
        if self._version < 1:
            return True
        line = self._wire.line()
        if line is None:
            raise Lost
        return line == b"VALID"


def _reason(error: HubError) -> str:
    return _one_line("; ".join([error.message, *error.hints]))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:1000]
