"""The collaboration tutorial with the real DataLad as the client: both routes, both protocols, private and public."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from starlette.datastructures import Headers

from support.asgi import Answer
from support.browser import Browser
from support.home import Home, make_home
from support.hub_keys import Keyring
from support.hubs import PASSWORD, HubServer, serving
from support.programs import Program

SLOW = pytest.mark.campaign
TURN_AROUND = "from pathlib import Path as P; P('{outputs}').write_bytes(P('{inputs}').read_bytes()[::-1])"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    folder = tmp_path_factory.mktemp("tutorial")
    with serving(folder / "hub", make_home(folder / "home", os.environ).env, ssh=True) as server:
        yield server


class Person(NamedTuple):
    """Somebody at their own computer, with a browser."""

    name: str
    home: Home
    browser: Browser
    datalad: Program

    def at(self, folder: Path) -> Program:
        """Give their DataLad in a folder."""
        return self.datalad.at(folder)


def ask(hub: HubServer, method: str, url: str, body: bytes, headers: dict[str, str]) -> Answer:
    reply = hub.ask(
        method, url.removeprefix(hub.url).lstrip("/"), body, headers={**headers, "Origin": hub.url}
    )
    pairs = [(name.lower().encode(), value.encode()) for name, value in reply.headers.items()]
    return Answer(reply.status, Headers(raw=pairs), reply.body)


def arrive(hub: HubServer, datalad: Program, name: str, folder: Path, *, ssh: bool) -> Person:
    """Sign up with the browser, and set up the computer as the hub's pages say."""
    browser = Browser(lambda method, url, body, headers: ask(hub, method, url, body, headers))
    filled = {"name": name, "email": f"{name}@example.org", "password": PASSWORD, "again": PASSWORD}
    same = {"headers": {"Origin": hub.url}}
    browser.go("/user/sign_up").submit("Make an account", **same, **filled)
    home = make_home(folder / f"home-{name}", os.environ)
    if ssh:
        keys = Keyring(home, hub)
        key = keys.make(name)
        keys.come_as(name)
        browser.go("/user/settings/keys").submit("Add key", **same, title="laptop", key=key)
    browser.go("/user/settings/applications").submit("Generate token", **same, name="datalad")
    token = re.search(r"rkh_[0-9a-f]{40}", browser.text)
    assert token
    place = hub.url.removeprefix("http://")
    # the token where DataLad looks for it; for Git only where content is to go over HTTP
    text = f'[datalad "credential.{place}"]\n\ttoken = {token[0]}\n'
    if not ssh:
        text += f'[credential]\n\thelper = "!f() {{ echo username={name}; echo password={token[0]}; }}; f"\n'
    with open(home.path / ".gitconfig", "a") as settings:
        settings.write(text)
    return Person(name, home, browser, Program(datalad.argv, home.env, folder))


def make_dataset(alice: Person, folder: Path) -> Path:
    alice.at(folder)("create", "-c", "text2git", "my-dataset")
    dataset = folder / "my-dataset"
    (dataset / "README.md").write_text("# Penguins\n")
    (dataset / "inputs").mkdir()
    for number in range(2):
        (dataset / "inputs" / f"chinstrap_0{number}.jpg").write_bytes(os.urandom(3000))
    alice.at(dataset)("save", "-m", "Add pictures")
    return dataset


def make_repository(
    hub: HubServer, alice: Person, dataset: Path, way: str, access: str, visibility: str
) -> str:
    """Make the repository by one of the two routes; give its address for clones."""
    page = f"{hub.url}/{alice.name}/my-dataset"
    url = f"{hub.ssh}/{alice.name}/my-dataset.git" if access.endswith("ssh") else page
    if way == "web":
        same = {"headers": {"Origin": hub.url}}
        alice.browser.go("/repo/create").submit(
            "Create repository", **same, name="my-dataset", visibility=visibility
        )
        said = alice.at(dataset)("siblings", "add", "-d", ".", "--name", "gin", "--url", url)
        assert "gin(+)" in said.stdout, "the annex is there before anybody has pushed"
        assert "Could not" not in said.stderr
    else:
        private = ["--private"] if visibility == "private" else []
        words = ("--access-protocol", access, "-s", "gin", *private, "my-dataset")
        alice.at(dataset)("create-sibling-gin", "--api", hub.url, *words)
    return url


