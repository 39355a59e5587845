"""A program that opens one picture from outside and draws it anew. It runs alone, with little memory and little time.

`workshop.py` runs it and reads the one line of JSON that it prints. Whatever a hostile file does to it, nothing else is
in this process: no keys, no connections, no other people's pictures.
"""

import io
import json
import resource
import struct
import sys
import warnings
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageOps

FORMATS = ("PNG", "JPEG", "WEBP")
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
# The largest side that WEBP knows.
MAX_SIDE = 16_383
MAX_PROFILE = 4 << 20
# What a PNG needs to be seen; all other chunks may carry words.
_PNG = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"sRGB", b"cHRM", b"pHYs", b"sBIT", b"bKGD"}
_WEBP = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}


class Unfit(Exception):
    """The picture cannot be taken; the message is for whoever sent it."""


def opened(path: str, pixels: int) -> Image.Image:
    """The picture, decoded whole, upright. Sizes are looked at before a pixel is."""
    picture = Image.open(path, formats=FORMATS)
    if picture.width > MAX_SIDE or picture.height > MAX_SIDE or picture.width * picture.height > pixels:
        raise Unfit(
            f"The picture has {picture.width} × {picture.height} pixels; {pixels:,} in all and {MAX_SIDE:,} a side are"
            " taken."
        )
    if getattr(picture, "is_animated", False) and picture.format != "MPO":
        raise Unfit("The picture is animated. Send a single frame.")
    # Cameras put further views behind the first one and call it MPO: the first is the picture.
    picture.load()
    return picture


def flattened(picture: Image.Image) -> Image.Image:
    """The same as grey, RGB or RGBA of 8 bits, in the colours that every screen knows, without anything but pixels."""
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
    # A fresh picture has no `info` for an encoder to write down.
    fresh = Image.new(upright.mode, upright.size)
    fresh.paste(upright)
    return fresh


def written(picture: Image.Image, format: str, target: str) -> dict[str, Any]:
    """Encode the picture; the same pixels are always the same bytes."""
    options: dict[str, Any] = {
        "PNG": {"compress_level": 3},
        "JPEG": {"quality": 95, "subsampling": 0},
        "WEBP": {"quality": 95, "method": 2},
    }[format]
    picture.save(target, format, **options)
    return {"width": picture.width, "height": picture.height, "media_type": MEDIA_TYPES[format]}


def redraw(source: str, target: str, pixels: int, *, as_png: bool) -> dict[str, Any]:
    """The picture anew, in its own format; as PNG what is a mask or a sketch."""
    picture = opened(source, pixels)
    format = "JPEG" if picture.format == "MPO" else str(picture.format)
    plain = flattened(picture)
    if as_png or (format == "JPEG" and plain.mode == "RGBA"):
        format = "PNG"
    return written(plain, format, target)


def keep(source: str, target: str, pixels: int) -> dict[str, Any]:
    """Only looked at where there is nothing in the file but its pixels: `target` is not written then."""
    picture = opened(source, pixels)
    format = str(picture.format)
    if format in FORMATS and bare(source, format) and "exif" not in picture.info:
        return {"width": picture.width, "height": picture.height, "media_type": MEDIA_TYPES[format], "kept": True}
    return redraw(source, target, pixels, as_png=False)


def thumbnail(source: str, target: str, pixels: int, size: int) -> dict[str, Any]:
    """At most `size` pixels a side, never more than there were."""
    picture = Image.open(source, formats=FORMATS)
    if picture.width * picture.height > pixels:
        raise Unfit("The picture is too large.")
    # JPEG can be decoded small at once.
    picture.draft("RGB", (size * 2, size * 2))
    small = picture if picture.mode in ("RGB", "RGBA", "L") else flattened(picture)
    small.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    fresh = Image.new(small.mode, small.size)
    fresh.paste(small)
    fresh.save(target, "WEBP", quality=80, method=4)
    return {"width": fresh.width, "height": fresh.height, "media_type": "image/webp"}


def bare(path: str, format: str) -> bool:
    """Whether a file is nothing but a picture: no words, no place, no time, and nothing behind its end."""
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
        # Application data but for JFIF's and Adobe's own short headers, and comments.
        (length,) = struct.unpack_from(">H", data, at + 2)
        if (0xE0 <= marker <= 0xEF and (marker not in (0xE0, 0xEE) or length > 16)) or marker == 0xFE:
            return False
        at += 2 + length
        if marker == 0xDA:
            break
    # Behind the start of the scan markers may follow, of further scans; the file ends with the first end.
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


def main(work: str, source: str, target: str, pixels: int, size: int, megabytes: int, seconds: int) -> dict[str, Any]:
    """One picture; `size` is a thumbnail's, or 1 for what becomes a PNG."""
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Image.MAX_IMAGE_PIXELS = pixels
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        if work == "thumbnail":
            return thumbnail(source, target, pixels, size)
        if work == "keep":
            return keep(source, target, pixels)
        return redraw(source, target, pixels, as_png=bool(size))
    except Unfit as error:
        return {"unfit": str(error)}
    except (Image.DecompressionBombWarning, Image.DecompressionBombError, MemoryError):
        return {"unfit": "The picture would be too large when unpacked."}
    except Exception as error:  # noqa: BLE001  # decoders of hostile files raise whatever they like
        return {"unfit": f"This is not a whole picture in PNG, JPEG or WEBP ({type(error).__name__})."}


if __name__ == "__main__":
    numbers = [int(number) for number in sys.argv[4:]]
    sys.stdout.write(json.dumps(main(sys.argv[1], sys.argv[2], sys.argv[3], *numbers)))
