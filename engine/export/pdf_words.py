"""Invisible words on the pages of a PDF, so that they can be found and copied where they are set.

Their font has no shapes: it is a Type 3 font with empty glyphs, needs no font file, and maps each of its 255 codes to
a character. A book with more characters gets more fonts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pikepdf

from engine.export.book import PlacedPanel
from engine.export.clean_text import printable
from engine.pages import fonts
from engine.pages.languages import BOUND
from engine.pages.layer import balloons_of

_CODES = 255
# In thousandths of the letters' size. Text is stretched to its line's width in any case.
_ADVANCE = 500
# In pixels, for words without a known place; they lie over their panel.
_LARGEST, _SMALLEST = 50.0, 4.0


@dataclass(frozen=True)
class _Line:
    """A line of text in pixels of the page, from its start; `size` is that of its letters. A column runs down."""

    text: str
    x: float
    baseline: float
    long: float
    size: float
    down: bool = False


def _lines(panel: PlacedPanel) -> Iterator[_Line]:
    """Line by line in reading order, as in the balloons. Words that found no room on the page are left out."""
    if panel.lettering is None:
        said = [text for _, words in panel.words if (text := printable(words))]
        size = min(_LARGEST, max(_SMALLEST, panel.height / (len(said) + 1)))
        for row, text in enumerate(said, 1):
            width = min(panel.width, len(text) * size * _ADVANCE / 1000)
            yield _Line(text, panel.x, panel.y + row * size, width, size)
        return
    for balloon in balloons_of(panel.lettering):
        top = balloon.rect.centre[1] - balloon.block.height / 2
        for row, room in enumerate(balloon.text_rects()):
            # Marks of style are not printable characters.
            text = printable(balloon.block.lines[row].replace(fonts.SEAM, "").replace(BOUND, " "))
            if text and balloon.block.vertical:
                middle = panel.x + room.centre[0] - 0.35 * balloon.block.size
                yield _Line(text, middle, panel.y + room.y, room.height, balloon.block.size, down=True)
            elif text:
                baseline = panel.y + top + balloon.block.baseline(row)
                yield _Line(text, panel.x + room.x, baseline, room.width, balloon.block.size)


class HiddenWords:
    """Creates fonts as characters occur; `finish` writes them."""

    def __init__(self, pdf: pikepdf.Pdf) -> None:
        self._pdf = pdf
        self._codes: dict[str, tuple[int, int]] = {}
        self._fonts: list[pikepdf.Dictionary] = []

    def of(
        self, panels: Sequence[PlacedPanel], scale: float, corner: tuple[float, float]
    ) -> tuple[str, dict[str, pikepdf.Dictionary]]:
        """The operators that write these panels' words, and their fonts. `scale` is points per pixel, `corner` the
        page's upper left corner in points.
        """
        used: dict[str, pikepdf.Dictionary] = {}
        lines: list[str] = []
        for panel in panels:
            for line in _lines(panel):
                size = line.size * scale
                stretch = max(1.0, 100 * line.long * scale / (len(line.text) * size * _ADVANCE / 1000))
                x, y = corner[0] + line.x * scale, corner[1] - line.baseline * scale
                way = "0 -1 1 0" if line.down else "1 0 0 1"
                lines.append(f"{stretch:.2f} Tz {way} {x:.2f} {y:.2f} Tm")
                for font, codes in self._runs(line.text):
                    used[f"/W{font}"] = self._fonts[font]
                    lines.append(f"/W{font} {size:.2f} Tf <{codes}> Tj")
        return ("\n".join(["BT 3 Tr", *lines, "ET"]) if lines else "", used)

    def finish(self) -> None:
        """Write the map from codes to characters."""
        for number, font in enumerate(self._fonts):
            signs = [sign for sign, (own, _) in self._codes.items() if own == number]
            font["/LastChar"] = len(signs)
            font["/Widths"] = pikepdf.Array([_ADVANCE] * len(signs))
            names = [pikepdf.Name("/empty")] * len(signs)
            font["/Encoding"] = pikepdf.Dictionary(Type=pikepdf.Name.Encoding, Differences=pikepdf.Array([1, *names]))
            font["/ToUnicode"] = self._pdf.make_stream(_meaning(signs))

    def _runs(self, text: str) -> Iterator[tuple[int, str]]:
        """The text in runs of one font, as hexadecimal codes."""
        font, codes = -1, ""
        for sign in text:
            own, code = self._code(sign)
            if own != font and codes:
                yield font, codes
                codes = ""
            font, codes = own, codes + f"{code:02x}"
        if codes:
            yield font, codes

    def _code(self, sign: str) -> tuple[int, int]:
        if sign not in self._codes:
            count = len(self._codes)
            if count % _CODES == 0:
                self._fonts.append(self._font())
            self._codes[sign] = (count // _CODES, count % _CODES + 1)
        return self._codes[sign]

    def _font(self) -> pikepdf.Dictionary:
        empty = self._pdf.make_stream(f"{_ADVANCE} 0 d0".encode("ascii"))
        return self._pdf.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Font,
                Subtype=pikepdf.Name.Type3,
                FontBBox=pikepdf.Array([0, 0, _ADVANCE, 1000]),
                FontMatrix=pikepdf.Array([0.001, 0, 0, 0.001, 0, 0]),
                CharProcs=pikepdf.Dictionary({"/empty": empty}),
                Resources=pikepdf.Dictionary(),
                FirstChar=1,
            )
        )


def _meaning(signs: Iterable[str]) -> bytes:
    """A ToUnicode map: codes from 1 on, in UTF-16."""
    mappings = [f"<{code:02x}> <{sign.encode('utf-16-be').hex()}>" for code, sign in enumerate(signs, 1)]
    # A block holds a hundred at most.
    blocks = [mappings[start : start + 100] for start in range(0, len(mappings), 100)]
    body = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return f"""\
/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<00> <ff>
endcodespacerange
{body}
endcmap
CMapName currentdict /CMap defineresource pop
end
end
""".encode("ascii")
