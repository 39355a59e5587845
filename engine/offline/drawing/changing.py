"""Draws over a picture that is there: a part of it, or all of it from the same camera.

A storyboard says by which seed it was drawn, and is drawn again as an artist would on tracing paper: the place and the
camera stay, and the people act by the new words. Any other picture shows through what is drawn over it.
"""

import io
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageFilter

from engine.errors import BadInput
from engine.offline.drawing.panel_scene import draw_panel
from models.story import Box, PanelData

# The text of a PNG under which it says its seed.
SEED = "Seed"
SOFTWARE = "Inkloom offline artist"
# From this strength on people may take other poses than they had.
_FREE = 0.5
# How softly a drawn part begins, as a share of the picture's shorter side: inside the mask, never beyond it.
_SOFT = 0.006


@dataclass(frozen=True)
class Source:
    """A picture to change; `seed` is none for one that no rules drew."""

    pixels: Image.Image
    seed: int | None


def opened(data: bytes) -> Source:
    """The picture, in colours or in grey levels. Raises `BadInput` where it cannot be read."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            ours = picture.info.get("Software") == SOFTWARE
            seed = int(picture.info[SEED]) if ours and SEED in picture.info else None
            return Source(picture.convert("L" if picture.mode in ("1", "L") else "RGB"), seed)
    except (OSError, ValueError) as error:
        raise BadInput("The picture to change cannot be read.") from error


def redrawn(
    panel: PanelData, words: str, source: Source, size: tuple[int, int], seed: int, strength: float, *, tones: bool
) -> tuple[Image.Image, list[Box]]:
    """The whole picture anew, of `size`, and what is where in it.

    Of a storyboard the camera stays, and below half the strength every pose too; another picture shows through, the
    more the lower the strength. At 0 nothing changes but the size.
    """
    pixels = source.pixels.resize(size, Image.Resampling.LANCZOS) if source.pixels.size != size else source.pixels
    camera = seed if source.seed is None else source.seed
    drawn, boxes = draw_panel(
        _told(panel, words), *size, seed if strength >= _FREE else camera, tones=tones, camera=camera
    )
    if strength <= 0:
        return pixels, boxes
    if source.seed is None and strength < 1:
        mode = "L" if tones else "RGB"
        return Image.blend(pixels.convert(mode), drawn.convert(mode), strength), boxes
    return drawn, boxes


def painted(
    panel: PanelData, words: str, source: Source, mask: bytes, seed: int, *, tones: bool
) -> tuple[Image.Image, list[Box]]:
    """The source with what the words say drawn where the mask is white; every other pixel is as it was."""
    size = source.pixels.size
    camera = seed if source.seed is None else source.seed
    drawn, boxes = draw_panel(_told(panel, words), *size, seed, tones=tones, camera=camera)
    white = _white(mask, size)
    soft = white.filter(ImageFilter.GaussianBlur(max(1.0, _SOFT * min(size))))
    # From nothing at the mask's edge to everything inside.
    inside = ImageChops.darker(white, soft.point(lambda level: max(0, 2 * level - 255)))
    result = source.pixels.copy()
    result.paste(drawn.convert(result.mode), (0, 0), inside)
    _, before = draw_panel(panel, *size, camera, tones=tones)
    kept = [box for box in before if not _under(white, box)] if source.seed is not None else []
    return result, [*kept, *(box for box in boxes if _under(white, box))]


def _told(panel: PanelData, words: str) -> PanelData:
    """The panel with what it is to show now told first."""
    return panel.model_copy(update={"description": f"{words} {panel.description}".strip()})


def _white(mask: bytes, size: tuple[int, int]) -> Image.Image:
    try:
        with Image.open(io.BytesIO(mask)) as picture:
            grey = picture.convert("L").resize(size, Image.Resampling.NEAREST)
    except OSError as error:
        raise BadInput("The mask cannot be read.") from error
    return grey.point(lambda level: 255 if level > 127 else 0)


def _under(white: Image.Image, box: Box) -> bool:
    """Whether the middle of a box is where the mask is white."""
    x = min(int((box.x + box.width / 2) * white.width), white.width - 1)
    y = min(int((box.y + box.height / 2) * white.height), white.height - 1)
    return white.getpixel((x, y)) == 255
