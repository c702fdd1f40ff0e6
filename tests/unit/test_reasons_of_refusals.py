"""The head of an answer, with the reason of a refusal where git-annex shows it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rookery.hub.admin.prompt_http import with_reason
from rookery.hub.domain.errors import BadName, Forbidden, TooMuch
from rookery.hub.p2p.asked import REASON, refusal


def test_a_head_without_a_reason_stays_as_it_is() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n"
    assert with_reason(head) == head


def test_the_reason_is_moved_and_the_other_headers_stay() -> None:
    head = b"HTTP/1.1 413 Request Entity Too Large\r\na: 1\r\nx-rookery-reason: no room; ask\r\nb: 2\r\n\r\n"
    assert with_reason(head) == b"HTTP/1.1 413 no room; ask\r\na: 1\r\nb: 2\r\n\r\n"
    assert with_reason(b"HTTP/1.1 403 F\r\nx-rookery-reason: no\r\n\r\n") == b"HTTP/1.1 403 no\r\n\r\n"


@given(st.text(max_size=400), st.sampled_from([BadName, Forbidden, TooMuch]))
def test_any_reason_is_one_line_of_text(said: str, kind: type[BadName]) -> None:
    reason = refusal(kind(said)).headers[REASON]
    assert len(reason) <= 300
    assert reason.isascii()
    assert reason == "" or reason.isprintable()
