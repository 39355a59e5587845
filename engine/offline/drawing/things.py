"""Things: what people hold, and what an insert shows. Each is drawn around a spot, in units of its size."""

import math
from collections.abc import Callable, Iterator

from engine.offline.drawing.colours import Colour, Light, darker, lighter, mix, words
from engine.offline.drawing.pen import Pen, Spot

_WORDS: dict[str, frozenset[str]] = {
    "letter": frozenset(
        words("letter note paper message envelope page telegram card photograph photo map list picture")
    ),
    "key": frozenset(words("key keys")),
    "lamp": frozenset(words("lamp lantern candle torch light flame bulb")),
    "cup": frozenset(words("cup mug tea coffee glass bowl")),
    "book": frozenset(words("book diary journal notebook ledger manuscript")),
    "watch": frozenset(words("watch clock compass dial medal locket medallion")),
    "phone": frozenset(words("phone telephone screen radio tablet camera")),
    "blade": frozenset(words("sword knife dagger blade axe")),
    "flower": frozenset(words("flower rose daisy leaf plant seed petal")),
    "door": frozenset(words("door handle doorknob lock latch gate")),
    "box": frozenset(words("box chest parcel package crate suitcase bag basket case")),
    "staff": frozenset(words("staff cane stick crutch spear broom oar rod pole walking")),
    "umbrella": frozenset(words("umbrella parasol")),
    "can": frozenset(words("can oilcan bottle flask jar bucket kettle")),
    "tool": frozenset(words("wrench spanner hammer screwdriver tool tools pipe")),
    "gun": frozenset(words("gun pistol revolver rifle")),
    "pen": frozenset(words("pen pencil brush quill feather")),
    "ring": frozenset(words("ring coin coins bracelet button")),
    "crown": frozenset(words("crown tiara")),
    "food": frozenset(words("bread loaf apple apples egg eggs cake food fruit")),
    "shoe": frozenset(words("shoe shoes boot boots slipper sock")),
}
# What a hand can carry along through a whole story.
_HELD = frozenset(_WORDS) - {"door", "crown", "shoe"}
# "She can", "he rose", "in case": words that name a thing only behind certain others.
_ONLY_BEHIND = {
    "can": frozenset(words("oil watering tin petrol a the")),
    "rose": frozenset(words("a the red white single one")),
    "case": frozenset(words("a the his her violin glass")),
}


def thing_of(text: str) -> str:
    """The kind of thing that a text names first; nothing when it names none."""
    return next((kind for kind in _named(text)), "")


def held_of(text: str) -> str:
    """The same, of things that fit a hand."""
    return next((kind for kind in _named(text) if kind in _HELD), "")


def _named(text: str) -> Iterator[str]:
    before = ""
    for word in words(text):
        if word not in _ONLY_BEHIND or not before or before in _ONLY_BEHIND[word]:
            yield from (kind for kind, signs in _WORDS.items() if word in signs)
        before = word


def draw_thing(kind: str, pen: Pen, at: Spot, light: Light) -> None:
    """A thing of this kind."""
    _DRAWN[kind](pen, at, light)


def _letter(pen: Pen, at: Spot, light: Light) -> None:
    x, y, size = at.x, at.y, at.size
    paper = light.on_figure((248, 242, 224))
    sheet = at.path("-0.95 -0.9, 0.85 -1.02, 1.0 0.86, -0.8 0.95")
    pen.shape(sheet, paper)
    for line in range(6):
        down = y + (-0.62 + 0.24 * line) * size
        end = 0.68 if line != 5 else 0.1
        pen.stroke(
            [(x - 0.66 * size, down), (x - 0.1 * size, down - 0.05 * size), (x + end * size, down - 0.05 * size)],
            line=pen.line * 0.9,
            ink=mix(pen.ink, paper, 0.4),
        )


