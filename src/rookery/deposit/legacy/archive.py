"""`repo.zip`: a bare repository in an archive; made straight from objects, and taken in without trust.

What is written: HEAD, config, packed-refs, one pack as it is (it is compressed) and its
index.  That is what datalad-next's reader needs; hooks, templates and a commit graph
are not.  What is read: objects, refs and HEAD.  Configuration and hooks of
somebody else are never looked at.
"""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from rookery.core.errors import CommandError
from rookery.core.process import Runner, decode
from rookery.deposit.terms import bare, refsfile
from rookery.deposit.terms.refsfile import Malformed, RefList
from rookery.deposit.terms.store import Damaged
from rookery.git.repo import Repo

FOLDERS = ("objects/", "objects/info/", "objects/pack/", "refs/", "refs/heads/", "refs/tags/")
STAMP = "info/dlra-stamp"
LONGEST_STAMP = 64 << 10
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that the format knows: equal content, equal archive
CHUNK = 1 << 20

# Objects are compressed in the archive of a repository: what claims to grow more than this is a bomb.
MOST_GROWTH = 50
ROOM = 64 << 20
LONGEST_REF = 4096

_PACK = re.compile(r"objects/pack/pack-(?:[0-9a-f]{40}|[0-9a-f]{64})\.pack")
_LOOSE = re.compile(r"objects/[0-9a-f]{2}/(?:[0-9a-f]{38}|[0-9a-f]{62})")
_ALTERNATES = re.compile(r"objects/info/(?:http-)?alternates")

# Old histories are full of these, and nobody is harmed by them; all else that fsck calls an error is one.
HARMLESS = (
    "badDate",
    "badDateOverflow",
    "badEmail",
    "badName",
    "badTagName",
    "badTimezone",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "missingTaggerEntry",
    "zeroPaddedDate",
    "zeroPaddedFilemode",
)


def make(
    repo: Repo,
    state: RefList,
    into: Path,
    *,
    compressed: bool,
    keeping: RefList = refsfile.EMPTY,
    stamp: bytes = b"",
) -> None:
    """Write the archive of a state whose objects a repository has or borrows.

    What the state `keeping` needs goes in too: until the list of refs is replaced, it
    is still the one that holds.  Raises CommandError.
    """
    small = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    texts = {
        "HEAD": f"ref: {state.head or refsfile.FIRST_HEAD}\n",
        "config": bare.CONFIG[state.object_format or "sha1"],
        "packed-refs": refsfile.build_packed(state.refs),
    }
    with TemporaryDirectory(dir=into.parent) as folder, zipfile.ZipFile(into, "w") as out:
        for name in FOLDERS:
            out.writestr(_info(name, 0o40755), b"")
        if stamp:
            out.writestr(_info("info/", 0o40755), b"")
            out.writestr(_info(STAMP, 0o100644), stamp, small)
        for name, text in texts.items():
            out.writestr(_info(name, 0o100644), text.encode("utf-8", "surrogateescape"), small)
        for file in _packed(repo, {*state.refs.values(), *keeping.refs.values()}, Path(folder)):
            info = _info(f"objects/pack/{file.name}", 0o100444)
            info.compress_type = zipfile.ZIP_STORED if file.suffix == ".pack" else small
            info.file_size = file.stat().st_size  # decides whether the long form is needed
            with open(file, "rb") as source, out.open(info, "w") as target:
                shutil.copyfileobj(source, target, CHUNK)


def _info(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EPOCH)
    info.create_system = 3  # Unix, also where it is not: the mode counts
    info.external_attr = mode << 16 | (0x10 if name.endswith("/") else 0)
    return info


def _packed(repo: Repo, shas: set[str], folder: Path) -> list[Path]:
    if not shas:
        return []
    tips = "".join(f"{sha}\n" for sha in sorted(shas)).encode()
    options = ("--revs", "--delta-base-offset", "--quiet")
    repo.run("-c", "pack.writeReverseIndex=false", "pack-objects", *options, folder / "pack", stdin=tips)
    return sorted(file for file in folder.iterdir() if file.suffix in (".pack", ".idx"))


