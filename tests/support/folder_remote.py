"""A special remote for git-annex over a folder, which fails when it is told to.

Started by git-annex as `git-annex-remote-testfolder`; speaks the external special
remote protocol, version 1.  In the folder above the content:

    requests      every request, a line each
    fail-WORD     requests that begin with WORD fail, if they contain the file's text
    kill-WORD     such requests end the whole process group: git, its helper, git-annex and this
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path


class FolderRemote:
    """One conversation with git-annex."""

    def __init__(self) -> None:
        self.folder = Path()
        self.named: Path | None = None  # where the file of an exported tree is that the next request is about

    def ask(self, question: str) -> str:
        say(question)
        return sys.stdin.readline().rstrip("\n").partition(" ")[2]

    def prepare(self) -> None:
        self.folder = Path(self.ask("GETCONFIG directory"))

    def refuses(self, line: str) -> bool:
        with open(self.folder / "requests", "a") as log:
            log.write(line + "\n")
        if self.told("kill", line):
            (self.folder / f"kill-{line.split(' ', 1)[0]}").unlink()
            os.killpg(os.getpgrp(), signal.SIGKILL)
        return self.told("fail", line)

    def told(self, what: str, line: str) -> bool:
        switch = self.folder / f"{what}-{line.split(' ', 1)[0]}"
        return switch.exists() and switch.read_text() in line

    def path(self, key: str) -> Path:
        return self.named or self.folder / "content" / key

    def name(self, name: str) -> None:
        self.named = self.folder / name

    def rename(self, words: list[str], refused: bool) -> None:
        target = self.folder / " ".join(words[1:])
        if refused:
            say(f"RENAMEEXPORT-FAILURE {words[0]}")
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self.path(words[0]), target)
        say(f"RENAMEEXPORT-SUCCESS {words[0]}")

    def remove_folder(self, words: list[str], refused: bool) -> None:
        if not refused:
            shutil.rmtree(self.folder / " ".join(words), ignore_errors=True)
        say(f"REMOVEEXPORTDIRECTORY-{'FAILURE' if refused else 'SUCCESS'}")

    def transfer(self, words: list[str], refused: bool) -> None:
        direction, key, file = words[0], words[1], " ".join(words[2:])
        stored = self.path(key)
        source, target = (Path(file), stored) if direction == "STORE" else (stored, Path(file))
        if refused or not source.exists():
            say(f"TRANSFER-FAILURE {direction} {key} told to fail")
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(target.name + ".draft")
        shutil.copyfile(source, draft)
        os.replace(draft, target)
        say(f"TRANSFER-SUCCESS {direction} {key}")

    def check(self, words: list[str], refused: bool) -> None:
        key = words[0]
        if refused:
            say(f"CHECKPRESENT-UNKNOWN {key} told to fail")
        else:
            say(f"CHECKPRESENT-{'SUCCESS' if self.path(key).exists() else 'FAILURE'} {key}")

    def remove(self, words: list[str], refused: bool) -> None:
        if refused:
            say(f"REMOVE-FAILURE {words[0]} told to fail")
            return
        self.path(words[0]).unlink(missing_ok=True)
        say(f"REMOVE-SUCCESS {words[0]}")

    def serve(self) -> None:
        say("VERSION 1")
        handlers: dict[str, Callable[[list[str], bool], None]] = {
            "TRANSFER": self.transfer,
            "CHECKPRESENT": self.check,
            "REMOVE": self.remove,
            "TRANSFEREXPORT": self.transfer,
            "CHECKPRESENTEXPORT": self.check,
            "REMOVEEXPORT": self.remove,
            "REMOVEEXPORTDIRECTORY": self.remove_folder,
            "RENAMEEXPORT": self.rename,
        }
        for line in iter(sys.stdin.readline, ""):
            request, *words = line.rstrip("\n").split(" ")
            if request in ("INITREMOTE", "PREPARE"):
                self.prepare()
                self.refuses(line.rstrip("\n"))
                say(f"{request}-SUCCESS")
            elif request == "EXPORTSUPPORTED":
                say("EXPORTSUPPORTED-SUCCESS")
            elif request == "EXPORT":
                self.name(" ".join(words))
            elif request in handlers:
                handlers[request](words, self.refuses(line.rstrip("\n")))
                self.named = None
            else:
                say("UNSUPPORTED-REQUEST")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    FolderRemote().serve()
