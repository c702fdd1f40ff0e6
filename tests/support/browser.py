"""A browser without scripts: keeps cookies, fills in the forms of pages, follows where it is led."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from support.asgi import Answer

Ask = Callable[..., Answer]


class Form(NamedTuple):
    """A form of a page: where it goes, what is in its fields, and its buttons."""

    action: str
    fields: dict[str, str]
    buttons: list[tuple[str, str, str]]  # what is on it, name, value
    boxes: set[str]  # names of what can be ticked and is not


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.labels: set[str] = set()
        self.inputs: list[dict[str, str]] = []
        self.text: list[str] = []
        self._select = ""
        self._area = ""
        self._option: dict[str, str] | None = None
        self._button: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag in ("a", "link", "img"):
            self.links.append(told.get("href", told.get("src", "")))
        if tag == "form" and told.get("method") == "post":
            self.forms.append(Form(told.get("action", ""), {}, [], set()))
        if tag == "label":
            self.labels.add(told.get("for", ""))
        if tag in ("input", "select", "textarea"):
            self.inputs.append(told)
        if not self.forms:
            return
        fields = self.forms[-1].fields
        if tag == "input" and (told.get("type") not in ("radio", "checkbox") or "checked" in told):
            fields[told.get("name", "")] = told.get("value", "on")
        elif tag == "input":
            self.forms[-1].boxes.add(told.get("name", ""))
        elif tag == "select":
            self._select = told["name"]
        elif tag == "textarea":
            self._area = told["name"]
            fields[self._area] = ""
        elif tag == "option":
            self._option = told
        elif tag == "button":
            self._button = told

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._option is not None and self._select:
            if "selected" in self._option or self._select not in self.forms[-1].fields:
                self.forms[-1].fields[self._select] = self._option.get("value", data)
            self._option = None
        elif self._area:
            self.forms[-1].fields[self._area] += data
        elif self._button is not None:
            self.forms[-1].buttons.append((data, self._button.get("name", ""), self._button.get("value", "")))
            self._button = None

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""


def form_with_files(fields: Mapping[str, str], files: Sequence[tuple[str, bytes]]) -> tuple[bytes, str]:
    """Write a form as browsers send it when there are files in it; give its body and its type."""
    mark = b"----a-line-that-is-in-no-file"
    parts = [
        b'Content-Disposition: form-data; name="%b"\r\n\r\n%b' % (name.encode(), value.encode())
        for name, value in fields.items()
    ]
    for name, content in files:
        told = name.replace('"', "%22").encode()
        head = b'Content-Disposition: form-data; name="files"; filename="%b"\r\nContent-Type: x/y' % told
        parts.append(head + b"\r\n\r\n" + content)
    body = b"".join(b"--%b\r\n%b\r\n" % (mark, part) for part in parts) + b"--%b--\r\n" % mark
    return body, f"multipart/form-data; boundary={mark.decode()}"


class Browser:
    """One person's browser."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.cookies: dict[str, str] = {}
        self.at = "/"
        self.answer = Answer(0, None, b"")  # type: ignore[arg-type]  # nothing was loaded yet
        self.page = _Reader()

    def request(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Make a request with the cookies, and keep those that come."""
        told = {"Cookie": "; ".join(f"{n}={v}" for n, v in self.cookies.items()), **(headers or {})}
        answer = self._ask(method, url, body, told)
        for line in answer.headers.getlist("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel.value:
                    self.cookies[name] = morsel.value
                else:
                    self.cookies.pop(name, None)
        return answer

    def go(self, url: str, status: int = 200) -> Browser:
        """Load a page, and follow where it leads; it must come with `status`."""
        self._arrive(self.request("GET", url), url, status)
        return self

    def _arrive(self, answer: Answer, url: str, status: int) -> None:
        for _ in range(5):
            if answer.status not in (302, 303):
                break
            url = answer.headers["location"]
            answer = self.request("GET", url)
        assert answer.status == status, (url, answer.status, answer.body[-1500:])
        self.at, self.answer, self.page = url, answer, _Reader()
        self.page.feed(answer.body.decode())

    @property
    def text(self) -> str:
        """All that can be read on the page."""
        return " ".join("".join(self.page.text).split())

    def submit(
        self, button: str, status: int = 200, *, headers: Mapping[str, str] | None = None, **fields: str
    ) -> Browser:
        """Fill in the form with that button, and press it."""
        form, name, value = next(
            (form, name, value)
            for form in self.page.forms
            for text, name, value in form.buttons
            if text == button and fields.keys() <= {*form.fields, *form.boxes, "csrf"}
        )
        told = {**form.fields, **fields}
        if name:
            told[name] = value
        url = form.action or urlsplit(self.at).path
        kind = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": "http://hub.test",
            **(headers or {}),
        }
        self._arrive(self.request("POST", url, urlencode(told).encode(), kind), url, status)
        return self

    def upload(self, files: Sequence[tuple[str, bytes]], status: int = 200, **fields: str) -> Browser:
        """Fill in the form that takes files, choose some, and send it."""
        form = next(form for form in self.page.forms if "files" in form.fields)
        told = {name: value for name, value in {**form.fields, **fields}.items() if name != "files"}
        body, kind = form_with_files(told, files)
        url = form.action or urlsplit(self.at).path
        headers = {"Content-Type": kind, "Origin": "http://hub.test"}
        self._arrive(self.request("POST", url, body, headers), url, status)
        return self
