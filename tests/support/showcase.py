"""A hub with something to see: people, a lab, and a dataset with a file of every kind that is shown."""

from __future__ import annotations

import io
import json
import math
import struct
import wave
from collections.abc import Mapping

from PIL import Image, ImageDraw

from rookery.git import runrecords
from rookery.hub.domain.access import Level, Visibility
from rookery.hub.domain.names import OwnerName, parse_path
from support.hubs import HubInside
from support.planting import Annexed, Dataset, Planted, plant

README = """\
# Penguins of the Palmer Archipelago

Measurements of **344 penguins** of three species, with photographs.

<img src="images/adelie.png" alt="A penguin" width="260">

## What is here

| file | holds |
|---|---|
| [measurements.tsv](data/measurements.tsv) | one line for each bird |
| `images/` | a photograph of each species |

```python
import pandas
birds = pandas.read_csv("data/measurements.tsv", sep="\\t")
```

- [x] measured
- [ ] weighed again in winter

> Gorman KB, Williams TD, Fraser WR (2014).
"""

_SPECIES = (("Adelie", (60, 90, 160)), ("Gentoo", (190, 100, 50)), ("Chinstrap", (60, 140, 100)))


def portrait(colour: tuple[int, int, int]) -> bytes:
    """Draw a penguin before a coloured background."""
    image = Image.new("RGB", (320, 240), colour)
    draw = ImageDraw.Draw(image)
    black, white, orange = (28, 32, 38), (245, 245, 240), (232, 150, 50)
    draw.rectangle((0, 200, 320, 240), fill=white)
    draw.ellipse((115, 190, 155, 214), fill=orange)
    draw.ellipse((165, 190, 205, 214), fill=orange)
    draw.ellipse((100, 60, 220, 210), fill=black)
    draw.ellipse((118, 90, 202, 205), fill=white)
    draw.ellipse((120, 22, 200, 102), fill=black)
    draw.polygon([(150, 66), (170, 66), (160, 84)], fill=orange)
    for x in (140, 172):
        draw.ellipse((x, 48, x + 9, 57), fill=white)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _table() -> bytes:
    rows = ["species\tisland\tbill_mm\tmass_g\tsex"]
    for n in range(344):
        species = _SPECIES[n % 3][0]
        bill, mass = 38 + n % 17 + 0.1 * (n % 10), 3200 + 37 * (n % 50)
        rows.append(
            f"{species}\t{('Dream', 'Biscoe', 'Torgersen')[n % 3]}\t{bill:.1f}\t{mass}\t{'fm'[n % 2]}"
        )
    return "\n".join(rows).encode() + b"\n"


def _sound() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(n / 6))) for n in range(8000)))
    return buffer.getvalue()


