"""What people pushed, as it is shown: all of it is there, none of it does anything."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery.hub.web.previews.highlight import by_name, numbered
from rookery.hub.web.previews.indented import indented
from rookery.hub.web.previews.kinds import is_text, text_of
from rookery.hub.web.previews.markdown import Base, rendered
from rookery.hub.web.previews.notebook import cells_of
from rookery.hub.web.previews.shown import preview
from rookery.hub.web.previews.tables import table_of

BASE = Base("/ada/data/src/main/", "/ada/data/raw/main/", "docs")

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](https://evil.example/x.png)",
    "![x](//evil.example/x.png)",
    "![x](\\\\evil.example/x.png)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<iframe src=https://evil.example></iframe><object data=x></object><embed src=x>",
    "<style>@import url(https://evil.example)</style><link rel=stylesheet href=https://evil.example>",
    "<p style='background:url(https://evil.example)'>x</p>",
    "<form action=/user/logout method=post><button>x</button></form><input autofocus onfocus=alert(1)>",
    "<a href='java&#115;cript:alert(1)'>x</a><a href=' javascript:alert(1)'>x</a>",
    "<base href=https://evil.example><meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<h1 id=main>x</h1><div id=told class=top>x</div><span class='problem k'>x</span>",
    "<img src='../../../../user/logout'><img src='/../../x'>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    '```"onmouseover=alert(1) x\ncode\n```',
    "<video src=https://evil.example/x.mp4 poster=https://evil.example/x.png></video>",
    "<img srcset='https://evil.example/x.png 2x' src=a.png><a ping=https://evil.example href=b>x</a>",
]
ALLOWED_ATTRIBUTES = {
    "href", "src", "alt", "title", "id", "class", "rel", "align", "start", "tabindex", "colspan", "rowspan", "scope",
    "width", "height",
}  # fmt: skip
FORBIDDEN_TAGS = {
    "script", "style", "iframe", "object", "embed", "form", "input", "button", "svg", "math", "link", "meta", "base",
    "video", "audio", "textarea", "select", "template",
}  # fmt: skip


class Judge(HTMLParser):
    """Looks at every tag as a browser would read it."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in FORBIDDEN_TAGS
        for name, value in attrs:
            assert name in ALLOWED_ATTRIBUTES, (tag, name)
            told = (value or "").strip().lower()
            if name == "src":
                assert told.startswith(BASE.bytes), told
                assert "/../" not in told
            elif name == "href":
                assert told.startswith((BASE.pages, "#at-", "http://", "https://", "mailto:")), told
            elif name == "id":
                assert told.startswith("at-"), told
            elif name == "class":
                assert told == "scroll" or re.fullmatch(r"[a-z0-9]{1,3}", told), told


def judge(html: str) -> None:
    reader = Judge()
    reader.feed(html)
    reader.close()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_becomes_nothing_that_acts(text: str) -> None:
    judge(rendered(text, BASE))
    judge(rendered(f"# a\n\n- {text}\n\n| {text} |\n|---|\n| {text} |\n", BASE))


@given(
    st.lists(
        st.one_of(st.text(), st.sampled_from(HOSTILE), st.sampled_from(list("<>\"'`[]()!#&/\\\n"))),
        max_size=12,
    )
)
def test_no_markdown_becomes_anything_that_acts(parts: list[str]) -> None:
    judge(rendered("".join(parts), BASE))


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        ("[x](a.tsv)", 'href="/ada/data/src/main/docs/a.tsv"'),
        ("[x](../a%20b.tsv)", 'href="/ada/data/src/main/a%20b.tsv"'),
        ("[x](/top.md#Some%20part)", 'href="/ada/data/src/main/top.md#at-Some%20part"'),
        ("[x](#what-is-here)", 'href="#at-what-is-here"'),
        ("![x](../images/a.png)", 'src="/ada/data/raw/main/images/a.png"'),
        ("[x](https://example.org/)", 'rel="nofollow noopener noreferrer"'),
        ("# Top\n## What is here?", '<h3 id="at-what-is-here">'),
        ("### First\n# Second", '<h2 id="at-second">'),
        ("# A\n\n# A", '<h2 id="at-a-1">'),
        ("- [x] done", "☑ done"),
        ("```python\nimport x\n```", '<span class="kn">import</span>'),
    ],
)  # fmt: skip
def test_markdown_leads_where_it_says(written: str, becomes: str) -> None:
    assert becomes in rendered(written, BASE)


PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"))


def words_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html))


