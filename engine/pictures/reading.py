"""Decodes one picture from outside and encodes it again, in a child process of its own (`workshop.py`).

Whatever a hostile file does, the process contains nothing else: no keys, no connections, no other user's pictures.
"""

import io
import struct
import warnings
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageOps

FORMATS = ("PNG", "JPEG", "WEBP")
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
# The largest side that WEBP allows.
MAX_SIDE = 16_383
MAX_PROFILE = 4 << 20
# The chunks that a PNG needs to be shown; all others may contain text.
_PNG = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"sRGB", b"cHRM", b"pHYs", b"sBIT", b"bKGD"}
_WEBP = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}


class Unfit(Exception):
    """The picture is refused; the message is for its sender."""


def opened(path: str, pixels: int) -> Image.Image:
    """The decoded picture, upright. Its size is checked before any pixel is decoded."""
    picture = Image.open(path, formats=FORMATS)
    if picture.width > MAX_SIDE or picture.height > MAX_SIDE or picture.width * picture.height > pixels:
        raise Unfit(
            f"The picture has {picture.width} × {picture.height} pixels; {pixels:,} in all and {MAX_SIDE:,} a side are"
            " taken."
        )
    if getattr(picture, "is_animated", False) and picture.format != "MPO":
        raise Unfit("The picture is animated. Send a single frame.")
    # Cameras append further views and call the file MPO: the first one is the picture.
    picture.load()
    return picture


def flattened(picture: Image.Image) -> Image.Image:
    """The same picture as 8-bit grey, RGB or RGBA, in sRGB, with nothing but pixels."""
    profile = picture.info.get("icc_profile")
    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I"):
        wide = upright.convert("I")
        # 16 bits in 32: the upper half of them.
        upright = wide.point(lambda value: value / 256).convert("L")
    elif upright.mode == "F":
        upright = upright.convert("L")
    elif profile and len(profile) <= MAX_PROFILE and upright.mode in ("RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(upright, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            upright = converted or upright
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        if upright.getchannel("A").getextrema() == (255, 255):
            upright = upright.convert("RGB")
    elif upright.mode in ("1", "L"):
        upright = upright.convert("L")
    else:
        upright = upright.convert("RGB")
    # A new picture has no `info` that an encoder could write.
    fresh = Image.new(upright.mode, upright.size)
    fresh.paste(upright)
    return fresh


def encode(picture: Image.Image, format: str, target: str) -> dict[str, Any]:
    """Encode the picture; the same pixels are always the same bytes."""
    options: dict[str, Any] = {
        "PNG": {"compress_level": 3},
        "JPEG": {"quality": 95, "subsampling": 0},
        "WEBP": {"quality": 95, "method": 2},
    }[format]
    picture.save(target, format, **options)
    return {"width": picture.width, "height": picture.height, "media_type": MEDIA_TYPES[format]}


def redraw(source: str, target: str, pixels: int, *, as_png: bool) -> dict[str, Any]:
    """Encode the picture again, in its own format; masks and sketches as PNG."""
    picture = opened(source, pixels)
    format = "JPEG" if picture.format == "MPO" else str(picture.format)
    plain = flattened(picture)
    if as_png or (format == "JPEG" and plain.mode == "RGBA"):
        format = "PNG"
    return encode(plain, format, target)


def verify(source: str, target: str, pixels: int) -> dict[str, Any]:
    """Verify it only, if the file contains nothing but pixels: then `target` is not written."""
    picture = opened(source, pixels)
    format = str(picture.format)
    if format in FORMATS and bare(source, format) and "exif" not in picture.info:
        return {"width": picture.width, "height": picture.height, "media_type": MEDIA_TYPES[format], "kept": True}
    return redraw(source, target, pixels, as_png=False)


def thumbnail(source: str, target: str, pixels: int, size: int) -> dict[str, Any]:
    """At most `size` pixels a side; never enlarged."""
    picture = Image.open(source, formats=FORMATS)
    if picture.width * picture.height > pixels:
        raise Unfit("The picture is too large.")
    # JPEG can be decoded at a smaller size.
    picture.draft("RGB", (size * 2, size * 2))
    small = picture if picture.mode in ("RGB", "RGBA", "L") else flattened(picture)
    small.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    fresh = Image.new(small.mode, small.size)
    fresh.paste(small)
    fresh.save(target, "WEBP", quality=80, method=4)
    return {"width": fresh.width, "height": fresh.height, "media_type": "image/webp"}


def bare(path: str, format: str) -> bool:
    """Whether a file is nothing but a picture: no text, no location, no time, and nothing after its end."""
    data = Path(path).read_bytes()
    try:
        return {"PNG": _bare_png, "JPEG": _bare_jpeg, "WEBP": _bare_webp}[format](data)
    except (struct.error, IndexError):
        return False


def _bare_png(data: bytes) -> bool:
    at, name = 8, b""
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if name not in _PNG:
            return False
        at += 12 + length
        if name == b"IEND":
            break
    return at == len(data) and name == b"IEND"


def _bare_jpeg(data: bytes) -> bool:
    at = 2
    while True:
        if data[at] != 0xFF:
            return False
        marker = data[at + 1]
        # Application data, except JFIF's and Adobe's own short headers, and comments.
        (length,) = struct.unpack_from(">H", data, at + 2)
        if (0xE0 <= marker <= 0xEF and (marker not in (0xE0, 0xEE) or length > 16)) or marker == 0xFE:
            return False
        at += 2 + length
        if marker == 0xDA:
            break
    # Markers of further scans may follow the start of the scan; the file ends with the first end marker.
    end = data.find(b"\xff\xd9", at)
    return end == len(data) - 2


def _bare_webp(data: bytes) -> bool:
    (size,) = struct.unpack_from("<I", data, 4)
    at = 12
    while at < len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        if name not in _WEBP:
            return False
        at += 8 + length + length % 2
    return at == len(data) and at == int(size) + 8


def main(work: str, source: str, target: str, pixels: int, size: int) -> dict[str, Any]:
    """One picture; `size` is a thumbnail's, or 1 to encode as PNG."""
    Image.MAX_IMAGE_PIXELS = pixels
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        if work == "thumbnail":
            return thumbnail(source, target, pixels, size)
        if work == "keep":
            return verify(source, target, pixels)
        return redraw(source, target, pixels, as_png=bool(size))
    except Unfit as error:
        return {"unfit": str(error)}
    except (Image.DecompressionBombWarning, Image.DecompressionBombError, MemoryError):
        return {"unfit": "The picture would be too large when unpacked."}
    except Exception as error:  # noqa: BLE001  # decoders of hostile files raise whatever they like
        return {"unfit": f"This is not a whole picture in PNG, JPEG or WEBP ({type(error).__name__})."}
