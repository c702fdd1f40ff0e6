"""The API as real clients use it: DataLad's create-sibling commands, GIN's client, and people with curl."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from rookery.hub.domain.access import Visibility
from support.home import Home
from support.hubs import PASSWORD, HubServer, serving
from support.planting import plant
from support.programs import Program

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 42 + "{} ada@home"


@pytest.fixture(scope="module")
def ada(served: HubServer) -> str:
    return served.add_user("ada", password=PASSWORD)


@pytest.fixture(scope="module")
def bob(served: HubServer) -> str:
    return served.add_user("bob")


def with_token(served: HubServer, datalad: Program, token: str) -> Program:
    name = re.sub(r"\W", "_", served.url.removeprefix("http://")).upper()
    return datalad.having({f"DATALAD_CREDENTIAL_{name}_TOKEN": token, "DATALAD_CREDENTIAL_HUB_TOKEN": token})


@pytest.mark.parametrize("kind", ["gin", "gogs", "gitea"])
def test_datalad_makes_a_sibling_and_pushes_history(
    served: HubServer, ada: str, datalad: Program, git: Program, tiny_dataset: Path, kind: str
) -> None:
    make = with_token(served, datalad, ada).at(tiny_dataset)
    words = (f"create-sibling-{kind}", f"by-{kind}", "--api", served.url, "-s", "hub", "--credential", "hub")
    made = make(*words, "--access-protocol", "https", "--private")
    assert "create_sibling" in made.stdout
    assert served.api("GET", f"repos/ada/by-{kind}", token=ada)["visibility"] == "private"
    git(
        "config",
        "credential.helper",
        f"!f() {{ echo username=ada; echo password={ada}; }}; f",
        cwd=tiny_dataset,
    )
    make("push", "--to", "hub", "--data", "nothing")
    branches = served.api("GET", f"repos/ada/by-{kind}/branches", token=ada)
    assert {branch["name"] for branch in branches} == {"main", "git-annex"}
    if kind == "gitea":
        return  # it knows another status for what exists already, and the request is the same: see the next test
    words = (*words[:5], "hub2", *words[6:])
    again = make(*words, "--access-protocol", "https", "--private", code=1)
    assert "already exist" in again.stdout + again.stderr
    make(*words, "--access-protocol", "https", "--existing", "reconfigure")


def test_a_hub_can_answer_as_gitea_does(
    datalad: Program, tiny_dataset: Path, home: Home, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    settings = {"ROOKERY_HUB_PERSONA": "gitea"}
    with serving(tmp_path / "hub", home.env, database=new_database(), settings=settings) as server:
        make = with_token(server, datalad, server.add_user("ada")).at(tiny_dataset)
        words = ("create-sibling-gitea", "twice", "--api", server.url, "--credential", "hub", "-s")
        make(*words, "one")
        again = make(*words, "two", code=1)
        assert "already exist" in again.stdout + again.stderr
        make(*words, "two", "--existing", "reconfigure")


def test_ginclient_signs_in_and_keeps_its_key(served: HubServer, ada: str) -> None:
    # what gin-cli sends, in its order; its JSON says that it is of type "application/jsonAuthorization"
    basic = ("ada", PASSWORD)
    assert all(t["sha1"] == "" for t in served.api("GET", "users/ada/tokens", basic=basic))
    odd = {"Content-Type": "application/jsonAuthorization"}
    made = [
        served.ask("POST", "api/v1/users/ada/tokens", b'{"Name":"gin-cli"}', basic=basic, headers=odd)
        for _ in range(2)
    ]
    assert [reply.status for reply in made] == [201, 201]
    token = re.search(rb'"sha1":"(\w+)"', made[0].body)
    assert token
    signed = token[1].decode()
    key = ED25519.format("A")
    served.api("POST", "user/keys", {"title": "home", "key": key}, 201, token=signed)
    served.api("POST", "user/keys", {"title": "home", "key": key}, 422, token=signed)
    [kept] = served.api("GET", "user/keys", token=signed)
    assert kept["key"] == key.rpartition(" ")[0]
    served.api("DELETE", f"user/keys/{kept['id']}", code=204, token=signed)
    assert served.api("GET", "users/ada", token=signed)["login"] == "ada"
    served.api("POST", "user/repos", {"name": "byginclient", "private": True}, 201, token=signed)
    assert "byginclient" in [r["name"] for r in served.api("GET", "users/ada/repos", token=signed)]
    served.api("DELETE", "repos/ada/byginclient", code=204, token=signed)
    served.api("GET", "repos/ada/byginclient", code=404, token=signed)


def test_what_is_asked_wrongly_is_said(served: HubServer, ada: str) -> None:
    assert "already exist" in twice(served, ada)["message"]
    for body in ({"name": "../evil"}, {"name": ""}, {"name": "x", "auto_init": True}, {"nome": "x"}, None):
        assert served.api("POST", "user/repos", body, 422, token=ada)["message"]
    form = {"Content-Type": "application/x-www-form-urlencoded"}  # what curl says of a body unless it is told
    told = served.ask("POST", "api/v1/user/repos", b'{"name": "x"}', token=ada, headers=form)
    assert told.status == 422 and b"Content-Type: application/json" in told.body
    assert served.api("GET", "user", code=401)["message"]
    assert served.api("GET", "user", code=401, token="rkh_wrong")["message"]
    assert served.api("GET", "no/such/route", code=404, token=ada)["message"]
    served.api("POST", "users/ada/tokens", {"name": "t", "scopes": ["read:evrything"]}, 422, token=ada)
    for key in ("nonsense", "ssh-ed25519 AAAA", "-----BEGIN OPENSSH PRIVATE KEY-----"):
        served.api("POST", "user/keys", {"title": "x", "key": key}, 422, token=ada)


def twice(served: HubServer, token: str) -> Any:
    served.api("POST", "user/repos", {"name": "twice"}, 201, token=token)
    return served.api("POST", "user/repos", {"name": "Twice"}, 422, token=token)


def test_a_token_is_good_for_what_it_was_made_for(served: HubServer, ada: str) -> None:
    for name in ("mine", "other"):
        served.api("POST", "user/repos", {"name": name}, 201, token=ada)
    body = {"name": "t", "scopes": ["read:repository"], "repositories": ["ada/mine"], "expires_in_days": 1}
    narrow = served.api("POST", "users/ada/tokens", body, 201, token=ada)["sha1"]
    served.api("GET", "repos/ada/mine", token=narrow)
    served.api("GET", "repos/ada/other", code=404, token=narrow)
    served.api("PATCH", "repos/ada/mine", {"description": "x"}, 403, token=narrow)
    served.api("POST", "users/ada/tokens", {"name": "more"}, 403, token=narrow)
    wide = served.api("POST", "users/ada/tokens", {"name": "u", "scopes": ["write:user"]}, 201, token=ada)[
        "sha1"
    ]
    grown = served.api("POST", "users/ada/tokens", {"name": "v", "scopes": ["all"]}, 201, token=wide)
    assert grown["scopes"] == ["write:user"], "a token makes no token that can do more"


def test_settings_collaborators_and_deploy_keys(served: HubServer, ada: str, bob: str) -> None:
    served.api("POST", "user/repos", {"name": "shared"}, 201, token=ada)
    served.api("GET", "repos/ada/shared", code=404, token=bob)
    served.api("PUT", "repos/ada/shared/collaborators/bob", {"permission": "read"}, 204, token=ada)
    assert served.api("GET", "repos/ada/shared", token=bob)["permissions"] == {
        "admin": False,
        "push": False,
        "pull": True,
        "drop": False,
    }
    served.api("PUT", "repos/ada/shared/collaborators/eve", {"permission": "read"}, 404, token=ada)
    served.api("PUT", "repos/ada/shared/collaborators/bob", {"permission": "admin"}, 204, token=ada)
    made = served.api(
        "POST",
        "repos/ada/shared/keys",
        {"title": "ci", "key": ED25519.format("B"), "append_only": True},
        201,
        token=bob,
    )
    assert made["read_only"]
    served.api("DELETE", f"repos/ada/shared/keys/{made['id']}", code=204, token=bob)
    served.api("PATCH", "repos/ada/shared", {"name": "renamed"}, 403, token=bob)
    served.api("PATCH", "repos/ada/shared", {"name": "renamed", "visibility": "unlisted"}, token=ada)
    assert served.api("GET", "repos/ada/shared", token=bob)["name"] == "renamed", "the old name leads on"
    served.api("DELETE", "repos/ada/renamed/collaborators/bob", code=204, token=ada)
    served.api("GET", "repos/ada/renamed", token=bob)
    assert "renamed" not in [r["name"] for r in served.api("GET", "repos/search", token=bob)["data"]]


def test_organisations_with_teams(served: HubServer, ada: str, bob: str) -> None:
    served.api("POST", "orgs", {"username": "lab"}, 201, token=ada)
    served.api("POST", "org/lab/repos", {"name": "study"}, 201, token=ada)
    served.api("POST", "org/lab/repos", {"name": "other"}, 403, token=bob)
    team = served.api("POST", "orgs/lab/teams", {"name": "readers", "permission": "read"}, 201, token=ada)[
        "id"
    ]
    served.api("PUT", f"teams/{team}/members/bob", code=204, token=ada)
    served.api("GET", "repos/lab/study", code=404, token=bob)
    served.api("PUT", f"teams/{team}/repos/lab/study", code=204, token=ada)
    assert not served.api("GET", "repos/lab/study", token=bob)["permissions"]["push"]
    assert [o["login"] for o in served.api("GET", "user/orgs", token=bob)] == ["lab"]
    assert [r["name"] for r in served.api("GET", "orgs/lab/repos", token=bob)] == ["study"]
    owners = next(t for t in served.api("GET", "orgs/lab/teams", token=ada) if t["permission"] == "owner")
    served.api("DELETE", f"teams/{owners['id']}/members/ada", code=422, token=ada)
    served.api("DELETE", f"teams/{team}/members/bob", code=204, token=ada)
    served.api("GET", "repos/lab/study", code=404, token=bob)


DATA = b"\x00\x01 image\n" * 1000
KEY = f"MD5E-s{len(DATA)}--{hashlib.md5(DATA).hexdigest()}.dat"


@pytest.fixture
def pushed(served: HubServer, ada: str, git: Program, annex: Program, tmp_path: Path) -> Path:
    """Push a dataset with a text file, an annexed one (locked and unlocked) and a branch with a slash in its name."""
    here = tmp_path / "clone"
    git("init", "-q", "-b", "main", here)
    annex("init", "here", cwd=here)
    (here / "sub").mkdir()
    (here / "sub" / "data.dat").write_bytes(DATA)
    (here / "open.dat").write_bytes(DATA)
    annex("add", "--backend=MD5E", "sub", cwd=here)
    git("-c", "annex.largefiles=anything", "-c", "annex.backend=MD5E", "add", "open.dat", cwd=here)
    (here / "read me.txt").write_text("text ü\n")
    git("-c", "annex.largefiles=nothing", "add", "read me.txt", cwd=here)
    git("commit", "-qm", "first", cwd=here)
    git("branch", "feature/one", cwd=here)
    name = tmp_path.name[:60]
    served.api("POST", "user/repos", {"name": name}, 201, token=ada)
    git("push", "-q", served.at("ada", ada, f"ada/{name}"), "main", "feature/one", "git-annex", cwd=here)
    with served.beside() as hub:
        who = hub.person("ada")
        repository = next(r for r in hub.opened.hub.repositories.search(who, name))
        with hub.opened.hub.contents.receive(who, repository.id, KEY, length=len(DATA)) as coming:
            coming.write(DATA)
            assert coming.finish()
    return Path("repos/ada") / name


def test_files_and_folders_are_told_with_their_keys(served: HubServer, ada: str, pushed: Path) -> None:
    top = {e["name"]: e for e in served.api("GET", f"{pushed}/contents", token=ada)}
    assert {n: e["type"] for n, e in top.items()} == {"open.dat": "file", "read me.txt": "file", "sub": "dir"}
    assert top["open.dat"]["annex"] == {"key": KEY, "present": True}
    [inside] = served.api("GET", f"{pushed}/contents/sub?ref=feature/one", token=ada)
    assert (inside["path"], inside["size"], inside["annex"]["key"]) == ("sub/data.dat", len(DATA), KEY)
    text = served.api("GET", f"{pushed}/contents/read%20me.txt", token=ada)
    assert base64.b64decode(text["content"]).decode() == "text ü\n"
    for path in (
        "contents/none",
        "contents/..%2f..",
        "contents?ref=none",
        "contents?ref=HEAD~1",
        "contents?ref=-x",
    ):
        served.api("GET", f"{pushed}/{path}", code=404, token=ada)
    [first] = served.api("GET", f"{pushed}/commits?sha=feature/one", token=ada)
    assert first["commit"]["message"] == "first\n"


@pytest.mark.parametrize("path", ["raw/main/sub/data.dat", "raw/feature/one/open.dat", f"annex/keys/{KEY}"])
def test_raw_gives_annexed_content_and_parts_of_it(
    served: HubServer, ada: str, pushed: Path, path: str
) -> None:
    url = f"api/v1/{pushed}/{path}"
    whole = served.ask("GET", url, token=ada)
    assert (whole.status, whole.body) == (200, DATA)
    assert "sandbox" in whole.headers["Content-Security-Policy"]
    head = served.ask("HEAD", url, token=ada)
    assert (head.headers["Content-Length"], head.body) == (str(len(DATA)), b"")
    part = served.ask("GET", url, token=ada, headers={"Range": "bytes=10-19"})
    assert (part.status, part.body, part.headers["Content-Range"]) == (
        206,
        DATA[10:20],
        f"bytes 10-19/{len(DATA)}",
    )
    again = served.ask("GET", url, token=ada, headers={"If-None-Match": whole.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert served.ask("GET", url).status == 404


@pytest.mark.parametrize("where", ["api/v1/{}/raw/main/big.txt", "{}/raw/main/big.txt"])
def test_raw_gives_parts_of_what_git_has(served: HubServer, where: str) -> None:
    text = b"".join(b"line %d\n" % n for n in range(60_000))  # some pieces of what Git writes
    token = served.add_user("raw")
    with served.beside() as inside:
        raw = inside.person("raw")
        name = f"open{len(where)}"
        plant(inside, raw, inside.repository(raw, name, Visibility.PUBLIC), {"big.txt": text, "empty": b""})
    url = where.format(f"repos/raw/{name}" if "api" in where else f"raw/{name}")
    whole = served.ask("GET", url, token=token)
    assert (whole.status, whole.body) == (200, text)
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert "sandbox" in whole.headers["Content-Security-Policy"]
    head = served.ask("HEAD", url, token=token)
    assert (head.headers["Content-Length"], head.headers["ETag"]) == (str(len(text)), whole.headers["ETag"])
    size = len(text)
    for asked, start, end in (
        ("0-0", 0, 1),
        ("65530-65545", 65530, 65546),
        ("400000-", 400000, size),
        ("-7", size - 7, size),
        (f"{size - 1}-{size + 5}", size - 1, size),
    ):
        part = served.ask("GET", url, token=token, headers={"Range": f"bytes={asked}"})
        assert (part.status, part.body) == (206, text[start:end]), asked
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
        assert part.headers["Content-Length"] == str(end - start)
    beyond = served.ask("GET", url, token=token, headers={"Range": f"bytes={size}-"})
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
    changed = {"Range": "bytes=0-0", "If-Range": '"another"'}
    assert served.ask("GET", url, token=token, headers=changed).body == text, "it is another file now"
    known = served.ask("GET", url, token=token, headers={"If-None-Match": whole.headers["ETag"]})
    assert (known.status, known.body) == (304, b"")
    empty = served.ask("GET", url.replace("big.txt", "empty"), token=token)
    assert (empty.status, empty.body) == (200, b"")


def test_an_archive_has_annexed_content_and_says_what_it_has_not(
    served: HubServer, ada: str, pushed: Path
) -> None:
    url = f"api/v1/{pushed}/archive/feature/one.zip"
    whole = ZipFile(io.BytesIO(served.ask("GET", url, token=ada).body))
    top = pushed.name
    assert whole.testzip() is None
    assert whole.namelist() == [f"{top}/open.dat", f"{top}/read me.txt", f"{top}/sub/data.dat"]
    assert whole.read(f"{top}/sub/data.dat") == whole.read(f"{top}/open.dat") == DATA
    tarred = io.BytesIO(served.ask("GET", url.replace(".zip", ".tar"), token=ada).body)
    with tarfile.open(fileobj=tarred) as tar:
        told = {file.name: data.read() for file in tar if (data := tar.extractfile(file))}
    assert told == {name: whole.read(name) for name in whole.namelist()}
    served.api("DELETE", f"{pushed}/annex/keys/{KEY}", code=204, token=ada)
    rest = ZipFile(io.BytesIO(served.ask("GET", url, token=ada).body))
    said = rest.read(f"{top}/NOT-IN-THIS-ARCHIVE.txt").decode()
    assert said.count("is not here") == 2
    assert rest.read(f"{top}/read me.txt").decode() == "text ü\n"
    tarred = io.BytesIO(served.ask("GET", url.replace(".zip", ".tar"), token=ada).body)
    with tarfile.open(fileobj=tarred) as tar:
        assert tar.getnames() == rest.namelist()
    below = served.ask("GET", f"api/v1/{pushed}/archive/feature/one/sub.zip", token=ada)
    assert 'filename="' + pushed.name + '-feature-one-sub.zip"' in below.headers["Content-Disposition"]
    named = ZipFile(io.BytesIO(below.body)).namelist()
    assert named == [f"{top}/NOT-IN-THIS-ARCHIVE.txt"], "its only file was dropped above"
    served.api("GET", f"{pushed}/archive/feature/one/open.dat.zip", code=404, token=ada)
    served.api("GET", f"{pushed}/archive/none.zip", code=404, token=ada)
    served.api("GET", f"{pushed}/archive/main.rar", code=404, token=ada)


def test_whereis_and_counts(served: HubServer, ada: str, pushed: Path) -> None:
    told = served.api("GET", f"{pushed}/whereis/sub/data.dat", token=ada)
    assert told["here"]
    assert [place["description"] for place in told["whereis"]] == ["here"]
    counted = served.api("GET", f"{pushed}/annex", token=ada)
    assert counted["bytes"] == len(DATA)
    here = f"git-annex/{counted['uuid']}/v4"
    lock = served.ask("POST", f"{here}/lockcontent?key={KEY}&clientuuid=x", token=ada)
    refused = served.api("DELETE", f"{pushed}/annex/keys/{KEY}", code=409, token=ada)
    assert "is locked" in refused["message"]
    lockid = json.loads(lock.body)["lockid"]
    served.ask("POST", f"{here}/keeplocked?lockid={lockid}&clientuuid=x", b'{"unlock":true}', token=ada)
    served.api("DELETE", f"{pushed}/annex/keys/{KEY}", code=204, token=ada)
    assert served.api("GET", f"{pushed}/annex", token=ada)["keys"] == 0


def test_run_records_are_told_as_they_were_written(
    served: HubServer, ada: str, cli: Program, datalad: Program, git: Program, tmp_path: Path
) -> None:
    served.api("POST", "user/repos", {"name": "ran", "visibility": "unlisted"}, 201, token=ada)
    here = tmp_path / "ran"
    cli("create", here, cwd=tmp_path)
    (here / "in.txt").write_text("words\n")
    cli("save", cwd=here)
    cli("run", "-m", "first", "-i", "in.txt", "-o", "one.txt", "cp {inputs} {outputs}", cwd=here)
    datalad("run", "-m", "second", "-o", "two.txt", "echo two > two.txt", cwd=here)
    git("push", "-q", served.at("ada", ada, "ada/ran"), "HEAD:main", cwd=here)
    second, first = served.api("GET", "repos/ada/ran/runs")
    assert (first["message"], first["command"], first["exit"]) == ("first", "cp {inputs} {outputs}", 0)
    assert (first["inputs"], first["outputs"], first["pwd"]) == (["in.txt"], ["one.txt"], ".")
    assert (second["message"], second["record"]["cmd"]) == ("second", "echo two > two.txt")
    assert served.api("GET", "repos/ada/ran/runs?path=one.txt") == [first]
    assert served.api("GET", f"repos/ada/ran/runs?sha={first['sha']}") == [first]
    assert served.api("GET", f"repos/ada/ran/runs/{first['sha']}") == first
    page = served.ask("GET", "api/v1/repos/ada/ran/runs?limit=1&page=1")
    assert 'page=2>; rel="next"' in page.headers["Link"]
    page = served.ask("GET", "api/v1/repos/ada/ran/runs?limit=1&page=2")
    assert 'rel="next"' not in page.headers["Link"]
    assert b'"message":"first"' in page.body
    before = git("rev-parse", f"{first['sha']}^", cwd=here).text
    served.api("GET", f"repos/ada/ran/runs/{before}", code=404)
    for odd in ("..", "a/../..", "%00", "/"):
        assert served.ask("GET", f"api/v1/repos/ada/ran/runs?path={odd}").status in (200, 404)


def test_lists_come_in_pages(served: HubServer, ada: str) -> None:
    eve = served.add_user("eve")
    with served.beside() as hub:
        for number in range(5):
            hub.repository(hub.person("eve"), f"r{number}", Visibility.PUBLIC)
    reply = served.ask("GET", "api/v1/users/eve/repos?limit=2&page=2", token=eve)
    assert reply.headers["X-Total-Count"] == "5"
    assert 'page=3>; rel="next"' in reply.headers["Link"]
    assert reply.body.count(b'"full_name":"eve/') == 2


def test_the_api_describes_itself(served: HubServer) -> None:
    paths = served.api("GET", "openapi.json")["paths"]
    assert {
        "/user/repos",
        "/org/{org}/repos",
        "/users/{name}/tokens",
        "/repos/{owner}/{repo}/raw/{file}",
    } <= set(paths)