def _key(pen: Pen, at: Spot, light: Light) -> None:
    x, y, size = at.x, at.y, at.size
    brass = light.on_figure((214, 172, 84))
    pen.limb(at.path("-0.3 0, 1.1 0"), [0.16 * size, 0.16 * size], brass)
    for across, long in ((0.78, 0.34), (1.02, 0.42)):
        pen.box(x + (across - 0.07) * size, y, x + (across + 0.07) * size, y + long * size, brass)
    pen.ellipse(x - 0.66 * size, y, 0.46 * size, 0.46 * size, brass)
    pen.ellipse(x - 0.66 * size, y, 0.2 * size, 0.2 * size, light.on((120, 96, 78)))


def _lamp(pen: Pen, at: Spot, light: Light) -> None:
    x, y, size = at.x, at.y, at.size
    iron = light.on_figure((84, 88, 98))
    pen.glow(x, y - 0.3 * size, 2.4 * size, (255, 228, 150), 0.85)
    pen.stroke(
        at.path("-0.5 -0.95, 0 -1.7, 0.5 -0.95"),
        line=pen.line * 2,
        ink=iron,
    )
    pen.blob(
        at.path("-0.52 0.5, -0.6 -0.2, -0.42 -0.9, 0.42 -0.9, 0.6 -0.2, 0.52 0.5"),
        (255, 240, 190),
    )
    pen.blob(
        at.path("0 -0.62, 0.2 -0.05, 0 0.28, -0.2 -0.05"),
        (246, 176, 70),
    )
    pen.shape(
        at.path("-0.7 0.86, -0.56 0.48, 0.56 0.48, 0.7 0.86"),
        iron,
    )
    pen.shape(
        at.path("-0.52 -0.86, -0.28 -1.16, 0.28 -1.16, 0.52 -0.86"),
        iron,
    )


def _cup(pen: Pen, at: Spot, light: Light) -> None:
    x, y, size = at.x, at.y, at.size
    clay = light.on_figure((222, 222, 226))
    pen.ellipse(x + 0.82 * size, y + 0.05 * size, 0.36 * size, 0.4 * size, None, line=pen.line * 4)
    pen.ellipse(x + 0.82 * size, y + 0.05 * size, 0.34 * size, 0.38 * size, None, line=pen.line * 2, ink=clay)
    pen.blob(
        at.path("-0.8 -0.6, -0.7 0.5, -0.3 0.86, 0.3 0.86, 0.7 0.5, 0.8 -0.6"),
        clay,
    )
    pen.ellipse(x, y - 0.6 * size, 0.82 * size, 0.24 * size, lighter(clay, 0.3))
    pen.ellipse(x, y - 0.57 * size, 0.66 * size, 0.16 * size, light.on((126, 82, 56)))
    for across in (-0.2, 0.2):
        pen.stroke(
            [
                (x + across * size, y - 0.95 * size),
                (x + (across + 0.14) * size, y - 1.2 * size),
                (x + (across - 0.08) * size, y - 1.42 * size),
                (x + (across + 0.08) * size, y - 1.7 * size),
            ],
            ink=(246, 244, 238),
            line=pen.line * 1.4,
        )


def _book(pen: Pen, at: Spot, light: Light) -> None:
    x, y, size = at.x, at.y, at.size
    cover, paper = light.on_figure((152, 70, 62)), light.on_figure((248, 242, 224))
    pen.shape(
        at.path("-1.3 -0.7, 0 -0.52, 1.3 -0.7, 1.35 0.76, 0 0.92, -1.35 0.76"),
        cover,
    )
    for side in (-1, 1):
        pen.shape(
            [
                (x, y - 0.56 * size),
                (x + side * 0.6 * size, y - 0.78 * size),
                (x + side * 1.2 * size, y - 0.72 * size),
                (x + side * 1.24 * size, y + 0.66 * size),
                (x + side * 0.6 * size, y + 0.62 * size),
                (x, y + 0.82 * size),
            ],
            paper,
        )
        for line in range(5):
            down = y + (-0.4 + 0.2 * line) * size
            pen.stroke(
                [(x + side * 0.18 * size, down), (x + side * 1.06 * size, down - 0.05 * size)],
                line=pen.line * 0.7,
                ink=mix(pen.ink, paper, 0.5),
            )


