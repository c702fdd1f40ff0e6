"""The look: colours that can be read, icons that are there, a style sheet that knows the classes of the pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import nodes

from rookery.hub.web import look
from rookery.hub.web.repository_page import TABS

STYLE = (look.HERE / "assets" / "style.css").read_text("utf-8")
DARK = (look.HERE / "assets" / "dark.css").read_text("utf-8")
TEMPLATES = sorted((look.HERE / "templates").glob("*.html"))

# What is written on what; 4.5 to 1 for text (WCAG 2.2, 1.4.3), 3 to 1 for edges and focus (1.4.11).
TEXT = [
    *((ink, back) for ink in ("ink", "quiet", "accent", "accent-strong") for back in ("paper", "sunken", "raised")),
    *((ink, back) for ink in ("danger", "warn", "info") for back in ("paper", "raised")),
    ("on-accent", "accent"), ("on-accent", "accent-strong"), ("on-danger", "danger"),
    ("ink", "accent-soft"), ("accent", "accent-soft"), ("accent-strong", "accent-soft"),
    *((kind, f"{kind}-soft") for kind in ("danger", "warn", "info")),
    *(("ink", f"{kind}-soft") for kind in ("danger", "warn", "info")),
    *(("quiet", f"{kind}-soft") for kind in ("accent", "danger", "warn", "info")),
    *((f"code-{kind}", back) for kind in ("keyword", "string", "number", "comment", "name", "mark")
      for back in ("raised", "sunken")),
    *(("ink", back) for back in ("added", "removed")), *(("quiet", back) for back in ("added", "removed")),
    *(("paper", f"hue-{n}") for n in range(6)),
]  # fmt: skip
EDGES = [(edge, back) for edge in ("edge", "focus", "accent") for back in ("paper", "raised", "sunken")]


def tokens() -> dict[str, dict[str, str]]:
    """Read the colours by name, for light and for dark."""
    (light,), (dark,) = (re.findall(r":root \{(.*?)\n *\}", text, re.DOTALL) for text in (STYLE, DARK))
    found = re.compile(r"--([\w-]+): (#[0-9a-f]{6});")
    return {"light": dict(found.findall(light)), "dark": dict(found.findall(dark))}


def luminance(colour: str) -> float:
    """Compute WCAG's relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Compute WCAG's contrast ratio."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_written_can_be_read(scheme: str) -> None:
    colours = tokens()[scheme]
    weak = {
        pair: round(found, 2)
        for pairs, least in ((TEXT, 4.5), (EDGES, 3.0))
        for pair in pairs
        if (found := contrast(colours[pair[0]], colours[pair[1]])) < least
    }
    assert not weak


def test_colours_are_named_in_one_place_and_all_of_them_are_used() -> None:
    found = tokens()
    assert found["light"].keys() == found["dark"].keys()
    _, _, rules = STYLE.partition("/* --- the ground --- */")
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(", rules)
    assert not [name for name in found["light"] if f"var(--{name})" not in rules]


def test_every_icon_that_a_template_names_is_shipped_with_its_licence() -> None:
    text = "".join(path.read_text("utf-8") for path in (*TEMPLATES, *look.HERE.glob("*.py")))
    named = set(re.findall(r'icon\("([a-z0-9-]+)"', text))
    assert named
    assert not [name for name in named if not (look.ICONS / f"{name}.svg").is_file()]
    assert "ISC License" in (look.ICONS / "LICENSE").read_text("utf-8")
    for drawn in look.ICONS.glob("*.svg"):
        assert not re.search(r"<script|href|url\(|\son\w+=", drawn.read_text("utf-8")), drawn


# Which of its arguments each component shows as an icon.
SYMBOL_AT = {"icon": 0, "blank": 0, "tag": 1, "card": 1}


def icons_shown() -> set[str]:
    """Give the names of icons that templates, components of them, or the tabs of a repository ask for."""
    found = {tab.icon for tab in TABS}
    for path in TEMPLATES:
        for call in look.environment().parse(path.read_text("utf-8")).find_all(nodes.Call):
            component = getattr(call.node, "attr", None) or getattr(call.node, "name", "")
            at = SYMBOL_AT.get(component)
            given = [] if at is None else call.args[at : at + 1]
            given += [one.value for one in call.kwargs if one.key == "symbol"]
            for one in given:
                constants = [one] if isinstance(one, nodes.Const) else one.find_all(nodes.Const)
                found |= {constant.value for constant in constants if isinstance(constant.value, str)}
    return found


def test_every_icon_that_is_shipped_is_shown_somewhere() -> None:
    shown = icons_shown()
    assert {"lock", "circle-x", "folder", "activity"} <= shown, "names in dictionaries, components and tabs"
    assert not {path.stem for path in look.ICONS.glob("*.svg")} - shown


def test_nothing_of_the_look_comes_from_elsewhere() -> None:
    for path in (*TEMPLATES, *Path(look.HERE / "assets").iterdir()):
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"@import|url\((?!#)|(?:src|href)=\"(?:https?:)?//", text), path
        assert not re.search(
            r"<style|\sstyle=|\son(?:load|error|click|submit|focus|blur|change|input|key\w+|mouse\w+|pointer\w+)=",
            text,
        ), f"{path}: the policy would refuse it"
