"""Two clients of git-annex's P2P protocol with one set of words, to ask two servers the same and compare."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import IO, Any, NamedTuple

from support.p2p import P2p

ABSENT = "absent"


class Lines:
    """The protocol in lines, on two streams."""

    def __init__(self, out: IO[bytes], into: IO[bytes], version: int) -> None:
        self.out = out
        self.into = into
        self.version = version
        assert self.line().startswith("AUTH-SUCCESS ")
        if version:
            assert self.ask(f"VERSION {version}") == f"VERSION {version}"

    def line(self) -> str:
        """Read an answer."""
        raw = self.out.readline()
        assert raw.endswith(b"\n"), f"the server ended: {raw!r}"
        return raw[:-1].decode()

    def say(self, text: str, data: bytes = b"") -> None:
        """Send a line, and bytes behind it."""
        self.into.write(text.encode() + b"\n" + data)
        self.into.flush()

    def ask(self, text: str) -> str:
        """Send a line, and give the answer."""
        self.say(text)
        return self.line()

    def check(self, key: str) -> Any:
        """Ask whether content is there."""
        return self.ask(f"CHECKPRESENT {key}") == "SUCCESS"

    def put(self, key: str, data: bytes, *, valid: bool = True) -> Any:
        """Send content; whether it is there in the end."""
        told = self.ask(f"PUT name {key}")
        if told == "ALREADY-HAVE":
            return True
        word, offset = told.split()
        assert word == "PUT-FROM", told
        rest = data[int(offset) :]
        seal = (b"VALID\n" if valid else b"INVALID\n") if self.version else b""
        self.say(f"DATA {len(rest)}", rest + seal)
        return self.line() == "SUCCESS"

    def claim(self, key: str) -> Any:
        """Say that content was brought there in another way; whether it is there in the end."""
        if self.ask(f"PUT name {key}") == "ALREADY-HAVE":
            return True
        return self.ask("DATA-PRESENT") == "SUCCESS"

    def bypass(self, key: str) -> Any:
        """Say which other repositories are not to be asked, and ask whether content is there."""
        self.say("BYPASS 11111111-2222-3333-4444-555555555555")
        return self.check(key)

    def get(self, key: str, offset: int) -> Any:
        """Get content from an offset on."""
        word, size = self.ask(f"GET {offset} name {key}").split()
        assert word == "DATA", word
        data = self.out.read(int(size))
        valid = self.line() == "VALID" if self.version else True
        self.say("SUCCESS")
        return data if valid else ABSENT

    def lock(self, key: str) -> Any:
        """Lock content, and unlock it; whether it could be locked."""
        locked = self.ask(f"LOCKCONTENT {key}") == "SUCCESS"
        if locked:
            self.say("UNLOCKCONTENT")
        return locked

    def remove(self, key: str) -> Any:
        """Remove content."""
        return self.ask(f"REMOVE {key}") == "SUCCESS"

    def remove_before(self, key: str, seconds: int) -> Any:
        """Remove content within so many seconds."""
        now = int(self.ask("GETTIMESTAMP").split()[1])
        return self.ask(f"REMOVE-BEFORE {now + seconds} {key}") == "SUCCESS"


class Requests(NamedTuple):
    """The protocol over HTTP."""

    annex: P2p
    version: int

    def _told(self, action: str, **query: Any) -> Any:
        return self.annex.told(action, version=self.version, **query)

    def check(self, key: str) -> Any:
        """Ask whether content is there."""
        return self._told("checkpresent", key=key)["present"]

    def put(self, key: str, data: bytes, *, valid: bool = True) -> Any:
        """Send content; whether it is there in the end.  What is not valid is shorter than was said."""
        offset = 0
        if self.version:
            told = self._told("putoffset", key=key)
            if told.get("alreadyhave"):
                return True
            offset = told["offset"]
        rest = data[offset:]
        reply = self.annex.put(
            key, rest if valid else rest + b"more", length=len(rest), version=self.version, offset=offset
        )
        return reply.status == 200 and json.loads(reply.body)["stored"]

    def claim(self, key: str) -> Any:
        """Say that content was brought there in another way; whether it is there in the end."""
        query = {"key": key, "data-present": "true"}
        reply = self.annex.ask(
            "POST", "put", b"", headers={"X-git-annex-data-length": "0"}, version=self.version, **query
        )
        return reply.status == 200 and json.loads(reply.body)["stored"]

    def bypass(self, key: str) -> Any:
        """Say which other repositories are not to be asked, and ask whether content is there."""
        return self._told("checkpresent", key=key, bypass="11111111-2222-3333-4444-555555555555")["present"]

    def get(self, key: str, offset: int) -> Any:
        """Get content from an offset on."""
        reply = self.annex.get(key, offset=offset, version=self.version)
        return reply.body if reply.status == 200 else ABSENT

    def lock(self, key: str) -> Any:
        """Lock content, and unlock it; whether it could be locked."""
        told = self._told("lockcontent", key=key)
        if told["locked"]:
            unlock = self.annex.ask(
                "POST", "keeplocked", b'{"unlock":true}', version=self.version, lockid=told["lockid"],
                headers={"Content-Type": "application/json"},
            )  # fmt: skip
            assert json.loads(unlock.body) == {"locked": False}
        return told["locked"]

    def remove(self, key: str) -> Any:
        """Remove content."""
        return self._told("remove", key=key)["removed"]

    def remove_before(self, key: str, seconds: int) -> Any:
        """Remove content within so many seconds."""
        now = self._told("gettimestamp")["timestamp"]
        return self._told("remove-before", key=key, timestamp=now + seconds)["removed"]


Client = Lines | Requests
Step = Callable[[Client, Callable[[str], str]], Any]
