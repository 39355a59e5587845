"""In which encoding a text file is written, and its text; `BadInput` where it is none that can be read."""

import codecs
from dataclasses import dataclass

from charset_normalizer import from_bytes

from engine.errors import BadInput

# The longer mark first: UTF-32 LE begins with the mark of UTF-16 LE.
_BYTE_ORDER_MARKS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]
# Those that manuscripts come in, by the names that editors show. Others are met less often than mistaken for these.
_NAMES = {
    "cp1252": "Windows-1252",
    "cp1250": "Windows-1250",
    "cp1251": "Windows-1251",
    "cp1253": "Windows-1253",
    "cp1254": "Windows-1254",
    "cp1255": "Windows-1255",
    "cp1256": "Windows-1256",
    "koi8_r": "KOI8-R",
    "cp932": "Shift JIS",
    "euc_jp": "EUC-JP",
    "gb18030": "GB 18030",
    "big5": "Big5",
    "cp949": "EUC-KR",
    "utf-16-le": "UTF-16 (little endian)",
    "utf-16-be": "UTF-16 (big endian)",
}
_SINGLE_BYTE = [name for name in _NAMES if name.startswith(("cp12", "koi8"))]
_SEVERAL_BYTES = ["cp932", "euc_jp", "gb18030", "big5", "cp949"]
# What western text has beyond ASCII. In what Windows-1252 is mistaken for, other signs come up in its place.
_WESTERN = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿŒœŠšŸŽž“”‘’‚„«»‹›–—…¡¿§°€©™·• ")
_SAMPLE = 200_000


@dataclass(frozen=True)
class Decoded:
    """A file's text, and the encoding in which it was read where that had to be found out; empty for marked ones."""

    text: str
    guessed: str = ""


def decoded(data: bytes, name: str) -> Decoded:
    """The text of a file: UTF-8, what a byte order mark says, or the encoding that its bytes look like.

    Raises `BadInput` if it is none of these.
    """
    marked = [(mark, encoding) for mark, encoding in _BYTE_ORDER_MARKS if data.startswith(mark)]
    mark, encoding = marked[0] if marked else (b"", "utf-8")
    guessed = ""
    if not marked and b"\0" in data:
        guessed = encoding = _wide(data, name)
    try:
        return Decoded(data[len(mark) :].decode(encoding), _NAMES.get(guessed, ""))
    except UnicodeDecodeError as error:
        offset = len(mark) + error.start
        refusal = BadInput(
            f"{name} is not valid {encoding.upper()}: byte 0x{data[offset]:02X} at offset {offset} does not fit."
            " Save it as UTF-8, and give that file."
        )
    if marked or guessed or (likely := _likely(data)) is None:
        raise refusal
    try:
        return Decoded(data.decode(likely), _NAMES[likely])
    except UnicodeDecodeError:
        raise refusal from None


def _wide(data: bytes, name: str) -> str:
    """The encoding of text with zero bytes: UTF-16 has one in each letter of many scripts, on one side."""
    sample = data[:4096]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    for here, there, encoding in [(odd, even, "utf-16-le"), (even, odd, "utf-16-be")]:
        if here > len(sample) // 4 and there <= here // 8:
            return encoding
    offset = data.index(b"\0")
    raise BadInput(
        f"{name} is binary data, not text (a zero byte at offset {offset}): save the story as plain text (UTF-8)"
    )


def _likely(data: bytes) -> str | None:
    """What bytes that are no UTF-8 look like, from a sample of their beginning; None: nothing."""
    sample = data[:_SAMPLE]
    kept = sample.decode("utf-8", "ignore")
    if 2 * sum(1 for char in kept if not char.isascii()) > len(sample) - len(kept.encode()):
        # UTF-8 with a few broken bytes: any other reading would spoil all the rest.
        return None
    if _is_western(sample):
        return "cp1252"
    # Western text with a stray sign looks like one of several bytes; these have nearly all letters beyond ASCII.
    high = sum(1 for byte in sample if byte >= 0x80)
    candidates = [*_SINGLE_BYTE, *(_SEVERAL_BYTES if 3 * high >= len(sample) else [])]
    best = from_bytes(sample, cp_isolation=candidates).best()
    found = best.encoding if best is not None else None
    return found if found in _NAMES else None


def _is_western(sample: bytes) -> bool:
    """Whether it is text in a western language as Windows-1252 has it: few signs beyond ASCII, and only usual ones."""
    text = sample.decode("cp1252", "replace")
    beyond = [char for char in text if not char.isascii()]
    return 5 * len(beyond) <= len(text) and all(char in _WESTERN for char in beyond)
