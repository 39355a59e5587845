"""How a character looks: read from the profile's words, and where those are silent, from a hash of the profile.

The look depends on nothing else, so a character is the same person in every panel.
"""

from dataclasses import dataclass

from engine.offline.drawing.colours import Colour, brightness, darker, lighter, mix, named, words
from engine.offline.drawing.creatures import Creature, creature_of
from engine.offline.drawing.dice import Dice, dice_for
from models.story import Attributes

_SKINS: tuple[Colour, ...] = (
    (252, 224, 200),
    (244, 208, 178),
    (232, 188, 152),
    (208, 158, 118),
    (172, 122, 86),
    (136, 92, 64),
    (104, 70, 52),
)
_HAIRS: tuple[Colour, ...] = (
    (48, 42, 48),
    (84, 58, 44),
    (124, 82, 54),
    (190, 140, 82),
    (224, 188, 112),
    (176, 88, 50),
    (150, 146, 148),
)
_CLOTHES: tuple[Colour, ...] = (
    (196, 84, 72),
    (76, 118, 170),
    (92, 144, 110),
    (216, 164, 74),
    (138, 102, 156),
    (70, 136, 140),
    (204, 122, 82),
    (112, 122, 142),
)
_LEGS: tuple[Colour, ...] = ((72, 78, 100), (96, 82, 76), (120, 118, 108), (60, 64, 72), (104, 110, 130))

_STYLES = {
    "bald": ("bald", "shaved", "hairless"),
    "braid": ("braid", "braids", "braided", "plait", "plaits"),
    "ponytail": ("ponytail", "pony", "tied"),
    "bun": ("bun", "topknot", "knot", "chignon"),
    "curly": ("curly", "curls", "afro", "wavy", "frizzy", "wild"),
    "spiky": ("spiky", "messy", "tousled", "unruly", "shaggy"),
    "bob": ("bob", "chin", "fringe", "bangs"),
    "long": ("long", "flowing", "shoulder"),
    "short": ("short", "cropped", "neat", "crew", "buzz"),
    "side": ("side", "parted", "combed", "slicked", "swept"),
}
_FREE = ["short", "side", "bob", "long", "ponytail", "curly", "spiky", "bun"]
_GARMENTS = {
    "coat": ("coat", "overcoat", "trenchcoat", "raincoat", "parka", "oilskin", "oilskins", "greatcoat"),
    "robe": ("robe", "robes", "cloak", "cape", "gown", "cassock", "habit"),
    "dress": ("dress", "skirt", "frock", "sundress"),
    "suit": ("suit", "tie", "blazer", "tuxedo", "waistcoat", "vest"),
    "uniform": ("uniform", "tunic", "jacket", "armour", "armor"),
    "hoodie": ("hoodie", "hood", "sweatshirt", "tracksuit"),
    "jumper": ("sweater", "jumper", "cardigan", "pullover", "turtleneck", "wool", "knitted"),
    "apron": ("apron", "overalls", "dungarees"),
    "shirt": ("shirt", "blouse", "t", "tee", "jersey", "top"),
}
_HATS = {
    "cap": ("cap", "beret", "peaked"),
    "hat": ("hat", "fedora", "bowler", "trilby", "brimmed"),
    "beanie": ("beanie", "bonnet", "knit", "sou'wester"),
    "hood": ("hooded",),
}
_YOUNG = ("child", "boy", "girl", "kid", "toddler", "little")
_TEEN = ("teen", "teenager", "teenage", "adolescent", "youth")
_OLD = (
    "old",
    "elderly",
    "aged",
    "grandmother",
    "grandfather",
    "ancient",
    "sixties",
    "seventies",
    "eighties",
    "retired",
)
_NUMBERS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_BROAD = ("broad", "stocky", "heavy", "burly", "big", "large", "muscular", "stout", "plump", "round")
_SLIM = ("thin", "slim", "slender", "skinny", "lean", "wiry", "lanky", "gaunt")
_TALL = ("tall", "lanky", "towering")
_SHORT = ("short", "small", "tiny", "petite")


@dataclass(frozen=True)
class Look:
    """Everything about a character that stays from panel to panel. Sizes are relative to an average adult."""

    skin: Colour
    hair: Colour
    hair_style: str
    garment: str
    top: Colour
    legs: Colour
    accent: Colour
    hat: str
    glasses: str
    beard: bool
    moustache: bool
    freckles: bool
    scarf: bool
    stripes: bool
    age: str
    broad: float
    tall: float
    jaw: float
    eye: float
    nose: float
    brow: float
    creature: Creature | None