@pytest.mark.parametrize(
    ("way", "access", "visibility"),
    [
        ("command", "https", "private"),
        pytest.param("command", "https-ssh", "public", marks=SLOW),
        pytest.param("command", "ssh", "private", marks=SLOW),
        pytest.param("web", "ssh", "private", marks=SLOW),
        pytest.param("web", "https", "public", marks=SLOW),
        pytest.param("web", "https", "private", marks=SLOW),
    ],
)
def test_two_people_collaborate(
    hub: HubServer, datalad: Program, tmp_path: Path, way: str, access: str, visibility: str
) -> None:
    ssh, suffix = access.endswith("ssh"), f"-{way[0]}{len(access)}{visibility[:2]}"
    alice = arrive(hub, datalad, f"alice{suffix}", tmp_path, ssh=ssh)
    bob = arrive(hub, datalad, f"bob{suffix}", tmp_path, ssh=ssh)
    dataset = make_dataset(alice, tmp_path)
    url = make_repository(hub, alice, dataset, way, access, visibility)
    pushed = alice.at(dataset)("push", "--to", "gin").stdout
    assert pushed.count("copy(ok)") == 2
    assert "[new branch]" in pushed
    assert "chinstrap_00.jpg" in alice.browser.go(f"/{alice.name}/my-dataset/src/main/inputs").text

    # bob, before he is invited
    refused = bob.at(tmp_path)("clone", url, "early", code=None)
    assert (refused.code == 0) == (visibility == "public")
    alice.browser.go(f"/{alice.name}/my-dataset/settings/collaboration").submit(
        "Add collaborator", headers={"Origin": hub.url}, name=bob.name, level="write"
    )
    bob.at(tmp_path)("clone", url, "clone")
    clone = tmp_path / "clone"
    got = bob.at(clone)("get", "inputs/chinstrap_00.jpg").stdout
    assert "[from origin...]" in got
    assert (clone / "inputs/chinstrap_00.jpg").read_bytes() == (
        dataset / "inputs/chinstrap_00.jpg"
    ).read_bytes()

    # alice goes on, and bob keeps up and computes it again
    (dataset / "outputs").mkdir()
    run = ("--input", "inputs/chinstrap_01.jpg", "--output", "outputs/grey.jpg", "-m", "Convert")
    alice.at(dataset)("run", *run, f'python3 -c "{TURN_AROUND}"')
    assert alice.at(dataset)("push", "--to", "gin").stdout.count("copy(ok)") == 1, "only what is new is sent"
    bob.at(clone)("update", "-s", "origin", "--how", "merge")
    assert "save (notneeded: 1)" in bob.at(clone)("rerun").stdout, "the same to the last bit"

    # bob contributes, alice gets it and drops what the hub keeps
    (clone / "inputs/more.jpg").write_bytes(os.urandom(2000))
    bob.at(clone)("save", "-m", "One more")
    assert "copy(ok): inputs/more.jpg" in bob.at(clone)("push", "--to", "origin").stdout
    alice.at(dataset)("update", "-s", "gin", "--how", "merge")
    alice.at(dataset)("get", "inputs/more.jpg")
    assert (dataset / "inputs/more.jpg").read_bytes() == (clone / "inputs/more.jpg").read_bytes()
    alice.at(dataset)("drop", "inputs/more.jpg")

    stranger = Program(datalad.argv, make_home(tmp_path / "home-stranger", os.environ).env, tmp_path)
    page = f"{hub.url}/{alice.name}/my-dataset"
    seen = stranger("clone", page, "seen", code=None)
    assert (seen.code == 0) == (visibility == "public")
    if visibility == "public":
        stranger("get", "inputs/more.jpg", cwd=tmp_path / "seen")
