"""A cell on an S3 server: one object, replaced by conditional writes (If-None-Match, If-Match).

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
Servers that came before them take every write; so the first swap tries out on
an object of its own whether the conditions are obeyed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rookery.core.errors import AccessFailedError
from rookery.core.sigv4 import Signer, signed
from rookery.core.webrequest import Answer, send, shown
from rookery.deposit.terms.store import Unreadable
from rookery.deposit.transport.lock_refusal import CannotLock

NAME = ".rookery-lock"
PROBE = ".probe"

# 409: another conditional write was going on at the same moment.
LOST = frozenset({404, 409, 412})
NO_SUCH_TAG = '"00000000000000000000000000000000"'


class S3Cell:
    """One small object at `url` (bucket in the path) that is replaced only if nobody else has done so.

    `clock` gives the time that requests are signed with.
    """

    def __init__(self, env: Mapping[str, str], url: str, signer: Signer, clock: Callable[[], float]) -> None:
        self._env = env
        self._url = url
        self._signer = signer
        self._clock = clock
        self._tried = False

    def get(self) -> tuple[bytes, str] | None:
        """Give the value with its ETag.  Raises Unreadable."""
        answer = self._request("GET", self._url)
        if answer.status == 404 and b"NoSuchBucket" not in answer.body:
            return None
        if answer.status != 200:
            raise self._unreadable("GET", answer)
        return answer.body, answer.headers.get("ETag", "")

    def swap(self, content: bytes, *, tag: str | None) -> str | None:
        """Replace what has this ETag, or what is not there.  Raises Unreadable, CannotLock.

        An answer that got lost leaves open who won: the object is read again, as
        content is never the same twice.
        """
        self.try_out()
        condition = {"If-None-Match": "*"} if tag is None else {"If-Match": tag}
        try:
            answer = self._request("PUT", self._url, content, condition)
        except Unreadable:
            return self._ours(content)
        if answer.status == 200:
            return answer.headers.get("ETag", "")
        if answer.status >= 500:
            return self._ours(content)
        if answer.status in LOST and b"NoSuchBucket" not in answer.body:
            return None
        raise self._unreadable("PUT", answer)

    def _ours(self, content: bytes) -> str | None:
        found = self.get()
        return found[1] if found is not None and found[0] == content else None

    def try_out(self) -> None:
        """See, once, that conditions are obeyed.  Raises CannotLock."""
        if self._tried:
            return
        probe = self._url + PROBE
        for condition, wanted in (
            ({"If-None-Match": "*"}, {200, 409, 412}),
            ({"If-None-Match": "*"}, {409, 412}),
            ({"If-Match": NO_SUCH_TAG}, {404, 409, 412}),
        ):
            answer = self._request(
                "PUT", probe, b"Rookery looks here whether conditions are obeyed.\n", condition
            )
            if answer.status == 200 and 200 not in wanted:
                name = next(iter(condition))
                raise CannotLock(shown(self._url), f"a write with {name} went through that should not")
            if answer.status not in (*wanted, 501):
                raise self._unreadable("PUT", answer)
            if answer.status == 501:
                raise CannotLock(shown(self._url), "conditional writes are not implemented there")
        self._tried = True

    def _request(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        sent = signed(self._signer, method, url, headers=headers or {}, body=body, now=self._clock())
        del sent["host"]  # the library's own
        try:
            return send(self._env, method, url, headers=sent, body=body if method == "PUT" else None)
        except AccessFailedError as e:
            raise Unreadable(e.message, hints=e.hints) from e

    def _unreadable(self, method: str, answer: Answer) -> Unreadable:
        hints = ["check the login"] if answer.status in (401, 403) else ["try again later"]
        return Unreadable(
            f"the lock at {shown(self._url)}: {method} was answered {answer.status}", hints=hints
        )
