"""What may happen in repositories, done by Rookery on one side and by Git and git-annex on the other, to compare."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rookery.annex import content
from rookery.annex.files import index_files
from rookery.core.environment import program_environment
from rookery.core.process import Runner
from rookery.git.repo import open_repo
from support.clones import NOW
from support.inside import Inside
from support.programs import Program

Place = Literal["work", "other"]
PLACES: tuple[Place, ...] = ("work", "other")
REPOSITORIES = (*PLACES, "bare")

NAMES = ("a.dat", "b.txt", "sub/c.dat", "sub/d e.tar.gz")
CONTENTS = (b"", b"same", b"text\n", b"\0one", b"\0two and more", b"\0" * 4000)

Kind = Literal[
    "write", "append", "remove", "rename", "executable", "save", "unlock", "lock", "get", "drop", "copy",
    "publish", "update", "branch", "switch", "merge", "annex add", "annex get", "annex drop", "annex metadata",
    "annex numcopies",
]  # fmt: skip


class Step(NamedTuple):
    """Something that happens at a place; `name` is a file, `other` another one, `number` chooses among contents."""

    kind: Kind
    place: Place
    name: str
    other: str
    number: int


class Side(NamedTuple):
    """A folder with `work`, its clone `other`, and `bare`, which both know; `inside` is None where Git does it."""

    root: Path
    git: Program
    inside: Inside | None

    def do(self, step: Step, number: int) -> None:
        """Let it happen; what cannot be is refused by both sides, and changes nothing."""
        here = self.root / step.place
        asked = {"drop": step.name, "copy": step.name, "publish": "."}.get(step.kind)
        if asked is not None and self.git("status", "--porcelain", "--", asked, cwd=here).text:
            return  # what was changed and not saved DataLad and Rookery do not drop or send, git-annex does
        if (
            step.kind == "lock"
            and self.git("status", "--porcelain", "--", step.name, cwd=here).text[1:2] == "T"
        ):
            return  # if that is the content the link stood for, git-annex (10.20261026) takes it in and logs nothing
        if step.kind in _FILES:
            _FILES[step.kind](here, step)
        elif step.kind in _SHARED:
            self._run(here, _SHARED[step.kind](step))
        elif self.inside is None:
            self._run(here, _GIT[step.kind](step))
        else:
            self._rookery(self.inside, here, step, number)

    def _run(self, here: Path, commands: Sequence[Sequence[str]]) -> None:
        for words in commands:
            if self.git(*words, cwd=here, code=None).code and words[0] == "merge":
                self.git("merge", "--abort", cwd=here, code=None)

    def _rookery(self, inside: Inside, here: Path, step: Step, number: int) -> None:
        if step.kind == "copy":
            repo = open_repo(here, Runner(program_environment(self.git.env)))
            files = [(f.path, f.key) for f in index_files(repo) if f.present and f.path == step.name]
            clock = lambda: NOW + number  # noqa: E731 - later than what came before
            for _ in content.transfer(repo, "copy", files, to_remote="bare", clock=clock):
                pass
            return
        words = {
            "save": ("save", "-m", f"step {number}"),
            "get": ("get", step.name),
            "drop": ("drop", step.name),
            "publish": ("push", "--to", "bare"),
            "update": ("update", "--how", "merge", "-s", "origin"),
        }[step.kind]
        inside(*words, cwd=here, code=None)
        if step.kind == "update":
            self.git("merge", "--abort", cwd=here, code=None)

    def settle(self) -> None:
        """Let git-annex bring its branch together with what was fetched, and its journal into it."""
        for name in REPOSITORIES:
            self.git("annex", "merge", "--quiet", cwd=self.root / name)

    def state(self) -> dict[str, Any]:
        """Give all that must be the same on both sides."""
        found: dict[str, Any] = {}
        for name in REPOSITORIES:
            git = self.git.at(self.root / name)
            branches = git("for-each-ref", "--format=%(refname)", "refs/heads").lines
            for branch in branches:
                if not branch.endswith("/git-annex"):
                    found[f"{name} {branch}"] = git("ls-tree", "-r", branch).lines
            found[f"{name} objects"] = sorted(objects(self.root / name))
            found[f"{name} log"] = dict(locations(git))
            if name != "bare":
                found[f"{name} status"] = git("status", "--porcelain").lines
                found[f"{name} files"] = dict(files(self.root / name))
        return found

    def check(self) -> None:
        """Ask Git and git-annex whether they are content, and see that the logs say what is so."""
        for name in REPOSITORIES:
            git = self.git.at(self.root / name)
            here = git("config", "annex.uuid").text
            claimed = {key for key, places in locations(git) if here in places}
            assert claimed == set(objects(self.root / name)), f"{name}: the log is wrong"
            git("fsck", "--no-dangling", "--no-progress")
            said = git("annex", "fsck", "--quiet", "--all", "--numcopies=1", code=None)
            assert not (said.code or said.stdout or said.stderr), f"{name}: {said}"


def _write(here: Path, step: Step) -> None:
    file = here / step.name
    if file.parent.is_file() or file.is_dir():
        return
    file.parent.mkdir(exist_ok=True)
    if file.is_symlink():
        file.unlink()
    file.write_bytes(CONTENTS[step.number])


def _append(here: Path, step: Step) -> None:
    file = here / step.name
    if file.is_file() and not file.is_symlink():
        with file.open("ab") as more:
            more.write(b"more")


def _remove(here: Path, step: Step) -> None:
    (here / step.name).unlink(missing_ok=True)


def _rename(here: Path, step: Step) -> None:
    if os.path.lexists(here / step.name):
        (here / step.other).parent.mkdir(exist_ok=True)
        (here / step.name).rename(here / step.other)


def _executable(here: Path, step: Step) -> None:
    file = here / step.name
    if file.is_file() and not file.is_symlink():
        file.chmod(0o755)


_FILES = {
    "write": _write,
    "append": _append,
    "remove": _remove,
    "rename": _rename,
    "executable": _executable,
}

# Done by Git and git-annex on both sides: what others do between our commands.
_SHARED: Mapping[str, Any] = {
    "unlock": lambda s: [["annex", "unlock", "-q", s.name]],
    "lock": lambda s: [["annex", "lock", "-q", s.name]],
    "branch": lambda s: [["checkout", "-q", "-b", f"side{s.number}"]],
    "switch": lambda s: [["checkout", "-q", "main" if s.number < 3 else f"side{s.number}"]],
    "merge": lambda s: [["merge", "-q", "-m", "merged", f"side{s.number}"]],
    "annex add": lambda s: [["annex", "add", "-q", s.name]],
    "annex get": lambda s: [["annex", "get", "-q", s.name]],
    "annex drop": lambda s: [["annex", "drop", "-q", s.name]],
    "annex metadata": lambda s: [["annex", "metadata", "-q", "-s", f"tag={s.number}", s.name]],
    "annex numcopies": lambda s: [["annex", "numcopies", "-q", str(1 + s.number % 2)]],
}

# What the commands of Rookery mean.
_GIT: Mapping[str, Any] = {
    "save": lambda _: [["annex", "add", "-q", "."], ["add", "-A", "."], ["commit", "-qm", "step"]],
    "get": lambda s: [["annex", "get", "-q", s.name]],
    "drop": lambda s: [["annex", "drop", "-q", s.name]],
    "copy": lambda s: [["annex", "copy", "-q", "--to=bare", s.name]],
    "publish": lambda _: [
        ["annex", "copy", "-q", "--to=bare"],
        ["fetch", "-q", "bare"],
        ["annex", "merge", "-q"],
        ["push", "-q", "bare", "HEAD", "git-annex"],
    ],
    "update": lambda _: [
        ["fetch", "-q", "origin"],
        ["annex", "merge", "-q"],
        ["merge", "-q", "--no-edit", "origin/main"],
    ],
}


def objects(root: Path) -> Iterator[str]:
    """Give the keys that are in a store."""
    store = (root / ".git" if (root / ".git").exists() else root) / "annex/objects"
    for path in store.rglob("*"):
        if path.is_file() and path.name == path.parent.name:
            yield path.name.replace("%", "/").replace("&c", ":").replace("&s", "%").replace("&a", "&")


def locations(git: Program) -> Iterator[tuple[str, frozenset[str]]]:
    """Read the location logs of git-annex's branch: who has which key, by the newest line of each place."""
    listed = git("ls-tree", "-r", "--name-only", "git-annex").lines
    names = [name for name in listed if name.count("/") == 2 and name.endswith(".log")]
    asked = "".join(f"git-annex:{name}\n" for name in names)
    told = os.fsencode(git("cat-file", "--batch", stdin=asked).stdout)
    for name in names:
        head, _, told = told.partition(b"\n")
        size = int(head.split()[2])
        text, told = told[:size].decode(), told[size + 1 :]
        newest: dict[str, tuple[float, str]] = {}
        for line in text.splitlines():
            moment, present, uuid = line.split()
            newest[uuid] = max(newest.get(uuid, (0.0, "")), (float(moment.rstrip("s")), present))
        having = frozenset(uuid for uuid, (_, present) in newest.items() if present == "1")
        if having:
            yield name.rpartition("/")[2].removesuffix(".log"), having