def _watch(pen: Pen, at: Spot, light: Light) -> None:
    x, y, size = at.x, at.y, at.size
    gold = light.on_figure((216, 178, 92))
    pen.stroke(
        at.path("0 -0.9, -0.7 -1.3, -1.5 -0.9, -2.2 -1.3"),
        line=pen.line * 2.4,
        ink=gold,
    )
    pen.ellipse(x, y - 0.95 * size, 0.15 * size, 0.17 * size, gold)
    pen.ellipse(x, y, 0.86 * size, 0.86 * size, gold)
    pen.ellipse(x, y, 0.7 * size, 0.7 * size, light.on_figure((250, 246, 234)))
    for hour in range(12):
        angle = math.pi * hour / 6
        near, far = 0.52 * size, 0.62 * size
        pen.stroke(
            [
                (x + near * math.sin(angle), y - near * math.cos(angle)),
                (x + far * math.sin(angle), y - far * math.cos(angle)),
            ]
        )
    pen.stroke(at.path("0 0, 0.28 -0.24"), line=pen.line * 2)
    pen.stroke(at.path("0 0, -0.1 -0.5"), line=pen.line * 1.4)


def _phone(pen: Pen, at: Spot, light: Light) -> None:
    x, y, size = at.x, at.y, at.size
    pen.shape(
        at.path("-0.56 -1.05, 0.56 -1.05, 0.56 0.95, -0.56 0.95"),
        light.on_figure((62, 66, 78)),
    )
    pen.box(x - 0.46 * size, y - 0.88 * size, x + 0.46 * size, y + 0.72 * size, (190, 222, 232))
    for line in range(3):
        left = -0.36 if line % 2 == 0 else -0.1
        pen.box(
            x + left * size,
            y + (-0.7 + 0.42 * line) * size,
            x + (left + 0.46) * size,
            y + (-0.44 + 0.42 * line) * size,
            (250, 252, 252),
            line=pen.line * 0.6,
        )


def _blade(pen: Pen, at: Spot, light: Light) -> None:
    _x, _y, size = at.x, at.y, at.size
    steel, grip = light.on_figure((206, 212, 220)), light.on_figure((110, 74, 56))
    pen.shape(
        at.path("-1.7 -0.72, 0.4 -0.02, 0.32 0.24, -1.5 -0.5"),
        steel,
    )
    pen.limb(at.path("0.4 0.12, 1.15 0.38"), [0.24 * size, 0.28 * size], grip)
    pen.limb(
        at.path("0.3 0.42, 0.5 -0.2"),
        [0.16 * size, 0.16 * size],
        light.on_figure((206, 166, 82)),
    )


def _flower(pen: Pen, at: Spot, light: Light) -> None:
    x, y, size = at.x, at.y, at.size
    green, petal = light.on_figure((96, 148, 88)), light.on_figure((222, 112, 124))
    pen.limb(
        at.path("0 -0.4, 0.12 0.2, -0.05 0.95"),
        [0.09 * size, 0.09 * size, 0.09 * size],
        green,
    )
    pen.blob(
        at.path("0.08 0.4, 0.46 0.02, 0.82 0.05, 0.5 0.4"),
        green,
    )
    for step in range(7):
        angle = 2 * math.pi * step / 7
        pen.ellipse(
            x + 0.4 * size * math.cos(angle),
            y - 0.6 * size + 0.4 * size * math.sin(angle),
            0.27 * size,
            0.27 * size,
            petal,
        )
    pen.ellipse(x, y - 0.6 * size, 0.24 * size, 0.24 * size, light.on_figure((240, 198, 92)))


