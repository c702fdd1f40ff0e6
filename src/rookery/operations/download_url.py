"""`download-url`: fetch files and remember where they came from."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from rookery.annex.files import index_files
from rookery.annex.identity import is_annex
from rookery.annex.urls import refusal
from rookery.core.context import Context
from rookery.core.errors import DownloadError, NoDatasetFound
from rookery.core.log import get_log
from rookery.core.results import result
from rookery.dataset.locate import GivenPath, absolute, below, require_dataset
from rookery.dataset.model import Dataset
from rookery.git.repo import find_root
from rookery.opkit.declare import Many, PathLikeText, Positional, Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import Message

if TYPE_CHECKING:
    from rookery.steps.fetching.download import Downloader

log = get_log("rookery.download")

TRIES_AGAIN = 5  # DataLad's default of datalad.downloaders.retry


class Got(NamedTuple):
    """A file that was fetched, and from where (without a login)."""

    path: Path
    url: str


@operation()
def download_url(
    ctx: Context,
    urls: Annotated[Many, Positional("URL", help="what to download: http, https or file", required=True)],
    *,
    dataset: DatasetParameter = None,
    path: Annotated[
        PathLikeText | None,
        option(
            "-O",
            "--path",
            metavar="PATH",
            help="where to: a file (for one URL), or with a slash at the end a folder, in which files get the names "
            "that servers or URLs give; folders are made as needed; without it, the current folder",
        ),
    ] = None,
    overwrite: Annotated[bool, option("-o", "--overwrite", help="replace files that exist")] = False,
    archive: Annotated[
        bool,
        option(
            "--archive",
            help="add the files that are in the downloaded archives (tar, zip) instead of the archives",
        ),
    ] = False,
    save: Annotated[bool, option("--nosave", help="do not save the downloaded files in the dataset")] = True,
    message: Message = None,
) -> Iterator[Record]:
    """Download files, save them, and remember where they came from.

    Annexed files get their URL registered, so that their content can be dropped
    and obtained again from the web.  An interrupted download goes on where it
    was when the same command is run again; a file appears complete or not at
    all.  Outside a dataset files are just downloaded.

    A name and password can be given in the URL or in ~/.netrc.  They are kept
    out of records, history and registered URLs.
    """
    ds = _dataset(ctx, dataset, needed=save or dataset is not None)
    where, is_folder = _where(ctx, path)
    given = list(urls or ())  # type: ignore[arg-type]  # a list: see Many
    if not is_folder:
        if archive:
            where = _with_suffixes(where, str(given[0]))
        refused = _refused(where, given)
        if refused is not None:
            yield result("download_url", where, "error", type="file", message=refused)
            return
    got: list[Got] = []
    yield from _download(ctx, ds, given, where, is_folder=is_folder, overwrite=overwrite, got=got)
    if got and save and ds is not None:
        text = message or "[DATALAD] Download URLs\n\nURLs:\n  " + "\n  ".join(one.url for one in got)
        places = _by_dataset(ctx, got)
        yield from _saved(ds, places, text, upward=dataset is not None)
        for place, files in places:
            if is_annex(place.repo):
                _register(place, files)
                yield from _taken_apart(place, files) if archive else ()


def _dataset(ctx: Context, typed: PathLikeText | None, *, needed: bool) -> Dataset | None:
    try:
        return require_dataset(ctx, typed, purpose="download urls") if needed else None
    except NoDatasetFound:
        return None  # as in DataLad: then it is a plain download


def _where(ctx: Context, path: PathLikeText | None) -> tuple[Path, bool]:
    """Give the target and whether it is a folder to put files into."""
    if path is None or not os.fspath(path):
        return ctx.cwd, True
    return absolute(ctx, path), os.fspath(path).endswith(os.sep)


def _with_suffixes(where: Path, url: str) -> Path:
    """Give the file the suffixes of the URL's, by which its kind of archive is known."""
    from pathlib import PurePosixPath
    from urllib.parse import urlsplit  # start-up

    suffixes = PurePosixPath(urlsplit(url).path).suffixes
    return where if where.suffixes == suffixes else where.with_name(where.name + "".join(suffixes))


def _refused(where: Path, given: Sequence[object]) -> tuple[str, str] | str | None:
    """Say why a path that is not said to be a folder cannot be the target."""
    if len(given) > 1:
        form = "When specifying multiple urls, --path should point to a directory target "
        return form + "(with a trailing separator). Got %r", str(where)
    if where.is_dir():
        return (
            "Non-directory path given (no trailing separator) but a directory with that name "
            "(after adding archive suffix) exists"
        )
    return None


