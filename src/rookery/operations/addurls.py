"""`addurls`: make files of a table of URLs, with metadata and subdatasets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from rookery.core.context import Context
from rookery.core.errors import DownloadError, RookeryError
from rookery.core.log import get_log
from rookery.core.results import result
from rookery.dataset.locate import GivenPath, absolute, require_dataset
from rookery.dataset.model import Dataset
from rookery.opkit.declare import Positional, Record, Words, operation, option
from rookery.opkit.parameters import CfgProc, Jobs
from rookery.opkit.parameters import Dataset as DatasetParameter

if TYPE_CHECKING:
    from rookery.steps.fetching.addition import Manner
    from rookery.steps.fetching.urlrows import Addition, Formats
    from rookery.steps.fetching.urltable import Table

log = get_log("rookery.addurls")


@operation()
def addurls(
    ctx: Context,
    urlfile: Annotated[
        Any,
        Positional(
            "URL-FILE", help="the table: a csv, tsv, json or jsonl file, - for standard input", required=True
        ),
    ],
    urlformat: Annotated[
        str, Positional("URL-FORMAT", help="the URL of each row, e.g. '{link}' or '{0}'", required=True)
    ],
    filenameformat: Annotated[
        str,
        Positional(
            "FILENAME-FORMAT",
            help="the file of each row, in the dataset, e.g. '{group}//{name}.dat'; // ends a subdataset's name",
            required=True,
        ),
    ],
    *,
    dataset: DatasetParameter = None,
    input_type: Annotated[
        Literal["ext", "csv", "tsv", "json", "jsonl"],
        option(
            "-t", "--input-type", metavar="TYPE", help="what the table is; 'ext' goes by the file's extension"
        ),
    ] = "ext",
    exclude_autometa: Annotated[
        str | None,
        option(
            "-x",
            "--exclude-autometa",
            metavar="REGEXP",
            help="do not make metadata of columns whose names match; '*' or '': of none",
        ),
    ] = None,
    meta: Annotated[
        Words,
        option(
            "-m",
            "--meta",
            metavar="FORMAT",
            append=True,
            help="metadata as 'field={column}'; may be given several times",
        ),
    ] = None,
    key: Annotated[
        str | None,
        option(
            "--key",
            metavar="FORMAT",
            help="the annex key of each row, e.g. 'MD5-s{size}--{md5}': files are made without fetching content; "
            "with 'et:' in front, the key gets the extension of the file name",
        ),
    ] = None,
    message: Annotated[
        str | None, option("--message", metavar="MESSAGE", help="describe the change in the history")
    ] = None,
    dry_run: Annotated[
        bool, option("-n", "--dry-run", help="tell which URLs would become which files, and do nothing")
    ] = False,
    fast: Annotated[
        bool,
        option(
            "--fast", help="remember the URLs without fetching content, which then cannot be verified later"
        ),
    ] = False,
    ifexists: Annotated[
        Literal["overwrite", "skip"] | None,
        option(
            "--ifexists",
            help="replace files that exist, or leave them; otherwise the URL is added to a file of the same size",
        ),
    ] = None,
    missing_value: Annotated[
        str | None, option("--missing-value", metavar="VALUE", help="stands for each value that is empty")
    ] = None,
    save: Annotated[bool, option("--nosave", help="do not save what was added")] = True,
    version_urls: Annotated[
        bool,
        option(
            "--version-urls",
            help="make http(s) URLs of S3 buckets that keep versions name the version that they have now",
        ),
    ] = False,
    cfg_proc: CfgProc = None,
    jobs: Jobs = None,
    drop_after: Annotated[
        bool, option("--drop-after", help="drop each content when it was added and can be had from its URL")
    ] = False,
    on_collision: Annotated[
        Literal["error", "error-if-different", "take-first", "take-last"],
        option("--on-collision", help="what to do when several rows give the same file name"),
    ] = "error",
) -> Iterator[Record]:
    """Make files of a table of URLs, with metadata and subdatasets.

    The columns of the table fill the formats: '{name}' by name, '{0}' by place.
    In the file name there are also _repindex (counts names that repeat),
    _url_hostname, _url0, _url1 ... (the parts of the URL's path),
    _url_basename, _url_basename_root and _url_basename_ext, and the same with
    _url_filename for the name that the server gives.  Each column but the URL's
    becomes metadata.

    Datasets that do not exist are made.  Nothing is written unless every row
    fits the formats.
    """
    from rookery.steps.fetching.addition import Manner
    from rookery.steps.fetching.urlrows import Formats, settle_collisions  # start-up: --help needs none

    ds = require_dataset(ctx, dataset, purpose="add urls", installed=False)
    formats = Formats(urlformat, filenameformat, list(meta or ()), key, exclude_autometa, missing_value)
    try:
        found = _read(ctx, urlfile, input_type, formats, dry_run=dry_run)
        chosen = settle_collisions(found, on_collision)
        if version_urls and not dry_run:
            chosen = _versioned(ctx, chosen)
    except (RookeryError, OSError) as e:
        hints = getattr(e, "hints", None) or None
        yield result("addurls", ds.path, "error", type="dataset", message=str(e), exception=e, hints=hints)
        return
    if not chosen:
        yield result("addurls", ds.path, "notneeded", type="dataset", message="No rows to process")
        return
    if dry_run:
        _foretell(ds, found, chosen)
        yield result("addurls", ds.path, "ok", type="dataset", message="dry-run finished")
        return
    adding = _Adding(ctx, ds, chosen, Manner(fast, ifexists, jobs), cfg_proc=cfg_proc, drop_after=drop_after)
    yield from adding.run()
    if save and adding.changed():
        shown = f"'{urlfile}'" if isinstance(urlfile, (str, os.PathLike)) else "<records>"
        yield from adding.saved(message or adding.described(shown, formats))
    adding.settle()


def _read(ctx: Context, urlfile: Any, input_type: Any, formats: Formats, *, dry_run: bool) -> list[Addition]:
    from rookery.steps.fetching.urlrows import additions, name_parts
    from rookery.steps.fetching.web import Web  # start-up

    with Web(ctx.env) as web:

        def served(number: int, url: str) -> Mapping[str, str]:
            if dry_run:  # as DataLad: no requests for what is only shown
                return {k: f"{v}{number}" for k, v in name_parts("BASE.EXT", "_url_filename").items()}
            with web.open(url) as answer:
                name = answer.name
            if not name:
                raise DownloadError(f"{url} does not contain a filename")
            return name_parts(name, "_url_filename")

        found, left_out = additions(_table(ctx, urlfile, input_type), formats, served)
    if left_out:
        log.warning("Dropped %d row(s) that had an empty URL", left_out)
    return found


def _table(ctx: Context, urlfile: Any, input_type: Any) -> Table:
    from rookery.steps.fetching.urltable import from_records, kind_of, parse_table  # start-up

    if not isinstance(urlfile, (str, os.PathLike)):
        return from_records([urlfile] if isinstance(urlfile, Mapping) else list(urlfile))
    name = os.fspath(urlfile)
    raw = ctx.read_input() if name == "-" else absolute(ctx, name).read_bytes()
    return parse_table(raw, kind_of(name, input_type))


def _versioned(ctx: Context, chosen: Sequence[Addition]) -> list[Addition]:
    from rookery.steps.fetching.urlversions import versioned
    from rookery.steps.fetching.web import Web  # start-up

    with Web(ctx.env) as web:
        return [one._replace(url=versioned(web, one.url)) for one in chosen]


def _foretell(ds: Dataset, found: Sequence[Addition], chosen: Sequence[Addition]) -> None:
    for place in _subdatasets(found):
        log.info("Would create a subdataset at %s", place)
    kept = {id(one) for one in chosen}
    for one in found:
        if id(one) not in kept:
            log.info("Would ignore row due to collision: %s", dict(one.row))
        else:
            verb = "download" if one.key is None else "register"
            log.info("Would %s %s to %s", verb, one.url, ds.path / one.path)
        log.info("Metadata: %s", sorted(f"{k}={v}" for k, v in one.meta.items()))


def _subdatasets(rows: Sequence[Addition]) -> list[str]:
    """Give the subdatasets that rows name, those around others first."""
    return sorted(
        {place for one in rows for place in one.around}, key=lambda place: (place.count("/"), place)
    )


class _Adding:
    """One run: the datasets, what is added to each, and how it ends."""

    def __init__(
        self,
        ctx: Context,
        top: Dataset,
        rows: Sequence[Addition],
        manner: Manner,
        *,
        cfg_proc: Sequence[str] | None,
        drop_after: bool,
    ) -> None:
        from rookery.steps.running import procedures  # start-up

        self._ctx, self._top, self._manner, self._drop_after = ctx, top, manner, drop_after
        self._setups = [procedures.find_configuration(ctx, None, name) for name in cfg_proc or []]
        self._places = _subdatasets(rows)
        self._groups: dict[str, list[Addition]] = {}
        for one in rows:
            self._groups.setdefault(one.subdataset, []).append(one)
        self._made: list[str] = []
        self._refused: set[str] = set()
        self._files: list[Path] = []

    def run(self) -> Iterator[Record]:
        """Make the datasets that are not there, and add the files."""
        from rookery.core.pool import in_order, workers
        from rookery.dataset.unfinished import is_unfinished  # start-up

        if not self._top.is_installed() or is_unfinished(self._top.path):
            yield from self._make("", refds=self._top.path)
        for place in self._places:
            above = any(place.startswith(f"{other}/") for other in self._refused if other)
            if above or "" in self._refused:
                self._refused.add(place)
            elif not self._dataset(place).is_installed() or is_unfinished(self._top.path / place):
                yield from self._make(place, refds=self._dataset(place).path)
        groups = [place for place in sorted(self._groups) if place not in self._refused]
        several = workers(self._manner.jobs) if self._manner.jobs is not None else 1
        yield from in_order(self._add, groups, at_once=several)

    def _dataset(self, place: str) -> Dataset:
        return Dataset(self._top.path / place, self._ctx) if place else self._top

    def _make(self, place: str, *, refds: Path) -> Iterator[Record]:
        from rookery.dataset import unfinished
        from rookery.steps.obtaining.making import make_dataset, refusal  # start-up

        new = self._dataset(place)
        refused = refusal(new, None, force=unfinished.left_behind(new.path))
        if refused is not None:
            self._refused.add(place)
            yield result("create", new.path, refused[0], type="dataset", refds=refds, message=refused[1])
            return
        for record in make_dataset(new, refds=refds, configure=self._configure):
            more = {"addurls.refds": str(self._top.path)} if record["action"] == "create" and place else {}
            yield record | more
        if not new.is_installed():
            self._refused.add(place)
        elif place:
            self._made.append(place)

    def _configure(self, made: Dataset) -> Iterator[Record]:
        from rookery.steps.running import procedures  # start-up

        for setup in self._setups:
            yield from procedures.run_procedure(self._ctx, made, setup)

    def _add(self, place: str) -> Iterator[Record]:
        from rookery.annex.identity import is_annex
        from rookery.steps.fetching.addition import add_rows
        from rookery.steps.removing.drop import Wish, drop_files  # start-up

        ds = self._dataset(place)
        if not is_annex(ds.repo):
            yield result("addurls", ds.path, "error", type="dataset", message="not an annex repo")
            return
        rows = [(one.path[len(place) + 1 :] if place else one.path, one) for one in self._groups[place]]
        annexed: list[Path] = []
        for record in add_rows(ds, rows, self._manner):
            if record["status"] == "ok" and record["action"] != "metadata":
                self._files.append(Path(record["path"]))
                if record["action"] == "addurl" and record.get("annexkey"):
                    annexed.append(Path(record["path"]))
            yield record
        if self._drop_after and annexed and not self._manner.fast:
            yield from drop_files(ds, annexed, Wish(jobs=self._manner.jobs), refds=self._top.path)

    def settle(self) -> None:
        """Forget what would have been needed to go on after a kill."""
        from rookery.steps.fetching.fromweb import kept
        from rookery.steps.fetching.partial import settled  # start-up

        for place in self._groups:
            if place not in self._refused:
                settled(kept(self._dataset(place)))

    def _kept(self) -> list[str]:
        return [place for place in self._places if place not in self._refused]

    def changed(self) -> bool:
        """Say whether there may be something to save."""
        return bool(self._files or self._kept())

    def described(self, source: str, formats: Formats) -> str:
        """Give the message of the commits, as DataLad writes it."""
        made = f"{len(self._made)} subdatasets were created\n\n" if self._made else ""
        return (
            f"[DATALAD] add {len(self._files)} files to {len(self._groups)} (sub)datasets from URLs\n\n{made}"
            f"url_file={source}\nurl_format='{formats.url}'\nfilename_format='{formats.filename}'"
        )

    def saved(self, message: str) -> Iterator[Record]:
        """Save exactly what was added, in all datasets up to the top."""
        from rookery.steps.saving.save import How, save_datasets  # start-up

        paths = [*self._files, *(self._top.path / place for place in self._kept())]
        given = [GivenPath(str(path), path, content=False) for path in paths]
        how = How(message=message, jobs=self._manner.jobs)
        yield from save_datasets(self._top, given, upward=True, how=how)
