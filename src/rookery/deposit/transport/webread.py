"""Reading small objects from a web server by one request each, where git-annex would be started twice for each.

A server says itself whether it has something: 200, or 404 and 410; everything else is trouble.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from rookery.core.errors import AccessFailedError
from rookery.core.pool import in_order
from rookery.core.webrequest import LARGEST, basic, send, shown
from rookery.deposit.terms import layout
from rookery.deposit.terms.store import Unreadable
from rookery.deposit.terms.url import Address
from rookery.deposit.transport import logins

GONE = (404, 410)
AT_ONCE = 4

# Gives what was asked for as far as it is small; a name that is missing in the answer is too large for this.
Reader = Callable[[Sequence[str]], Mapping[str, "bytes | None"]]


def reader_for(address: Address, env: Mapping[str, str], *, helped: bool) -> Reader | None:
    """Give a reader for an address; None where only git-annex can read.

    `helped` says that a web server wants a login which only Git's helpers hand out.
    """
    base = address.settings.get("url", "")
    kinds = ("webdav", "web", "httpalso")
    cut = any(name in address.settings for name in ("chunk", "chunksize", "sameas"))
    if address.type not in kinds or not base.startswith(("http://", "https://")):
        return None
    if address.encrypted or cut or helped:
        return None
    login = logins.login_in(address, env)
    headers = {"Authorization": basic(login.user, login.password)} if login else {}

    def one(name: str) -> Iterator[tuple[str, bytes | None]]:
        url = layout.url_of(base, name, exported=address.exported)
        try:
            answer = send(env, "GET", url, headers=headers)
        except AccessFailedError as e:
            raise Unreadable(e.message, hints=e.hints) from e
        if answer.status in GONE:
            yield name, None
        elif answer.status != 200:
            raise Unreadable(
                f"{shown(url)} could not be read: the server answers {answer.status}",
                hints=["try again later; nothing was changed"],
            )
        elif len(answer.body) < LARGEST:
            yield name, answer.body

    return lambda names: dict(in_order(one, names, at_once=AT_ONCE))