@given(PLAIN, st.sampled_from(["a.py", "a.json", "a.yaml", "a.unknown", "Makefile", "a.html", "a.c"]))
def test_colours_change_no_letter(text: str, name: str) -> None:
    shown = words_of(numbered(by_name(text, name)))
    assert shown.removesuffix("\n") == text.removesuffix("\n")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
)


@given(JSON)
def test_indented_json_is_the_same_json(value: object) -> None:
    text = json.dumps([value, "x" * 300])
    shown = indented(text)
    assert json.loads(shown) == json.loads(text)
    assert len(shown.splitlines()) >= 4


def test_indenting_changes_no_number_and_leaves_out_no_doubled_name() -> None:
    text = '{"a": 1.10, "a": 12345678901234567890.0, "b": 1e999, "c": "' + "x" * 300 + '"}'
    assert "".join(indented(text).split()) == "".join(text.split())
    assert indented("{" + "x" * 300) == "{" + "x" * 300


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1, max_size=20)


@given(st.lists(st.lists(CELL, min_size=2, max_size=5), min_size=3, max_size=8), st.sampled_from("\t,;|"))
def test_a_table_is_read_as_it_was_written(rows: list[list[str]], delimiter: str) -> None:
    width = len(rows[0])
    even = [(row + ["y"] * width)[:width] for row in rows]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(even)
    table = table_of(out.getvalue(), "a.tsv" if delimiter == "\t" else "a.csv", whole=True)
    assert table is not None
    if delimiter == "\t":
        assert [table.heads, *table.rows] == even
        assert not table.more


@pytest.mark.parametrize("delimiter", list("\t,;|"))
def test_what_parts_the_columns_is_found(delimiter: str) -> None:
    lines = [["name", "weight; kg" if delimiter != ";" else "weight, kg"], ["a", "1"], ["b", "2"], ["c", "3"]]
    text = "".join(delimiter.join(f'"{cell}"' for cell in line) + "\n" for line in lines)
    table = table_of(text, "a.csv", whole=True)
    assert table is not None
    assert [table.heads, *table.rows] == lines


@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.ipynb", "a.md", "a.json", "a.txt", "a.py"]))
@settings(max_examples=200)
def test_no_bytes_break_a_preview(data: bytes, name: str) -> None:
    assert preview(name, data, len(data), BASE).kind
    assert preview(name, data, len(data) + 1, BASE).kind


def test_a_letter_that_was_cut_in_two_does_not_make_text_binary() -> None:
    whole = "é".encode()
    assert is_text(b"a" + whole[:1], whole=False)
    assert not is_text(b"a" + whole[:1], whole=True)
    assert text_of(b"a" + whole[:1]) == "a"
    assert text_of("é".encode("utf-16")) == "é"


def test_a_notebook_shows_what_it_holds_and_runs_nothing() -> None:
    hostile = {"text/html": "<script>alert(1)</script>", "text/plain": "<b>plain</b>"}
    notebook = {
        "cells": [
            {"cell_type": "markdown", "source": ["<script>alert(1)</script>\n", "*hello*"]},
            {"cell_type": "code", "execution_count": 3, "source": "print('<b>')", "outputs": [
                {"output_type": "display_data", "data": hostile},
                {"output_type": "display_data", "data": {"image/png": 'iVBORw0KGgo=" onload="alert(1)'}},
                {"output_type": "display_data", "data": {"image/png": ["iVBORw0K\n", "Ggo="]}},
                {"output_type": "error", "traceback": ["\x1b[0;31mValueError\x1b[0m: no"]},
            ]},
            {"cell_type": "unheard of", "source": "<i>"},
        ],
        "metadata": {"language_info": {"name": "python"}},
    }  # fmt: skip
    cells = cells_of(json.dumps(notebook), BASE)
    assert cells is not None
    judge(cells[0].html)
    assert "<em>hello</em>" in cells[0].html
    assert "<b>" not in cells[1].html
    shown = cells[1].outputs
    assert (shown[0].text, shown[0].left_out) == ("<b>plain</b>", "text/html")
    assert shown[1].picture == "", "what is no base64 is no picture"
    assert shown[2].picture == "data:image/png;base64,iVBORw0KGgo="
    assert shown[3].text == "ValueError: no"
    assert shown[3].failed
    assert cells[2].html == "&lt;i&gt;"
    for broken in ("", "[]", "{}", '{"cells": 3}', '{"cells": [3]}', "[" * 100_000):
        assert not cells_of(broken, BASE) or cells_of(broken, BASE) == cells_of('{"cells": [{}]}', BASE)