def _door(pen: Pen, at: Spot, light: Light) -> None:
    x, y, size = at.x, at.y, at.size
    panel: Colour = light.on((122, 88, 68))
    pen.box(x - 1.6 * size, -10, x + 1.2 * size, pen.height + 10, panel)
    pen.box(x - 1.3 * size, y - 2.3 * size, x + 0.4 * size, y - 0.9 * size, darker(panel, 0.12))
    brass = light.on_figure((214, 172, 84))
    pen.box(x + 0.42 * size, y - 0.6 * size, x + 0.86 * size, y + 0.8 * size, brass)
    pen.ellipse(x + 0.64 * size, y - 0.1 * size, 0.3 * size, 0.3 * size, lighter(brass, 0.2))
    pen.ellipse(x + 0.64 * size, y + 0.48 * size, 0.08 * size, 0.1 * size, pen.ink, line=0)


def _box(pen: Pen, at: Spot, light: Light) -> None:
    x, y, size = at.x, at.y, at.size
    card, cord = light.on_figure((196, 156, 108)), light.on_figure((176, 70, 62))
    pen.shape(
        at.path("-1.0 -0.45, -0.5 -0.85, 1.1 -0.85, 0.8 -0.45"),
        lighter(card, 0.2),
    )
    pen.shape(
        at.path("0.8 -0.45, 1.1 -0.85, 1.1 0.4, 0.8 0.9"),
        darker(card),
    )
    pen.box(x - 1.0 * size, y - 0.45 * size, x + 0.8 * size, y + 0.9 * size, card)
    pen.box(x - 0.2 * size, y - 0.45 * size, x, y + 0.9 * size, cord)
    pen.shape(
        at.path("-0.2 -0.45, 0.22 -0.85, 0.42 -0.85, 0 -0.45"),
        cord,
    )


def _staff(pen: Pen, at: Spot, light: Light) -> None:
    wood = light.on_figure((150, 108, 72))
    pen.limb(at.path("0.06 -2.6, 0 0, -0.06 4.2"), [0.3 * at.size, 0.26 * at.size, 0.2 * at.size], wood)


def _umbrella(pen: Pen, at: Spot, light: Light) -> None:
    cloth, wood = light.on_figure((72, 84, 112)), light.on_figure((130, 92, 64))
    pen.limb(at.path("0 0.4, 0 -0.7"), [0.16 * at.size, 0.16 * at.size], wood)
    pen.blob(at.path("-0.12 3.0, -0.34 0.2, -0.2 -0.4, 0.2 -0.4, 0.34 0.2, 0.12 3.0"), cloth)
    pen.stroke(at.path("0 -0.3, 0.05 1.2, 0 2.8"), ink=darker(cloth, 0.4))


def _can(pen: Pen, at: Spot, light: Light) -> None:
    tin = light.on_figure((150, 158, 152))
    pen.stroke(at.path("-0.4 -0.3, -0.3 -0.95, 0.3 -0.95, 0.4 -0.3"), line=0.14 * at.size, ink=darker(tin, 0.4))
    pen.shape(at.path("0.4 0.1, 1.05 -0.75, 1.16 -0.66, 0.5 0.5"), tin)
    pen.shape(at.path("-0.55 1.0, -0.42 -0.3, 0.42 -0.3, 0.55 1.0"), lighter(tin, 0.1))
    pen.stroke(at.path("-0.5 0.5, 0 0.58, 0.5 0.5"), ink=darker(tin, 0.3))


def _tool(pen: Pen, at: Spot, light: Light) -> None:
    steel = light.on_figure((158, 166, 178))
    pen.limb(at.path("0.1 0.7, -0.1 -0.9"), [0.3 * at.size, 0.24 * at.size], light.on_figure((146, 84, 60)))
    pen.shape(at.path("-0.55 -0.85, 0.4 -1.0, 0.44 -1.4, -0.5 -1.25"), steel)


def _gun(pen: Pen, at: Spot, light: Light) -> None:
    steel, wood = light.on_figure((110, 116, 128)), light.on_figure((126, 84, 58))
    pen.blob(at.path("0.3 -0.2, 0.9 -0.1, 1.15 0.8, 0.75 0.95, 0.45 0.3"), wood)
    pen.shape(at.path("-1.3 -0.42, 0.75 -0.5, 0.85 -0.05, 0.2 0.05, -1.3 -0.12"), steel)
    pen.ellipse(*at.at(0.1, -0.2), 0.34 * at.size, 0.26 * at.size, steel)
    pen.stroke(at.path("0.05 0.06, 0.12 0.4, 0.42 0.3"))


