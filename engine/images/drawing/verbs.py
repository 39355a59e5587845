"""What people do in a panel, read from the verbs of its description: who does it, and to whom.

The actor of a verb is whoever is named nearest before it, or the first on stage where nobody is.
"""

import itertools
from dataclasses import dataclass

from engine.images.drawing.colours import words
from models.story import PanelData

# Regular forms are derived; irregular ones stand beside their verb.
_VERBS = {
    "run": "run runs ran running sprint dash flee flees fled fleeing hurry rush chase race bolt",
    "walk": "walk stride strides strode striding stroll wander march pace step",
    "sit": "sit sits sat sitting seated perch crouch squat",
    "kneel": "kneel knelt bow stoop",
    "fall": "fall falls fell falling fallen stumble trip tumble slip collapse",
    "sleep": "sleep slept asleep doze nap",
    "lie": "lie lies lay lying",
    "jump": "jump leap leapt hop vault",
    "climb": "climb clamber scale",
    "dance": "dance twirl spin spins spun spinning",
    "embrace": "embrace hug kiss kisses cuddle",
    "push": "push shove fight fights fought fighting attack",
    "point": "point show shows showed shown gesture",
    "wave": "wave cheer greet beckon",
    "hold": "hold holds held holding carry grip clutch read reads offer take takes took taking raise lift",
    "think": "think thinks thought ponder wonder consider",
    "listen": "listen",
    "laugh": "laugh smile grin giggle chuckle beam",
    "weep": "weep weeps wept weeping cry sob",
    "scowl": "scowl frown glare growl",
    "fear": "tremble shiver cower flinch gasp scream shriek",
    "address": "speak speaks spoke speaking talk tell tells told telling ask answer whisper shout call reply face",
}
_AWAY = frozenset(["turn", "look", "walk", "run", "step", "move", "face", "stare", "gaze", "stand"])
_ARTICLES = frozenset(
    [
        "a",
        "an",
        "the",
        "his",
        "her",
        "their",
        "my",
        "your",
        "our",
        "its",
        "of",
        "this",
        "that",
        "no",
        "not",
        "never",
        "every",
        "some",
    ]
)
_WEATHER = frozenset(
    [
        "night",
        "rain",
        "snow",
        "fog",
        "mist",
        "darkness",
        "dusk",
        "silence",
        "evening",
        "light",
        "dawn",
        "moonlight",
        "sun",
        "sunlight",
        "shadow",
        "shadows",
        "dust",
        "wind",
        "leaves",
        "water",
        "road",
        "path",
        "curtain",
    ]
)
_EVERYBODY = frozenset(("they", "both", "everybody", "everyone", "all"))


@dataclass(frozen=True)
class Deed:
    """One verb: what is done (a key of the table), by which of the characters, to which other."""

    act: str
    who: int
    to: int | None = None


def deeds_of(panel: PanelData) -> list[Deed]:
    """Everything that those on stage do, in the order of the text."""
    text = words(panel.description)
    named = _named(panel, text)
    deeds: list[Deed] = []
    subject: tuple[int, ...] = (0,)
    everybody = False
    for at, word in enumerate(text):
        if at in named:
            # "Mara and Ilo run" is said of both.
            joined = at >= 2 and text[at - 1] == "and" and at - 2 in named
            subject, everybody = (*subject, named[at]) if joined else (named[at],), False
            continue
        if word in _EVERYBODY:
            subject, everybody = tuple(range(len(panel.characters))), True
        act = _act(text, at)
        if not act or not panel.characters:
            continue
        after = next((named[near] for near in range(at + 1, min(at + 6, len(text))) if near in named), None)
        # "Mara pushes Ilo and Finch falls": an -s is said of one alone.
        doers = subject[-1:] if word.endswith("s") and not everybody else subject
        for who in doers:
            other = next((one for one in doers if one != who), None)
            deeds.append(Deed(act, who, after if after is not None and after != who else other))
    return deeds


def _act(text: list[str], at: int) -> str:
    """The kind of deed of a word, or nothing where it is a noun, denied, or said of the weather."""
    before = text[at - 1] if at else ""
    if before in _ARTICLES or before in _WEATHER:
        return ""
    if text[at] in _TURNS and "away" in text[at + 1 : at + 4]:
        return "turn away"
    if text[at] in _TURNS and "back" in text[at + 1 : at + 3] and text[at + 1] in _ARTICLES:
        return "turn away"
    return _ACTS.get(text[at], "")


def _named(panel: PanelData, text: list[str]) -> dict[int, int]:
    """Where in the text a character's name stands: position → character."""
    owners: dict[str, set[int]] = {}
    for number, profile in enumerate(panel.characters):
        for word in {word for name in (profile.name, *profile.aliases) for word in words(name)} - _ARTICLES:
            owners.setdefault(word, set()).add(number)
    # A word that two share, such as a family name, names neither.
    return {at: min(owners[word]) for at, word in enumerate(text) if len(owners.get(word, ())) == 1}


def _forms(verb: str) -> set[str]:
    """A verb as it stands and its regular forms: present, past, -ing."""
    stem = verb.removesuffix("e")
    forms = {verb, verb + "s", verb + "es", stem + "ed", stem + "ing"}
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        forms |= {verb[:-1] + "ies", verb[:-1] + "ied"}
    if len(verb) < 6 and verb[-1] not in "aeiouywx" and verb[-2:-1] in "aeiou" and verb[-3:-2] not in "aeiou":
        forms |= {verb + verb[-1] + "ed", verb + verb[-1] + "ing"}
    return forms


_ACTS = {
    form: act
    for act, verbs in reversed(list(_VERBS.items()))
    for form in itertools.chain.from_iterable(_forms(verb) for verb in verbs.split())
}
_TURNS = frozenset(form for verb in _AWAY for form in _forms(verb)) | {"ran", "stood", "running"}
