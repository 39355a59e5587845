"""Which characters are animals, and what they look like: their kind, build and coat, from the profile alone."""

import re
from dataclasses import dataclass

from engine.offline.drawing.colours import Colour, lighter, named, words
from engine.offline.drawing.dice import dice_for
from models.story import Attributes

_SPECIES = {
    "dog": "dog hound puppy terrier spaniel collie sheepdog mutt hund welpe chien chiot",
    "cat": "cat kitten tomcat katze kater chat chaton chatte",
    "horse": "horse mare stallion pony foal pferd stute hengst cheval jument",
    "mule": "mule donkey ass esel maultier âne mulet",
    "fox": "fox vixen fuchs renard",
    "wolf": "wolf wolves loup",
    "bear": "bear cub bär ours",
    "mouse": "mouse rat hamster maus ratte souris",
    "rabbit": "rabbit hare bunny hase kaninchen lapin lièvre",
    "squirrel": "squirrel eichhörnchen écureuil",
    "hedgehog": "hedgehog igel hérisson",
    "sheep": "sheep lamb ewe ram schaf lamm mouton agneau",
    "goat": "goat ziege chèvre",
    "cow": "cow bull ox calf kuh stier vache",
    "pig": "pig piglet sow hog boar schwein cochon porc",
    "lion": "lion lioness löwe",
    "tiger": "tiger tigress tigre",
    "deer": "deer stag doe fawn reindeer hirsch reh cerf biche",
    "raven": "raven crow jackdaw magpie rook rabe krähe corbeau corneille",
    "duck": "duck duckling ente canard",
    "goose": "goose gander swan gans schwan oie cygne",
    "hen": "hen cock rooster chicken chick huhn hahn henne poule coq",
    "owl": "owl eule hibou chouette",
    "bird": "bird robin wren sparrow blackbird parrot gull seagull pigeon dove vogel taube oiseau pigeon moineau",
}
_KINDS = {word: kind for kind, signs in _SPECIES.items() for word in words(signs)}
# First names and surnames as well: an animal only where the role says so.
_NAMES = frozenset(words("robin wren ours ass rook"))
_BESIDE = frozenset(
    words(
        "the a an der die das ein eine le la les un une l old young little big great small wee wise sly bad good "
        "hungry brave alte alter kleine kleiner große großer böse böser vieux vieille petit petite grand grande"
    )
)
_CUT = re.compile(
    r"\b(?:of|with|who|that|which|from|in|on|at|and|to|named|called|belonging|von|de|du|mit|avec)\b|[,;.(]"
)
_PEOPLE = frozenset(words("man woman boy girl child lad lass person lady gentleman mann frau junge homme femme garçon"))
_SMALL = frozenset(words("puppy kitten foal cub lamb calf piglet fawn chick duckling small little tiny young"))
_SPOTTED = frozenset(words("spotted spots patches patched piebald dappled"))
_LARGE = frozenset(words("big large huge great enormous giant"))


@dataclass(frozen=True)
class Breed:
    """The build of a kind, in half heights of its own head, which is `scale` of a person's.

    `neck` leads from the middle of the head back and down to the chest, `leg` from the chest to the ground; `muzzle`
    is how far the nose lies forward and down, and how thick it is.
    """

    scale: float
    neck: tuple[float, float]
    long: float
    deep: float
    leg: float
    muzzle: tuple[float, float, float]
    ears: str
    tail: str
    coats: str
    extra: str = ""

    @property
    def winged(self) -> bool:
        return self.ears == "wings"


