"""Many clients at once: no error, no lost byte, and the memory of the hub stays bounded."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.hubs import HubServer
from support.programs import Program

CLIENTS, ROUNDS = 50, 4


@pytest.fixture
def token(served: HubServer) -> str:
    return served.add_user("ada")


def memory(served: HubServer) -> int:
    """Give the resident memory of the hub in bytes."""
    assert served.process is not None
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


@pytest.fixture
def wrong() -> Iterator[list[str]]:
    """Collect what goes wrong in threads."""
    told: list[str] = []
    yield told
    assert not told, told[:5]


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_fifty_clients_at_once(
    served: HubServer, token: str, git: Program, tmp_path: Path, wrong: list[str]
) -> None:
    before = memory(served)

    def client(number: int) -> None:
        try:
            work(number)
        except BaseException as e:  # noqa: BLE001 - told to the test
            wrong.append(f"{number}: {e!r}")

    def work(number: int) -> None:
        name, here = f"r{number}", tmp_path / f"c{number}"
        served.api("POST", "user/repos", {"name": name}, 201, token=token)
        git("init", "-q", "-b", "main", here)
        url = served.at("ada", token, f"ada/{name}")
        for turn in range(ROUNDS):
            (here / f"f{turn}").write_bytes(random.Random(number * 100 + turn).randbytes(400_000))
            git("add", ".", cwd=here)
            git("commit", "-qm", f"{turn}", cwd=here)
            git("push", "-q", url, "main", cwd=here, timeout=600)
            told = served.ask("GET", f"api/v1/repos/ada/{name}/raw/main/f{turn}", token=token)
            assert hashlib.sha1(told.body).digest() == hashlib.sha1((here / f"f{turn}").read_bytes()).digest()
        git("clone", "-q", url, tmp_path / f"again{number}", timeout=600)
        for turn in range(ROUNDS):
            assert (tmp_path / f"again{number}" / f"f{turn}").read_bytes() == (here / f"f{turn}").read_bytes()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert memory(served) - before < 150 << 20
