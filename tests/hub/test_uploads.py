"""Files put into repositories by browser: kept where the dataset wants them, found by stock clients."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rookery.hub.app import make_app
from rookery.hub.domain.access import Actor, Level, Visibility
from rookery.hub.domain.errors import BadName, Conflict, Forbidden, TooMuch
from rookery.hub.domain.records import Repository
from rookery.hub.services.keeping_rules import Keep
from rookery.hub.services.uploads import Arrived, Wish
from rookery.hub.web import visit
from support.asgi import Caller
from support.browser import Browser, form_with_files
from support.hubs import HubInside
from support.planting import Annexed, plant
from support.programs import Program

TEXT, BINARY = b"some text\n", b"\x00\x01\x02" * 50


@pytest.fixture
def ada(hub: HubInside) -> Actor:
    return hub.person("ada")


@pytest.fixture
def where(hub: HubInside, ada: Actor) -> Repository:
    made = hub.repository(ada, visibility=Visibility.PUBLIC)
    files = {
        ".gitattributes": "*.txt annex.largefiles=nothing\n* annex.backend=MD5E\n",
        "old/x.dat": Annexed(b"x"),
    }
    plant(hub, ada, made, files)
    return made


@pytest.fixture
def browser(hub: HubInside, ada: Actor) -> Iterator[Browser]:
    caller = Caller(make_app(hub.opened.hub, hub.opened.settings))
    made = Browser(caller)
    made.cookies[visit.COOKIE] = hub.opened.hub.identity.begin(ada)
    yield made
    caller.close()


@pytest.fixture
def put(hub: HubInside, where: Repository, tmp_path: Path) -> Callable[..., str]:
    """Upload straight to the service: name and content, and whatever of the wish differs."""

    def upload(
        who: Actor,
        name: str,
        content: bytes,
        *,
        keep: Keep = Keep.RULES,
        base: str | None = None,
        folder: str = "",
    ) -> str:
        file = tmp_path / f"coming-{threading.get_ident()}"
        file.write_bytes(content)
        seen = hub.opened.hub.browsing.at(who, where.id).commit if base is None else base
        wish = Wish("main", folder, "", seen, keep)
        return hub.opened.hub.uploads.commit(who, where.path, wish, [Arrived(name, file)])

    return upload


def test_stock_git_annex_finds_what_was_uploaded(
    hub: HubInside, where: Repository, browser: Browser, git: Program, annex: Program, tmp_path: Path
) -> None:
    browser.go("/ada/data/upload/main")
    browser.upload(
        [("note.txt", TEXT), ("scan.dat", BINARY), ("two words.tar.gz", BINARY + b"2")],
        folder="new/sub",
        message="Scans of\nMonday",
    )
    assert browser.at == "/ada/data/src/main/new/sub"
    assert "two words.tar.gz" in browser.text
    git("clone", "-q", hub.opened.histories.place(where.id), tmp_path / "clone")
    clone = tmp_path / "clone"
    assert git("log", "-1", "--format=%an %ae %s", cwd=clone).text == "ada ada@hub Scans of Monday"
    assert (clone / "new/sub/note.txt").read_bytes() == TEXT
    annex("init", "-q", cwd=clone)
    found = annex("whereis", "--json", "new/sub/scan.dat", cwd=clone).records[0]
    assert [place["uuid"] for place in found["whereis"]] == [where.uuid]
    assert found["key"].startswith("MD5E-s150--")
    if hub.opened.objects.path(where.id, found["key"]) is None:
        return  # contents are not in the folder of the history here
    annex("get", "new", cwd=clone)
    assert (clone / "new/sub/scan.dat").read_bytes() == BINARY
    assert (clone / "new/sub/two words.tar.gz").read_bytes() == BINARY + b"2"
    assert annex("lookupkey", "new/sub/two words.tar.gz", cwd=clone).text.endswith(".tar.gz")
    assert "failed" not in annex("fsck", cwd=clone, code=None).stdout.replace("old/x.dat", "")
    annex("fsck", "new", cwd=clone)
    git("fsck", "--strict", cwd=hub.opened.histories.place(where.id))


RULES = [
    "nothing", "anything", "largerthan=20B", "smallerthan=20B", "include=*.txt", "exclude=*.txt",
    "(mimeencoding=binary)and(largerthan=0)", "mimeencoding=binary", "not(include=*.dat)",
]  # fmt: skip
FILES = {
    "text.txt": TEXT, "text.dat": TEXT * 3, "zero.dat": BINARY, "empty.txt": b"", "latin.txt": b"caf\xe9\n" * 9,
    "utf8.txt": "é日本\n".encode(), "utf16.txt": "text".encode("utf-16"), "escape.log": b"\x1b[31mred\x1b[0m\n",
    "bell.txt": b"ding \x07\n", "delete.txt": b"a\x7fb\n", "form.txt": b"page\x0cpage\n", ".hidden": TEXT,
}  # fmt: skip


def test_files_go_where_git_annex_would_put_them(
    hub: HubInside, ada: Actor, git: Program, annex: Program, tmp_path: Path
) -> None:
    """A folder for each rule; git-annex adds all of them in a clone, the hub takes the same files by upload."""
    here, coming = tmp_path / "dataset", tmp_path / "coming"
    git("init", "-q", here)
    annex("init", "-q", cwd=here)
    told = "".join(f"{n}/** annex.largefiles={rule}\n" for n, rule in enumerate(RULES))
    (here / ".gitattributes").write_text(told)
    git("add", ".gitattributes", cwd=here)
    git("commit", "-qm", "rules", cwd=here)
    made = hub.repository(ada, "rules")
    git("push", "-q", hub.opened.histories.place(made.id), "main", "git-annex", cwd=here)
    coming.mkdir()
    services, arrived = hub.opened.hub, []
    for number, (name, content) in enumerate(FILES.items()):
        (coming / str(number)).write_bytes(content)
        arrived.append(Arrived(name, coming / str(number)))
        for folder in range(len(RULES)):
            (here / str(folder)).mkdir(exist_ok=True)
            (here / str(folder) / name).write_bytes(content)
    for folder in range(len(RULES)):
        base = services.browsing.at(ada, made.id).commit
        services.uploads.commit(ada, made.id, Wish("main", str(folder), "", base), arrived)
    annex("add", "-q", "-c", "annex.dotfiles=true", ".", cwd=here)  # as DataLad calls it
    theirs = {file: key for key, file in (line.split(" ", 1) for line in keys_in(annex, here))}
    ours = {
        file.path: file.key for file in services.browsing.walk(services.browsing.at(ada, made.id)) if file.key
    }
    assert ours == theirs
    assert 0 < len(theirs) < len(RULES) * len(FILES)


def keys_in(annex: Program, here: Path) -> list[str]:
    return annex("find", "--anything", "--format=${key} ${file}\\n", cwd=here).lines


def test_who_uploads_decides_where_the_rules_cannot(
    hub: HubInside, ada: Actor, where: Repository, put: Callable[..., str]
) -> None:
    plant(hub, ada, where, {".gitattributes": "* annex.largefiles=mimetype=image/*\n"})
    with pytest.raises(BadName, match="cannot be judged"):
        put(ada, "a.png", BINARY)
    put(ada, "a.png", BINARY, keep=Keep.GIT)
    put(ada, "b.png", BINARY, keep=Keep.ANNEX)
    browsing = hub.opened.hub.browsing
    keys = {
        file.path: file.key
        for file in browsing.folder(browsing.at(ada, where.id))
        if file.path.endswith("png")
    }
    assert keys["a.png"] is None
    assert keys["b.png"]


def test_without_a_branch_git_annex_files_go_to_git(hub: HubInside, ada: Actor, browser: Browser) -> None:
    made = hub.repository(ada, "plain")
    browser.go("/ada/plain/upload/main")
    assert "The annex of this repository is not in use yet" in browser.text
    browser.upload([("scan.dat", BINARY)])
    assert browser.at == "/ada/plain/src/main"
    browsing = hub.opened.hub.browsing
    assert [(f.path, f.key) for f in browsing.folder(browsing.at(ada, made.id))] == [("scan.dat", None)]
    assert [name for name, _ in browsing.branches(ada, made.id)] == ["main"], (
        "the hub makes no branch git-annex"
    )
    browser.go("/ada/plain/upload/main").upload([("x", b"x")], 422, keep="annex")
    assert "not in use yet" in browser.text


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    hub: HubInside, ada: Actor, where: Repository, put: Callable[..., str], browser: Browser
) -> None:
    seen = put(ada, "a.txt", b"one\n")
    browser.go("/ada/data/upload/main")
    put(ada, "a.txt", b"two\n")
    with pytest.raises(Conflict, match=r"a\.txt"):
        put(ada, "a.txt", b"three\n", base=seen)
    browser.upload([("a.txt", b"three\n")], 422)
    assert "somebody has changed a.txt on main since this page was loaded" in browser.text
    put(ada, "b.txt", b"elsewhere\n", base=seen)
    place = hub.opened.hub.browsing.at(ada, where.id)
    file = hub.opened.hub.browsing.file(place, "a.txt")
    assert b"".join(hub.opened.hub.browsing.bytes_of(place, file)) == b"two\n"


def test_many_at_once_lose_nothing(
    hub: HubInside, ada: Actor, where: Repository, put: Callable[..., str]
) -> None:
    failed: list[str] = []

    def upload(number: int) -> None:
        for _ in range(20):
            try:
                put(ada, f"{number}.dat", b"%d" % number, keep=Keep.ANNEX)
            except Conflict:
                continue
            return
        failed.append(str(number))

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    browsing = hub.opened.hub.browsing
    place = browsing.at(ada, where.id)
    keys = {file.name: file.key for file in browsing.folder(place) if file.key}
    assert set(keys) == {f"{number}.dat" for number in range(4)}
    for key in keys.values():
        assert key
        assert where.uuid in dict(browsing.places_of(place, key))
        assert hub.opened.hub.contents.present(ada, where.id, key)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("..", ""), (".git", ""), (".GIT", ""), ("a\nb", ""), ("a\\b", ""), ("x" * 201, ""), ("x", "../up"),
        ("x", ".git/hooks"), ("old", ""), ("y", "old/x.dat"), ("y", "old/x.dat/deeper"),
    ],
)  # fmt: skip
def test_no_file_goes_where_none_may_be(ada: Actor, put: Callable[..., str], name: str, folder: str) -> None:
    with pytest.raises(BadName):
        put(ada, name, TEXT, folder=folder)


def test_only_who_may_write_uploads_and_nobody_over_a_quota(
    hub: HubInside, ada: Actor, where: Repository, put: Callable[..., str], browser: Browser
) -> None:
    services = hub.opened.hub
    reader = hub.person("reader")
    services.repositories.set_collaborator(ada, where.path, "reader", Level.READ)
    before = services.browsing.branches(ada, where.id)
    with pytest.raises(Forbidden):
        put(reader, "a.txt", TEXT)
    browser.go("/ada/data/upload/main").upload([("a.txt", TEXT)], 403, csrf="guessed")
    body, kind = form_with_files({"branch": "main"}, [("a.txt", TEXT)])
    answer = browser.request("POST", "/ada/data/upload/main", body, {"Content-Type": kind})
    assert answer.status == 403
    csrf = browser.go("/ada/data/upload/main").page.forms[-1].fields["csrf"]
    body, kind = form_with_files({"csrf": csrf, "branch": "main"}, [("a.txt", TEXT)])
    answer = browser.request("POST", "/ada/data/upload/main", body[:-36], {"Content-Type": kind})
    assert answer.status == 422, "it was cut off"
    with hub.opened.database.writing() as work:
        work.repositories.set_quota(where.id, 10)
    with pytest.raises(TooMuch):
        put(ada, "big.dat", BINARY)
    assert services.browsing.branches(ada, where.id) == before
    assert not list((hub.opened.settings.data / "uploads").iterdir()), "nothing is left lying about"
