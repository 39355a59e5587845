"""What falls or drifts between us and the scene."""

from engine.offline.drawing.colours import Light, mix, words
from engine.offline.drawing.dice import Dice
from engine.offline.drawing.pen import Pen

_RAIN = {"rain", "rainy", "raining", "storm", "stormy", "downpour", "drizzle", "thunderstorm", "sleet", "wet"}
_SNOW = {"snow", "snowy", "snowing", "blizzard", "flurries"}
_FOG = {"fog", "foggy", "mist", "misty", "haze", "hazy", "smoke", "smoky"}


def kinds_of(weather: str) -> set[str]:
    """Which of rain, snow and fog a panel tells."""
    told = set(words(weather))
    return {name for name, signs in (("rain", _RAIN), ("snow", _SNOW), ("fog", _FOG)) if told & signs}


def draw_haze(pen: Pen, kinds: set[str], light: Light, horizon: float) -> None:
    """Fog between the place and the people."""
    if "fog" in kinds:
        pale = mix(light.sky_low, light.on((232, 236, 238)), 0.6)
        for number in range(5):
            top = horizon - pen.height * (0.16 - 0.09 * number)
            pen.veil(pale, 0.2, (0, top, pen.width, top + pen.height * (0.24 + 0.06 * number)))


def draw_fall(pen: Pen, kinds: set[str], light: Light, dice: Dice) -> None:
    """Rain and snow in front of everything."""
    if "rain" in kinds:
        ink = mix(light.sky_low, (255, 255, 255), 0.55)
        for _ in range(pen.width * pen.height // 5200):
            x, y = dice.uniform(-0.1, 1.05) * pen.width, dice.uniform(-0.1, 1.0) * pen.height
            length = dice.uniform(0.025, 0.06) * pen.height
            pen.stroke([(x, y), (x + 0.24 * length, y + length)], line=dice.choice((0.8, 1.1, 1.5)), ink=ink)
    if "snow" in kinds:
        for _ in range(pen.width * pen.height // 7000):
            radius = dice.choice((1.4, 2.0, 2.8, 4.0)) * pen.height / 1000
            x, y = dice.random() * pen.width, dice.random() * pen.height
            pen.ellipse(x, y, radius, radius, (250, 252, 255), line=0)
