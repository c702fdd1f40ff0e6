"""Paint penguins: real JPEG pictures, the same at every run, with the grain of a photograph."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

SIZE = (1200, 900)

SEA = ((172, 205, 226), (94, 137, 168))
ICE = (236, 243, 247)
COAT = (34, 36, 44)
SHIRT = (246, 244, 238)
BEAK = {"chinstrap": (52, 50, 54), "king": (226, 138, 60)}
COLLAR = {"chinstrap": None, "king": (247, 186, 66)}


def _sky(picture: Image.Image) -> None:
    draw = ImageDraw.Draw(picture)
    width, height = SIZE
    for row in range(height):
        share = row / height
        colour = tuple(round(a + (b - a) * share) for a, b in zip(*SEA, strict=True))
        draw.line([(0, row), (width, row)], fill=colour)
    draw.polygon([(0, height), (0, 690), (420, 640), (800, 700), (width, 660), (width, height)], fill=ICE)


def _penguin(draw: ImageDraw.ImageDraw, kind: str, x: int, y: int, scale: float) -> None:
    def box(left: float, top: float, right: float, bottom: float) -> list[float]:
        return [x + left * scale, y + top * scale, x + right * scale, y + bottom * scale]

    beak = BEAK[kind]
    for side in (-1, 1):
        draw.ellipse(box(side * 70 - 45, 285, side * 70 + 45, 325), fill=BEAK["king"])
        draw.ellipse(box(side * 128 - 34, -20, side * 128 + 34, 220), fill=COAT)
    draw.ellipse(box(-135, -80, 135, 310), fill=COAT)
    draw.ellipse(box(-98, -30, 98, 300), fill=SHIRT)
    draw.ellipse(box(-82, -230, 82, -50), fill=COAT)
    if kind == "chinstrap":
        draw.ellipse(box(-62, -185, 62, -62), fill=SHIRT)
        draw.arc(box(-64, -196, 64, -76), 15, 165, fill=COAT, width=max(2, round(7 * scale)))
    else:
        draw.ellipse(box(-84, -140, -34, -60), fill=COLLAR["king"])
        draw.ellipse(box(34, -140, 84, -60), fill=COLLAR["king"])
        draw.ellipse(box(-58, -75, 58, -20), fill=COLLAR["king"])
    for side in (-1, 1):
        draw.ellipse(box(side * 28 - 9, -158, side * 28 + 9, -140), fill=(20, 20, 24))
    draw.polygon(
        [(x - 16 * scale, y - 130 * scale), (x + 16 * scale, y - 130 * scale), (x, y - 92 * scale)], fill=beak
    )


def paint(path: Path, *, kind: str, seed: int) -> None:
    """Write a JPEG of some 700 KB: penguins of a kind on the ice, different for each seed."""
    chance = random.Random(seed)
    picture = Image.new("RGB", SIZE)
    _sky(picture)
    draw = ImageDraw.Draw(picture)
    for place in range(3):
        scale = chance.uniform(0.7, 1.05)
        _penguin(
            draw, kind, 240 + 350 * place + chance.randint(-40, 40), 460 + chance.randint(-50, 50), scale
        )
    grain = Image.frombytes("L", SIZE, chance.randbytes(SIZE[0] * SIZE[1])).convert("RGB")
    picture = Image.blend(picture.filter(ImageFilter.GaussianBlur(0.8)), grain, 0.12)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, "JPEG", quality=90)
