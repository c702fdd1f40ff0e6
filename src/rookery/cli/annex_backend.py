"""The programs `git-annex-backend-XDLRA` and `git-annex-backend-XDLRB`, which git-annex starts by their names."""

from __future__ import annotations

import os
import sys

from rookery.deposit.transport import backend

TYPE_CHECKING = False  # as in `backend`
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rookery.deposit.transport.backend import Verifier


def _verifier(usual: Verifier) -> Verifier:
    return backend.take_all if os.environ.get(backend.UNJUDGED) else usual


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
            verify=_verifier(backend.verify_legacy),
            name=backend.legacy_name,
        )
    )


def registers() -> None:
    """Serve XDLRB, texts that change and carry their own checksum."""
    _serve(
        backend.serve(
            iter(sys.stdin.readline, ""), backend="XDLRB", verify=_verifier(backend.verify_register)
        )
    )
