"""How people behave in a panel: the mood on their faces, the mouth of who speaks, whom they look at, what they do."""

from collections.abc import Sequence

from engine.offline.drawing.colours import words
from engine.offline.drawing.creatures import creature_of, ground_of
from engine.offline.drawing.dice import dice_for
from engine.offline.drawing.face import Expression
from engine.offline.drawing.moods import mood_of
from engine.offline.drawing.poses import STANCES, Pose
from engine.offline.drawing.things import held_of
from engine.offline.drawing.verbs import Deed
from models.story import LineKind, PanelData, Shot

_FACES = {"laugh": "happy", "weep": "sad", "scowl": "angry", "fear": "afraid", "fall": "surprised", "sleep": "asleep"}
_GESTURES = {"point": "point", "wave": "wave", "hold": "hold", "think": "chin", "listen": "chest", "address": "gesture"}
# What animals do of it; the rest they watch.
_BEASTLY = {
    "run": "run", "walk": "walk", "sit": "sit", "kneel": "sit", "lie": "lie", "sleep": "sleep", "fall": "jump",
    "jump": "jump", "climb": "jump", "dance": "jump", "fly": "jump",
}  # fmt: skip
# What is done with somebody, and therefore facing them.
_TOWARDS = frozenset(("embrace", "push", "point", "wave", "hold", "listen", "address", "kneel"))
_BOTH_HANDS = frozenset(("embrace", "push", "climb"))


def _small(panel: PanelData, who: int | None) -> bool:
    creature = creature_of(panel.characters[who]) if who is not None else None
    return creature is not None and ground_of(creature, "stand") < 5.0


def speakers_of(panel: PanelData) -> list[int | None]:
    """Who says each line: the number of the character, None for somebody out of the picture."""
    numbers = {profile.name.strip().casefold(): at for at, profile in reversed(list(enumerate(panel.characters)))}
    return [numbers.get(line.speaker.strip().casefold()) for line in panel.dialogue]


def regards_of(panel: PanelData, deeds: Sequence[Deed]) -> dict[int, int]:
    """Whom each character looks at, by number; whoever has nobody to look at is left out."""
    regards: dict[int, int] = {}
    for deed in deeds:
        if deed.to is not None and deed.act in _TOWARDS:
            regards.setdefault(deed.who, deed.to)
    spoken = speakers_of(panel)
    for at, (speaker, line) in enumerate(zip(spoken, panel.dialogue, strict=True)):
        if speaker is None:
            continue
        called = _called(panel, line.text, speaker)
        # Unless a name is called, a line answers the one before or is answered by the one after.
        near = [one for one in [*spoken[at + 1 :], *reversed(spoken[:at])] if one is not None and one != speaker]
        to = called if called is not None else near[0] if near else None
        if to is not None:
            regards.setdefault(speaker, to)
    # Who is spoken to looks back; so do the others, at whoever speaks first.
    for who, to in list(regards.items()):
        regards.setdefault(to, who)
    first = next((speaker for speaker in spoken if speaker is not None), None)
    for who in range(len(panel.characters)):
        if first is not None and who != first:
            regards.setdefault(who, first)
    return regards


def _called(panel: PanelData, text: str, speaker: int) -> int | None:
    said = set(words(text))
    for at, profile in enumerate(panel.characters):
        if at != speaker and said & {word for name in (profile.name, *profile.aliases) for word in words(name)}:
            return at
    return None


def expression_of(panel: PanelData, who: int, deeds: Sequence[Deed]) -> Expression:
    """What the face shows: the character's own verb, or the panel's mood; a mouth that speaks when the script says."""
    kinds = {
        line.kind
        for speaker, line in zip(speakers_of(panel), panel.dialogue, strict=True)
        if _same(panel, speaker, who)
    }
    own = next((_FACES[deed.act] for deed in deeds if deed.who == who and deed.act in _FACES), "")
    mood = own or mood_of(panel.mood) or mood_of(panel.description) or "calm"
    if LineKind.SHOUT in kinds:
        return Expression("angry" if mood == "calm" else mood, 2)
    return Expression(mood, 1 if kinds & {LineKind.SPEECH, LineKind.WHISPER} else 0)


def _same(panel: PanelData, speaker: int | None, who: int) -> bool:
    """Two characters of one name speak together: nothing tells them apart."""
    return speaker is not None and panel.characters[speaker].name == panel.characters[who].name


def stance_of(who: int, deeds: Sequence[Deed]) -> str:
    """What the whole body does: the first verb of the character's that moves it; somebody embraced embraces."""
    for deed in deeds:
        if deed.who == who and deed.act in STANCES:
            # Nobody can embrace the air.
            if deed.act == "embrace" and deed.to is None:
                continue
            return deed.act
        if deed.act == "embrace" and deed.to == who:
            return "embrace"
    return "stand"


def _pose_of_beast(panel: PanelData, who: int, seed: int, deeds: Sequence[Deed]) -> Pose:
    acts = [deed.act for deed in deeds if deed.who == who]
    held = any(deed.act == "embrace" and deed.to == who for deed in deeds)
    idle = "sit" if held else dice_for("pose", seed, panel.characters[who].name).choice(("stand", "stand", "sit"))
    return Pose(stance=next((_BEASTLY[act] for act in acts if act in _BEASTLY), idle))


def pose_of(panel: PanelData, who: int, facing: float, seed: int, deeds: Sequence[Deed]) -> Pose:
    """What body and arms do: what the description says, else one of a few ways to stand there."""
    profile = panel.characters[who]
    if creature_of(profile):
        return _pose_of_beast(panel, who, seed, deeds)
    dice = dice_for("pose", seed, profile.name)
    stance = stance_of(who, deeds)
    hugs = False
    if stance == "embrace" and any(_small(panel, deed.to) for deed in deeds if deed.who == who):
        # Whoever hugs a dog goes down to it.
        stance, hugs = "kneel", True
    speaks = who in speakers_of(panel)
    calm = dice.choice(("down", "down", "hip", "down"))
    lively = dice.choice(("gesture", "open", "chest", "gesture") if speaks else ("down", "hip", "down", "down"))
    stride = dice.uniform(0.1, 0.5)
    acts = [deed.act for deed in deeds if deed.who == who]
    gesture = next((_GESTURES[act] for act in acts if act in _GESTURES), "")
    front, back = STANCES["embrace" if hugs else stance].arms or (gesture or lively, calm)
    if gesture in ("point", "wave", "hold") and stance not in _BOTH_HANDS and not STANCES[stance].behind:
        front = gesture
    side = 1 if facing >= 0 else -1
    thing, hand = "", -side
    if stance not in _BOTH_HANDS and not hugs:
        thing = held_of(panel.description) if "hold" in acts else ""
        if thing:
            hand = side
        else:
            thing = held_of(", ".join(profile.props))
            # A camera that ends at the waist sees what is carried only where it is held up.
            upright = not (STANCES[stance].front or STANCES[stance].behind)
            lifted = "hold" if panel.shot is Shot.MEDIUM and upright else "carry"
            back = lifted if thing and back in ("down", "hip") else back
    return Pose(*((back, front) if side > 0 else (front, back)), stride, stance, thing, hand)
