"""What a long book costs: memory, seconds and bytes of every format, a process of its own for each.

Pages are of the real size and about as heavy as those of a storyboard; a few different ones take turns. The copy beside
them is what the disk needs for the same bytes. Run alone: `python -m bench.bench_exports [PAGES …]`.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from PIL import Image, ImageDraw

from engine.export.book import Book, BookPage, Bound, Chapter, PanelPicture, PlacedPanel
from engine.export.build import build
from engine.pages.formats import PAGE, text_size
from engine.pages.layer import layer_of
from engine.pages.lettering import letter
from models.exports import ExportFormat, ExportOptions
from models.script import Script
from models.story import Line, PanelData

DIFFERENT = 8
PANELS = 5


def draw(file: Path, seed: int) -> None:
    """A page of shapes with some grain in them."""
    lots = random.Random(seed)  # noqa: S311  # the same pages every time
    page = Image.new("RGB", (PAGE.width, PAGE.height), "white")
    pen = ImageDraw.Draw(page)
    for _ in range(1500):
        x, y = lots.randrange(PAGE.width), lots.randrange(PAGE.height)
        box = (x, y, x + lots.randrange(20, 400), y + lots.randrange(20, 300))
        pen.ellipse(box, fill=tuple(lots.randrange(256) for _ in range(3)), outline="black", width=3)
    grain = Image.frombytes("L", (400, 400), lots.randbytes(160_000)).convert("RGB")
    page.paste(grain, (200, 200))
    page.save(file, compress_level=1, dpi=(300, 300))


def bound(folder: Path, pages: int, *, finished: bool) -> Bound:
    """A book over the pictures in the folder."""
    height = (PAGE.height - 2 * PAGE.margin) // PANELS
    panels = tuple(
        PlacedPanel(
            PAGE.margin, PAGE.margin + row * height, PAGE.width - 2 * PAGE.margin, height - 30, "A lamp is lit."
        )
        for row in range(PANELS)
    )
    panel = PanelData(description="A lamp.", dialogue=[Line(speaker="Mara", text="Take the small one, not that.")])
    spoken = tuple(
        replace(
            one,
            words=(("Mara", panel.dialogue[0].text),),
            picture=str(row),
            lettering=layer_of(letter(panel, one.width, one.height, [], "ltr", text_size(PAGE.width)), panel, str(row)),
        )
        for row, one in enumerate(panels)
    )
    files = [folder / f"{number % DIFFERENT}.png" for number in range(pages)]
    script = Script.model_validate(
        {"scenes": [{"panels": [{"description": "A lamp is lit."}] * PANELS} for _ in range(pages)]}
    )
    book = Book(
        id=UUID(int=1),
        title="A long book",
        pages=tuple(BookPage(PAGE.width, PAGE.height, str(number), str(number), spoken) for number in range(pages)),
        chapters=(Chapter("A long book", 0, script),),
        pictures=tuple(PanelPicture(f"panel-{number:04}.png", str(number), "", "") for number in range(pages)),
        options=ExportOptions(title_page=finished, page_numbers=finished),
    )
    return Bound(book, files, files)


def peak() -> float:
    """The most that this process held, in megabytes. Not `ru_maxrss`, which a process has from who started it."""
    [line] = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM:")]
    return round(int(line.split()[1]) / 1024, 1)


def measure(format: str, folder: Path, pages: int, *, finished: bool) -> None:
    """In a process of its own: what building one file took."""
    before = peak()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=folder) as place:
        _, size = build(ExportFormat(format), bound(folder, pages, finished=finished), Path(place), Path(place) / "out")
    print(
        json.dumps(
            {
                "seconds": round(time.perf_counter() - began, 2),
                "bytes": size,
                "megabytes_before": before,
                "peak_megabytes": peak(),
            }
        )
    )


def copied(folder: Path, pages: int) -> dict[str, float]:
    """The pages written one after the other, and flushed: what no format can do without."""
    began, size = time.perf_counter(), 0
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for number in range(pages):
            size += file.write((folder / f"{number % DIFFERENT}.png").read_bytes())
        file.flush()
        os.fsync(file.fileno())
    return {"seconds": round(time.perf_counter() - began, 2), "bytes": size}


def main(counts: list[int]) -> None:
    with tempfile.TemporaryDirectory(prefix="inkloom-bench-") as name:
        folder = Path(name)
        for number in range(DIFFERENT):
            draw(folder / f"{number}.png", number)
        found = {}
        for pages in counts:
            formats = {}
            for format in [*ExportFormat, "pdf with title page and numbers"]:
                words = [sys.executable, "-m", "bench.bench_exports", "--one", format, str(folder), str(pages)]
                done = subprocess.run(words, check=True, capture_output=True, text=True)
                formats[str(format)] = json.loads(done.stdout)
            found[str(pages)] = {"copy": copied(folder, pages), "formats": formats}
        print(json.dumps({"load": os.getloadavg()[0], "pages": found}, indent=2))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _, _, one, place, many = sys.argv
        measure(one.split()[0], Path(place), int(many), finished=" " in one)
    else:
        main([int(word) for word in sys.argv[1:]] or [25, 200])
