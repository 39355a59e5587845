"""Decodes a picture once before it is stored: an answer that is no picture is no result."""

import io
import warnings

from PIL import Image, ImageStat, UnidentifiedImageError

from engine.errors import BadAnswer
from engine.images import ImageResult

MAX_PIXELS = 40_000_000
# A drawing with a single thin line in it has more than this; levels of 255, over a picture with a short side of 64.
_FLAT = 1.5
_SMALL = 64
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}


def verify(result: ImageResult) -> None:
    """Raise `BadAnswer` unless it is a whole picture of the declared type and size with something in it. CPU-bound."""
    expected = _FORMATS.get(result.media_type)
    if expected is None:
        raise BadAnswer(f"The artist answered with {result.media_type or 'an unknown type'}, not with a picture.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(result.data), formats=[expected]) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise BadAnswer(f"The picture is too large: {picture.width} × {picture.height} pixels.")
                if (picture.width, picture.height) != (result.width, result.height):
                    raise BadAnswer(
                        f"The picture has {picture.width} × {picture.height} pixels, not the declared"
                        f" {result.width} × {result.height}."
                    )
                picture.load()
                if not result.may_be_flat and _is_flat(picture):
                    raise BadAnswer("The picture is empty: a single colour, as artists give instead of a refusal.")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombWarning) as error:
        raise BadAnswer(f"The artist's answer is not a whole picture ({type(error).__name__}).") from error


def _is_flat(picture: Image.Image) -> bool:
    """Whether nothing can be seen in it: no channel varies, or nothing is opaque."""
    whole = picture if picture.mode in ("L", "RGB", "RGBA") else picture.convert("RGBA")
    small = whole.reduce(max(1, min(whole.size) // _SMALL)).convert("RGBA")
    colours, alpha = small.convert("RGB"), small.getchannel("A")
    return max(ImageStat.Stat(colours).stddev) < _FLAT or alpha.getextrema()[1] == 0
