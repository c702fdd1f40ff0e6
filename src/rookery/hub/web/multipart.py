"""Forms with files, taken in piece by piece: fields into memory, files into a folder, nothing before it is allowed.

The form puts its fields first.  When the first file begins, `allow` is asked with them;
if it refuses, the rest is read and forgotten, so that the browser hears why instead of a broken connection.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from rookery.hub.domain.errors import BadName, HubError, TooMuch
from rookery.hub.services.uploads import Arrived

MOST_FIELDS = 20
MOST_FILES = 1000
LARGEST_FIELD = 20_000


class Received:
    """What has come of a form so far."""

    def __init__(self, folder: Path, allow: Callable[[dict[str, str]], None]) -> None:
        self.fields: dict[str, str] = {}
        self.files: list[Arrived] = []
        self.refusal: HubError | None = None
        self.complete = False
        self._folder = folder
        self._allow = allow
        self._asked = False
        self._name = self._header = b""
        self._headers: dict[bytes, bytes] = {}
        self._field: str | None = None
        self._value = bytearray()
        self._file: BinaryIO | None = None

    def parser(self, boundary: bytes) -> MultipartParser:
        """Give the parser that fills this."""
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, a, b: self._add_name(data[a:b]),
                "on_header_value": lambda data, a, b: self._add_header(data[a:b]),
                "on_header_end": self._header_ended,
                "on_headers_finished": self._headers_finished,
                "on_part_data": lambda data, a, b: self._data(data[a:b]),
                "on_part_end": self._ended,
                "on_end": self._all,
            },
        )

    def _begin(self) -> None:
        self._headers, self._name, self._header = {}, b"", b""
        self._field, self._file, self._value = None, None, bytearray()

    def _add_name(self, data: bytes) -> None:
        self._name += data

    def _add_header(self, data: bytes) -> None:
        self._header += data

    def _header_ended(self) -> None:
        self._headers[self._name.lower()] = self._header
        self._name = self._header = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        named = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" not in options:
            if len(self.fields) >= MOST_FIELDS:
                raise BadName("the form has too many fields")
            self._field = named
            return
        self._ask()
        # Old browsers send whole paths, and an empty name where no file was chosen.
        name = options[b"filename"].decode("utf-8", "replace").replace("\\", "/").rpartition("/")[2]
        if not name or self.refusal is not None:
            return
        if len(self.files) >= MOST_FILES:
            self.refusal = TooMuch(f"at most {MOST_FILES} files come at once")
            return
        place = self._folder / str(len(self.files))
        self._file = place.open("wb")
        self.files.append(Arrived(name, place))

    def _ask(self) -> None:
        if not self._asked:
            self._asked = True
            try:
                self._allow(self.fields)
            except HubError as e:
                self.refusal = e

    def _data(self, data: bytes) -> None:
        if self._file is not None and self.refusal is None:
            self._file.write(data)
        elif self._field is not None:
            self._value += data
            if len(self._value) > LARGEST_FIELD:
                raise BadName("a field of the form is too long")

    def _ended(self) -> None:
        if self._file is not None:
            self._file.close()
        if self._field is not None:
            self.fields[self._field] = self._value.decode("utf-8", "replace")

    def _all(self) -> None:
        self.complete = True

    def close(self) -> None:
        """Let go of a file that was cut off."""
        if self._file is not None:
            self._file.close()


async def receive(pieces: AsyncIterator[bytes], kind: str, received: Received) -> None:
    """Read a form's body.  Raises BadName if it is none, or was cut off."""
    media, options = parse_options_header(kind)
    if media != b"multipart/form-data" or b"boundary" not in options:
        raise BadName("this is not a form with files")
    parser = received.parser(options[b"boundary"])
    try:
        async for piece in pieces:
            await run_in_threadpool(parser.write, piece)
    except MultipartParseError as e:
        raise BadName("the form cannot be read") from e
    finally:
        received.close()
    if not received.complete:
        raise BadName("the form was cut off on its way", hints=["upload the files again"])
