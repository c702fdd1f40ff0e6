"""What became of a command that ended: what is to be saved, under which message, and the records."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rookery.core import files
from rookery.core.errors import CommandError
from rookery.core.log import get_log
from rookery.core.results import text_of
from rookery.dataset.globs import Globs
from rookery.dataset.locate import GivenPath
from rookery.dataset.model import Dataset
from rookery.git import runrecords
from rookery.steps.running.history import Before
from rookery.steps.running.request import Record, Request, about
from rookery.steps.saving.save import How, save_datasets

log = get_log("rookery.run")

LEFT_BEHIND = "Remaining changes after command execution"


class Outcome:
    """What became of a command that ended: what to save, and the records."""

    def __init__(
        self,
        ds: Dataset,
        request: Request,
        outputs: Globs,
        command: str,
        info: dict[str, Any],
        code: int,
        healed: list[Record],
    ) -> None:
        self.ds = ds
        self.request = request
        self.outputs = outputs
        self.command = command
        self.info = info
        self.code = code
        self.healed = healed
        again = self.request.again
        self.failed = bool(code) and (again is None or again.exit_code != code)

    def told(self, before: Before, had: set[Path]) -> Iterator[Record]:
        """Save, and yield all records in DataLad's order."""
        payload, sidecar = self._recorded()
        message = runrecords.build_message(
            self.request.message or runrecords.shortened(self.command), payload
        )
        problem = before.problem(self._declared(), self.ds.config)
        if problem is not None:
            place = self._leave_message(message)
            hint = f"the run record is in {place}: rookery save -d {self.ds.path} -F {place}"
            yield about(self.ds, "run", "error", message=problem, run_info=self.info, hints=[hint])
            yield from self.healed
            return
        paths = self._to_save(had, sidecar, before)
        wanted = paths is None or bool(paths)
        save_first = self.failed and self.request.on_cmd_failure in ("save", "all")
        if wanted and save_first:
            yield from self._saved(paths, message, before)
        yield from self._told(payload if sidecar else None, message if wanted and not save_first else None)
        if wanted and not save_first:
            yield from self._saved(paths, message, before)
        yield from self.healed

    def _told(self, identity: str | None, message: str | None) -> Iterator[Record]:
        """Yield the record of the run itself; leave the message behind for who stops at a failure."""
        failed = self.failed and self.request.on_cmd_failure != "save"
        place = None
        if self.failed and self.request.again is None and message is not None:
            place = self._leave_message(message)
        record = about(
            self.ds,
            "run",
            "error" if failed else "ok",
            message=runrecords.shortened(self.command),
            run_info=self.info,
            exit_code=self.code,
            exception=self._exception(),
            record_id=identity.strip('"') if identity else None,
            hints=[f"{r['path']}: {text_of(r['message'])}" for r in self.healed] or None if failed else None,
        )
        record["msg_path"] = None if place is None else str(place)
        try:
            yield record
        except GeneratorExit:
            if place is not None:
                shown = place.relative_to(self.ds.path) if self.ds.path in place.parents else place
                log.info(
                    "The command had a non-zero exit code. If this is expected, you can save the changes with "
                    "'rookery save -d . -r -F %s'",
                    shown,
                )
            raise

    def _exception(self) -> CommandError | None:
        if not self.code:
            return None
        return CommandError(self.command, code=self.code, cwd=str(self.request.pwd))

    def _leave_message(self, message: str) -> Path:
        place = self.ds.repo.gitdir / "COMMIT_EDITMSG"
        files.write(place, message.encode("utf-8", "surrogateescape"))
        return place

    def _recorded(self) -> tuple[str, Path | None]:
        """Give what the message holds, and the sidecar file that was written if there is to be one."""
        config = self.ds.config
        text = runrecords.to_json(self.info)
        wanted = self.request.sidecar
        if not (config.getbool(runrecords.SIDECAR_SWITCH) if wanted is None else wanted):
            return text, None
        folder = str(config.get(runrecords.SIDECAR_FOLDER, runrecords.DEFAULT_SIDECAR_FOLDER))
        identity = runrecords.identity_of(text)
        place = self.ds.path / runrecords.sidecar_path(folder, identity)
        if not os.path.lexists(place):
            files.write(place, runrecords.pack_sidecar(self.info))
        return runrecords.quoted(identity), place

    def _declared(self) -> list[Path]:
        return self.outputs.absolute()

    def _to_save(self, had: set[Path], sidecar: Path | None, before: Before) -> list[Path] | None:
        """Give the paths to save, None for everything: with `explicit` what was declared, and what of it is gone."""
        if not self.request.explicit:
            return None
        there = self._declared()
        paths = [*there, *sorted(path for path in had.difference(there) if not os.path.lexists(path))]
        if not paths and self.request.outputs and before.commits_were_made():
            return None  # all that was declared was committed by the command itself, perhaps further down
        return [*paths, *([sidecar] if sidecar else [])]

    def _saved(self, paths: Sequence[Path] | None, message: str, before: Before) -> Iterator[Record]:
        given = [GivenPath(str(path), path, False) for path in paths or ()]
        how = How(
            message=message,
            inner_message=LEFT_BEHIND,
            jobs=self.request.jobs,
            guarded=True,
            since=before.commit if before.commits_were_made() else None,
        )
        yield from save_datasets(self.ds, given, upward=bool(given), recursive=True, how=how)
