"""The report of receive-pack, and the text of `refs`: whatever comes, in whatever pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rookery.deposit.talk.report import FLUSH, HeldReport, packet, packets
from rookery.deposit.terms import refsfile
from rookery.deposit.terms.refsfile import Malformed, RefList, valid_name
from rookery.deposit.transport import backend

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=12)
NAMES = WORDS.map(lambda word: f"refs/heads/{word}").filter(valid_name)
ADVERTISED = packet(b"a" * 40 + b" refs/heads/main\0report-status side-band-64k\n") + FLUSH


@st.composite
def reports(draw: st.DrawFn) -> tuple[bytes, list[str], list[str]]:
    """Give a report, and the refs that it says went well and badly."""
    good, bad = [], []
    out = [packet(b"unpack ok\n")]
    for name in draw(st.lists(NAMES, unique=True, max_size=6)):
        if draw(st.booleans()):
            good.append(name)
            out.append(packet(f"ok {name}\n".encode()))
            out += [packet(b"option forced-update\n")] * draw(st.integers(0, 2))
        else:
            bad.append(name)
            out.append(packet(f"ng {name} non-fast-forward\n".encode()))
    return b"".join(out) + FLUSH, good, bad


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, bytes, bytes, list[str], list[str]]:
    """Give all that receive-pack says, what people see of it, its report, and the refs as in `reports`."""
    report, good, bad = draw(reports())
    if not draw(st.booleans()):
        return ADVERTISED + report, ADVERTISED, report, good, bad
    said, shown = [], [ADVERTISED]
    rest = report
    while rest:
        if draw(st.booleans()):
            words = packet(b"\x02" + draw(st.binary(max_size=5)))
            said.append(words)
            shown.append(words)
        size = draw(st.integers(1, max(1, len(rest))))
        said.append(packet(b"\x01" + rest[:size]))
        rest = rest[size:]
    return ADVERTISED + b"".join(said) + FLUSH, b"".join(shown), report, good, bad


def fed(held: HeldReport, data: bytes, size: int) -> bytes:
    return b"".join(held.feed(data[at : at + size]) for at in range(0, len(data), size))


def inner(answer: bytes, report: bytes) -> bytes:
    """Give the report in an answer, out of its side band if it is in one."""
    payloads = [payload for payload, _ in packets(answer)]
    if payloads and payloads[0] and payloads[0][:1] == b"\x01":
        assert payloads[-1] is None
        return b"".join(p[1:] for p in payloads if p)
    return answer


@given(conversations(), st.integers(1, 50))
def test_nothing_of_the_report_gets_through_before_it_is_released(
    talk: tuple[bytes, bytes, bytes, list[str], list[str]], size: int
) -> None:
    said, shown, report, good, _ = talk
    held = HeldReport()
    assert fed(held, said, size) == shown
    assert held.accepted == good
    assert inner(held.release(), report) == report


@given(conversations(), st.text(max_size=400))
def test_a_refused_report_has_no_success_and_keeps_the_failures(
    talk: tuple[bytes, bytes, bytes, list[str], list[str]], reason: str
) -> None:
    said, _, report, good, bad = talk
    held = HeldReport()
    held.feed(said)
    lines = [payload for payload, _ in packets(inner(held.refuse(reason), report))]
    assert lines[0] == b"unpack ok\n" and lines[-1] is None
    told = [line.decode() for line in lines[1:-1] if line]
    assert [line.split(" ")[0] for line in told] == ["ng"] * (len(good) + len(bad))
    assert {line.split(" ")[1].rstrip("\n") for line in told} == {*good, *bad}
    assert all(line.count("\n") == 1 and line.split(" ", 2)[2].strip() for line in told)


@given(st.dictionaries(NAMES, st.text("0123456789abcdef", min_size=40, max_size=40)), NAMES)
def test_refs_are_read_as_they_were_written(refs: dict[str, str], head: str) -> None:
    state = RefList(refs, head)
    assert refsfile.parse(refsfile.build(state)) == state
    assert refsfile.parse_packed(refsfile.build_packed(refs)) == refs


@given(st.text(max_size=300))
def test_any_text_is_a_list_of_refs_or_malformed(text: str) -> None:
    try:
        state = refsfile.parse(text)
    except Malformed:
        return
    assert all(valid_name(name) for name in state.refs)


@given(st.binary(max_size=100).map(lambda text: text + b"\n"), st.integers(0, 300), st.integers(1, 255))
def test_a_damaged_register_is_never_opened(text: bytes, where: int, change: int) -> None:
    content = backend.sealed(text)
    assert backend.opened(content) == text
    at = where % len(content)
    damaged = content[:at] + bytes([content[at] ^ change]) + content[at + 1 :]
    assert backend.opened(damaged) is None
