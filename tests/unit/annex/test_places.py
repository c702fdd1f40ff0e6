"""Where content could come from, and why it does not: told from values."""

from __future__ import annotations

from pathlib import Path

from rookery.annex.branch import Location
from rookery.annex.identity import WEB
from rookery.annex.places import Places, reasons
from rookery.annex.remotes import Remote, SpecialRemote, Trust

KEY = "MD5E-s10--abc.dat"


def places(
    *uuids: str,
    remotes: dict[str, Remote] | None = None,
    special: dict[str, SpecialRemote] | None = None,
    trust: dict[str, Trust] | None = None,
) -> Places:
    return Places(
        here="me",
        locations={KEY: [Location(uuid, present=True, timestamp=1.0) for uuid in uuids]},
        urls={KEY: ["http://example.com/a"]},
        remotes=remotes or {},
        special=special or {},
        descriptions={"far": "a far place", WEB: "web"},
        trust=trust or {},
    )


def remote(name: str, **settings: str) -> Remote:
    return Remote(name, {"annex-uuid": name, **{k.replace("_", "-"): v for k, v in settings.items()}})


def test_sources_are_what_is_configured_and_in_reach(tmp_path: Path) -> None:
    known = {
        "near": remote("near", url=str(tmp_path)),
        "gone": remote("gone", url=str(tmp_path / "gone")),
        "ignored": remote("ignored", url=str(tmp_path), annex_ignore="true"),
        "server": remote("server", url="ssh://host/x"),
    }
    told = places("near", "gone", "ignored", "server", "far", WEB, remotes=known)
    assert told.sources(KEY) == ["near", "server", "web"]


def test_proofs_leave_out_here_and_the_untrusted_and_believe_the_trusted(tmp_path: Path) -> None:
    known = {"near": remote("near", url=str(tmp_path)), "shaky": remote("shaky", url=str(tmp_path))}
    told = places("me", "near", "shaky", "far", remotes=known, trust={"shaky": "untrusted", "far": "trusted"})
    assert told.proofs(KEY) == ["near", "a far place"]


def test_the_dead_have_no_copies() -> None:
    assert places("far", trust={"far": "dead"}).copies(KEY) == []


def test_every_place_gets_its_own_reason(tmp_path: Path) -> None:
    known = {
        "near": remote("near", url=str(tmp_path)),
        "gone": remote("gone", url=str(tmp_path / "gone")),
        "ignored": remote("ignored", url="ssh://host/x", annex_ignore="true"),
        "server": remote("server", url="ssh://host/x"),
    }
    special = {"disk": SpecialRemote("disk", {"name": "disk", "type": "directory"})}
    told = places(
        "me", "near", "gone", "ignored", "server", "far", "disk", WEB, remotes=known, special=special
    )
    why = {r.uuid: r.why for r in reasons(told, KEY, "Unable to access these remotes: server")}
    assert "gone without having been dropped" in why["me"]
    assert "does not give the content" in why["near"]
    assert why["gone"] == f"there is nothing at {tmp_path / 'gone'}"
    assert "annex-ignore" in why["ignored"]
    assert "could not be reached" in why["server"]
    assert "not a sibling" in why["far"]
    assert "siblings enable -s disk" in why["disk"]
    assert "http://example.com/a" in why[WEB]
