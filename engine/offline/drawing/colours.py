"""Colours by name, mixing, and the light of an hour."""

import re
from dataclasses import dataclass

Colour = tuple[int, int, int]

INK: Colour = (30, 26, 34)

_NAMED: dict[str, Colour] = {
    "black": (52, 50, 60),
    "charcoal": (70, 70, 80),
    "white": (240, 238, 232),
    "cream": (240, 228, 202),
    "ivory": (242, 234, 214),
    "grey": (146, 148, 156),
    "gray": (146, 148, 156),
    "silver": (192, 198, 206),
    "red": (196, 64, 58),
    "crimson": (170, 40, 56),
    "scarlet": (208, 58, 46),
    "maroon": (122, 46, 54),
    "burgundy": (122, 40, 62),
    "rust": (178, 90, 52),
    "orange": (226, 134, 58),
    "amber": (226, 160, 62),
    "copper": (190, 108, 66),
    "yellow": (236, 198, 84),
    "mustard": (208, 164, 60),
    "gold": (222, 178, 78),
    "golden": (222, 178, 78),
    "tan": (206, 172, 130),
    "beige": (220, 202, 172),
    "khaki": (180, 166, 118),
    "sand": (222, 200, 156),
    "brown": (130, 90, 62),
    "chestnut": (128, 76, 50),
    "auburn": (146, 70, 46),
    "green": (92, 148, 98),
    "olive": (130, 134, 76),
    "emerald": (52, 142, 104),
    "moss": (112, 132, 80),
    "teal": (58, 134, 138),
    "turquoise": (82, 178, 178),
    "blue": (76, 118, 176),
    "navy": (54, 70, 114),
    "indigo": (76, 74, 138),
    "azure": (110, 166, 214),
    "purple": (130, 92, 156),
    "violet": (140, 106, 176),
    "lilac": (186, 162, 208),
    "pink": (228, 150, 170),
    "rose": (214, 118, 136),
    "magenta": (190, 74, 134),
    "blond": (230, 198, 122),
    "blonde": (230, 198, 122),
    "fair": (230, 198, 122),
    "ginger": (206, 112, 56),
    "ash": (166, 160, 154),
}
_WORD = re.compile(r"[^\W\d_]+")


def words(text: str) -> list[str]:
    """The lower-case words of a text."""
    return _WORD.findall(text.casefold())


def named(text: str) -> list[Colour]:
    """The colours a text names, in its order."""
    return [_NAMED[word] for word in words(text) if word in _NAMED]


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`one` with this share (0–1) of `other`."""
    r, g, b = (round(a + (c - a) * share) for a, c in zip(one, other, strict=True))
    return r, g, b


def darker(colour: Colour, share: float = 0.22) -> Colour:
    """The colour in shade: darker and a little cooler, as shade outdoors is."""
    return mix(colour, (38, 32, 66), share)


def lighter(colour: Colour, share: float = 0.3) -> Colour:
    """The colour towards white."""
    return mix(colour, (255, 255, 255), share)


def brightness(colour: Colour) -> float:
    """0 for black, 1 for white."""
    return (0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]) / 255


@dataclass(frozen=True)
class Light:
    """The light of a scene: what every colour is multiplied by, and the sky above.

    `inked` asks for black outlines everywhere: a picture in tones has no colours to outline things with.
    """

    hour: str
    tint: tuple[float, float, float]
    sky_top: Colour
    sky_low: Colour
    inked: bool = False

    def on(self, colour: Colour) -> Colour:
        """The colour under this light."""
        r, g, b = (min(255, round(part * share)) for part, share in zip(colour, self.tint, strict=True))
        return r, g, b

    def on_figure(self, colour: Colour) -> Colour:
        """People keep more of their own colour than the place does, so that they are recognised at night.

        In black and white, where only tones tell them from the place, they keep nearly all of it.
        """
        return mix(self.on(colour), colour, 0.88 if self.inked else 0.62)

    @property
    def dark(self) -> bool:
        return self.hour == "night"


_LIGHTS = {
    "day": Light("day", (1.0, 1.0, 1.0), (138, 190, 222), (226, 238, 236)),
    "morning": Light("morning", (1.03, 0.97, 0.93), (150, 186, 214), (252, 226, 196)),
    "evening": Light("evening", (1.0, 0.84, 0.78), (108, 96, 150), (248, 172, 120)),
    "night": Light("night", (0.46, 0.53, 0.74), (22, 28, 62), (62, 80, 128)),
}
_HOURS = {
    "night": ("night", "midnight", "dark", "moonlight", "moonlit", "moon", "nighttime", "noche", "nacht", "nuit"),
    "evening": ("evening", "dusk", "sunset", "twilight", "sundown", "abend", "soir"),
    "morning": ("morning", "dawn", "sunrise", "daybreak", "early", "morgen", "matin"),
}
_OVERCAST = ("rain", "rainy", "storm", "stormy", "fog", "foggy", "mist", "misty", "snow", "snowy", "cloudy", "overcast")


def light_of(time: str, weather: str) -> Light:
    """The light that the time and the weather of a panel tell; day when they tell nothing."""
    told = set(words(time))
    hour = next((name for name, signs in _HOURS.items() if told.intersection(signs)), "day")
    light = _LIGHTS[hour]
    if set(words(weather)).intersection(_OVERCAST):
        r, g, b = light.tint
        grey: Colour = (158, 168, 178) if not light.dark else (46, 52, 72)
        light = Light(
            hour, (r * 0.9, g * 0.93, b * 0.97), mix(light.sky_top, grey, 0.65), mix(light.sky_low, grey, 0.55)
        )
    return light
