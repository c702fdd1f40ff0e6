"""What a request of git-annex's P2P protocol over HTTP asks for: values out of its address, as git-annex writes them.

A value in square brackets is base64url of its bytes: git-annex writes what is
not UTF-8 so.  Everything else is an ordinary address
(https://git-annex.branchable.com/design/p2p_protocol_over_http/).
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from rookery.core.process import decode
from rookery.hub.asking import refused
from rookery.hub.domain.errors import BadName, HubError

# Why something is refused, for the status line: all that git-annex 10.20261026 shows (admin/prompt_http.py).
REASON = "X-Rookery-Reason"
_LONGEST_REASON = 300

_NUMBER = re.compile(r"[0-9]{1,18}")


def word(text: str) -> str:
    """Read a value, in brackets or not.  Raises BadName."""
    if not (text.startswith("[") and text.endswith("]")):
        return text
    packed = text[1:-1].rstrip("=")
    try:
        return decode(base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as e:
        raise BadName(f"{text[:80]!r} is not base64url") from e


def uuid_of(request: Request) -> str:
    """Give the uuid of the annex that is asked."""
    return word(request.path_params["uuid"])


def named_key(request: Request) -> str:
    """Give the key that the query names.  Raises BadName."""
    return word(_needed(request, "key"))


def key_at_end(request: Request) -> str:
    """Give the key at the end of the address, read from its raw form: an escaped slash is the key's own."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return word(decode(unquote_to_bytes(raw.partition(b"/key/")[2])))


def lock_of(request: Request) -> str:
    """Give the name of a lock.  Raises BadName."""
    return word(_needed(request, "lockid"))


def number(request: Request, name: str, default: int | None = None) -> int:
    """Give a number in the query.  Raises BadName."""
    if default is not None and name not in request.query_params:
        return default
    text = _needed(request, name)
    if not _NUMBER.fullmatch(text):
        raise BadName(f"{name}={text[:40]} is not a number")
    return int(text)


def flag(request: Request, name: str) -> bool:
    """Say whether the query has `name=true`, or the bare name."""
    return request.query_params.get(name, "false").lower() in ("true", "")


def data_length(request: Request) -> int:
    """Give how many bytes an upload announces.  Raises BadName if it announces none."""
    text = request.headers.get("x-git-annex-data-length", "")
    if not _NUMBER.fullmatch(text):
        raise BadName("the header X-git-annex-data-length is missing, or no number")
    return int(text)


def _needed(request: Request, name: str) -> str:
    text = request.query_params.get(name)
    if text is None:
        raise BadName(f"{name} is missing in the address")
    return text


def refusal(error: HubError) -> Response:
    """Refuse.  Not 404 for what makes no sense: git-annex asks again in four older versions after every 404."""
    if isinstance(error, BadName):
        answer: Response = PlainTextResponse(f"{error.message}\n", 400)
    else:
        answer = refused(error)
    answer.headers[REASON] = _one_line("; ".join([error.message, *error.hints]))
    return answer


def _one_line(text: str) -> str:
    plain = text.encode("ascii", "replace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in plain).split())[:_LONGEST_REASON]
