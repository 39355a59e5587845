"""Which font sets which character, how wide a text is, and how it is drawn.

The hand-lettered face comes first. What it lacks comes from wide fonts: installed font packages, then the fonts of the
system. A character that no font has becomes a visible box, so nobody reads a sentence with a hole in it unaware.
"""

import struct
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, features

SHAPED = bool(features.check("raqm"))
_BOX_WIDTH = 0.62
_SLANT = 0.2

# Before a word: set it bold, or slanted. Unicode reserves these two for private use; no text contains them.
BOLD, SLANTED = "\ufdd0", "\ufdd1"
# Ends a word in scripts without spaces: a line may break here.
SEAM = "\u200b"

Colour = tuple[int, int, int]

_LETTERING = ("font_intuitive", "Intuitive.ttf")
# Packages with fonts for other scripts, found without importing them, in order of preference.
_PACKAGES = (
    "fontpkg_noto_sans",
    "fontpkg_rubik",
    "fontpkg_noto_sans_arabic",
    "fontpkg_noto_sans_devanagari",
    "fontpkg_noto_sans_thai",
    "ttf_opensans",
    "noto_cjk_sans_jp_regular",
    "noto_cjk_sans_sc_regular",
    "noto_cjk_sans_kr_regular",
    "matplotlib_fontja",
    "japanize_matplotlib",
)
_SYSTEM_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
# Upright text faces first; decorative and monospaced faces last.
_PREFERRED = ("notosans-regular", "dejavusans", "notosanscjk-regular", "arialunicode", "freesans", "unifont", "symbola")
_STYLES = ("bold", "italic", "oblique", "light", "thin", "black", "mono", "condensed", "serif", "emoji", "math")


@dataclass(frozen=True)
class Face:
    """A font file on this machine."""

    path: Path

    @cached_property
    def characters(self) -> frozenset[int]:
        """The code points that have a glyph; empty when the file cannot be read."""
        try:
            self.at(32)  # A bitmap font can list characters and still refuse a size.
            return _mapped(self.path.read_bytes())
        except (OSError, struct.error, IndexError, StopIteration):
            return frozenset()

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """The face in pixels."""
        return _sized(self.path, size)

    def __hash__(self) -> int:
        return hash(self.path)


@dataclass(frozen=True)
class Run:
    """Text in one face and style; without a face, no font has these characters."""

    face: Face | None
    text: str
    bold: bool = False
    slanted: bool = False

    def stroke(self, size: int) -> int:
        """By how many pixels its letters are made heavier at a size."""
        return max(1, round(size / 32)) if self.bold else 0


def is_rtl(text: str) -> bool:
    """Whether most letters are written right to left."""
    right = sum(unicodedata.bidirectional(sign) in ("R", "AL") for sign in text)
    left = sum(unicodedata.bidirectional(sign) == "L" for sign in text)
    return right > left


def invisible(sign: str) -> bool:
    """Joiners, direction marks and variation selectors: they shape their neighbours and have no glyph of their own."""
    return unicodedata.category(sign) in ("Cf", "Cc") or sign in (BOLD, SLANTED) or 0xFE00 <= ord(sign) <= 0xFE0F


@lru_cache(maxsize=20_000)
def runs(text: str) -> tuple[Run, ...]:
    """The text in runs of one face. A word stays in one face if any face has all of it."""
    pieces: list[Run] = []
    for marked in _words(text):
        word = plain(marked)
        bold, slanted = BOLD in marked, SLANTED in marked
        if word == SEAM:
            continue
        if word.isspace():
            # Non-breaking spaces look like others, and some faces lack them.
            blank = " " * len(word)
            pieces.append(Run(pieces[-1].face if pieces and pieces[-1].face else _lettering(), blank))
            continue
        face = _face_of_word(word)
        alone = [(face, word)] if face else [(_face_of(sign), sign) for sign in word]
        pieces += [Run(face, piece, bold, slanted) for face, piece in alone]
    merged: list[Run] = []
    for run in pieces:
        last = merged[-1] if merged else None
        if last and (last.face, last.bold, last.slanted) == (run.face, run.bold, run.slanted):
            merged[-1] = replace(last, text=last.text + run.text)
        else:
            merged.append(run)
    return tuple(merged)


