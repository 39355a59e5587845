"""Pages to letter: of every format, size and direction, with heads at known places, drawn by lot from a seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from engine.pages.balloons import Rect
from engine.pages.formats import SIZES
from engine.pages.layout import Cell, LayoutPanel, PageLayout, lay_out
from engine.pages.weights import picture_size
from models.options import PageFormat
from models.story import Direction, Line, LineKind, PanelData, Profile, Shot

FIRST = 600
# How much smaller a picture is than its panel.
ART = 4
NAMES = ("Mara", "Ilo", "Drake", "Finch")
WORDS = [
    *("the", "lamp", "went", "out", "and", "nobody", "on", "pier", "said", "a", "word", "while", "rain", "came", "in"),
    *("from", "sea", "who", "lit", "it", "again", "you", "are", "late", "lighthouse", "keeper", "never", "answered"),
    *("because", "something", "underneath", "harbour", "was", "knocking", "against", "hull", "tonight"),
]
# The kinds that there were when pages were first measured; pages beyond the first 600 have the others too.
SPOKEN = (LineKind.SPEECH, LineKind.THOUGHT, LineKind.SHOUT, LineKind.WHISPER)
LATER = (LineKind.RADIO, LineKind.OFF, LineKind.SFX)
FOREIGN = (
    "Где маяк и кто его зажёг? Никто не знает.",
    "灯台の明かりが消えた。誰も何も言わなかった。",
    "שלום עולם, מה שלומך היום?",
    "Où est-il ? Personne ne l’a vu depuis hier soir…",
)
# How tall a head is in such a shot, as a share of the panel's height.
HEADS = {
    Shot.ESTABLISHING: (0.05, 0.1),
    Shot.WIDE: (0.09, 0.18),
    Shot.MEDIUM: (0.17, 0.3),
    Shot.OVER_THE_SHOULDER: (0.2, 0.36),
    Shot.CLOSE_UP: (0.32, 0.52),
    Shot.INSERT: (0.0, 0.0),
}


@dataclass(frozen=True)
class Sample:
    """A page to letter: heads by panel as fractions of it."""

    seed: int
    format: PageFormat
    direction: Direction
    layout: PageLayout
    panels: dict[str, PanelData]
    heads: dict[str, list[tuple[str, Rect]]]


def sample(seed: int) -> Sample:
    """The page of this seed, always the same."""
    dice = random.Random(seed)  # noqa: S311 - pages, not secrets
    format: PageFormat = "webtoon" if dice.random() < 0.3 else "page"
    direction: Direction = "rtl" if dice.random() < 0.35 else "ltr"
    panels, heads = {}, {}
    for number in range(dice.randint(1, 6)):
        shot = dice.choice(list(Shot))
        present = dice.sample(NAMES, dice.choice((0, 1, 1, 2, 2, 3)) if shot is not Shot.INSERT else 0)
        panel = _panel(dice, shot, present)
        if seed > FIRST:
            lines = [_other_kind(dice, line) if dice.random() < 0.3 else line for line in panel.dialogue]
            panel = panel.model_copy(update={"dialogue": lines})
        panels[str(number)] = panel
    size = list(SIZES)[seed % len(SIZES)]
    frames = [LayoutPanel(one, *picture_size(panel, format, size), panel) for one, panel in panels.items()]
    layout = lay_out(frames, format, direction, size)[0]
    for cell in layout.cells:
        names = [who.name for who in panels[cell.id].characters]
        heads[cell.id] = _heads(dice, panels[cell.id].shot, names, cell)
    return Sample(seed, format, direction, layout, panels, heads)


def _panel(dice: random.Random, shot: Shot, present: Sequence[str]) -> PanelData:
    lines: list[Line] = []
    for _ in range(dice.choice((0, 1, 1, 2, 2, 3, 3, 4, 5))):
        chance = dice.random()
        speaker = dice.choice(present) if present else ""
        if lines and lines[-1].speaker and chance < 0.2:
            speaker = lines[-1].speaker
        elif chance > 0.93:
            speaker = ""
        elif chance > 0.87:
            speaker = dice.choice([name for name in NAMES if name not in present])
        kind = dice.choice([*SPOKEN, *[LineKind.SPEECH] * 6])
        length = dice.choice((4, 12, 25, 40, 60, 90, 120, 140))
        lines.append(Line(speaker=speaker, kind=kind, text=_text(dice, length)))
    caption = _text(dice, dice.choice((18, 40, 80, 160, 300))) if dice.random() < 0.35 else ""
    cast = [Profile(name=name) for name in present]
    return PanelData(shot=shot, description="x", characters=cast, dialogue=lines, caption=caption)


def _other_kind(dice: random.Random, line: Line) -> Line:
    kind = dice.choice(LATER)
    text = dice.choice(("Crash!", "BOOM", "click", "Tap tap tap")) if kind is LineKind.SFX else line.text
    return line.model_copy(update={"kind": kind, "text": text})


def _text(dice: random.Random, length: int) -> str:
    if dice.random() < 0.05:
        return dice.choice(FOREIGN)
    sentences: list[str] = []
    while sum(map(len, sentences)) < length:
        words = [dice.choice(WORDS) for _ in range(dice.randint(1, 12))]
        sentences.append(" ".join(words).capitalize() + dice.choice(".....?!…"))
    text = " ".join(sentences)
    return text[: text.rfind(" ", 0, length)] if len(text) > length and " " in text[:length] else text


def _heads(dice: random.Random, shot: Shot, names: Sequence[str], cell: Cell) -> list[tuple[str, Rect]]:
    """Heads that keep clear of each other, in pixels of the cell; who finds no place is not in the picture."""
    found: list[tuple[str, Rect]] = []
    for name in names:
        for _ in range(30):
            height = dice.uniform(*HEADS[shot]) * cell.height
            width = min(dice.uniform(0.68, 0.9) * height, 0.5 * cell.width)
            x, y = dice.uniform(0.03, 0.97) * cell.width - width / 2, dice.uniform(0.12, 0.62) * cell.height
            head = Rect(x, y, width, height)
            inside = x >= 0 and head.right <= cell.width and head.bottom <= cell.height
            if inside and not any(head.grown(0.2 * width).overlap(other) for _, other in found):
                found.append((name, head))
                break
    return found


def art(one: Sample, cell: Cell) -> Image.Image:
    """A grey picture of the panel at a quarter of its size: calm and busy places, figures with faces."""
    dice = random.Random(f"{one.seed} {cell.id}")  # noqa: S311 - pictures, not secrets
    width, height = max(cell.width // ART, 8), max(cell.height // ART, 8)
    picture = Image.new("L", (width, height), 190)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, dice.uniform(0.4, 0.8) * height, width, height), fill=130)
    for _ in range(dice.randint(2, 6)):
        x, y = dice.uniform(-0.1, 0.9) * width, dice.uniform(-0.05, 0.95) * height
        for _ in range(dice.randint(10, 60)):
            ax, ay = x + dice.uniform(0, 0.35) * width, y + dice.uniform(0, 0.35) * height
            pen.line(
                (ax, ay, ax + dice.uniform(-18, 18), ay + dice.uniform(-18, 18)), fill=dice.randint(30, 240), width=1
            )
    for _, head in one.heads[cell.id]:
        x, y, w, h = head.x / ART, head.y / ART, head.width / ART, head.height / ART
        pen.polygon([(x - 0.5 * w, height), (x, y + h), (x + w, y + h), (x + 1.5 * w, height)], fill=90, outline=20)
        pen.ellipse((x, y, x + w, y + h), fill=220, outline=20)
        for share in (0.3, 0.7):
            pen.ellipse((x + share * w - 2, y + 0.45 * h - 2, x + share * w + 2, y + 0.45 * h + 2), fill=20)
        pen.line((x + 0.3 * w, y + 0.75 * h, x + 0.7 * w, y + 0.75 * h), fill=20)
    return picture
