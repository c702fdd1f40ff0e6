"""The report of receive-pack, held back until the deposit has what it reports, and rewritten if it has not.

What receive-pack says is pkt-lines (gitprotocol-pack(5)): first the refs that
there are, up to a flush, then the report.  With a side band the report is a stream of
pkt-lines inside band 1, cut anywhere; band 2 is for people and goes on at once.
No input, no output: bytes are fed and bytes are given back.
"""

from __future__ import annotations

from collections.abc import Iterator

FLUSH = b"0000"
# What even the narrow `side-band` takes: 1000 bytes with the length and the band.
PIECE = 995
LONGEST_REASON = 300


class BadReport(ValueError):
    """The bytes are not pkt-lines."""


def packets(data: bytes) -> Iterator[tuple[bytes | None, int]]:
    """Yield the whole pkt-lines at the front (None: a flush), each with the position behind it."""
    at = 0
    while len(data) - at >= 4:
        try:
            length = int(data[at : at + 4], 16)
        except ValueError as e:
            raise BadReport(f"no length of a pkt-line: {data[at : at + 4]!r}") from e
        if length in (1, 2, 3):
            raise BadReport(f"a pkt-line of length {length}")
        end = at + (length or 4)
        if end > len(data):
            return
        yield (data[at + 4 : end] if length else None), end
        at = end


def packet(payload: bytes) -> bytes:
    """Make a pkt-line."""
    return b"%04x" % (len(payload) + 4) + payload


class HeldReport:
    """Takes what receive-pack says; gives at once what is no report, and the report when told how it went."""

    def __init__(self) -> None:
        self._rest = b""
        self._advertised = False
        self._banded: bool | None = None
        self._report = b""  # with a side band: what band 1 carried; else the pkt-lines as they came
        self._ended = False

    def feed(self, data: bytes) -> bytes:
        """Take bytes as they come; give those that Git may have now.  Raises BadReport."""
        out = []
        self._rest += data
        at = 0
        for payload, end in packets(self._rest):
            raw = self._rest[at:end]
            at = end
            if not self._advertised:
                self._advertised = payload is None
                out.append(raw)
            else:
                out.append(self._hold(payload, raw))
        self._rest = self._rest[at:]
        return b"".join(out)

    def _hold(self, payload: bytes | None, raw: bytes) -> bytes:
        if self._banded is None and payload:
            self._banded = payload[:1] in (b"\x01", b"\x02", b"\x03")
        if payload is None:
            if self._banded:
                self._ended = True
            else:
                self._report += raw
            return b""
        if not self._banded:
            self._report += raw
            return b""
        if payload[:1] == b"\x01" and len(payload) > 1:
            self._report += payload[1:]
            return b""
        return raw  # words for people, or a sign of life

    @property
    def accepted(self) -> list[str]:
        """The refs that receive-pack has updated."""
        return [
            payload[3:].rstrip(b"\n").decode("utf-8", "surrogateescape")
            for payload, _ in packets(self._report)
            if payload is not None and payload.startswith(b"ok ")
        ]

    def release(self) -> bytes:
        """Give the report as it was made: the deposit has all that it says."""
        return self._wrapped(self._report)

    def refuse(self, reason: str) -> bytes:
        """Give the report with every success turned into a failure, and the reason for it."""
        why = " ".join(reason.split())[:LONGEST_REASON].encode("utf-8", "replace") or b"failed"
        out = []
        dropped = False  # the options that follow a success say what became of it
        for payload, _ in packets(self._report):
            if payload is None:
                out.append(FLUSH)
            elif payload.startswith(b"ok "):
                out.append(packet(b"ng " + payload[3:].rstrip(b"\n") + b" " + why + b"\n"))
                dropped = True
            elif not (dropped and payload.startswith(b"option ")):
                out.append(packet(payload))
                dropped = False
        return self._wrapped(b"".join(out))

    def _wrapped(self, report: bytes) -> bytes:
        if not self._banded:
            return report + self._rest
        pieces = (report[at : at + PIECE] for at in range(0, len(report), PIECE))
        banded = b"".join(packet(b"\x01" + piece) for piece in pieces)
        return banded + (FLUSH if self._ended else b"") + self._rest
