"""What kind of file a name promises, and under which type its bytes may be given to a browser."""

from __future__ import annotations

# Types under which a browser shows what people pushed.  None of these runs anything under the policy
# `sandbox; default-src 'none'`; a web page is not among them: it is shown as text.
_TYPES = {
    "image": {
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
        "avif": "image/avif", "bmp": "image/bmp", "ico": "image/x-icon", "svg": "image/svg+xml",
    },
    "audio": {
        "mp3": "audio/mpeg", "wav": "audio/wav", "ogg": "audio/ogg", "oga": "audio/ogg", "opus": "audio/ogg",
        "flac": "audio/flac", "m4a": "audio/mp4", "aac": "audio/aac",
    },
    "video": {"mp4": "video/mp4", "m4v": "video/mp4", "webm": "video/webm", "ogv": "video/ogg"},
    "pdf": {"pdf": "application/pdf"},
}  # fmt: skip

_KINDS = {
    **{ending: kind for kind, types in _TYPES.items() for ending in types},
    "csv": "table", "tsv": "table", "tab": "table",
    "md": "markdown", "markdown": "markdown",
    "ipynb": "notebook",
    "json": "json", "jsonld": "json", "geojson": "json",
}  # fmt: skip

_MEDIA = {ending: media for types in _TYPES.values() for ending, media in types.items()}

TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"

# Shown by the browser itself, from the address of the bytes; the page looks into none of them.
BY_BROWSER = frozenset(_TYPES)


def ending_of(name: str) -> str:
    """Give the last ending of a name in lower case, without the point."""
    return name.rpartition(".")[2].lower() if "." in name else ""


def kind_of(name: str) -> str:
    """Give image, audio, video, pdf, table, markdown, notebook, json, or text where the name promises nothing else."""
    return _KINDS.get(ending_of(name), "text")


def media_type(name: str, *, annexed: bool) -> str:
    """Give the type to send a file's bytes under; what is in Git and nothing special is text to be looked at."""
    return _MEDIA.get(ending_of(name), BYTES if annexed else TEXT)


def is_text(data: bytes, *, whole: bool) -> bool:
    """Say whether bytes (a file's first, or all) can be shown as text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if b"\0" in data:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as e:
        return not whole and e.start >= len(data) - 3  # a letter that was cut in two
    return True


def text_of(data: bytes) -> str:
    """Read bytes as text: UTF-8 (with a mark or without), UTF-16 with a mark, else what stands for each byte."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        if e.start >= len(data) - 3:
            return data[: e.start].decode("utf-8-sig")
        return data.decode("latin-1")
