"""What a whole body does: how the torso leans, how the legs bend, what the arms do meanwhile.

Angles are in degrees. Legs are told from straight down towards where the person faces (thigh, shin); `lean` tips the
torso that way; arms are named in `ARMS`, the front one first.
"""

import math
from dataclasses import dataclass

from engine.offline.drawing.look import Look
from engine.offline.drawing.pen import Area, Mark

# Degrees from straight down the body, outwards: upper arm, forearm.
ARMS: dict[str, tuple[float, float]] = {
    "down": (12, 4),
    "hip": (42, -50),
    "gesture": (24, 118),
    "open": (34, 70),
    "wave": (105, 165),
    "point": (58, 84),
    "chest": (22, -118),
    "hold": (14, -82),
    "carry": (14, 30),
    "chin": (30, -160),
    "pump": (-10, 100),
    "swing": (62, -6),
    "lap": (18, 34),
    "lap across": (6, -40),
    "reach": (72, 96),
    "reach across": (-48, -84),
    "up": (128, 172),
    "flung": (112, 140),
    "prop": (30, 14),
}
_HEIGHT = {"child": 5.7, "teen": 7.3, "adult": 8.2, "old": 7.6}
_WIDTH = {"child": 0.86, "teen": 1.05, "adult": 1.22, "old": 1.12}
# How far from the middle of the head an arm reaches out, where it reaches further than people stand apart.
REACHES = {"point": 3.8, "wave": 2.7, "up": 2.2}
NECK = 0.9


@dataclass(frozen=True)
class Stance:
    """How a body is held. Without `front` and `back` legs it stands; `lift` is how far the soles leave the ground."""

    lean: float = 0.0
    tilt: float = 0.0
    front: tuple[float, float] | None = None
    back: tuple[float, float] = (0.0, 0.0)
    arms: tuple[str, str] | None = None
    lift: float = 0.0
    seat: bool = False
    ladder: bool = False
    behind: bool = False

    @property
    def flat(self) -> bool:
        """Whether the body lies on the ground."""
        return self.lean < -60


STANCES: dict[str, Stance] = {
    "stand": Stance(),
    "walk": Stance(lean=3, front=(24, 12), back=(-16, -34)),
    "run": Stance(lean=20, tilt=8, front=(66, -14), back=(-24, -88), arms=("pump", "swing")),
    "sit": Stance(lean=-4, front=(84, 2), back=(72, 8), arms=("lap", "lap across"), seat=True),
    "kneel": Stance(lean=6, tilt=4, front=(78, -6), back=(4, -86)),
    "fall": Stance(lean=-42, tilt=-26, front=(64, 30), back=(34, 74), arms=("flung", "flung"), lift=0.5),
    "lie": Stance(lean=-86, tilt=-66, front=(86, 84), back=(104, 62), arms=("prop", "lap across")),
    "sleep": Stance(lean=-86, tilt=-70, front=(84, 88), back=(100, 70), arms=("lap across", "lap across")),
    "jump": Stance(lean=8, front=(58, -40), back=(-10, -70), arms=("up", "flung"), lift=1.1),
    "climb": Stance(lean=5, front=(84, -4), back=(8, -4), arms=("up", "reach across"), ladder=True),
    "dance": Stance(lean=-7, tilt=-9, front=(48, -52), back=(-3, 0), arms=("up", "open")),
    "embrace": Stance(lean=5, tilt=6, arms=("reach", "reach across")),
    "push": Stance(lean=14, tilt=4, front=(38, 4), back=(-26, -34), arms=("reach", "reach across")),
    "turn away": Stance(behind=True, arms=("down", "down")),
}


@dataclass(frozen=True)
class Pose:
    """What arms and body do: keys of ARMS (left and right as seen) and STANCES, the legs' stride (0–1), a thing held.

    `hand` says which hand holds the thing: −1 the left as seen, 1 the right.
    """

    left: str = "down"
    right: str = "down"
    stride: float = 0.2
    stance: str = "stand"
    thing: str = ""
    hand: int = 1


@dataclass(frozen=True)
class Drawn:
    """Where a figure's parts came to lie, not clipped to the canvas; what is drawn later may hide the hands."""

    head: Area
    hands: tuple[Mark, ...]
    body: Area


@dataclass(frozen=True)
class Build:
    """The measures of a body in half heights of its head, from the middle of the head down."""

    wide: float
    feet: float
    hip: float
    knee: float

    @property
    def leg(self) -> float:
        """Half a leg: a thigh, or a shin down to the sole."""
        return (self.feet - self.hip) / 2


def build_of(look: Look) -> Build:
    """The measures that age and build ask for."""
    feet = height_of(look)
    return Build(_WIDTH[look.age] * look.broad, feet, 1.4 + 0.4 * (feet - 1.4), 1.4 + 0.72 * (feet - 1.4))


def height_of(look: Look) -> float:
    """From the middle of the head to the soles of somebody upright, in half heights of the head."""
    return _HEIGHT[look.age] * look.tall


def drop_of(look: Look, stance: Stance) -> float:
    """From the middle of the head down to the ground in this stance, in half heights of the head."""
    build = build_of(look)
    lean, tilt = math.radians(stance.lean), math.radians(stance.tilt)
    hip = NECK * math.cos(tilt) + (build.hip - NECK) * math.cos(lean)
    if stance.front is None:
        return hip + build.feet - build.hip + stance.lift
    lowest = hip + 1.0 * build.wide * abs(math.sin(lean)) + 0.3
    for thigh, shin in (stance.front, stance.back):
        knee = hip + build.leg * math.cos(math.radians(thigh))
        lowest = max(lowest, knee + 0.3, knee + build.leg * math.cos(math.radians(shin)))
    return lowest + stance.lift


def spread_of(look: Look, stance: Stance) -> tuple[float, float]:
    """How far the body reaches behind the head and in front of it, in half heights of the head."""
    build = build_of(look)
    hip = -(build.hip - NECK) * math.sin(math.radians(stance.lean))
    ends = [-1.3 * build.wide, 1.3 * build.wide, hip - 0.5, hip + 0.5]
    for thigh, shin in (stance.front, stance.back) if stance.front else ():
        knee = hip + build.leg * math.sin(math.radians(thigh))
        ends += [knee, knee + build.leg * math.sin(math.radians(shin)) + 0.4]
    return -min(ends), max(ends)
