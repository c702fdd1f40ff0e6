"""Reading small objects over rsync by one call for all of them: each call over ssh is a connection of its own.

rsync says of each file that it was asked for and that is not there so, by name and with the number of
the error; whatever else goes wrong is left to git-annex, which knows more settings than we do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rookery.core.process import Runner, encode
from rookery.deposit.terms import layout
from rookery.deposit.terms.url import Address
from rookery.deposit.transport.absence import PARTIAL
from rookery.deposit.transport.webread import Reader

LARGEST = 1 << 20
# `rsync: [sender] link_stat "/place/PATH" failed: No such file or directory (2)`, with `(in MODULE)` for a daemon.
MISSING = re.compile(rb'link_stat "([^"\n]*)" .*failed: .*\(2\)$', re.MULTILINE)


def reader_for(address: Address, folder: Path, runner: Runner) -> Reader | None:
    """Give a reader for an address, None where only git-annex can read; `folder` is for files that pass through."""
    cut = any(name in address.settings for name in ("chunk", "chunksize", "sameas"))
    base = address.settings.get("rsyncurl", "")
    if address.type != "rsync" or address.encrypted or cut or not base:
        return None

    def read(names: Sequence[str]) -> Mapping[str, bytes | None]:
        paths = {name: layout.path_of(name, exported=address.exported) for name in names}
        asked = "".join(f"{path}\n" for path in paths.values())
        with TemporaryDirectory(prefix="passing-", dir=folder) as passing:
            options = ["-q", "--files-from=-", f"--max-size={LARGEST}"]
            line = ["rsync", *options, "--", f"{base.rstrip('/')}/", f"{passing}/"]
            answer = runner.run(line, cwd="/", stdin=encode(asked), ok=None)
            if answer.code not in (0, PARTIAL):
                return {}
            return dict(_arrived(paths, Path(passing), answer.stderr))

    return read


def _arrived(paths: Mapping[str, str], folder: Path, said: bytes) -> Iterator[tuple[str, bytes | None]]:
    missing = tuple(b"/" + found[1].lstrip(b"/") for found in MISSING.finditer(said))
    for name, path in paths.items():
        here = folder / path
        if here.is_file() and not here.is_symlink():
            yield name, here.read_bytes()
        elif any(place.endswith(b"/" + encode(path)) for place in missing):
            yield name, None