def _pen(pen: Pen, at: Spot, light: Light) -> None:
    pen.limb(at.path("0.9 -0.9, -0.5 0.5"), [0.18 * at.size, 0.18 * at.size], light.on_figure((190, 90, 72)))
    pen.shape(at.path("-0.62 0.44, -0.44 0.62, -0.85 0.86"), light.on_figure((236, 216, 180)))


def _ring(pen: Pen, at: Spot, light: Light) -> None:
    gold = light.on_figure((222, 178, 78))
    pen.ellipse(at.x, at.y, 0.6 * at.size, 0.5 * at.size, gold)
    pen.ellipse(at.x, at.y, 0.4 * at.size, 0.3 * at.size, darker(gold, 0.5))
    pen.shape(at.path("-0.24 -0.62, 0 -0.95, 0.24 -0.62, 0 -0.4"), light.on_figure((190, 226, 234)))


def _crown(pen: Pen, at: Spot, light: Light) -> None:
    gold = light.on_figure((226, 182, 76))
    pen.shape(at.path("-1 0.8, -1.1 -0.6, -0.5 0.05, 0 -0.9, 0.5 0.05, 1.1 -0.6, 1 0.8"), gold)
    pen.shape(at.path("-1 0.8, -1.02 0.42, 1.02 0.42, 1 0.8"), lighter(gold, 0.25))
    for x, y in ((-1.1, -0.66), (0.0, -0.98), (1.1, -0.66), (0.0, 0.6), (-0.6, 0.6), (0.6, 0.6)):
        pen.ellipse(*at.at(x, y), 0.13 * at.size, 0.13 * at.size, light.on_figure((196, 64, 70)))


def _food(pen: Pen, at: Spot, light: Light) -> None:
    crust, red = light.on_figure((206, 150, 92)), light.on_figure((200, 74, 62))
    pen.blob(at.path("-1.2 0.8, -1.25 0.1, -0.7 -0.4, 0.2 -0.4, 0.6 0.1, 0.55 0.8"), crust)
    for across in (-0.8, -0.35, 0.1):
        pen.stroke(at.path(f"{across} -0.25, {across + 0.12} 0.05, {across + 0.1} 0.3"), ink=darker(crust, 0.4))
    pen.blob(at.path("0.9 0.1, 1.3 0.12, 1.42 0.5, 1.15 0.88, 0.65 0.88, 0.4 0.5, 0.55 0.12"), red)
    pen.stroke(at.path("0.9 0.12, 0.95 -0.1, 1.05 -0.2"))


def _shoe(pen: Pen, at: Spot, light: Light) -> None:
    leather = light.on_figure((124, 84, 62))
    pen.blob(at.path("-0.9 -0.9, -0.1 -0.95, -0.05 -0.1, 0.7 0.15, 1.15 0.5, 1.15 0.75, -0.9 0.75, -0.95 0"), leather)
    pen.shape(at.path("-0.95 0.72, 1.18 0.72, 1.18 0.92, -0.95 0.92"), darker(leather, 0.5))
    for down in (-0.5, -0.2, 0.02):
        pen.stroke(at.path(f"-0.3 {down}, 0.05 {down + 0.1}"), line=pen.line * 1.3, ink=lighter(leather, 0.6))


_DRAWN: dict[str, Callable[[Pen, Spot, Light], None]] = {
    "letter": _letter,
    "key": _key,
    "lamp": _lamp,
    "cup": _cup,
    "book": _book,
    "watch": _watch,
    "phone": _phone,
    "blade": _blade,
    "flower": _flower,
    "door": _door,
    "box": _box,
    "staff": _staff,
    "umbrella": _umbrella,
    "can": _can,
    "tool": _tool,
    "gun": _gun,
    "pen": _pen,
    "ring": _ring,
    "crown": _crown,
    "food": _food,
    "shoe": _shoe,
}
