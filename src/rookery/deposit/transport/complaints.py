"""What git-annex says when something goes wrong, for people: one line, without what its libraries print of themselves.

Its HTTP libraries show whole requests and answers, pages of servers among them
(seen with 10.20261026: 3,000 letters for a folder that may not be made).
"""

from __future__ import annotations

import re

LONGEST = 400  # letters
_LEFT_OUT = (
    (re.compile(r'"(?:<(?:[^"\\]|\\.)*)?"\)?'), ""),  # a page of the server, or an empty one
    (re.compile(r"HttpExceptionRequest Request \{.*? proxySecureMode = \w+ \} ?"), ""),
    (
        re.compile(r"\(StatusCodeException \(Response \{responseStatus = (.*?), responseVersion.*?\}\) ?"),
        r"\1",
    ),
    (re.compile(r'Status \{statusCode = (\d+), statusMessage = "([^"]*)"\}'), r"\1 \2"),
    (re.compile(r"\)?: user error|\b(?:initremote|transferkey): 1 failed"), ""),
)
_PRIVATE = (
    "git-annex reads nothing from addresses of a private network unless it is allowed to:"
    " git config --global annex.security.allowed-ip-addresses ADDRESS"
)
_LOGIN = (
    "if the place wants a login: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,"
    " or name one that is kept: dlacredential=NAME in the URL"
)
_HINTS = (
    (re.compile(r"annex\.security\.allowed-ip-addresses"), _PRIVATE),
    (re.compile(r"No publicurl is configured|Set both AWS_ACCESS_KEY_ID"), _LOGIN),
)


def readable(said: str | bytes) -> str:
    """Give what was said in one line of bounded length; nothing is said twice."""
    text = said if isinstance(said, str) else said.decode("utf-8", "replace")
    text = " ".join(text.split())
    for pattern, instead in _LEFT_OUT:
        text = pattern.sub(instead, text)
    text = re.sub(r"\b(.{12,}?)(?: \1)+(?= |$)", r"\1", " ".join(text.split())[: 8 * LONGEST])
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def hints(said: str | bytes) -> list[str]:
    """Give what to do about it, where it is known."""
    text = said if isinstance(said, str) else said.decode("utf-8", "replace")
    return [hint for pattern, hint in _HINTS if pattern.search(text)]
