"""Our checksums beside git-annex's, for every backend that it has."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rookery.annex import checksum
from rookery.annex.keys import parse_key
from support.programs import Program
from support.samples import binary

# What nothing in Python computes, and what is no checksum.
BEYOND = {
    "SKEIN256", "SKEIN512", "BLAKE2SP224", "WORM", "URL", "VURL", "GITBUNDLE", "GITMANIFEST", "X*",
}  # fmt: skip


@pytest.fixture
def repository(new_dataset: Callable[..., Path]) -> Path:
    return new_dataset("asked", files={})


def backends(annex: Program) -> list[str]:
    """Those of the installed git-annex, as it lists them."""
    (line,) = (line for line in annex("version").lines if line.startswith("key/value backends:"))
    return line.partition(":")[2].split()


def test_every_backend_that_can_be_computed_is(annex: Program) -> None:
    names = backends(annex)
    assert {"MD5E", "BLAKE3_256", "XXH3E", "BLAKE2BP512"} <= set(names)
    missing = {name for name in names if checksum.hasher_of(name) is None}
    assert missing == {name for name in names if name in BEYOND or name.removesuffix("E") in BEYOND}


# The blocks of BLAKE2bp and BLAKE2sp, four times 128 and eight times 64 bytes, and what is read at a time.
EDGES = st.sampled_from([0, 1, 63, 64, 128, 511, 512, 513, 1024, 1 << 20, (1 << 20) + 1])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12)
@given(size=st.one_of(EDGES, st.integers(0, 5000)), cut=st.integers(0, 5000))
def test_checksums_are_those_of_git_annex(repository: Path, annex: Program, size: int, cut: int) -> None:
    content = binary(size, seed=size)
    (repository / "content").write_bytes(content)
    for backend in backends(annex):
        hasher = checksum.hasher_of(backend)
        if hasher is None:
            continue
        hasher.update(content[:cut])
        hasher.update(memoryview(content)[cut:])
        (key,) = annex("calckey", f"--backend={backend}", "content", cwd=repository).lines
        parsed = parse_key(key)
        assert parsed is not None
        assert checksum.is_of(parsed, hasher), key
        assert checksum.verified(key, str(repository / "content")) is True


def test_without_its_library_a_backend_is_left_to_git_annex(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("blake3", "xxhash"):
        monkeypatch.setitem(sys.modules, library, None)
    assert checksum.hasher_of("BLAKE3_256E") is None
    assert checksum.hasher_of("XXH3") is None
