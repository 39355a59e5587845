"""Books to export: small pages with words, whose pictures lie in files."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from engine.export.book import Book, BookPage, Bound, Chapter, PanelPicture, PlacedPanel
from engine.export.provenance import BY_MODEL, COMPOSED
from engine.images.png_text import infotext, stamped
from models.exports import Credit, ExportOptions
from models.script import Script

Bind = Callable[..., Bound]
AUTHORS = [Credit(role="writer", name="Ada <b> & Co, Ltd"), Credit(role="letterer", name="Grüße 灯")]

SCRIPT = Script.model_validate(
    {
        "title": "Lamp",
        "scenes": [
            {
                "title": "The <kitchen>",
                "place": "kitchen",
                "panels": [
                    {
                        "description": "Mara lights a lamp.",
                        "prompt": "a lamp, ink",
                        "caption": "Night.",
                        "dialogue": [
                            {"speaker": "Mara", "text": "Take the *small* one"},
                            {"speaker": "Joss", "kind": "whisper", "text": "No"},
                        ],
                    }
                ],
            }
        ],
    }
)


@pytest.fixture
def bind(tmp_path: Path) -> Bind:
    """A book of so many pages; `options` and facts of the book as keywords."""
    folder = tmp_path / "in"
    folder.mkdir()

    def make(count: int = 3, size: tuple[int, int] = (200, 300), *, options: Any = None, **facts: Any) -> Bound:
        files, pages = [], []
        for number in range(count):
            files.append(folder / f"page-{len(list(folder.iterdir())):03}.png")
            Image.radial_gradient("L").resize(size).point(lambda value, by=number: (value + by) % 256).convert(
                "RGB"
            ).save(files[-1])
            half = size[1] // 2
            panels = (
                PlacedPanel(10, 10, size[0] - 20, half - 20, f"Mara <lights> lamp {number} & waits", (("", "Night."),)),
                PlacedPanel(
                    10, half + 10, size[0] - 20, half - 20, "Joss laughs", (("Joss", f"Key № {number} 灯台 🎉"),)
                ),
            )
            pages.append(BookPage(*size, key=f"k{number}.png", sha256=str(number), panels=panels))
        drawn = folder / f"panel-{len(list(folder.iterdir())):03}.png"
        Image.new("RGB", (40, 30), "red").save(drawn)
        drawn.write_bytes(stamped(drawn.read_bytes(), infotext("a lamp, ink", "", Seed=7)))
        told: dict[str, Any] = {
            "id": UUID(int=1),
            "title": "Lamp",
            "pages": tuple(pages),
            "chapters": (Chapter("Lamp", 0, SCRIPT),),
            "pictures": (PanelPicture("scene-01-panel-01.png", "drawn.png", BY_MODEL, "openai/ink-1"),),
            "series": "Harbour & Sons",
            "number": 2,
            "characters": ("Mara, the elder", "Joss"),
            "origin": COMPOSED,
            "models": ("openai/ink-1",),
            "options": ExportOptions.model_validate({"language": "en", "credits": AUTHORS, **(options or {})}),
        }
        return Bound(replace(Book(id=UUID(int=1), title=""), **{**told, **facts}), pages=files, pictures=[drawn])

    return make
