"""A description of an installation as text: Markdown in full, or a line per section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rookery import __version__
from rookery.render.generic import Generic


class Renderer(Generic):
    """Shows the description, or that it was copied."""

    def record(self, record: dict[str, Any]) -> None:
        """Show one record."""
        if record["status"] != "ok" or record.get("message"):
            super().record(record)
        else:
            self.say(as_text(record))


def as_text(record: Mapping[str, Any]) -> str:
    """Give the whole description, decorated as the record asks."""
    infos = record["infos"]
    short = record.get("flavor") == "short"
    text = "\n".join(["# WTF", *(_short(infos) if short else _full(infos))])
    if record.get("decor") != "html_details":
        return text
    summary = f"Rookery {__version__} WTF ({', '.join(infos)})"
    return f"<details><summary>{summary}</summary>\n\n{text}\n</details>"


def _short(infos: Mapping[str, Any]) -> Iterator[str]:
    for name, section in infos.items():
        said = " ".join(f"{k}={v}" for k, v in section.items()) if isinstance(section, Mapping) else section
        yield f"- {name}: {said}"


def _full(infos: Mapping[str, Any]) -> Iterator[str]:
    for name, section in infos.items():
        if isinstance(section, (Mapping, list)):
            yield f"## {name} "
            yield from _items(section, 1)
        else:
            yield f"## {name} {section}"


def _items(value: Any, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if isinstance(value, list):
        for one in value:
            yield f"{indent}- {one}"
        return
    for key in sorted(value):
        if isinstance(value[key], (Mapping, list)):
            yield f"{indent}- {key}: "
            yield from _items(value[key], depth + 1)
        else:
            yield f"{indent}- {key}: {value[key]}"
