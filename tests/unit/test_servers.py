"""The servers of the tests do what they promise: otherwise nothing that is tested against them means much."""

from __future__ import annotations

import base64
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from rookery.core.sigv4 import Signer, signed
from support.objectstore import KEY_ID, SECRET, ObjectStore
from support.webdav import PASSWORD, USER, WebDav


def send(method: str, url: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(
        url, data=body or None, method=method, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        with e:
            return e.code, e.read()


def login(user: str = USER, password: str = PASSWORD) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_webdav_wants_a_login_and_keeps_what_is_put(webdav: WebDav) -> None:
    assert send("PUT", f"{webdav.url}/a", b"one")[0] == 401
    assert send("PUT", f"{webdav.url}/a", b"one", Authorization=login(password="no"))[0] == 401
    assert send("PUT", f"{webdav.url}/a", b"one", Authorization=login())[0] == 201
    assert send("GET", f"{webdav.url}/a", Authorization=login()) == (200, b"one")
    assert (webdav.root / "a").read_bytes() == b"one"
    assert [(r.method, r.path, r.sent, r.status) for r in webdav.asked("PUT", "a")][-1] == (
        "PUT",
        "/a",
        3,
        201,
    )


def test_webdav_fails_the_request_that_it_was_told_to(webdav_server: Callable[..., WebDav]) -> None:
    server = webdav_server(anonymous=True)
    server.fail("PUT", "/b$", nth=2)
    assert [send("PUT", f"{server.url}/{name}", b"x")[0] for name in "abbb"] == [201, 201, 503, 204]


def test_webdav_lets_everybody_read_and_nobody_write(webdav_server: Callable[..., WebDav]) -> None:
    server = webdav_server(anonymous=True, readonly=True)
    (server.root / "a").write_bytes(b"one")
    assert send("GET", f"{server.url}/a") == (200, b"one")
    assert send("PUT", f"{server.url}/b", b"x")[0] == 403


@pytest.mark.parametrize("blind", [False, True])
def test_webdav_looks_at_conditions_unless_it_is_blind(
    webdav_server: Callable[..., WebDav], blind: bool
) -> None:
    server = webdav_server(anonymous=True, blind=blind)
    send("PUT", f"{server.url}/a", b"one")
    assert (send("PUT", f"{server.url}/a", b"two", If_None_Match="*")[0] == 412) is not blind


def request(
    s3: ObjectStore, method: str, path: str, body: bytes = b"", secret: str = SECRET, **more: str
) -> int:
    url = f"{s3.url}/{path}"
    headers = {k.replace("_", "-"): v for k, v in more.items()}
    made = signed(Signer(KEY_ID, secret), method, url, headers=headers, body=body, now=time.time())
    del made["host"]
    return send(method, url, body, **made)[0]


def test_s3_checks_signatures_and_conditions(s3: ObjectStore) -> None:
    assert request(s3, "PUT", "nest", secret="wrong") == 403
    assert request(s3, "PUT", "nest") == 200
    name = "nest/a%20b%2Bc/%C3%A9"
    assert request(s3, "PUT", name, b"one", If_None_Match="*") == 200
    assert request(s3, "PUT", name, b"two", If_None_Match="*") == 412
    assert request(s3, "GET", "nest?list-type=2&prefix=a%20b%2B&max-keys=3") == 200
    assert [r.status for r in s3.requests if r.method == "PUT"] == [403, 200, 200, 412]


def test_s3_lets_one_of_many_win(s3: ObjectStore) -> None:
    request(s3, "PUT", "nest")
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(request(s3, "PUT", "nest/x", b"1", If_None_Match="*")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [412] * 7
