"""Which kind of place the words of a panel mean, and what every drawn place starts from.

Every place is drawn on the whole canvas around a horizon; thin lines in the colour of the thing itself keep it behind
the people, who are drawn in ink.
"""

from dataclasses import dataclass

from engine.images.drawing.colours import Colour, Light, darker, mix, words
from engine.images.drawing.dice import Dice
from engine.images.drawing.pen import Pen

_WORDS: dict[str, tuple[str, ...]] = {
    "kitchen": ("kitchen", "galley", "bakery", "cafe", "café", "restaurant", "tavern", "inn", "bar", "pub", "diner"),
    "library": (
        "library",
        "bookshop",
        "bookstore",
        "archive",
        "study",
        "office",
        "shop",
        "store",
        "classroom",
        "school",
        "laboratory",
        "lab",
        "workshop",
    ),
    "ship": ("ship", "deck", "boat", "ferry", "schooner", "vessel", "bridge", "cockpit"),
    "harbour": ("harbour", "harbor", "pier", "dock", "docks", "quay", "jetty", "port", "lighthouse", "wharf"),
    "station": ("station", "platform", "train", "railway", "subway", "metro", "carriage", "terminal"),
    "forest": ("forest", "wood", "woods", "jungle", "grove", "trees", "orchard", "swamp"),
    "sea": ("sea", "ocean", "beach", "shore", "coast", "bay", "island", "lake", "river", "water", "cliff", "cliffs"),
    "mountain": (
        "mountain",
        "mountains",
        "hill",
        "hills",
        "valley",
        "pass",
        "peak",
        "canyon",
        "desert",
        "dunes",
        "cave",
    ),
    "street": (
        "street",
        "city",
        "town",
        "village",
        "alley",
        "square",
        "market",
        "road",
        "plaza",
        "rooftop",
        "roof",
        "avenue",
        "lane",
        "courtyard",
    ),
    "field": (
        "field",
        "meadow",
        "garden",
        "park",
        "farm",
        "grass",
        "lawn",
        "prairie",
        "churchyard",
        "cemetery",
        "yard",
    ),
    "sky": ("sky", "space", "stars", "air", "clouds", "orbit", "balloon", "airship"),
    "room": (
        "room",
        "house",
        "home",
        "bedroom",
        "hall",
        "cabin",
        "apartment",
        "flat",
        "hut",
        "attic",
        "cottage",
        "corridor",
        "hospital",
        "castle",
        "tower",
        "church",
        "temple",
        "chamber",
        "parlour",
        "parlor",
        "cellar",
        "hotel",
        "interior",
        "indoors",
        "inside",
        "window",
        "door",
        "table",
        "tent",
    ),
}
INDOORS = frozenset({"room", "kitchen", "library"})


@dataclass(frozen=True)
class Scene:
    """A place to draw: the pen, the light, the dice for its details, the height of the horizon in pixels."""

    pen: Pen
    light: Light
    dice: Dice
    horizon: float

    def x(self, share: float) -> float:
        return share * self.pen.width

    def y(self, share: float) -> float:
        return share * self.pen.height

    def tone(self, colour: Colour, far: float = 0.0) -> Colour:
        """A colour in this light, paled by distance (0 near, 1 at the horizon)."""
        return mix(self.light.on(colour), self.light.sky_low, far)


def kind_of(place: str, description: str) -> str:
    """The kind of place that the words name first; "plain" when they name none."""
    for text in (place, description):
        for word in words(text):
            for kind, signs in _WORDS.items():
                if word in signs:
                    return kind
    return "plain"


def edge_of(scene: Scene, colour: Colour) -> tuple[float, Colour]:
    """How a thing far behind the people is outlined: the line in pixels, and its colour."""
    return max(1.0, scene.pen.height / 850), darker(colour, 0.38)
