"""The text format of Git's configuration files (git-config(1), "Syntax"), read and written without a process.

For files that are read by the thousand (`.gitmodules` of many datasets).  What
is odd raises ValueError, and Git is to be asked instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_HEADER = re.compile(r'\[(?P<section>[A-Za-z0-9.-]+)(?:[ \t]+"(?P<sub>(?:[^"\\\n]|\\[^\n])*)")?[ \t]*\]')
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
# What stands for itself, outside of quotes and in them.
_PLAIN = re.compile(r'[^\\"#; \t\r\n]+')
SPACE = " \t\r\n"  # Git counts nothing else as white space
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", '"': '"', "\\": "\\"}


def parse(text: str) -> Iterator[tuple[str, str]]:
    """Yield (key, value) in order, section and name in lower case; a key without a value is "true".

    Raises ValueError on anything that Git would not take.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    at, prefix = 0, ""
    while at < len(text):
        letter = text[at]
        if letter in SPACE:
            at += 1
        elif letter in "#;":
            at = _line_end(text, at)
        elif letter == "[":
            found = _HEADER.match(text, at)
            if not found:
                raise ValueError(f"bad section header at {text[at : at + 40]!r}")
            prefix = _prefix(found)
            at = found.end()
        else:
            name = _NAME.match(text, at)
            if not name or not prefix:
                raise ValueError(f"bad line at {text[at : at + 40]!r}")
            value, at = _assigned(text, name.end())
            yield prefix + name[0].lower(), value


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _prefix(header: re.Match[str]) -> str:
    if header["sub"] is None:
        return header["section"].lower() + "."
    subsection = re.sub(r"\\(.)", r"\1", header["sub"])
    return f"{header['section'].lower()}.{subsection}."


def _assigned(text: str, at: int) -> tuple[str, int]:
    """Read what follows a name: `= value`, or nothing."""
    while at < len(text) and text[at] in " \t":
        at += 1
    if at >= len(text) or text[at] in "\n#;":
        return "true", _line_end(text, at)
    if text[at] != "=":
        raise ValueError(f"no value at {text[at : at + 40]!r}")
    return _value(text, at + 1)


def _value(text: str, at: int) -> tuple[str, int]:
    out: list[str] = []
    kept = 0  # up to here white space belongs to the value
    quoted = False
    while at < len(text) and text[at] != "\n":
        letter = text[at]
        if letter == "\\":
            follower = text[at + 1 : at + 2]
            at += 2
            if follower == "\n":
                continue
            if follower not in _ESCAPES:
                raise ValueError(f"bad escape \\{follower}")
            out.append(_ESCAPES[follower])
            kept = len(out)
            continue
        at += 1
        if letter == '"':
            quoted = not quoted
            kept = len(out)
        elif letter in "#;" and not quoted:
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
            break
        elif letter in SPACE and not quoted:
            if out:
                out.append(" ")
        else:
            plain = _PLAIN.match(text, at - 1)
            out.append(plain[0] if plain else letter)
            at += len(out[-1]) - 1
            kept = len(out)
    if quoted:
        raise ValueError("a quote is not closed")
    return "".join(out[:kept]), at + 1


def section(name: str, subsection: str, values: Mapping[str, str]) -> str:
    """Write a section as `git config` would."""
    if "\n" in subsection or "\0" in subsection:
        raise ValueError(f"a section cannot be named {subsection!r}")
    quoted = subsection.replace("\\", "\\\\").replace('"', '\\"')
    lines = [f"\t{key} = {quote(value)}\n" for key, value in values.items()]
    return f'[{name} "{quoted}"]\n' + "".join(lines)


def quote(value: str) -> str:
    """Write a value: in quotes where white space at an end or a comment sign would be lost."""
    text = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    needs = value != value.strip() or any(sign in value for sign in "#;")
    return f'"{text}"' if needs else text
