"""What servers say in WWW-Authenticate, read as RFC 9110 writes it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rookery.credentials.realm import Challenge, challenges, realm_of

TOKENS = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=0x17F, exclude_characters="\x7f"), max_size=8)
PARAMETERS = st.dictionaries(TOKENS.filter(lambda name: name.lower() != "realm"), TEXTS, max_size=2)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@st.composite
def offers(draw: st.DrawFn) -> tuple[str, Challenge]:
    """A challenge as a server writes it, and what it says."""
    scheme, realm = draw(TOKENS), draw(TEXTS)
    more = [f"{name}={quoted(value)}" for name, value in draw(PARAMETERS).items()]
    place = draw(st.integers(0, len(more)))
    more.insert(place, f"{draw(st.sampled_from(['realm', 'Realm', 'REALM']))}={quoted(realm)}")
    return f"{scheme} {draw(st.sampled_from([', ', ',', ' , '])).join(more)}", Challenge(
        scheme.lower(), realm
    )


@given(st.lists(st.lists(offers(), min_size=1, max_size=2), max_size=2))
def test_every_challenge_is_read_however_they_are_spread_over_headers(
    headers: list[list[tuple[str, Challenge]]],
) -> None:
    texts = [", ".join(text for text, _ in header) for header in headers]
    assert challenges(texts) == [said for header in headers for _, said in header]


@given(st.lists(st.text(max_size=60), max_size=3))
def test_nonsense_is_survived(headers: list[str]) -> None:
    assert all(one.scheme == one.scheme.lower() for one in challenges(headers))


def test_schemes_without_parameters_and_with_a_token() -> None:
    assert challenges(['Negotiate, NTLM, Basic realm="x y"']) == [
        Challenge("negotiate", ""),
        Challenge("ntlm", ""),
        Challenge("basic", "x y"),
    ]
    assert challenges(["Negotiate YWJjZA==, Basic realm=plain"]) == [
        Challenge("negotiate", ""),
        Challenge("basic", "plain"),
    ]


def test_a_realm_names_its_server() -> None:
    url = "https://me@dav.example.org:8443/some/place"
    assert realm_of(url, Challenge("basic", "Nest")) == "https://dav.example.org:8443/Nest"
    assert realm_of(url, Challenge("basic", "/")) == "https://dav.example.org:8443/"
    assert realm_of(url, Challenge("basic", "https://dav.example.org/x")) == "https://dav.example.org/x"
    foreign = realm_of(url, Challenge("basic", "https://bank.example.org/x"))
    assert foreign == "https://dav.example.org:8443/https://bank.example.org/x"
    assert realm_of("https://a.example.org/", None) == "https://a.example.org/"
