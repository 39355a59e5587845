"""Pages as the queue `pages` makes them, side by side, against a plain script that does the same work one by one.

24 pages of the real size with 6 panels and 12 balloons each. The script opens the pictures, scales, pastes, draws
rounded boxes with a text in them and saves, as anybody would write it with Pillow; it searches no place for a balloon
and draws no tail. Runs take turns, so that a machine that is busy for a while is so for all; time on the processors is
told besides, of which others take nothing. Run alone: `python -m bench.bench_pages [PAGES]`.
"""

import hashlib
import io
import json
import os
import random
import statistics
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from PIL import Image, ImageChops, ImageDraw, ImageFont

from engine.pages import fonts
from engine.pages.compose import ComposedPage, LetteredPanel, compose_page, encoded
from engine.pages.formats import PAGE
from engine.pages.layout import Cell, PageLayout
from models.story import Box, Line, PanelData, Profile

PAGES, PANELS, RUNS = 24, 6, 5
SAID = ("The ferry is due at nine, and nobody told me.", "Then we walk to the harbour, all of us.")
HEADS = [
    Box(kind="head", name=name, x=x, y=0.5, width=0.12, height=0.16) for name, x in (("Mara", 0.2), ("Joss", 0.65))
]
PANEL = PanelData(
    description="Two people wait.",
    characters=[Profile(name="Mara"), Profile(name="Joss")],
    dialogue=[Line(speaker=who, text=said) for who, said in zip(("Mara", "Joss"), SAID, strict=True)],
)


def layout(number: int) -> PageLayout:
    """Three rows of two."""
    gutter = 32
    width = (PAGE.width - 2 * PAGE.margin - gutter) // 2
    height = (PAGE.height - 2 * PAGE.margin - 2 * gutter) // 3
    cells = tuple(
        Cell(
            str(place),
            PAGE.margin + place % 2 * (width + gutter),
            PAGE.margin + place // 2 * (height + gutter),
            width,
            height,
        )
        for place in range(PANELS)
    )
    return PageLayout(number, PAGE.width, PAGE.height, cells)


def draw(seed: int) -> bytes:
    """A picture about as heavy as a model's: shapes, shades and some grain."""
    lots = random.Random(seed)  # noqa: S311  # the same pictures every time
    shade = Image.radial_gradient("L").resize((1024, 1024)).convert("RGB")
    pen = ImageDraw.Draw(shade)
    for _ in range(200):
        x, y = lots.randrange(1024), lots.randrange(1024)
        box = (x, y, x + lots.randrange(20, 300), y + lots.randrange(20, 300))
        pen.ellipse(box, fill=tuple(lots.randrange(256) for _ in range(3)), outline="black", width=3)
    grain = Image.frombytes("L", (1024, 1024), lots.randbytes(1 << 20)).point(lambda value: value // 32)
    data = io.BytesIO()
    ImageChops.add(shade, Image.merge("RGB", [grain] * 3)).save(data, "PNG", compress_level=1)
    return data.getvalue()


def ours(page: int, pictures: list[bytes]) -> ComposedPage:
    """As the activity does, given what storage gave it."""
    panels = {
        str(place): LetteredPanel(pictures[(page + place) % len(pictures)], HEADS, PANEL) for place in range(PANELS)
    }
    return compose_page(layout(page), panels, "ltr")


def script(page: int, pictures: list[bytes]) -> bytes:
    """As an ordinary script does."""
    paper = Image.new("RGB", (PAGE.width, PAGE.height), "white")
    pen = ImageDraw.Draw(paper)
    font = ImageFont.truetype(str(next(one for one in fonts.runs("a") if one.face).face.path), 40)  # type: ignore[union-attr]  # letters have a face
    for cell in layout(page).cells:
        with Image.open(io.BytesIO(pictures[(page + int(cell.id)) % len(pictures)])) as picture:
            side = max(cell.width, cell.height)
            scaled = picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
        paper.paste(scaled.crop((0, 0, cell.width, cell.height)), (cell.x, cell.y))
        for row, said in enumerate(SAID):
            x, y = cell.x + 40 + 340 * row, cell.y + 40 + 260 * row
            pen.rounded_rectangle((x, y, x + 420, y + 200), radius=60, fill="white", outline="black", width=4)
            pen.multiline_text((x + 40, y + 30), textwrap.fill(said, 18), font=font, fill="black")
        pen.rectangle((cell.x, cell.y, cell.x + cell.width, cell.y + cell.height), outline="black", width=5)
    data = io.BytesIO()
    paper.save(data, "PNG")
    return data.getvalue()


@contextmanager
def timed(into: list[tuple[float, float]]) -> Iterator[None]:
    """Seconds by the clock, and of all cores."""
    began, worked = time.perf_counter(), time.process_time()
    yield
    into.append((round(time.perf_counter() - began, 3), round(time.process_time() - worked, 3)))


def main(pages: int) -> None:
    pictures = [draw(seed) for seed in range(12)]
    cores = len(os.sched_getaffinity(0))
    taken: dict[str, list[tuple[float, float]]] = {
        "script": [],
        "ours": [],
        "ours, one by one": [],
        "of it encoding": [],
    }
    digests: set[str] = set()
    sizes: dict[str, int] = {}
    ours(0, pictures), script(0, pictures)
    loads = []
    for run in range(RUNS):
        loads.append(os.getloadavg()[0])
        with timed(taken["script"]):
            sizes["script"] = sum(len(script(page, pictures)) for page in range(pages))
        with timed(taken["ours"]), ThreadPoolExecutor(cores) as pool:
            composed = list(pool.map(lambda page: ours(page, pictures), range(pages)))
        sizes["ours"] = sum(len(page.png) for page in composed)
        digests.add(hashlib.sha256(b"".join(page.png for page in composed)).hexdigest())
        if run == 0:
            drawn = []
            for page in composed:
                with Image.open(io.BytesIO(page.png)) as opened:
                    drawn.append(opened.convert("RGB"))
        if run == 0:
            with timed(taken["ours, one by one"]):
                for number in range(pages):
                    ours(number, pictures)
            with timed(taken["of it encoding"]):
                for picture in drawn:
                    encoded(picture)
        del composed
    medians = {name: statistics.median(clock for clock, _ in values) for name, values in taken.items()}
    worked = {name: statistics.median(cores for _, cores in values) for name, values in taken.items()}
    print(
        json.dumps(
            {
                "cores": cores,
                "pages": pages,
                "load": loads,
                "seconds": taken,
                "median": medians,
                "on the processors": worked,
                "times as fast": round(medians["script"] / medians["ours"], 2),
                "by pairs": [round(a[0] / b[0], 2) for a, b in zip(taken["script"], taken["ours"], strict=True)],
                "the same every time": len(digests) == 1,
                "bytes": sizes,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PAGES)
