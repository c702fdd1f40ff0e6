"""Content by plain HTTP, with the real git-annex told to use that: for clients that do not speak its protocol."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from support.hubs import HubServer
from support.programs import Program

DATA = b"content of some size\n" * 20_000
KEY = f"MD5E-s{len(DATA)}--{hashlib.md5(DATA).hexdigest()}.dat"


@pytest.fixture(scope="module")
def ada(served: HubServer) -> str:
    return served.add_user("ada")


@pytest.fixture
def clone(served: HubServer, ada: str, git: Program, annex: Program, tmp_path: Path) -> Path:
    """Push a dataset whose content is on the hub, and give a clone without it that uses plain HTTP."""
    here, name = tmp_path / "source", tmp_path.name[:60]
    git("init", "-q", "-b", "main", here)
    annex("init", cwd=here)
    (here / "data.dat").write_bytes(DATA)
    annex("add", "--backend=MD5E", ".", cwd=here)
    git("commit", "-qm", "first", cwd=here)
    served.api("POST", "user/repos", {"name": name}, 201, token=ada)
    url = served.at("ada", ada, f"ada/{name}")
    with served.beside() as hub:
        who = hub.person("ada")
        where = next(r for r in hub.opened.hub.repositories.search(who, name))
        with hub.opened.hub.contents.receive(who, where.id, KEY, length=len(DATA)) as coming:
            coming.write(DATA)
            assert coming.finish()
    annex("setpresentkey", KEY, where.uuid, "1", cwd=here)  # as who had sent it would have written down
    git("push", "-q", url, "main", "git-annex", cwd=here)
    clone, plain = tmp_path / "clone", f"{served.url}/ada/{name}"
    helper = (
        f"!f() {{ echo username=ada; echo password={ada}; }}; f"  # git-annex takes no secret from an address
    )
    git("-c", f"credential.helper={helper}", "clone", "-q", plain, clone)
    git("config", "credential.helper", helper, cwd=clone)
    git("config", "annex.security.allowed-ip-addresses", "127.0.0.1", cwd=clone)
    git("config", "remote.origin.annexurl", plain, cwd=clone)
    annex("init", cwd=clone)
    assert git("config", "remote.origin.annex-uuid", cwd=clone).text == where.uuid
    return clone


def test_git_annex_gets_checks_and_goes_on_where_it_stopped(clone: Path, annex: Program) -> None:
    annex("get", "data.dat", cwd=clone)
    assert (clone / "data.dat").read_bytes() == DATA
    annex("fsck", "--fast", "--from=origin", cwd=clone)
    annex("drop", "data.dat", cwd=clone)
    part = clone / ".git" / "annex" / "tmp" / KEY
    part.parent.mkdir(exist_ok=True)
    part.write_bytes(DATA[:100_000])
    annex("get", "data.dat", cwd=clone)
    assert (clone / "data.dat").read_bytes() == DATA


def test_both_orders_of_folders_lead_to_the_content(served: HubServer, ada: str, clone: Path) -> None:
    name = clone.parent.name[:60]
    for folders in ("f87/4d5", "Wf/9q"):
        url = f"ada/{name}.git/annex/objects/{folders}/{KEY}/{KEY}"
        assert served.ask("GET", url, token=ada).body == DATA
        head = served.ask("HEAD", url, token=ada)
        assert head.headers["Content-Length"] == str(len(DATA))
        rest = served.ask("GET", url, token=ada, headers={"Range": "bytes=419990-"})
        assert (rest.status, rest.body) == (206, DATA[419990:])
        assert served.ask("GET", url, token=ada, headers={"Range": f"bytes={len(DATA)}-"}).status == 416
        last = served.ask("GET", url, token=ada, headers={"Range": "bytes=-5"})
        assert (last.status, last.body) == (206, DATA[-5:])
        assert served.ask("GET", url).status == 401
        assert served.ask("GET", url.replace("MD5E", "MD5"), token=ada).status == 404
