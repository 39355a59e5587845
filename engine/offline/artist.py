"""The offline artist: storyboards drawn by rules, with no model, no key and no network.

It draws from the panel as data, so what it shows is what the script says: who is on stage, where, when, in which
framing and mood. Only whether it works in colour or in black and white comes from the prompt, which begins with the
style. The same request gives the same bytes.
"""

import asyncio
import io
import os

from PIL import Image, PngImagePlugin

from engine.errors import BadInput
from engine.images import ImageRequest, ImageResult, Progress, unheard
from engine.images.fitting import fitted
from engine.images.png_text import STORYBOARD
from engine.offline.drawing.changing import SEED, SOFTWARE, Source, opened, painted, redrawn
from engine.offline.drawing.panel_scene import draw_panel
from engine.offline.drawing.sheet import draw_sheet
from engine.offline.drawing.tones import asks_for_tones
from engine.providers.registry import draws_of
from models.story import Box, PanelData

# Raised whenever the same request gives another picture.
_VERSION = 3
_LARGEST = 4096
_DRAWS = draws_of("offline")
# What is asked of a change is short; a whole prompt says what the panel says too.
_LONGEST_WISH = 400


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
        # What it can do nothing with is refused as by any artist; its prompt is not for it to read.
        fitted(request, _DRAWS, "offline")
        async with self._cores:
            return await asyncio.to_thread(_draw, request)

    async def close(self) -> None:
        """Nothing is held open."""


def _draw(request: ImageRequest) -> ImageResult:
    tones, seed = asks_for_tones(request.prompt), request.seed
    if request.sheet is not None:
        picture, boxes = draw_sheet(request.sheet, request.width, request.height, request.seed)
        picture = picture.convert("L") if tones else picture
        kind = "sheet"
    else:
        panel = request.panel or PanelData(description=request.prompt)
        if request.source is not None:
            picture, boxes, seed = _changed(request, panel, opened(request.source.data), tones=tones)
        else:
            picture, boxes = draw_panel(panel, request.width, request.height, request.seed, tones=tones)
        kind = "storyboard"
    about = PngImagePlugin.PngInfo()
    about.add_text("Software", SOFTWARE)
    about.add_text("Comment", STORYBOARD)
    if kind == "storyboard":
        about.add_text(SEED, str(seed))
    data = io.BytesIO()
    picture.save(data, "PNG", compress_level=2, pnginfo=about)
    return ImageResult(
        data=data.getvalue(),
        media_type="image/png",
        width=picture.width,
        height=picture.height,
        seed=request.seed,
        boxes=boxes,
        parameters={
            "artist": SOFTWARE,
            "version": _VERSION,
            "kind": kind,
            "comment": STORYBOARD,
        },
        may_be_flat=True,
    )


def _changed(
    request: ImageRequest, panel: PanelData, source: Source, *, tones: bool
) -> tuple[Image.Image, list[Box], int]:
    """A picture drawn over another, what is where in it, and by which seed it is seen."""
    words = request.prompt if len(request.prompt) <= _LONGEST_WISH and request.panel is not None else ""
    camera = request.seed if source.seed is None else source.seed
    if request.mask is not None:
        # As large as the source, so that every pixel outside of the mask can stay.
        tones = tones or source.pixels.mode == "L"
        return *painted(panel, words, source, request.mask.data, request.seed, tones=tones), camera
    size = (request.width, request.height)
    return *redrawn(panel, words, source, size, request.seed, request.strength, tones=tones), camera
