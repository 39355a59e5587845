"""Which kind of place the words of a panel mean, and what every drawn place starts from.

Every place is drawn on the whole canvas around a horizon; thin lines in the colour of the thing itself keep it behind
the people, who are drawn in ink.
"""

from dataclasses import dataclass

from engine.offline.drawing.colours import INK, Colour, Light, darker, mix, words
from engine.offline.drawing.dice import Dice
from engine.offline.drawing.pen import Pen

_WORDS: dict[str, str] = {
    "kitchen": "kitchen galley bakery cafe café restaurant tavern inn bar pub diner canteen",
    "classroom": "classroom school schoolroom schoolhouse academy university lecture",
    "shop": "shop store grocery pharmacy bookshop bookstore supermarket",
    "library": "library archive study office laboratory lab workshop",
    "church": "church chapel cathedral temple nave abbey monastery castle throne palace",
    "cave": "cave cavern cellar dungeon tunnel mine grotto sewer crypt basement vault",
    "carriage": "carriage compartment bus tram wagon train",
    "station": "station platform railway subway metro terminal airport",
    "ward": "hospital ward clinic infirmary sickbay",
    "ship": "ship deck boat ferry schooner vessel",
    "spaceship": "spaceship spacecraft starship shuttle airlock cockpit capsule",
    "harbour": "harbour harbor pier dock docks quay jetty port lighthouse wharf",
    "forest": "forest wood woods jungle grove trees orchard swamp",
    "sea": "sea ocean beach shore coast bay island lake river water cliff cliffs",
    "mountain": "mountain mountains hill hills valley pass peak canyon desert dunes",
    "rooftop": "rooftop rooftops roof roofs terrace balcony",
    "street": "street city town village alley square market road plaza avenue lane courtyard bridge",
    "field": "field meadow garden park farm grass lawn prairie churchyard cemetery yard",
    "sky": "sky space stars air clouds orbit balloon airship",
    "room": "room house home bedroom hall cabin apartment flat hut attic cottage corridor tower chamber parlour parlor "
    "hotel interior indoors inside window door table tent",
}
_KINDS = {word: kind for kind, signs in _WORDS.items() for word in signs.split()}
_FITTINGS = frozenset({"window", "door", "table", "interior", "indoors", "inside"})
INDOORS = frozenset(
    {"room", "kitchen", "library", "classroom", "shop", "church", "cave", "carriage", "ward", "spaceship"}
)


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
    """The kind of place that the words name first, the last of a compound; "plain" when they name none."""
    for text in (place, description):
        told = words(text)
        for at, word in enumerate(told):
            if word in _KINDS:
                # "The train station" is a station, "the village church" a church, but a kitchen table a kitchen's.
                while at + 1 < len(told) and told[at + 1] in _KINDS and told[at + 1] not in _FITTINGS:
                    at += 1
                return _KINDS[told[at]]
    return "plain"


def edge_of(scene: Scene, colour: Colour) -> tuple[float, Colour]:
    """How a thing far behind the people is outlined: the line in pixels, and its colour."""
    return max(1.0, scene.pen.height / 850), INK if scene.light.inked else darker(colour, 0.38)
