"""What a dataset's own metadata files say of it: DataCite, BIDS, CITATION.cff, schema.org in JSON-LD.

The files come from whoever pushed them: whatever is in them is read as far as it makes
sense, and nothing of it can hurt.  The first file that says a thing counts, in the order of `READERS`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from rookery.core.process import decode
from rookery.hub.domain.search import Described

# What is larger is no description of a dataset that people wrote.
LARGEST = 200_000

_MOST_VALUES = 2000  # of one file: aliases in YAML make few letters a million values
_MOST_NAMES = 50
_LONGEST = 4000

# Datatypes of BIDS, as the specification 1.10 names the folders of a subject.
MODALITIES = frozenset(
    (
        "anat",
        "beh",
        "dwi",
        "eeg",
        "fmap",
        "func",
        "ieeg",
        "meg",
        "micr",
        "motion",
        "mrs",
        "nirs",
        "perf",
        "pet",
    )
)
_SUBJECT = re.compile(r"(?:.*/)?sub-[^/]+/(?:ses-[^/]+/)?([a-z]+)/[^/]+")

# Text behind a mark of a licence's address: the last part of it names the licence.
_ADDRESS = re.compile(r"https?://\S*?/([^/]+?)(?:\.html?|\.txt)?/?")


def modality_of(path: str) -> str:
    """Give the datatype of a file of a BIDS dataset; "" if its path tells none."""
    found = _SUBJECT.fullmatch(path)
    return found[1] if found and found[1] in MODALITIES else ""


def is_metadata(path: str) -> bool:
    """Say whether a file of a dataset's top says what the dataset is."""
    return path in READERS or path.lower().endswith(".jsonld")


def described(files: Mapping[str, bytes]) -> Described:
    """Put together what files say, by their names."""
    order = [name for name in READERS if name in files]
    order += sorted(name for name in files if name not in READERS and is_metadata(name))
    told = Described()
    for name in order:
        loaded = _load(name, files[name])
        if isinstance(loaded, dict):
            found = READERS.get(name, _json_ld)(loaded)
            told = found._replace(**{field: value for field, value in told._asdict().items() if value})
    return told


def text_in(name: str, content: bytes) -> str:
    """Give all that a metadata file says, as one text to be searched, without its marks."""
    loaded = _load(name, content)
    return "\n".join(_scalars(loaded)) if loaded is not None else ""


def _load(name: str, content: bytes) -> Any:
    """Read YAML or JSON; None if it is neither, or too large."""
    if len(content) > LARGEST:
        return None
    text = decode(content).encode("utf-8", "replace").decode()
    try:
        return json.loads(text) if name.endswith(("json", "jsonld")) else yaml.load(text, _Loader)
    except (ValueError, RecursionError, OverflowError, yaml.YAMLError):
        return None


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # no types of it are known
    """The safe loader without merge keys (`<<`), by which few lines become a million pairs."""

    def flatten_mapping(self, node: Any) -> None:
        """Merge nothing; a `<<` that is left is an error."""


def _scalars(value: Any) -> Iterator[str]:
    """Yield the texts and numbers of a value, so many at most."""
    waiting, left = [value], _MOST_VALUES
    while waiting and left:
        left -= 1
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += reversed(list(one.values())[:left])
        elif isinstance(one, list):
            waiting += reversed(one[:left])
        elif one is not None and not isinstance(one, bool):
            yield _plain(one)


def _datacite(told: dict[Any, Any]) -> Described:
    """Read GIN's form of DataCite (datacite.yml): authors with first and last name, one licence."""
    return Described(
        _text(told.get("title")),
        _text(told.get("description")),
        _licence(told.get("license")),
        _doi(told.get("doi")),
        _names(told.get("authors")),
        _texts(told.get("keywords")),
    )


def _bids(told: dict[Any, Any]) -> Described:
    return Described(
        _text(told.get("Name")),
        "",
        _licence(told.get("License")),
        _doi(told.get("DatasetDOI")),
        _names(told.get("Authors")),
        _texts(told.get("Keywords")),
    )


def _citation(told: dict[Any, Any]) -> Described:
    """Read the Citation File Format, 1.2."""
    return Described(
        _text(told.get("title")),
        _text(told.get("abstract")),
        _licence(told.get("license")),
        _doi(told.get("doi")),
        _names(told.get("authors")),
        _texts(told.get("keywords")),
    )


def _json_ld(told: dict[Any, Any]) -> Described:
    """Read what schema.org calls a Dataset; in a graph (RO-Crate), the node that is its root."""
    graph = told.get("@graph")
    if isinstance(graph, list):
        nodes = [node for node in graph if isinstance(node, dict)]
        sets = [n for n in nodes if "Dataset" in _texts(n.get("@type"))]
        told = next((n for n in sets if n.get("@id") == "./"), sets[0] if sets else {})
    return Described(
        _text(told.get("name")),
        _text(told.get("description")),
        _licence(told.get("license")),
        _doi(told.get("identifier")),
        _names(told.get("author", told.get("creator"))),
        _texts(told.get("keywords")),
    )


READERS: dict[str, Callable[[dict[Any, Any]], Described]] = {
    "datacite.yml": _datacite,
    "dataset_description.json": _bids,
    "CITATION.cff": _citation,
    "ro-crate-metadata.json": _json_ld,
    "codemeta.json": _json_ld,
}


def _plain(value: Any) -> str:
    try:
        return " ".join(str(value).split())[:_LONGEST]
    except ValueError:
        return ""  # a number of more digits than Python writes


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("name", value.get("value", value.get("@value")))
    return _plain(value) if isinstance(value, str | int | float) else ""


def _texts(value: Any) -> tuple[str, ...]:
    """Give a list of words; a text is one with commas between them, as schema.org allows."""
    if isinstance(value, str):
        value = value.split(",")
    told = [_text(one)[:100] for one in value[:_MOST_NAMES]] if isinstance(value, list) else []
    return tuple(dict.fromkeys(one for one in told if one))


def _names(value: Any) -> tuple[str, ...]:
    """Give names of people, which each format writes in its own way."""
    if isinstance(value, str | dict):
        value = [value]
    found = []
    for one in value[:_MOST_NAMES] if isinstance(value, list) else []:
        if isinstance(one, dict):
            first = one.get("firstname", one.get("given-names", one.get("givenName")))
            last = one.get("lastname", one.get("family-names", one.get("familyName")))
            found.append(" ".join(part for part in (_text(first), _text(last)) if part) or _text(one))
        else:
            found.append(_text(one))
    return tuple(dict.fromkeys(name[:200] for name in found if name))


def _licence(value: Any) -> str:
    """Give the name of a licence: of DataCite's and schema.org's forms, and of its address if there is no other."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("name", value.get("@id", value.get("url")))
    text = _text(value)
    found = _ADDRESS.fullmatch(text)
    return (found[1] if found else text)[:100]


def _doi(value: Any) -> str:
    if isinstance(value, list):
        value = next((one for one in value if "10." in _text(one)), None)
    found = re.search(r"10\.\d{4,9}/\S+", _text(value))
    return found[0][:200] if found else ""
