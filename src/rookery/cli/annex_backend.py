"""The programs `git-annex-backend-XDLRA` and `git-annex-backend-XDLRB`, which git-annex starts by their names."""

from __future__ import annotations

import sys

from rookery.deposit.transport import backend

TYPE_CHECKING = False  # as in `backend`
if TYPE_CHECKING:
    from collections.abc import Iterator


def _serve(answers: Iterator[str]) -> None:
    for answer in answers:
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


def legacy() -> None:
    """Serve XDLRA, the keys of the legacy pair."""
    _serve(
        backend.serve(
            iter(sys.stdin.readline, ""),
            backend="XDLRA",
            verify=backend.verify_legacy,
            name=backend.legacy_name,
        )
    )


def registers() -> None:
    """Serve XDLRB, texts that change and carry their own checksum."""
    _serve(backend.serve(iter(sys.stdin.readline, ""), backend="XDLRB", verify=backend.verify_register))