def _download(
    ctx: Context,
    ds: Dataset | None,
    given: Sequence[object],
    where: Path,
    *,
    is_folder: bool,
    overwrite: bool,
    got: list[Got],
) -> Iterator[Record]:
    """Fetch; what arrived is put into `got`."""
    from rookery.steps.fetching.partial import Target
    from rookery.steps.fetching.web import without_login  # start-up: `--help` asks nobody

    shown = f"{where}{os.sep}" if is_folder else str(where)
    with _downloader(ctx, ds) as downloader:
        wanted = []
        for one in given:
            url, login = without_login(str(one))
            log.info("Downloading '%s' into %s'%s'", url, "directory " if is_folder else "", shown)
            if login is not None:
                log.warning(
                    "the login in the URL is used now and kept nowhere; for later, put it into ~/.netrc"
                )
                downloader.web.logins.give(url, login)
            wanted.append(url)
        outcomes = downloader.fetch(wanted, Target(where, is_folder, overwrite))
        for url, outcome in zip(wanted, outcomes, strict=True):
            if isinstance(outcome, DownloadError):
                yield _failure(shown, url, outcome)
                continue
            got.append(Got(outcome.path, url))
            yield result("download_url", outcome.path, type="file", url=url, bytesize=outcome.size)


def _failure(shown: str, url: str, error: DownloadError) -> Record:
    text = f"{type(error).__name__}({error.message})"
    return result(
        "download_url",
        shown,
        "error",
        type="file",
        message=text,
        error_message=error.message,
        exception=text,
        url=url,
        hints=error.hints or None,
    )


def _downloader(ctx: Context, ds: Dataset | None) -> Downloader:
    from rookery.steps.fetching.download import Downloader  # start-up

    config = ctx.settings.at(ctx.cwd) if ds is None else ds.config
    if ds is not None:
        keep = (
            ds.repo.commondir / "rookery" / "downloads"
        )  # the same disk as the files, mostly: a rename is enough
    else:
        home = ctx.env.get("HOME") or os.path.expanduser("~")
        keep = Path(ctx.env.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")) / "rookery" / "downloads"
    return Downloader(ctx, keep, retries=config.getint("datalad.downloaders.retry", TRIES_AGAIN))


def _saved(
    ds: Dataset, places: Sequence[tuple[Dataset, list[Got]]], message: str, *, upward: bool
) -> Iterator[Record]:
    """Save files where they are; those in other datasets than the one at hand in the one around each."""
    tops: dict[Path, list[GivenPath]] = {}
    for place, files in places:
        top = ds.path if below(ds.path, [place.path]) else place.path
        tops.setdefault(top, []).extend(GivenPath(str(one.path), one.path, False) for one in files)
    for top, given in tops.items():
        from rookery.steps.saving.save import How, save_datasets  # start-up: --help needs none of it

        yield from save_datasets(Dataset(top, ds.ctx), given, upward=upward, how=How(message=message))


def _taken_apart(place: Dataset, files: Sequence[Got]) -> Iterator[Record]:
    from rookery.steps.fetching.archives import add_content  # start-up

    for one in files:
        yield from add_content(place, one.path)


def _by_dataset(ctx: Context, got: Iterable[Got]) -> list[tuple[Dataset, list[Got]]]:
    """Sort files by the dataset around them; those outside of all are told and left out."""
    places: dict[Path, list[Got]] = {}
    roots: dict[Path, Path | None] = {}
    for one in got:
        folder = one.path.parent
        if folder not in roots:
            roots[folder] = find_root(folder)
        root = roots[folder]
        if root is None:
            log.warning("%s is not in a dataset, and so not saved", one.path)
        else:
            places.setdefault(root, []).append(one)
    return [(Dataset(root, ctx), files) for root, files in places.items()]


def _register(ds: Dataset, got: Sequence[Got]) -> None:
    """Tell git-annex where the content of annexed files can be had, in one process for all."""
    addresses = cache(_addresses)
    url_of = {str(ds.relative(one.path)): one.url for one in got}
    pairs = [(file.key, url_of[file.path]) for file in index_files(ds.repo, list(url_of))]
    from rookery.annex.web.registering import register  # start-up

    remembered: dict[str, list[str]] = {}
    for key, url, why in register(ds.repo, pairs, now=ds.ctx.clock()):
        if why:
            log.warning("Registering %s with %s failed: %s", key, url, why)
            continue
        server = "/".join(url.split("/", 3)[:3])  # all that the rules look at
        remembered.setdefault(server, []).append(url)
    for server, urls in remembered.items():
        why_not = refusal(ds.config, urls[0], addresses)
        if why_not is not None and len(urls) == 1:
            log.warning("%s is remembered, but %s", urls[0], why_not)
        elif why_not is not None:
            log.warning("%d URLs of %s are remembered, but %s", len(urls), server, why_not)


def _addresses(host: str) -> Iterable[str]:
    try:
        return list(dict.fromkeys(str(info[4][0]) for info in socket.getaddrinfo(host, None)))
    except OSError:
        return ()  # git-annex will say itself that it cannot find the host
