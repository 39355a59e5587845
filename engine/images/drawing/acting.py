"""How people behave in a panel: the mood on their faces, the mouth of who speaks, what the arms do."""

from engine.images.drawing.colours import words
from engine.images.drawing.dice import dice_for
from engine.images.drawing.face import Expression
from engine.images.drawing.figure import Pose
from models.story import LineKind, PanelData, Profile

_MOODS = {
    "happy": (
        "happy",
        "joy",
        "joyful",
        "cheerful",
        "merry",
        "hopeful",
        "warm",
        "relieved",
        "proud",
        "playful",
        "tender",
        "excited",
        "triumphant",
        "content",
        "love",
        "amused",
        "bright",
    ),
    "sad": (
        "sad",
        "grief",
        "sorrow",
        "lonely",
        "melancholy",
        "tearful",
        "weary",
        "tired",
        "wistful",
        "gloomy",
        "mournful",
        "regret",
        "somber",
        "sombre",
        "bittersweet",
    ),
    "angry": (
        "angry",
        "anger",
        "furious",
        "rage",
        "hostile",
        "bitter",
        "defiant",
        "determined",
        "stern",
        "fierce",
        "annoyed",
        "grim",
    ),
    "afraid": (
        "afraid",
        "fear",
        "fearful",
        "scared",
        "terrified",
        "anxious",
        "nervous",
        "worried",
        "dread",
        "tense",
        "uneasy",
        "panic",
        "ominous",
        "eerie",
        "suspense",
        "desperate",
    ),
    "surprised": (
        "surprised",
        "surprise",
        "shocked",
        "astonished",
        "amazed",
        "wonder",
        "awe",
        "startled",
        "sudden",
        "curious",
    ),
}
_GESTURES = {
    "wave": ("waves", "wave", "waving", "cheers", "raises", "raise", "raising"),
    "point": ("points", "point", "pointing", "shows", "gestures"),
    "hold": (
        "holds",
        "hold",
        "holding",
        "carries",
        "carrying",
        "grips",
        "clutches",
        "reads",
        "offers",
        "takes",
        "hands",
    ),
}


def expression_of(panel: PanelData, profile: Profile) -> Expression:
    """What the face shows: the panel's mood, and a mouth that speaks or shouts when the script says so."""
    said = [line for line in panel.dialogue if line.speaker.strip().casefold() == profile.name.strip().casefold()]
    mood = next((mood for word in words(panel.mood) for mood, signs in _MOODS.items() if word in signs), "")
    if not mood:
        mood = next(
            (mood for word in words(panel.description) for mood, signs in _MOODS.items() if word in signs), "calm"
        )
    kinds = {line.kind for line in said}
    if LineKind.SHOUT in kinds:
        return Expression("angry" if mood == "calm" else mood, 2)
    return Expression(mood, 1 if kinds & {LineKind.SPEECH, LineKind.WHISPER} else 0)


def pose_of(panel: PanelData, profile: Profile, facing: float, seed: int) -> Pose:
    """What the arms do: the gesture that the description names for the first on stage, else one of a few."""
    dice = dice_for("pose", seed, profile.name)
    told = set(words(panel.description))
    front = 1 if facing >= 0 else -1
    speaks = any(line.speaker.strip().casefold() == profile.name.strip().casefold() for line in panel.dialogue)
    acts = [gesture for gesture, signs in _GESTURES.items() if told & set(signs)]
    first = bool(panel.characters) and panel.characters[0] is profile
    if acts and first:
        lively = acts[0]
    else:
        lively = (
            dice.choice(("gesture", "open", "chest", "gesture"))
            if speaks
            else dice.choice(("down", "hip", "down", "hold", "down"))
        )
    calm = dice.choice(("down", "down", "hip", "down"))
    stride = dice.uniform(0.1, 0.5)
    return Pose(calm, lively, stride) if front > 0 else Pose(lively, calm, stride)
