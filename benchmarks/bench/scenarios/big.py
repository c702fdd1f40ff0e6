"""One large file: the time of its checksum, or of a copy and a checksum, is the floor."""

from __future__ import annotations

from bench import states
from bench.checks import every, need, sound, there
from bench.scenario import Command, Outcome, Scale, Scenario, State, both, commands, shell
from bench.scenarios import files, transfer
from bench.states import by

FAMILY = "big"
SCALES = (Scale(1, 10**9),)
FILE = "data/part-000/file-000000.dat"
SHA256 = State(
    "unsaved-sha256",
    by("sed -i s/MD5E/SHA256E/ .gitattributes && git commit -qam backend"),
    states.UNSAVED,
)


def floor(line: str, start: State, left: str, cwd: str = "ds") -> dict[str, Command]:
    """Give the least that could be done: no check but that it has left a file."""
    return {"floor": Command(shell(line), start, there(left), cwd)}


def of(module_scenarios: tuple[Scenario, ...], name: str) -> dict[str, Command]:
    """Give the commands of the scenario of many files: one is as good."""
    return dict(next(s for s in module_scenarios if s.name == name).commands)


def sha256_key(outcome: Outcome) -> None:
    """The file's key has the checksum that was asked for."""
    link = (outcome.place / "ds" / FILE).readlink().name
    need(link.startswith("SHA256E-"), f"the key is {link}")


GET = floor(f'cp -L "../ds/{FILE}" copy && md5sum copy', states.CLONED, "clone/copy", "clone")
PUSH = floor(f'cp -L "{FILE}" ../copy && md5sum ../copy', states.PUBLISHED, "copy")

SCENARIOS = (
    Scenario(
        FAMILY,
        "save-big",
        "save one large file (MD5)",
        of(files.SCENARIOS, "save") | floor(f"md5sum {FILE}", states.UNSAVED, f"ds/{FILE}"),
        SCALES,
    ),
    Scenario(
        FAMILY,
        "save-big-sha256",
        "save one large file (SHA256)",
        commands(
            {**both("save -m x"), "git-annex": files.ANNEX_SAVE},
            SHA256,
            every(files.SAVED, sha256_key, sound()),
        )
        | floor(
            f"python -c \"import hashlib; hashlib.file_digest(open('{FILE}', 'rb'), 'sha256')\"",
            SHA256,
            f"ds/{FILE}",
        ),
        SCALES,
    ),
    Scenario(FAMILY, "get-big", "get one large file", of(transfer.SCENARIOS, "get") | GET, SCALES),
    Scenario(FAMILY, "push-big", "push one large file", of(transfer.SCENARIOS, "push") | PUSH, SCALES),
)
