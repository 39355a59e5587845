"""The offline artist: storyboards drawn by rules, with no model, no key and no network.

It draws from the panel as data, so what it shows is what the script says: who is on stage, where, when, in which
framing and mood. Only whether it works in colour or in black and white comes from the prompt, which begins with the
style. The same request gives the same bytes.
"""

import asyncio
import io
import os

from PIL import PngImagePlugin

from engine.errors import BadInput
from engine.export.provenance import STORYBOARD
from engine.images import ImageRequest, ImageResult, Progress, unheard
from engine.images.drawing.sheet import draw_sheet
from engine.images.drawing.stage import draw_panel
from engine.images.drawing.tones import asks_for_tones
from models.story import PanelData

_SOFTWARE = "Inkloom offline artist"
# Raised whenever the same request gives another picture.
_VERSION = 3
_LARGEST = 4096


class OfflineArtist:
    """Draws panels and character sheets on the CPU, off the event loop."""

    def __init__(self) -> None:
        # Drawing is work for cores: more pictures at a time than there are cores only take more memory.
        self._cores = asyncio.Semaphore(os.cpu_count() or 1)

    async def draw(self, request: ImageRequest, tell: Progress = unheard) -> ImageResult:
        """A PNG of the size asked for, with a box for every head, hand and figure in it."""
        if not (16 <= request.width <= _LARGEST and 16 <= request.height <= _LARGEST):
            raise BadInput(
                f"the offline artist draws 16 to {_LARGEST} pixels a side, not {request.width} × {request.height}"
            )
        async with self._cores:
            return await asyncio.to_thread(_draw, request)

    async def close(self) -> None:
        """Nothing is held open."""


def _draw(request: ImageRequest) -> ImageResult:
    tones = asks_for_tones(request.prompt)
    if request.sheet is not None:
        picture, boxes = draw_sheet(request.sheet, request.width, request.height, request.seed)
        picture = picture.convert("L") if tones else picture
    else:
        panel = request.panel or PanelData(description=request.prompt)
        picture, boxes = draw_panel(panel, request.width, request.height, request.seed, tones=tones)
    about = PngImagePlugin.PngInfo()
    about.add_text("Software", _SOFTWARE)
    about.add_text("Comment", STORYBOARD)
    data = io.BytesIO()
    picture.save(data, "PNG", compress_level=2, pnginfo=about)
    return ImageResult(
        data=data.getvalue(),
        media_type="image/png",
        width=request.width,
        height=request.height,
        seed=request.seed,
        boxes=boxes,
        parameters={
            "artist": _SOFTWARE,
            "version": _VERSION,
            "kind": "sheet" if request.sheet else "storyboard",
            "comment": STORYBOARD,
        },
        may_be_flat=True,
    )
