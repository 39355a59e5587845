"""A picture is a result only if it is one: decoded once before it is stored."""

import io
import warnings

from PIL import Image, UnidentifiedImageError

from engine.errors import BadAnswer
from engine.images import ImageResult

MAX_PIXELS = 40_000_000
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}


def verify(result: ImageResult) -> None:
    """Raise `BadAnswer` for anything but a whole picture of the declared type and size. CPU-bound."""
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
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombWarning) as error:
        raise BadAnswer(f"The artist's answer is not a whole picture ({type(error).__name__}).") from error
