"""The text formats of the files in the git-annex branch: parse and build, without any reading or writing.

Four shapes cover what we need.  In all of them the newest line about a subject
wins, so texts from several sources may simply be joined and parsed.  Lines that
are not understood (a later git-annex's) are kept and written back.

    presence      1795181215s 1 <uuid or URL>            location logs, .log.web
    by uuid       <uuid> <value> timestamp=1795181215s   uuid, trust, group, preferred and required content
    remote        <uuid> k=v k=v timestamp=1795181215s   remote.log
    single value  1795181215s <value>                    numcopies, mincopies
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_PRESENCE = re.compile(r"([0-9]+(?:\.[0-9]+)?)s ([01X]) (.+)")
_STAMPED = re.compile(r"(\S+)(?: (.*?))? timestamp=([0-9]+(?:\.[0-9]+)?)s")
_SINGLE = re.compile(r"([0-9]+(?:\.[0-9]+)?)s (.*)")
_ENCODED = re.compile(r"&([0-9]+);")


class Stamp(NamedTuple):
    """A moment as a log writes it; kept as text so that it is written back digit for digit."""

    text: str

    @property
    def seconds(self) -> float:
        """Seconds since 1970."""
        return float(self.text)

    @property
    def order(self) -> tuple[int, str]:
        """A sort key without rounding: whole seconds, then the digits behind the point."""
        whole, _, rest = self.text.partition(".")
        return int(whole), rest.rstrip("0")


class Presence(NamedTuple):
    """One line of a presence log: whether `subject` (a uuid, a URL) has the thing."""

    subject: str
    present: bool
    stamp: Stamp
    dead: bool = False


class Valued(NamedTuple):
    """What a log by uuid says of one uuid."""

    value: str
    stamp: Stamp


def stamp(seconds: float, *, newer_than: Iterable[Stamp] = ()) -> Stamp:
    """Make a stamp for now that wins over all it is to replace, whatever the clock says."""
    mine = Stamp(f"{seconds:.9f}".rstrip("0").rstrip("."))
    newest = max(newer_than, key=lambda s: s.order, default=mine)
    return mine if newest.order < mine.order or newest is mine else Stamp(str(newest.order[0] + 1))


def parse_presence(text: str) -> tuple[dict[str, Presence], list[str]]:
    """Read a presence log: the newest line per subject, and the lines not understood."""
    found: dict[str, Presence] = {}
    unknown = []
    for line in text.split("\n"):
        hit = _PRESENCE.fullmatch(line)
        if not hit:
            if line.strip():
                unknown.append(line)
            continue
        at, status, subject = hit.groups()
        new = Presence(subject, status == "1", Stamp(at), status == "X")
        old = found.get(subject)
        if old is None or old.stamp.order <= new.stamp.order:
            found[subject] = new
    return found, unknown


def build_presence(lines: Iterable[Presence], unknown: Iterable[str] = ()) -> str:
    """Write a presence log; subjects in order, so that equal facts give equal texts."""
    known = sorted(lines, key=lambda p: p.subject)
    text = [f"{p.stamp.text}s {'X' if p.dead else int(p.present)} {p.subject}\n" for p in known]
    return "".join([*text, *(f"{line}\n" for line in unknown)])


def parse_by_uuid(text: str) -> tuple[dict[str, Valued], list[str]]:
    """Read a log by uuid (the value is free text, empty too); lines without a stamp count as the oldest."""
    found: dict[str, Valued] = {}
    unknown = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        hit = _STAMPED.fullmatch(line)
        if hit:
            uuid, value, at = hit[1], hit[2] or "", hit[3]
        else:
            uuid, space, value = line.partition(" ")
            at = "0"
            if not space or "timestamp=" in value:
                unknown.append(line)
                continue
        old = found.get(uuid)
        if old is None or old.stamp.order <= Stamp(at).order:
            found[uuid] = Valued(value, Stamp(at))
    return found, unknown


def build_by_uuid(values: Mapping[str, Valued], unknown: Iterable[str] = ()) -> str:
    """Write a log by uuid."""
    text = [f"{uuid} {v.value} timestamp={v.stamp.text}s\n" for uuid, v in sorted(values.items())]
    return "".join([*text, *(f"{line}\n" for line in unknown)])


def parse_by_name(text: str) -> dict[str, Valued]:
    """Read group-preferred-content.log: `STAMPs NAME value`, the newest line per name."""
    found: dict[str, Valued] = {}
    for line in text.split("\n"):
        if hit := _SINGLE.fullmatch(line):
            name, _, value = hit[2].partition(" ")
            old = found.get(name)
            if name and (old is None or old.stamp.order <= Stamp(hit[1]).order):
                found[name] = Valued(value, Stamp(hit[1]))
    return found


def parse_single(text: str) -> Valued | None:
    """Read a log that holds one value (numcopies.log, mincopies.log); None if it holds none."""
    newest: Valued | None = None
    for line in text.split("\n"):
        if hit := _SINGLE.fullmatch(line):
            new = Valued(hit[2], Stamp(hit[1]))
            if newest is None or newest.stamp.order <= new.stamp.order:
                newest = new
    return newest


def parse_settings(value: str) -> dict[str, str]:
    """Read the `key=value key=value` part of remote.log."""
    pairs = (word.partition("=") for word in value.split(" ") if "=" in word)
    return {name: _ENCODED.sub(lambda m: chr(int(m[1])), text) for name, _, text in pairs}


def build_settings(settings: Mapping[str, str]) -> str:
    """Write the `key=value key=value` part of remote.log, spaces and ampersands as `&32;`, `&38;`."""

    def coded(text: str) -> str:
        return "".join(f"&{ord(c)};" if c.isspace() or c == "&" else c for c in text)

    return " ".join(f"{name}={coded(text)}" for name, text in sorted(settings.items()))