def take(file: Path, into: Path, runner: Runner) -> RefList:
    """Take an archive in as a new repository in `into`, all of it checked, and give what it holds.

    Raises Damaged.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = _accepted(archive, file.stat().st_size)
            state = _state(archive, entries)
            repo = bare.make(into, runner, object_format=state.object_format or "sha1")
            for name, info in entries.items():
                if _PACK.fullmatch(name):
                    with repo.stream("index-pack", "--stdin", stdin=_pieces(archive, info)) as out:
                        out.stdout.read()
                elif _LOOSE.fullmatch(name):
                    target = into / name
                    target.parent.mkdir(exist_ok=True)
                    with open(target, "xb") as loose:
                        loose.writelines(_pieces(archive, info))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as e:
        raise Damaged(f"the deposit's archive cannot be read: {e}") from e
    except Malformed as e:
        raise Damaged(f"the deposit's archive is not right: {e.message}") from e
    bare.set_state(into, state)
    _check(repo)
    return state


def has_all(repo: Repo, state: RefList) -> bool:
    """Say whether a repository has everything that a state needs."""
    tips = "".join(f"{sha}\n" for sha in set(state.refs.values())).encode()
    return repo.run("rev-list", "--objects", "--stdin", "--quiet", stdin=tips, ok=None).code == 0


def read_state(file: Path) -> RefList:
    """Read only what refs an archive holds.  Raises Damaged."""
    try:
        with zipfile.ZipFile(file) as archive:
            return _state(archive, _accepted(archive, file.stat().st_size))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, Malformed) as e:
        raise Damaged(f"the deposit's archive cannot be read: {e}") from e


def read_stamp(file: Path) -> bytes:
    """Read the stamp of an archive; nothing if there is none."""
    try:
        with zipfile.ZipFile(file) as archive:
            info = archive.NameToInfo.get(STAMP)
            return archive.read(info) if info is not None and info.file_size <= LONGEST_STAMP else b""
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError):
        return b""


def _accepted(archive: zipfile.ZipFile, size: int) -> Mapping[str, zipfile.ZipInfo]:
    """Look through the list of an archive, and give what is to be taken from it.  Raises Damaged."""
    taken: dict[str, zipfile.ZipInfo] = {}
    total = 0
    for info in archive.infolist():
        name = info.filename.removeprefix("repo/")  # older deposits have a folder around all
        mode = info.external_attr >> 16
        if "\\" in name or name.startswith("/") or ".." in name.split("/") or name in taken:
            raise Damaged(f"the deposit's archive has a file named {info.filename[:80]!r}")
        if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or not stat.S_IFMT(mode)):
            raise Damaged(f"{info.filename!r} in the deposit's archive is a link or a device")
        if _ALTERNATES.fullmatch(name) and info.file_size:
            raise Damaged("the deposit's archive borrows objects from other places")
        if info.is_dir() or not _wanted(name):
            continue
        if name.startswith("refs/") and info.file_size > LONGEST_REF:
            raise Damaged(f"the ref {name[:80]!r} in the deposit's archive is too long to be one")
        taken[name] = info
        total += info.file_size
    if total > ROOM + MOST_GROWTH * size:
        raise Damaged(f"the deposit's archive of {size} bytes claims to hold {total}")
    return taken


def _wanted(name: str) -> bool:
    return bool(
        name in ("HEAD", "packed-refs")
        or name.startswith("refs/")
        or _PACK.fullmatch(name)
        or _LOOSE.fullmatch(name)
    )


def _pieces(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(info) as source:
        while piece := source.read(CHUNK):
            yield piece


def _state(archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo]) -> RefList:
    def text(name: str) -> str:
        return decode(archive.read(entries[name])) if name in entries else ""

    refs = refsfile.parse_packed(text("packed-refs"))
    symbolic: dict[str, str] = {}
    for name in entries:
        if name.startswith("refs/"):
            value = text(name).strip()
            if value.startswith("ref: "):
                symbolic[name] = value.removeprefix("ref: ")
            else:
                refs.update(refsfile.parse_packed(f"{value} {name}"))
    refs |= {name: refs[target] for name, target in symbolic.items() if target in refs}
    head = text("HEAD").strip().removeprefix("ref: ")
    return RefList(refs, head if refsfile.valid_name(head) else None)


def _check(repo: Repo) -> None:
    """Look at every object and every ref.  Raises Damaged."""
    lenient = [part for name in HARMLESS for part in ("-c", f"fsck.{name}=ignore")]
    try:
        repo.run(*lenient, "fsck", "--full", "--no-dangling", "--no-progress", "--no-reflogs")
    except CommandError as e:
        said = "; ".join(line for line in e.stderr.splitlines() if line)[:500]
        raise Damaged(f"the objects in the deposit are not right: {said}") from e