def files(root: Path) -> Iterator[tuple[str, str | tuple[bytes, bool]]]:
    """Give what is in a work tree: targets of links, contents of files and whether they can be executed."""
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if name.startswith(".git/") or name == ".git":
            continue
        if path.is_symlink():
            yield name, os.readlink(path)
        elif path.is_file():
            yield name, (path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))


def build(root: Path, git: Program) -> None:
    """Make the repositories, with something in them."""
    work, other, bare = (root / name for name in ("work", "other", "bare"))
    (work / "sub").mkdir(parents=True)
    git("init", "-q", work)
    git("annex", "init", "-q", "work", cwd=work)
    for name, text in zip(NAMES, CONTENTS[2:], strict=False):
        (work / name).write_bytes(text)
    git("annex", "add", "-q", ".", cwd=work)
    git("commit", "-qm", "First", cwd=work)
    git("init", "-q", "--bare", bare)
    git("annex", "init", "-q", "bare", cwd=bare)
    git("clone", "-q", work, other)
    git("annex", "init", "-q", "other", cwd=other)
    for place, remote, target in (
        ("work", "other", "other"),
        ("work", "bare", "bare"),
        ("other", "origin", "work"),
        ("other", "bare", "bare"),
    ):
        uuid = git("config", "annex.uuid", cwd=root / target).text
        git("config", f"remote.{remote}.url", f"../{target}", cwd=root / place)
        git("config", f"remote.{remote}.fetch", f"+refs/heads/*:refs/remotes/{remote}/*", cwd=root / place)
        git("config", f"remote.{remote}.annex-uuid", uuid, cwd=root / place)
    git("push", "-q", "bare", "main", "git-annex:refs/heads/synced/git-annex", cwd=work)
    git("annex", "merge", "-q", cwd=bare)
    git("branch", "-q", "-D", "synced/git-annex", cwd=bare, code=None)
    for name in PLACES:
        git("fetch", "-q", "bare", cwd=root / name)
        git("annex", "merge", "-q", cwd=root / name)


def copied(template: Path, to: Path, git: Program, inside: Inside | None) -> Side:
    """Give a side that stands at the beginning."""
    shutil.copytree(template, to, symlinks=True)
    return Side(to, git, inside)
