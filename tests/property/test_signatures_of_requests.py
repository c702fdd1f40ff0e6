"""Our signatures of requests are those that botocore makes, whatever is in the path, the query and the headers."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from rookery.core.sigv4 import Signer, signed

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
WORDS = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
VALUES = st.from_regex(r"[!-~]([ -~]{0,10}[!-~])?", fullmatch=True)
NOW = 1_790_000_000.0


@given(
    path=st.lists(NAMES, max_size=3),
    query=st.lists(st.tuples(NAMES, NAMES), max_size=3),
    headers=st.dictionaries(WORDS.map("x-amz-meta-".__add__), VALUES, max_size=3),
    body=st.binary(max_size=20),
    token=st.none() | VALUES,
    region=WORDS,
)
def test_a_signature_is_botocores(
    path: list[str],
    query: list[tuple[str, str]],
    headers: dict[str, str],
    body: bytes,
    token: str | None,
    region: str,
) -> None:
    url = f"http://127.0.0.1:9000/{'/'.join(quote(one, safe='') for one in path)}"
    url += f"?{urlencode(query, quote_via=quote, safe='')}" if query else ""
    sent = signed(Signer("ID", "se/cret+", region, token), "PUT", url, headers=headers, body=body, now=NOW)
    request = AWSRequest("PUT", url, data=body)
    for name, value in sent.items():
        if name != "authorization":
            request.headers[name] = value
    request.context["timestamp"] = sent["x-amz-date"]
    theirs = S3SigV4Auth(Credentials("ID", "se/cret+", token), "s3", region)
    text = theirs.string_to_sign(request, theirs.canonical_request(request))
    assert sent["authorization"].endswith(f"Signature={theirs.signature(text, request)}")


def test_a_signer_shows_no_secret() -> None:
    assert "se/cret" not in f"{Signer('ID', 'se/cret+', token='t0ken')!r}" + str(Signer("ID", "se/cret+"))
