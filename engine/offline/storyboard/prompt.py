"""A panel → a prompt: style, shot, place and light, what happens, and everybody on stage as they always look."""

import re

from engine.offline.storyboard.directed import shot_asked
from engine.offline.storyboard.telling import clipped
from engine.tasks.prompt import task as prompt
from models.story import Shot

_STYLE = "Comic panel, clean ink lines, flat colours"
_SHOTS = {
    Shot.ESTABLISHING: "establishing shot that shows the whole place",
    Shot.WIDE: "wide shot, figures in full",
    Shot.MEDIUM: "medium shot, figures from the waist up",
    Shot.CLOSE_UP: "close-up of a face",
    Shot.INSERT: "insert, a detail fills the frame",
    Shot.OVER_THE_SHOULDER: "over-the-shoulder shot",
}
_NEGATIVE = "text, lettering, speech balloons, captions, watermark, signature, extra people, deformed hands"


def answer(data: prompt.In) -> prompt.Out:
    """The prompt; whoever is not on stage is not named in it."""
    setting = ", ".join(piece for piece in (data.place, data.time, data.weather) if piece)
    people = "; ".join(who.sentence(data.stands.get(who.name, "")) for who in data.characters)
    asked = shot_asked(data.directions, data.shot)
    opening = f"{data.style or _STYLE}. {_SHOTS[asked or data.shot].capitalize()}."
    rest = [
        f"Place: {_discreet(data, setting)[:400]}." if setting else "",
        f"It looks so: {data.place_looks}." if data.place_looks else "",
        f"Directed: {_discreet(data, data.directions)[:400]}." if data.directions else "",
        f"Mood: {_discreet(data, data.mood)[:120]}." if data.mood else "",
        f"On stage: {people}." if people else "Nobody in the picture.",
        "Calm room at the top for balloons; no lettering.",
    ]
    room = prompt.longest(data) - len(opening) - sum(len(piece) + 1 for piece in rest) - 2
    shown = clipped(_discreet(data, data.description), max(room, 0))
    text = " ".join(piece for piece in [opening, shown, *rest] if piece)
    return prompt.Out(prompt=text, negative=_NEGATIVE, shot=asked)


def _discreet(data: prompt.In, text: str) -> str:
    """The text with whoever is absent left nameless; those on stage keep their names."""
    kept = sorted({name for who in data.characters for name in (who.name, *who.aliases) if name}, key=len, reverse=True)
    absent = sorted({name for name in data.absent if name and name not in kept}, key=len, reverse=True)
    if not absent:
        return text
    names = sorted([*kept, *absent], key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)")
    return pattern.sub(lambda match: match.group() if match.group() in kept else "somebody", text)
