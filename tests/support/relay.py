"""Stand between a client and a server that is started here, and do something to what they say; a program.

    relay.py MODE LIMIT SAID COMMAND

MODE `whole` lets everything through; `comes` cuts what comes from the server
after LIMIT bytes, `goes` what goes to it; `lie` changes content on its way.
What the client says is added to the file SAID, and how many bytes came and went to
a file beside it (`.passed` in place of `.said`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import IO, NoReturn


def main(mode: str, limit: str, said: str, command: str) -> None:
    server = subprocess.Popen(
        ["sh", "-c", f"exec {command}"], bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    server_in, output = server.stdin, server.stdout
    assert server_in is not None and output is not None

    def end() -> NoReturn:
        server.kill()
        os._exit(1)

    passed = {"comes": 0, "goes": 0}

    def pump(source: IO[bytes], target: IO[bytes], note: str | None, most: int | None, *, lie: bool) -> None:
        while piece := source.read(65536):
            passed["goes" if target is server_in else "comes"] += len(piece)
            if most is not None:
                piece, most = piece[:most], most - len(piece)
            if lie:
                piece = piece.replace(b"content", b"CONTENT")
            if note is not None:
                with open(note, "ab") as out:
                    out.write(piece)
            try:
                _write(target, piece)
            except BrokenPipeError:
                break
            if most is not None and most <= 0:
                end()

    def to_server() -> None:
        with open(0, "rb", buffering=0) as client:
            pump(client, server_in, said, int(limit) if mode == "goes" else None, lie=False)
        server_in.close()

    threading.Thread(target=to_server, daemon=True).start()
    with open(1, "wb", buffering=0) as client:
        pump(output, client, None, int(limit) if mode == "comes" else None, lie=mode == "lie")
    with open(f"{said.removesuffix('.said')}.passed", "a") as out:
        out.write(f"{passed['comes']} {passed['goes']}\n")
    os._exit(server.wait())


def _write(target: IO[bytes], data: bytes) -> None:
    while data:
        data = data[target.write(data) :]


if __name__ == "__main__":
    main(*sys.argv[1:])
