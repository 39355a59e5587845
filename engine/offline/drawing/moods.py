"""Moods: which one the words of a script mean, and how it colours the light."""

from dataclasses import replace

from engine.offline.drawing.colours import Colour, Light, mix, words

_MOODS = {
    "happy": (
        "happy joy joyful cheerful merry hopeful warm relieved proud playful tender excited triumphant "
        "content love amused bright peaceful fond gentle lighthearted funny comic celebratory"
    ),
    "sad": (
        "sad grief sorrow lonely melancholy tearful weary tired wistful gloomy mournful regret somber sombre "
        "bittersweet sorrowful grieving heartbroken heavy lost"
    ),
    "angry": (
        "angry anger furious rage hostile bitter defiant determined stern fierce annoyed grim heated "
        "confrontational violent outraged"
    ),
    "afraid": (
        "afraid fear fearful scared terrified anxious nervous worried dread tense uneasy panic ominous eerie "
        "suspense desperate menacing dark frightened threatening mysterious urgent alarmed dangerous creepy"
    ),
    "surprised": (
        "surprised surprise shocked astonished amazed wonder awe startled sudden curious surprising wondrous "
        "magical mystified"
    ),
}
_SIGNS = {sign: mood for mood, signs in reversed(list(_MOODS.items())) for sign in signs.split()}
# A gentle filter: what the light is multiplied by, what the sky turns to, and by how much.
_FILTERS: dict[str, tuple[tuple[float, float, float], Colour, float]] = {
    "happy": ((1.05, 1.01, 0.94), (255, 226, 168), 0.2),
    "sad": ((0.88, 0.94, 1.04), (136, 152, 182), 0.38),
    "angry": ((1.06, 0.89, 0.86), (206, 108, 84), 0.34),
    "afraid": ((0.84, 0.95, 0.93), (92, 118, 118), 0.38),
    "surprised": ((1.02, 0.98, 1.05), (222, 196, 236), 0.22),
}


def mood_of(text: str) -> str:
    """The mood a text names first; nothing when it names none."""
    return next((_SIGNS[word] for word in words(text) if word in _SIGNS), "")


def in_mood(light: Light, mood: str) -> Light:
    """The light as this mood sees it."""
    if mood not in _FILTERS:
        return light
    shares, sky, part = _FILTERS[mood]
    # By night there is less light to colour.
    part = part * 0.5 if light.dark else part
    r, g, b = (share * one for share, one in zip(light.tint, shares, strict=True))
    return replace(
        light, tint=(r, g, b), sky_top=mix(light.sky_top, sky, part), sky_low=mix(light.sky_low, sky, 0.7 * part)
    )
