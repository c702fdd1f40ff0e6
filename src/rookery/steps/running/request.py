"""What is to be run, and how: the request that a command's execution goes by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rookery.core.results import result
from rookery.dataset.model import Dataset

Record = dict[str, Any]
Which = Literal["inputs", "outputs", "both"]
OnCommandFailure = Literal["error", "save", "all"]


class Again(NamedTuple):
    """What a repeated run goes by: the record, with its chain, and the files that its commit wrote (absolute)."""

    info: Mapping[str, Any]
    outputs: Sequence[Path] = ()

    @property
    def exit_code(self) -> int:
        """How the command ended when it was recorded."""
        return int(self.info.get("exit") or 0)


class Request(NamedTuple):
    """What is to be run, and how.

    `command` and the specifications may have placeholders; `pwd` is the folder
    that it runs in and that specifications are relative to.
    """

    command: str
    pwd: Path
    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()
    extra_inputs: Sequence[str] = ()
    expand: Which | None = None
    assume_ready: Which | None = None
    explicit: bool = False
    message: str | None = None
    sidecar: bool | None = None
    on_cmd_failure: OnCommandFailure | None = None
    jobs: int | str | None = None
    again: Again | None = None

    @property
    def specs(self) -> dict[str, list[str]]:
        """The specifications by their names in a record."""
        return {
            "inputs": list(self.inputs),
            "extra_inputs": list(self.extra_inputs),
            "outputs": list(self.outputs),
        }

    def expands(self, which: str) -> bool:
        """Say whether the record is to name what specifications match."""
        return self.expand == "both" or self.expand == ("outputs" if which == "outputs" else "inputs")

    def assumes(self, which: Which) -> bool:
        """Say whether inputs or outputs need no preparation."""
        return self.assume_ready in (which, "both")


def about(ds: Dataset, action: str, status: Any, **more: Any) -> Record:
    """Make a record about the dataset that a command runs in; without a reference dataset, as in DataLad."""
    return result(action, ds.path, status, type="dataset", **more)
