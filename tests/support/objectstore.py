"""An S3 server on loopback (moto) that looks at the signature of every request, and keeps a log."""

from __future__ import annotations

import calendar
import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

from rookery.core.sigv4 import Signer, signed
from rookery.core.webrequest import Answer, send

KEY_ID, SECRET = "ROOKERYKEYID", "an+example/secret="
BUCKET = "nest"


class S3Request(NamedTuple):
    """One request: what came in, what went out."""

    method: str
    path: str
    sent: int
    status: int


class ObjectStore:
    """Serves an S3 endpoint at `host`:`port` with one bucket.

    Requests are served one at a time, so that a conditional write is atomic, as
    it is at Amazon's.  `blind` makes it one of the servers that do not look at
    If-Match and If-None-Match.  Requests with a method in `refusing` are refused.
    """

    def __init__(self, *, blind: bool = False) -> None:
        self.blind = blind
        # so many seconds its clock is before ours, where it looks whether an address is still good
        self.ahead = 0.0
        self.cutting = 0  # so many answers to GET end in the middle
        self.refusing: set[str] = set()
        self.requests: list[S3Request] = []
        self._lock = threading.Lock()
        self._losing: list[str] = []
        self._server = self._build()

    def _build(self) -> Any:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            protocol_version = "HTTP/1.1"

            def log(self, type: str, message: str, *args: Any) -> None:
                """Say nothing: requests are in the owner's list."""

        app = DomainDispatcherApplication(create_backend_app)
        return make_server("127.0.0.1", 0, self._watched(app), threaded=True, request_handler=Quiet)

    @property
    def host(self) -> str:
        """The name of the machine."""
        return "127.0.0.1"

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_port)

    @property
    def url(self) -> str:
        """The address of the endpoint, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    def make_bucket(self) -> None:
        """Make the bucket BUCKET."""
        headers = signed(
            Signer(KEY_ID, SECRET), "PUT", f"{self.url}/{BUCKET}", headers={}, body=b"", now=time.time()
        )
        del headers["host"]
        answer = send({}, "PUT", f"{self.url}/{BUCKET}", headers=headers)
        assert answer.status == 200, answer

    def fetch(self, url: str) -> Answer:
        """Follow an address as a browser does, with nothing that says who asks."""
        return send({}, "GET", url)

    def lose_answer(self, method: str) -> None:
        """Do what the next request with this method asks, and say that something went wrong."""
        self._losing.append(method)

    def _watched(self, app: Any) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
        def serve(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
            size = int(environ.get("CONTENT_LENGTH") or 0)

            def note(status: str, *rest: Any) -> Any:
                self.requests.append(S3Request(method, path, size, int(status.split(maxsplit=1)[0])))
                return start(status, *rest)

            if method in self.refusing or not self._may(environ):
                environ["wsgi.input"].read(size)
                body = b"<Error><Code>InvalidAccessKeyId</Code></Error>"
                note("403 Forbidden", [("Content-Length", str(len(body))), ("Content-Type", "text/xml")])
                return [body]
            if self.blind:
                for name in ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"):
                    environ.pop(name, None)
            with self._lock:
                if method in self._losing:
                    self._losing.remove(method)
                    for _ in app(environ, lambda *_: None):
                        pass
                    note("500 Internal Server Error", [("Content-Length", "0")])
                    return [b""]
                answer = list(app(environ, note))
            if method == "GET" and self.cutting and len(answer[0]) > 1000:
                self.cutting -= 1
                return _cut(answer[0])
            return answer

        return serve

    def _may(self, environ: dict[str, Any]) -> bool:
        for_tests = environ.get("PATH_INFO", "").startswith("/moto-api")
        return for_tests or _signed_by_us(environ, time.time() + self.ahead)

    @contextlib.contextmanager
    def running(self) -> Iterator[ObjectStore]:
        """Serve while the block runs."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            # what is in the buckets is the library's, not the server's: another server may have left something
            assert send({}, "POST", f"{self.url}/moto-api/reset", body=b"").status == 200
            self.requests.clear()
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join(10)


def _cut(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    raise ConnectionAbortedError


def _signed_by_us(environ: dict[str, Any], now: float) -> bool:
    """Check the signature as S3 does, with botocore's own code: that ours is right is what tests want to know."""
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    if "X-Amz-Signature" in environ.get("QUERY_STRING", ""):
        return _address_by_us(environ, now)
    given = str(environ.get("HTTP_AUTHORIZATION", ""))
    if f"Credential={KEY_ID}/" not in given:
        return given.startswith(f"AWS {KEY_ID}:")  # signature version 2, which git-annex writes by default
    fields = dict(part.strip().split("=", 1) for part in given.partition(" ")[2].split(","))
    _, _, region, service, _ = fields["Credential"].split("/")
    path = environ.get("RAW_URI") or quote(environ["PATH_INFO"])
    request = AWSRequest(environ["REQUEST_METHOD"], f"http://{environ['HTTP_HOST']}{path.partition('?')[0]}")
    if environ.get("QUERY_STRING"):
        request.url = f"{request.url}?{environ['QUERY_STRING']}"
    for name in fields["SignedHeaders"].split(";"):
        key = name.upper().replace("-", "_")
        request.headers[name] = environ.get(f"HTTP_{key}", environ.get(key, ""))
    request.context["timestamp"] = environ.get("HTTP_X_AMZ_DATE", "")
    signer = S3SigV4Auth(Credentials(KEY_ID, SECRET), service, region)
    canonical = signer.canonical_request(request)
    text = signer.string_to_sign(request, canonical)
    return bool(signer.signature(text, request) == fields["Signature"])


def _address_by_us(environ: dict[str, Any], now: float) -> bool:
    """Check the signature in an address, and that it is still good, which moto does not look at."""
    from urllib.parse import parse_qsl, urlencode

    from botocore.auth import S3SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    given = dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
    signature, stamp = given.pop("X-Amz-Signature"), given["X-Amz-Date"]
    since = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    if now >= since + int(given["X-Amz-Expires"]):
        return False
    _, _, region, service, _ = given["X-Amz-Credential"].split("/")
    path = (environ.get("RAW_URI") or environ["PATH_INFO"]).partition("?")[0]
    query = urlencode(given, quote_via=quote)
    request = AWSRequest(environ["REQUEST_METHOD"], f"http://{environ['HTTP_HOST']}{path}?{query}")
    request.headers["host"] = environ["HTTP_HOST"]
    request.context["timestamp"] = stamp
    signer = S3SigV4QueryAuth(Credentials(KEY_ID, SECRET), service, region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return bool(signer.signature(text, request) == signature)
