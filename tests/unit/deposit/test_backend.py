from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rookery.deposit.transport import backend

ROOT = Path(__file__).parents[3]


def legacy(*requests: str) -> list[str]:
    return list(
        backend.serve(requests, backend="XDLRA", verify=backend.verify_legacy, name=backend.legacy_name)
    )


def registers(*requests: str) -> list[str]:
    return list(backend.serve(requests, backend="XDLRB", verify=backend.verify_register))


def test_what_the_backends_are() -> None:
    asked = ("GETVERSION\n", "CANVERIFY\n", "ISSTABLE\n", "ISCRYPTOGRAPHICALLYSECURE\n", "WHAT\n")
    assert legacy(*asked) == [
        "VERSION 1",
        "CANVERIFY-YES",
        "ISSTABLE-NO",
        "ISCRYPTOGRAPHICALLYSECURE-NO",
        "ERROR unknown request",
    ]


def test_legacy_keys_are_known_by_their_content(tmp_path: Path) -> None:
    refs, archive, other = tmp_path / "my refs", tmp_path / "zip", tmp_path / "other"
    refs.write_text("@refs/heads/main HEAD\n")
    other.write_bytes(b"\xff\xfe\x00 neither")
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("HEAD", "x")
    assert legacy(f"GENKEY {refs}\n", f"GENKEY {archive}\n") == [
        "GENKEY-SUCCESS XDLRA--refs",
        "GENKEY-SUCCESS XDLRA--repo-export",
    ]
    assert legacy(f"GENKEY {other}\n")[0].startswith("GENKEY-FAILURE ")
    assert legacy(
        f"VERIFYKEYCONTENT XDLRA--refs {refs}\n",
        f"VERIFYKEYCONTENT XDLRA--repo-export {refs}\n",
        f"VERIFYKEYCONTENT XDLRA--refs {tmp_path}/absent\n",
    ) == ["VERIFYKEYCONTENT-SUCCESS", "VERIFYKEYCONTENT-FAILURE", "VERIFYKEYCONTENT-FAILURE"]


@pytest.mark.parametrize("damage", [b"", b"x", b"\n"])
def test_a_register_is_right_or_not_by_its_last_line(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "register"
    content = backend.sealed(b"generation 7\n")
    file.write_bytes(content + damage)
    verdict = "SUCCESS" if not damage else "FAILURE"
    assert registers(f"VERIFYKEYCONTENT XDLRB--w-me {file}\n") == [f"VERIFYKEYCONTENT-{verdict}"]
    assert backend.opened(content) == b"generation 7\n"
    assert registers(f"GENKEY {file}\n")[0].startswith("GENKEY-FAILURE ")


def test_the_programs_load_nothing_but_themselves() -> None:
    """git-annex starts them over and over; `typing` or `collections` alone would cost more than all of this."""
    show = (
        "import sys; sys.path.insert(0, 'src'); before = set(sys.modules);"
        "import rookery.cli.annex_backend; print(*sorted(set(sys.modules) - before))"
    )
    asked = [sys.executable, "-I", "-c", show]
    loaded = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert loaded.split() == [
        "__future__",
        "rookery",
        "rookery.cli",
        "rookery.cli.annex_backend",
        "rookery.deposit",
        "rookery.deposit.transport",
        "rookery.deposit.transport.backend",
    ]
