from __future__ import annotations

import pytest

from rookery.deposit.transport import complaints

PAGE = r"""DAV failure: Status {statusCode = 409, statusMessage = "Conflict"} "<!DOCTYPE HTML>\n<html><head>
 <title>409 \"Conflict\"</title></body></html>" HTTP request: "PUT" "/new/tmp"
"""
REQUEST = """git-annex: WebDAV test failed: HttpExceptionRequest Request { host = "127.0.0.1" port = 37531
 requestHeaders = [("Authorization","<REDACTED>")] path = "/new/tmp" queryString = "" method = "PUT" proxy = Nothing
 proxySecureMode = ProxySecureWithConnect } (StatusCodeException (Response {responseStatus = Status {statusCode = 409,
 statusMessage = "Conflict"}, responseVersion = HTTP/1.1, responseHeaders = [("Content-Length","408")],
 responseOriginalRequest = Request { host = "127.0.0.1" proxySecureMode = ProxySecureWithConnect } ,
 responseEarlyHints = []}) "<!DOCTYPE HTML>\\n<html></html>"): user error initremote: 1 failed
"""
REFUSED = """HttpExceptionRequest Request { host = "127.0.0.1" proxySecureMode = ProxySecureWithConnect }
 (ConnectionFailure Network.Socket.connect: <socket: 12>: does not exist (Connection refused))"""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (PAGE, 'DAV failure: 409 Conflict HTTP request: "PUT" "/new/tmp"'),
        (PAGE + PAGE, 'DAV failure: 409 Conflict HTTP request: "PUT" "/new/tmp"'),
        (REQUEST.partition(' "<!')[0] + ' "")', "git-annex: WebDAV test failed: 409 Conflict"),
        (REQUEST, "git-annex: WebDAV test failed: 409 Conflict"),
        (
            REFUSED,
            "(ConnectionFailure Network.Socket.connect: <socket: 12>: does not exist (Connection refused))",
        ),
        ("rsync:  a\nfile is gone", "rsync: a file is gone"),
        ("", ""),
    ],
)
def test_what_libraries_print_of_themselves_is_left_out(said: str, told: str) -> None:
    assert complaints.readable(said) == complaints.readable(said.encode()) == told


def test_what_is_said_is_bounded() -> None:
    assert len(complaints.readable(" ".join(map(str, range(10_000))))) < 500


def test_a_known_trouble_has_a_hint() -> None:
    said = "Configuration of annex.security.allowed-ip-addresses does not allow accessing address 10.0.0.1"
    assert "annex.security.allowed-ip-addresses ADDRESS" in complaints.hints(said)[0]
    assert "dlacredential" in complaints.hints("No publicurl is configured for this remote")[0]
    assert complaints.hints("disk full") == []