BREEDS = {
    "dog": Breed(0.68, (0.95, 1.4), 2.3, 1.5, 2.5, (0.95, 0.36, 0.8), "flop", "whip", "brown tan black white grey"),
    "cat": Breed(0.56, (0.75, 1.3), 2.0, 1.25, 1.9, (0.4, 0.34, 0.9), "point", "long", "grey orange black white tan"),
    "horse": Breed(0.95, (1.9, 2.4), 3.7, 2.3, 5.0, (1.05, 1.15, 0.9), "point", "brush", "chestnut brown black grey"),
    "mule": Breed(0.88, (1.6, 1.9), 3.2, 2.1, 4.2, (1.0, 1.05, 0.9), "long", "brush", "grey brown", "crest"),
    "fox": Breed(0.6, (0.9, 1.2), 2.1, 1.2, 2.2, (1.0, 0.4, 0.5), "point", "bush", "rust", "mask"),
    "wolf": Breed(0.8, (1.05, 1.1), 2.5, 1.6, 2.8, (1.0, 0.4, 0.72), "point", "bush", "grey charcoal"),
    "bear": Breed(1.1, (1.3, 1.1), 2.7, 2.6, 2.9, (0.8, 0.32, 0.85), "round", "puff", "brown charcoal"),
    "mouse": Breed(0.42, (0.7, 1.0), 1.4, 1.3, 1.4, (0.85, 0.3, 0.42), "round", "long", "grey tan brown", "whiskers"),
    "rabbit": Breed(0.5, (0.6, 1.25), 1.5, 1.5, 1.8, (0.42, 0.36, 0.9), "long", "puff", "tan grey white brown"),
    "hedgehog": Breed(0.5, (0.75, 0.6), 1.5, 1.7, 1.2, (1.2, 0.36, 0.3), "round", "puff", "brown", "spines"),
    "squirrel": Breed(0.42, (0.6, 1.2), 1.4, 1.2, 1.6, (0.5, 0.34, 0.7), "point", "bush", "rust chestnut"),
    "sheep": Breed(0.72, (0.95, 0.9), 2.3, 2.1, 2.5, (0.75, 0.6, 0.7), "flop", "puff", "cream ivory", "wool"),
    "goat": Breed(0.7, (1.0, 1.4), 2.4, 1.6, 2.8, (0.8, 0.7, 0.62), "flop", "puff", "white grey tan", "horns"),
    "cow": Breed(0.95, (1.5, 1.2), 3.4, 2.5, 3.5, (0.85, 0.8, 1.0), "flop", "whip", "brown white black", "horns"),
    "pig": Breed(0.82, (1.1, 0.7), 2.4, 2.1, 2.0, (0.85, 0.3, 0.78), "flop", "curl", "pink"),
    "lion": Breed(0.95, (1.3, 1.0), 3.0, 1.9, 3.0, (0.75, 0.4, 0.9), "round", "whip", "sand tan", "ruff"),
    "tiger": Breed(0.92, (1.2, 1.0), 3.0, 1.9, 2.9, (0.6, 0.38, 0.9), "round", "long", "orange", "stripes"),
    "deer": Breed(0.7, (1.3, 2.1), 2.8, 1.7, 4.2, (0.95, 0.7, 0.6), "long", "puff", "tan chestnut", "antlers"),
    "raven": Breed(0.5, (0.6, 1.3), 1.9, 1.8, 2.2, (1.1, 0.2, 0.5), "wings", "fan", "black"),
    "duck": Breed(0.48, (0.6, 1.5), 1.8, 1.9, 1.7, (1.0, 0.28, 0.5), "wings", "fan", "white brown yellow"),
    "goose": Breed(0.5, (0.8, 2.6), 2.3, 2.3, 2.0, (1.0, 0.26, 0.46), "wings", "fan", "white grey"),
    "hen": Breed(0.46, (0.7, 1.5), 1.8, 2.1, 2.1, (0.6, 0.2, 0.4), "wings", "fan", "chestnut white rust", "comb"),
    "owl": Breed(0.72, (0.15, 1.5), 1.0, 2.1, 1.9, (0.22, 0.34, 0.4), "wings", "fan", "brown tan grey"),
    "bird": Breed(0.36, (0.4, 1.1), 1.5, 1.6, 1.8, (0.75, 0.16, 0.4), "wings", "fan", "brown blue grey red"),
}


@dataclass(frozen=True)
class Creature:
    """One animal: its kind (a key of BREEDS), coat and paler parts, a collar if it wears one, patches or none."""

    kind: str
    coat: Colour
    pale: Colour
    collar: Colour | None
    patches: bool
    growth: float

    @property
    def breed(self) -> Breed:
        return BREEDS[self.kind]

    @property
    def scale(self) -> float:
        """Half its head in half heads of a person."""
        return self.breed.scale * self.growth


def creature_of(profile: Attributes) -> Creature | None:
    """The animal that a profile tells of; None for people."""
    kind = _kind(profile)
    if kind is None:
        return None
    dice = dice_for("coat", profile.model_dump_json(include={"name", "age", "build", "hair", "face"}))
    natural = [colour for text in profile.colours for colour in named(text) if max(colour) - min(colour) < 120]
    coats = named(profile.hair) or natural or [dice.choice(named(BREEDS[kind].coats))]
    said = set(words(f"{profile.name} {profile.age} {profile.build} {profile.role}"))
    worn = set(words(profile.clothes))
    collars = named(profile.clothes) or [(188, 62, 56)]
    return Creature(
        kind=kind,
        coat=coats[0],
        pale=coats[1] if len(coats) > 1 else lighter(coats[0], 0.5),
        collar=collars[0] if worn & {"collar", "ribbon", "scarf", "bandana", "halsband", "collier"} else None,
        patches=len(coats) > 1 or bool(set(words(profile.hair)) & _SPOTTED),
        growth=dice.uniform(0.94, 1.06) * (0.78 if said & _SMALL else 1.2 if said & _LARGE else 1.0),
    )


def _kind(profile: Attributes) -> str | None:
    if _PEOPLE & set(words(_CUT.split(f"{profile.role} ", maxsplit=1)[0])) or "of a man" in profile.role:
        return None
    for name in (profile.name, *profile.aliases):
        *before, last = words(name) or [""]
        plain = all(word in _BESIDE or named(word) for word in before)
        if last in _KINDS and plain and (before or last not in _NAMES):
            return _KINDS[last]
    for text in (profile.role, profile.build, profile.age):
        # What something is stands last before it is told of whom or with what: "the keeper's dog", not "dog's owner".
        last = (words(_CUT.split(text, maxsplit=1)[0]) or [""])[-1]
        if last in _KINDS:
            return _KINDS[last]
    return None


def ground_of(creature: Creature, stance: str) -> float:
    """From the middle of the head down to the ground in this stance, in half heads of a person."""
    breed = creature.breed
    down = breed.neck[1]
    if stance == "jump":
        down += breed.leg + (2.2 if breed.winged else 0.9)
    elif stance == "sleep":
        down = 0.42 * breed.deep + 0.62
    elif stance == "lie" or (stance == "sit" and breed.winged):
        down += 0.5 * breed.deep + 0.1
    else:
        down += breed.leg
    return down * creature.scale


def reach_of(creature: Creature, stance: str) -> tuple[float, float]:
    """How far it reaches behind the middle of its head and in front of it, in half heads of a person."""
    breed = creature.breed
    long = breed.long * (0.62 if stance == "sit" else 1.0)
    behind = breed.neck[0] + long + 0.4 * breed.deep + 0.3
    front = max(breed.muzzle[0] + 0.4, 1.1, breed.leg * 0.6 - breed.neck[0] if stance in ("run", "jump") else 0.0)
    return behind * creature.scale, front * creature.scale