def _notebook() -> bytes:
    png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    output = {"output_type": "stream", "name": "stdout", "text": ["344 birds\n"]}
    shown = {
        "output_type": "display_data",
        "data": {"image/png": png, "text/plain": ["<Figure>"]},
        "metadata": {},
    }
    code = {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": {},
        "source": ["print(len(birds), 'birds')"],
    }
    return json.dumps(
        {
            "cells": [
                {"cell_type": "markdown", "metadata": {}, "source": ["## How many\n", "All of *them*."]},
                {**code, "outputs": [output, shown]},
            ],
            "metadata": {"language_info": {"name": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    ).encode()


PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 40">'
    b'<path d="M0 40L20 10L50 30L80 5V40z" fill="#17694f"/></svg>\n'
)
CODE = """\
import sys


def count(path: str) -> int:
    '''Count birds.'''
    return sum(1 for _ in open(path))  # one line each
"""


def penguins() -> Planted:
    """Give the files of the dataset."""
    return {
        "README.md": README,
        "dataset_description.json": json.dumps(
            {
                "Name": "Palmer penguins",
                "License": "CC0",
                "Authors": ["Kristen Gorman"],
                "Keywords": ["birds", "biometry"],
            }
        ),
        ".gitattributes": "* annex.backend=MD5E\n**/.git* annex.largefiles=nothing\n",
        ".datalad/config": '[datalad "dataset"]\n\tid = 6b0d0d4e-3c3b-4f7e-9d3a-6a1b2c3d4e5f\n',
        ".gitmodules": '[submodule "weather"]\n\tpath = weather\n\turl = ../weather\n',
        "weather": Dataset(),
        "code/count.py": CODE,
        "code/how.ipynb": _notebook(),
        "data/measurements.tsv": Annexed(_table()),
        "data/raw.bin": Annexed(bytes(range(256)) * 4000, here=False),
        "data/call.wav": Annexed(_sound()),
        "data/about.json": '{"species": ["Adelie", "Gentoo"], "year": 2009, "open": true}\n',
        "data/about.yaml": "species:\n  - Adelie\nyear: 2009\n",
        "data/article.pdf": Annexed(PDF),
        "images/coast.svg": SVG,
        **{f"images/{name.lower()}.png": Annexed(portrait(colour)) for name, colour in _SPECIES},
    }


def _runs() -> list[tuple[str, list[str], Planted]]:
    """Give commands that made files of files: their words, inputs, outputs."""
    table, means = "data/measurements.tsv", "results/means.tsv"
    return [
        (
            "average by species",
            [table, "code/count.py"],
            {means: Annexed(b"species\tmass_g\nAdelie\t3700\n")},
        ),
        (
            "plot the averages",
            [means],
            {"results/means.svg": SVG, "results/means.png": Annexed(portrait((90, 90, 90)))},
        ),
        (
            "average by species, without the heaviest",
            [table],
            {means: Annexed(b"species\tmass_g\nAdelie\t3690\n")},
        ),
        ("write the report", ["results", "images/*.png"], {"report.md": "# Penguins\n\nThey are heavy.\n"}),
    ]


def furnish(hub: HubInside) -> None:
    """Fill an empty hub: ada and robin, the lab of ada, datasets of theirs."""
    services = hub.opened.hub
    ada, robin = hub.person("ada", admin=True), hub.person("robin")
    services.organisations.create(ada, "field-lab", "The Field Lab")
    study = hub.repository(ada, "penguins", Visibility.PUBLIC)
    services.repositories.change(
        ada, study.path, description="Size measurements of three species of penguins"
    )
    plant(hub, ada, study, penguins(), message="Measurements of 2009")
    plant(hub, ada, study, {"code/count.py": "print(344)\n"}, message="Count faster", when=1_790_100_000)
    for words, inputs, files in _runs():
        info = {"cmd": f"python code/count.py {words}", "exit": 0, "inputs": inputs, "outputs": list(files)}
        message = runrecords.build_message(
            words, runrecords.to_json({**info, "dsid": "6b0d0d4e", "pwd": "."})
        )
        plant(hub, ada, study, files, message=message, when=1_790_200_000)
    weather = hub.repository(ada, "weather")
    plant(hub, ada, weather, {"README": "Wind and temperature\n", "2009.csv": Annexed(b"day,wind\n1,4\n")})
    hub.repository(robin, "empty", Visibility.PUBLIC)
    services.repositories.create(ada, OwnerName("field-lab"), "protocols", visibility=Visibility.INTERNAL)
    services.repositories.set_collaborator(ada, parse_path("ada/penguins"), "robin", Level.WRITE)
    _discuss(hub)
    services.search.catch_up()


def _discuss(hub: HubInside) -> None:
    """Let ada and robin talk: an issue, a pull request with data that fits, one that does not, a webhook."""
    services, study = hub.opened.hub, parse_path("ada/penguins")
    ada, robin = hub.person("ada"), hub.person("robin")
    wrong = services.issues.add_label(ada, study, "mistake", "b42318", "something is not right")
    services.issues.add_label(ada, study, "question", "1f6f8b")
    text = "In `data/measurements.tsv` two birds of *Dream* weigh **37 kg**.\n\n- row 12\n- row 80\n\n@ada, grams?"
    issue = services.issues.create(robin, study, "Two penguins are very heavy", text)
    services.issues.set_labels(ada, study, issue.number, [wrong.id])
    services.issues.comment(ada, study, issue.number, "It is. I shall mend it, or you propose it as in #2?")
    fork = services.forks.fork(robin, study)
    news: Planted = {
        "images/rockhopper.png": Annexed(portrait((140, 90, 150))),
        "README.md": README + "\nMore.\n",
    }
    plant(hub, robin, fork, news, message="Add a rockhopper", branch="rockhopper", onto="main")
    fits = {"title": "A rockhopper", "body": "Seen in May, see #1.", "target_branch": "main"}
    services.pulls.propose(robin, study, fork.id, source_branch="rockhopper", **fits)
    plant(hub, robin, fork, {"code/count.py": "print(1)\n"}, message="Count", branch="count", onto="main")
    plant(
        hub,
        ada,
        services.repositories.get(ada, study),
        {"code/count.py": "print(2)\n"},
        message="Count again",
    )
    services.pulls.propose(
        robin, study, fork.id, source_branch="count", target_branch="main", title="Count otherwise"
    )
    plant(hub, robin, fork, {"NOTES": "to be proposed\n"}, message="Notes", branch="notes", onto="main")
    hook = services.webhooks.add(ada, study, "http://127.0.0.1:9/hooks/penguins", secret="not shown")
    services.webhooks.try_out(ada, study, hook.id)
    services.webhooks.send_due()


# Every page, by a name for its picture; those that begin with `guest-` are what strangers see.
PAGES: Mapping[str, str] = {
    "guest-explore": "/",
    "guest-sign-up": "/user/sign_up",
    "guest-sign-in": "/user/login",
    "explore": "/",
    "profile": "/ada",
    "own-profile": "/user/settings",
    "keys": "/user/settings/keys",
    "tokens": "/user/settings/applications",
    "password": "/user/settings/password",
    "create": "/repo/create",
    "repository": "/ada/penguins",
    "empty": "/robin/empty",
    "folder": "/ada/penguins/src/main/data",
    **{
        f"file-{name}": f"/ada/penguins/src/main/{path}"
        for name, path in {
            "table": "data/measurements.tsv",
            "missing": "data/raw.bin",
            "sound": "data/call.wav",
            "pdf": "data/article.pdf",
            "json": "data/about.json",
            "image": "images/adelie.png",
            "drawing": "images/coast.svg",
            "code": "code/count.py",
            "notebook": "code/how.ipynb",
            "markdown": "README.md",
        }.items()
    },
    "guest-issue": "/ada/penguins/issues/1",
    "issues": "/ada/penguins/issues",
    "issues-none": "/robin/empty/issues",
    "issue": "/ada/penguins/issues/1",
    "issue-edited": "/ada/penguins/issues/1?edit=1",
    "issue-new": "/ada/penguins/issues/new",
    "labels": "/ada/penguins/labels",
    "pulls": "/ada/penguins/pulls",
    "pulls-none": "/robin/empty/pulls",
    "pull": "/ada/penguins/pulls/2",
    "pull-contradicts": "/ada/penguins/pulls/3",
    "pull-commits": "/ada/penguins/pulls/2/commits",
    "pull-files": "/ada/penguins/pulls/2/files",
    "pull-new": "/ada/penguins/pulls/new?source=ada/penguins",
    "fork": "/ada/penguins/fork",
    "activity": "/ada/penguins/activity",
    "notifications": "/notifications",
    "notifications-all": "/notifications?all=1",
    "hooks": "/ada/penguins/settings/hooks",
    "hook": "/ada/penguins/settings/hooks/1",
    "commits": "/ada/penguins/commits",
    "commit": "/ada/penguins/commit/main",
    "branches": "/ada/penguins/branches",
    "tags": "/ada/penguins/tags",
    "provenance": "/ada/penguins/provenance/main/report.md",
    "provenance-uses": "/ada/penguins/provenance/main/data/measurements.tsv",
    "find": "/ada/penguins/find/main?q=data",
    "search": "/?q=penguins",
    "settings": "/ada/penguins/settings",
    "collaboration": "/ada/penguins/settings/collaboration",
    "deploy-keys": "/ada/penguins/settings/keys",
    "upload": "/ada/penguins/upload/main/data",
    "organisation": "/field-lab",
    "new-organisation": "/org/create",
    "teams": "/org/field-lab/teams",
    "admin": "/admin",
    "admin-account": "/admin/accounts/ada",
    "admin-repositories": "/admin/repositories",
    "admin-audit": "/admin/audit",
    "missing": "/nobody/nothing",
}