def plain(text: str) -> str:
    """The text without its marks of style."""
    return text.replace(BOLD, "").replace(SLANTED, "")


def missing(text: str) -> str:
    """The characters that no font on this machine has, each once."""
    return "".join(dict.fromkeys(sign for run in runs(text) if run.face is None for sign in run.text))


@lru_cache(maxsize=50_000)
def width(text: str, size: int) -> float:
    """Pixels from the first to the last edge of the text on one line."""
    total = 0.0
    for run in runs(text):
        if run.face is None:
            total += len(run.text) * _BOX_WIDTH * size
        else:
            total += run.face.at(size).getlength(run.text, direction=_direction(run.text))
    return total


def draw(
    canvas: ImageDraw.ImageDraw,
    x: float,
    baseline: float,
    text: str,
    size: int,
    ink: Colour,
    halo: Colour | None = None,
    language: str = "",
) -> None:
    """One line with its left edge at `x`, standing on `baseline`, in the letter forms that its language has.

    A halo sets it heavy, with a rim of that colour.
    """
    parts = runs(text)
    heavy = 0 if halo is None else max(1, size // 48)
    if halo is not None:
        _draw(canvas, x, baseline, parts, size, halo, heavy + max(2, size // 12), language)
    _draw(canvas, x, baseline, parts, size, ink, heavy, language)


def forms(language: str) -> str | None:
    """The language for Pillow: Chinese and Japanese write the same code point differently."""
    return language if language and SHAPED else None


def _draw(
    canvas: ImageDraw.ImageDraw,
    x: float,
    baseline: float,
    parts: tuple[Run, ...],
    size: int,
    ink: Colour,
    stroke: int,
    language: str,
) -> None:
    for run in reversed(parts) if is_rtl("".join(run.text for run in parts)) else parts:
        if run.face is None:
            for _ in run.text:
                box = (x + 0.08 * size, baseline - 0.68 * size, x + 0.54 * size, baseline + 0.04 * size)
                canvas.rectangle(box, outline=ink, width=max(1, size // 14))
                x += _BOX_WIDTH * size
            continue
        font, way = run.face.at(size), _direction(run.text)
        heavy = stroke + run.stroke(size)
        long = font.getlength(run.text, direction=way)
        if run.slanted:
            _slant(canvas, x, baseline, run, size, ink, heavy, long)
        else:
            canvas.text(
                (x, baseline),
                run.text,
                font=font,
                fill=ink,
                anchor="ls",
                direction=way,
                language=forms(language),
                stroke_width=heavy,
            )
        x += long


def _slant(
    canvas: ImageDraw.ImageDraw, x: float, baseline: float, run: Run, size: int, ink: Colour, stroke: int, long: float
) -> None:
    """Draws a run leaning to the right: the lettering face has no italics of its own."""
    if run.face is None:
        return
    above = 2 * size
    mask = Image.new("L", (round(long) + 2 * size, 3 * size))
    font, way = run.face.at(size), _direction(run.text)
    ImageDraw.Draw(mask).text(
        (size, above), run.text, font=font, fill=255, anchor="ls", direction=way, stroke_width=stroke
    )
    # Higher rows are shifted further; the foot of the line stays.
    leaning = (1, _SLANT, -_SLANT * (above - 0.3 * size), 0, 1, 0)
    mask = mask.transform(mask.size, Image.Transform.AFFINE, leaning, Image.Resampling.BICUBIC)
    canvas.bitmap((round(x) - size, round(baseline) - above), mask, fill=ink)


def _direction(text: str) -> str | None:
    if not SHAPED:
        return None
    return "rtl" if is_rtl(text) else "ltr"


def _words(text: str) -> Iterator[str]:
    for _, signs in groupby(text, key=lambda sign: SEAM if sign == SEAM else sign.isspace()):
        word = "".join(signs)
        # Any of several seams will do.
        yield SEAM if word[0] == SEAM else word


def _face_of_word(word: str) -> Face | None:
    signs = [sign for sign in word if not invisible(sign)]
    tried: list[Face] = [_lettering()]
    for sign in signs:
        face = _face_of(sign)
        if face is not None and face not in tried:
            tried.append(face)
    return next((face for face in tried if all(ord(sign) in face.characters for sign in signs)), None)


@lru_cache(maxsize=20_000)
def _face_of(sign: str) -> Face | None:
    if invisible(sign):
        return _lettering()
    return next((face for face in _chain() if ord(sign) in face.characters), None)


@lru_cache(maxsize=1)
def _lettering() -> Face:
    package, name = _LETTERING
    return next(face for face in _package_faces(package) if face.path.name == name)


@lru_cache(maxsize=1)
def _chain() -> tuple[Face, ...]:
    faces = [_lettering()]
    for package in _PACKAGES:
        faces += _package_faces(package)
    return (*faces, *(Face(path) for path in _system_fonts()))


def _package_faces(package: str) -> list[Face]:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return []
    folder = Path(next(iter(spec.submodule_search_locations)))
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".ttf", ".otf", ".ttc"))
    upright = [path for path in found if not any(style in path.name.lower() for style in ("italic", "bold", "light"))]
    return [Face(path) for path in upright or found]


def _system_fonts() -> list[Path]:
    found: list[Path] = []
    for folder in _SYSTEM_FOLDERS:
        if folder.startswith("C:") and sys.platform != "win32":
            continue
        root = Path(folder).expanduser()
        if root.is_dir():
            found += [path for path in root.rglob("*") if path.suffix.lower() in (".ttf", ".otf", ".ttc")]

    def rank(path: Path) -> tuple[int, int, str]:
        name = path.stem.lower()
        preferred = _PREFERRED.index(name) if name in _PREFERRED else len(_PREFERRED)
        return preferred, sum(style in name for style in _STYLES), str(path)

    return [path for path in sorted(found, key=rank) if "color" not in path.stem.lower()]


@lru_cache(maxsize=512)
def _sized(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size)


def _mapped(data: bytes) -> frozenset[int]:
    """The code points in a font file's `cmap` table (formats 4 and 12, the two that Unicode fonts use)."""
    start = struct.unpack_from(">I", data, 12)[0] if data[:4] == b"ttcf" else 0
    tables = struct.unpack_from(">H", data, start + 4)[0]
    at = next(
        struct.unpack_from(">I", data, start + 12 + 16 * number + 8)[0]
        for number in range(tables)
        if data[start + 12 + 16 * number : start + 16 + 16 * number] == b"cmap"
    )
    found: set[int] = set()
    for number in range(struct.unpack_from(">H", data, at + 2)[0]):
        platform, encoding, offset = struct.unpack_from(">HHI", data, at + 4 + 8 * number)
        if platform == 0 or (platform == 3 and encoding in (1, 10)):
            form = struct.unpack_from(">H", data, at + offset)[0]
            if form == 4:
                found |= _segments(data, at + offset)
            elif form == 12:
                found |= _groups(data, at + offset)
    return frozenset(found)


def _segments(data: bytes, at: int) -> set[int]:
    count = struct.unpack_from(">H", data, at + 6)[0] // 2
    ends = struct.unpack_from(f">{count}H", data, at + 14)
    starts = struct.unpack_from(f">{count}H", data, at + 16 + 2 * count)
    deltas = struct.unpack_from(f">{count}H", data, at + 16 + 4 * count)
    offsets_at = at + 16 + 6 * count
    offsets = struct.unpack_from(f">{count}H", data, offsets_at)
    found: set[int] = set()
    for number in range(count):
        for code in range(starts[number], min(ends[number], 0xFFFE) + 1):
            glyph = code
            if offsets[number]:
                place = offsets_at + 2 * number + offsets[number] + 2 * (code - starts[number])
                glyph = struct.unpack_from(">H", data, place)[0]
                if not glyph:
                    continue
            if (glyph + deltas[number]) & 0xFFFF:
                found.add(code)
    return found


def _groups(data: bytes, at: int) -> set[int]:
    found: set[int] = set()
    for number in range(struct.unpack_from(">I", data, at + 12)[0]):
        first, last, glyph = struct.unpack_from(">III", data, at + 16 + 12 * number)
        found.update(range(first if glyph else first + 1, last + 1))
    return found
