"""The fixtures that all tests share; what they are made of is in tests/support.

| fixture           | gives                                                                    |
|-------------------|--------------------------------------------------------------------------|
| `home`            | (always on) a private HOME, settings and environment                     |
| `cli`             | `rookery` as a subprocess: `cli("status", cwd=ds).lines`                 |
| `inside`          | `rookery` in this process: fast, programs can be counted                 |
| `datalad`         | the real DataLad, the oracle                                             |
| `git`, `annex`    | Git and git-annex                                                        |
| `tiny_dataset`    | a dataset with one text file and two annexed ones                        |
| `new_dataset`     | a factory of datasets: `new_dataset("name", files={...})`                |
| `side_by_side`    | the same folder twice, one command with both tools, comparable answers   |
| `web`             | a web server on loopback that can be told to misbehave                   |
| `webdav`          | a WebDAV server that wants a login, and can be told to fail              |
| `webdav_server`   | a factory of those: `webdav_server(anonymous=True)`, and other ways      |
| `s3`              | an S3 server that looks at signatures                                    |
| `s3_server`       | a factory of those: `s3_server(blind=True)`                              |
| `keyring_file`    | (once asked for) a keyring in a file of the private home                 |
| `sshbox`          | an OpenSSH server on loopback; `ssh sshbox` just works                   |
| `count_programs`  | `with count_programs() as started: ...; len(started)`                    |
| `git_trace`       | every `git` below a command: pass `.env`, then read `.commands()`        |
| `deposits`        | places for deposits, and Git with our remote helper or datalad-next's     |
| `context`         | a Context in a folder, for tests below the faces                         |
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from rookery.core.context import Context, make_context
from support.comparison import SideBySide
from support.counting import GitTrace, Started, programs_started
from support.datasets import DatasetFactory
from support.deposits import Deposits
from support.home import ENGINE, Home, choose_keyring, make_home
from support.objectstore import ObjectStore
from support.programs import Program
from support.secure_shell import SecureShell, server_program
from support.web import WebServer
from support.webdav import WebDav

if TYPE_CHECKING:
    from support.inside import Inside

# The same examples at every run, and no deadline: a busy machine is not a defect.
settings.register_profile("rookery", derandomize=True, deadline=None, max_examples=50, database=None)
settings.load_profile("rookery")

# Set where the machine must have everything: a test that would be skipped for want of a program fails.
EVERYTHING_INSTALLED = os.environ.get("CI") == "true"


DATALAD = Path(sys.executable).with_name("datalad")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what is about our own engine where another one is to do the work."""
    if ENGINE not in ("", "native"):
        for item in items:
            if item.get_closest_marker("native"):
                item.add_marker(pytest.mark.skip(reason=f"the engine is {ENGINE}"))


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "absent"


@pytest.fixture(scope="session", autouse=True)
def real_settings_stay_untouched() -> Iterator[None]:
    """Fail if a test has written into the settings of the person who runs the tests."""
    home = Path.home()
    files = [home / ".gitconfig", home / ".config" / "git" / "config", home / ".ssh" / "known_hosts"]
    before = [_fingerprint(f) for f in files]
    yield
    changed = [str(f) for f, was in zip(files, before, strict=True) if _fingerprint(f) != was]
    assert not changed, f"tests have changed the real {', '.join(changed)}"


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Move into a private home: this process's environment is `home.env` for the length of the test."""
    made = make_home(tmp_path_factory.mktemp("home"), os.environ)
    for name in set(os.environ) - set(made.env) - {"PYTEST_CURRENT_TEST"}:
        monkeypatch.delenv(name)
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def cli(home: Home, tmp_path: Path) -> Program:
    """Call `rookery` in a process of its own."""
    return Program([sys.executable, "-m", "rookery"], home.env, tmp_path)


@pytest.fixture
def inside(home: Home, tmp_path: Path) -> Inside:
    """Call `rookery` in this process."""
    from support.inside import Inside  # here, so that tests of the lower rooms need no command line

    return Inside(tmp_path)


@pytest.fixture
def datalad(home: Home, tmp_path: Path) -> Program:
    """Call the real DataLad."""
    return Program([DATALAD], home.env, tmp_path)


@pytest.fixture
def git(home: Home, tmp_path: Path) -> Program:
    """Call Git."""
    return Program(["git"], home.env, tmp_path)


@pytest.fixture
def annex(home: Home, tmp_path: Path) -> Program:
    """Call git-annex."""
    return Program(["git", "annex"], home.env, tmp_path)


@pytest.fixture
def context(home: Home, tmp_path: Path) -> Callable[..., Context]:
    """Give a factory of contexts: `context(folder)`, with overrides by keyword as `make_context` takes them."""

    def make(
        folder: Path = tmp_path,
        *,
        env: Mapping[str, str] | None = None,
        overrides: tuple[tuple[str, str | None], ...] = (),
    ) -> Context:
        return make_context(cwd=folder, env=env or home.env, overrides=overrides)

    return make


