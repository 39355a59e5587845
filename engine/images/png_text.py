"""Text chunks in PNGs: the parameters of a picture as common tools read them (A1111's infotext, key `parameters`),
and others.
"""

import struct
import zlib
from collections.abc import Iterator

from engine.storable import storable

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PARAMETERS = "parameters"
# The key under which pictures of the offline artist describe themselves.
STORYBOARD = "A storyboard drawn by rules: not the work of a person, not the output of an image model."
_TEXTS = (b"tEXt", b"iTXt", b"zTXt")
# The header is the first chunk and always 13 bytes long, between 8 bytes before it and a checksum of 4.
_AFTER_HEADER = len(_SIGNATURE) + 8 + 13 + 4


def infotext(prompt: str, negative: str, **parameters: object) -> str:
    """Prompt, negative prompt and parameters in A1111's format; empty parameters are left out."""
    lines = [prompt]
    if negative:
        lines.append(f"Negative prompt: {negative}")
    named = [f"{name.replace('_', ' ')}: {value}" for name, value in parameters.items() if value not in (None, "")]
    return "\n".join([*lines, ", ".join(named)])


def stamped(data: bytes, text: str, key: str = PARAMETERS) -> bytes:
    """The PNG with the text in it, its pixels untouched. A PNG that has such a text, or data that is no PNG, stays as
    it is.
    """
    if not data.startswith(_SIGNATURE) or any(True for _ in _with_key(data, key)):
        return data
    # One copy of what may be many megabytes.
    whole = memoryview(data)
    return b"".join((whole[:_AFTER_HEADER], _chunk(storable(text), key.encode("latin-1")), whole[_AFTER_HEADER:]))


def without(data: bytes, key: str) -> bytes:
    """The PNG without texts of this key before the pixels; data that is no PNG stays as it is."""
    if not data.startswith(_SIGNATURE):
        return data
    whole, kept, at = memoryview(data), [], 0
    for start, end in _with_key(data, key):
        kept.append(whole[at:start])
        at = end
    return b"".join((*kept, whole[at:])) if kept else data


def _chunk(text: str, key: bytes) -> bytes:
    try:
        kind, body = b"tEXt", key + b"\0" + text.encode("latin-1")
    except UnicodeEncodeError:
        # Uncompressed, without language and translated key.
        kind, body = b"iTXt", key + b"\0\0\0\0\0" + text.encode()
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _with_key(data: bytes, key: str) -> Iterator[tuple[int, int]]:
    """Start and end of the text chunks with this key before the pixels."""
    wanted, at = key.encode("latin-1") + b"\0", len(_SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"IDAT":
            return
        if kind in _TEXTS and data.startswith(wanted, at + 8):
            yield at, at + 12 + length
        at += 12 + length
