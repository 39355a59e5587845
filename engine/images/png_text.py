"""What made a picture, written into its PNG the way the usual tools read it: A1111's infotext, key `parameters`."""

import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEY = b"parameters"
# The header is the first chunk and always 13 bytes long, between 8 bytes before it and a checksum of 4.
_AFTER_HEADER = len(_SIGNATURE) + 8 + 13 + 4


def infotext(prompt: str, negative: str, **parameters: object) -> str:
    """Prompt, negative prompt and parameters as A1111 writes them; a parameter that is empty is left out."""
    lines = [prompt]
    if negative:
        lines.append(f"Negative prompt: {negative}")
    named = [f"{name.replace('_', ' ')}: {value}" for name, value in parameters.items() if value not in (None, "")]
    return "\n".join([*lines, ", ".join(named)])


def stamped(data: bytes, text: str) -> bytes:
    """The PNG with the text in it. Pixels are not touched; what has such a text, or is no PNG, stays as it is."""
    if not data.startswith(_SIGNATURE) or _is_stamped(data):
        return data
    # One copy of what may be many megabytes.
    whole = memoryview(data)
    return b"".join((whole[:_AFTER_HEADER], _chunk(text), whole[_AFTER_HEADER:]))


def _chunk(text: str) -> bytes:
    try:
        kind, body = b"tEXt", _KEY + b"\0" + text.encode("latin-1")
    except UnicodeEncodeError:
        # Not compressed, no language, no translated key.
        kind, body = b"iTXt", _KEY + b"\0\0\0\0\0" + text.encode()
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _is_stamped(data: bytes) -> bool:
    """Whether a text chunk before the pixels has our key."""
    at = len(_SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"IDAT":
            return False
        if kind in (b"tEXt", b"iTXt", b"zTXt") and data[at + 8 :].startswith(_KEY + b"\0"):
            return True
        at += 12 + length
    return False