@pytest.fixture(scope="session")
def dataset_factory(tmp_path_factory: pytest.TempPathFactory) -> DatasetFactory:
    """Keep the dataset templates of this session."""
    folder = tmp_path_factory.mktemp("templates")
    env = make_home(folder / "home", os.environ).env
    return DatasetFactory(folder, Program([DATALAD], env, folder))


@pytest.fixture
def new_dataset(dataset_factory: DatasetFactory, tmp_path: Path) -> Callable[..., Path]:
    """Give a factory: `new_dataset(name, procedure=None, files=None)`; no two in a test share an identity."""
    given = 0

    def make(
        name: str = "ds", *, procedure: str | None = None, files: Mapping[str, str | bytes] | None = None
    ) -> Path:
        nonlocal given
        given += 1
        return dataset_factory.copy(tmp_path / name, number=given - 1, procedure=procedure, files=files)

    return make


@pytest.fixture
def tiny_dataset(new_dataset: Callable[..., Path]) -> Path:
    """Give a dataset made by DataLad: `notes.txt`, `data/one.dat`, `data/two.dat`, all annexed, all present."""
    return new_dataset("ds")


@pytest.fixture
def side_by_side(cli: Program, datalad: Program, tmp_path: Path) -> Callable[[Path], SideBySide]:
    """Give a factory: `side_by_side(folder)` copies a prepared folder to both sides."""
    import shutil

    def make(prepared: Path) -> SideBySide:
        root = tmp_path / "side-by-side"
        for side in ("ours", "theirs"):
            shutil.copytree(prepared, root / side, symlinks=True)
        return SideBySide(root, cli, datalad)

    return make


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebServer]:
    """Serve `tmp_path/web` on loopback."""
    root = tmp_path / "web"
    root.mkdir()
    with WebServer(root).running() as server:
        yield server


@pytest.fixture
def webdav_server(tmp_path: Path) -> Iterator[Callable[..., WebDav]]:
    """Give a factory of WebDAV servers below `tmp_path`; its options are those of `WebDav`."""
    with ExitStack() as running:
        made = 0

        def make(**options: Any) -> WebDav:
            nonlocal made
            made += 1
            folder = tmp_path / ("webdav" if made == 1 else f"webdav-{made}")
            return running.enter_context(WebDav(folder, **options).running())

        yield make


@pytest.fixture
def webdav(webdav_server: Callable[..., WebDav]) -> WebDav:
    """Serve `tmp_path/webdav` to those who know the password."""
    return webdav_server()


@pytest.fixture
def s3_server() -> Iterator[Callable[..., ObjectStore]]:
    """Give a factory of S3 servers; its options are those of `ObjectStore`."""
    with ExitStack() as running:
        yield lambda **options: running.enter_context(ObjectStore(**options).running())


@pytest.fixture
def s3(s3_server: Callable[..., ObjectStore]) -> ObjectStore:
    """Run an S3 server that is empty."""
    return s3_server()


@pytest.fixture
def keyring_file(home: Home) -> Iterator[Path]:
    """Let the keyring library keep secrets in a file of the private home, in this process too; give that file."""
    import keyring
    from keyrings.alt.file import PlaintextKeyring

    choose_keyring(home.path, "keyrings.alt.file.PlaintextKeyring")
    before = keyring.get_keyring()
    keyring.set_keyring(PlaintextKeyring())
    yield home.path / ".local" / "share" / "python_keyring" / "keyring_pass.cfg"
    keyring.set_keyring(before)


@pytest.fixture
def sshbox(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureShell]:
    """Run an OpenSSH server; skip where there is none, unless everything must be there."""
    if server_program() is None:
        reason = "no sshd on this machine; Debian and Ubuntu have it in openssh-server"
        if EVERYTHING_INSTALLED:
            pytest.fail(reason)
        pytest.skip(reason)
    server = SecureShell(tmp_path_factory.mktemp("sshd") / "server", home.env)
    server.prepare(home.path)
    with server.running():
        yield server


@pytest.fixture
def deposits(home: Home, tmp_path: Path) -> Deposits:
    """Give places for deposits in `tmp_path`, and the two helpers."""
    return Deposits(home, tmp_path)


@pytest.fixture
def count_programs() -> Callable[[], AbstractContextManager[Started]]:
    """Count the programs that Rookery starts in this process."""
    return programs_started


@pytest.fixture
def git_trace(tmp_path: Path) -> GitTrace:
    """Witness every `git` that runs below a command."""
    return GitTrace(tmp_path / "git-trace")