def look_of(profile: Attributes) -> Look:
    """The look of a character, from the profile alone."""
    # Neither clothes nor what goes with them: somebody who changes stays the same person.
    dice = dice_for(profile.model_dump_json(include={"name", "age", "build", "hair", "face"}))
    told = words(" ".join([profile.face, profile.hair, profile.clothes, " ".join(profile.props)]))
    said = set(told)
    everything = said | set(words(f"{profile.age} {profile.build} {profile.role}"))
    age = _age(profile.age, everything)
    hair_colours = named(profile.hair)
    hair = hair_colours[0] if hair_colours else (186, 184, 186) if age == "old" else dice.choice(_HAIRS)
    worn = named(profile.clothes) + [colour for text in profile.colours for colour in named(text)]
    first = dice.choice(_CLOTHES)
    top = worn[0] if worn else first
    legs = worn[1] if len(worn) > 1 else dice.choice(_LEGS)
    accents = [colour for colour in _CLOTHES if colour != top]
    bearded = bool(said & {"beard", "bearded", "stubble", "moustache", "mustache"})
    free = ["short", "side", "curly", "spiky"] if bearded else _FREE
    if age == "old":
        free = ["short", "side", "curly", "bald"] if bearded else ["short", "side", "curly", "bun", "bob"]
    style = _match(profile.hair, _STYLES) or dice.choice(free)
    garment = _match(profile.clothes, _GARMENTS) or dice.choice(
        ["shirt", "jumper", "coat", "uniform", "hoodie", "suit"]
    )
    hat = _match(profile.clothes + " " + " ".join(profile.props), _HATS) or ""
    return Look(
        skin=_skin(profile.face, dice),
        hair=hair,
        hair_style=style,
        garment=garment,
        top=top,
        legs=legs if abs(brightness(legs) - brightness(top)) > 0.06 else darker(legs, 0.35),
        accent=worn[2] if len(worn) > 2 else dice.choice(accents),
        hat=hat,
        glasses=(
            ""
            if not said & {"glasses", "spectacles", "monocle", "goggles"}
            else "round"
            if "round" in said
            else dice.choice(("round", "square"))
        ),
        beard=bool(said & {"beard", "bearded", "stubble"}),
        moustache=bool(said & {"moustache", "mustache", "whiskers"}),
        freckles=bool(said & {"freckles", "freckled", "freckle"}),
        scarf=bool(said & {"scarf", "shawl", "kerchief"}),
        stripes=bool(said & {"striped", "stripes", "stripy"}),
        age=age,
        broad=(1.2 if everything & set(_BROAD) else 0.86 if everything & set(_SLIM) else dice.uniform(0.94, 1.08)),
        tall=(
            1.1
            if everything & set(_TALL)
            else 0.9
            if set(words(profile.build)) & set(_SHORT)
            else dice.uniform(0.95, 1.05)
        ),
        jaw=dice.uniform(0.1, 0.32),
        eye=dice.uniform(0.9, 1.12),
        nose=dice.uniform(0.8, 1.3),
        brow=dice.uniform(0.8, 1.3),
        creature=creature_of(profile),
    )


def _match(text: str, kinds: dict[str, tuple[str, ...]]) -> str | None:
    """The kind whose word comes first in the text."""
    for word in words(text):
        for kind, signs in kinds.items():
            if word in signs:
                return kind
    return None


def _age(text: str, said: set[str]) -> str:
    years = [int(part) for part in "".join(sign if sign in "0123456789" else " " for sign in text).split()]
    years += [_NUMBERS[word] for word in words(text) if word in _NUMBERS]
    if years:
        return "child" if years[0] < 13 else "teen" if years[0] < 18 else "old" if years[0] >= 60 else "adult"
    for age, signs in (("child", _YOUNG), ("teen", _TEEN), ("old", _OLD)):
        if said & set(signs):
            return age
    return "adult"


def _skin(face: str, dice: Dice) -> Colour:
    told = words(face)
    picked = dice.choice(_SKINS[:6])
    near = {
        "pale": 0,
        "fair": 0,
        "light": 1,
        "olive": 2,
        "tanned": 3,
        "tan": 3,
        "weathered": 2,
        "brown": 4,
        "dark": 5,
        "black": 6,
    }
    for word in told:
        if word in near and {"skin", "skinned", "complexion", "face", "faced"} & set(told):
            return _SKINS[near[word]]
    return mix(picked, lighter(picked), 0.15)
