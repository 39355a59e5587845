"""A scene → its summary, in the scene's own sentences, and its setting."""

from collections.abc import Sequence

from engine.cast.outfits import WITHOUT
from engine.offline.storyboard.setting import mood_of, place_of, time_of, weather_of
from engine.offline.storyboard.telling import shortened, told_sentences
from engine.reading import Sentence, heading_text, take_apart
from engine.reading.people.cast import cast_of
from engine.reading.people.casting import find_cast
from engine.reading.people.clothing import changes, outfits_after
from engine.reading.people.speakers import attribute
from engine.tasks.summary import task as summary

_LONGEST = 480


def answer(data: summary.In) -> summary.Out:
    """The first telling sentence, the one that names the most people, and the last."""
    parts = take_apart(data.sentences)
    cast = cast_of(data.cast or data.known_characters, data.aliases)
    told = [sentence for part in parts for sentence in told_sentences(part)]
    text = told or [heading_text(sentence).strip() for sentence in data.sentences] or [data.gist or data.title or "…"]
    named = [len({mention.name for mention in cast.mentions(sentence)}) for sentence in text]
    telling = max(range(len(text)), key=lambda index: (named[index], -index))
    chosen = [text[index] for index in sorted({0, telling, len(text) - 1})]
    present = _present(parts, data)
    return summary.Out(
        summary=shortened(chosen, _LONGEST) or "…",
        # A screenplay's heading says where and when; it is the scene's title and none of its sentences.
        place=place_of([data.title, *data.sentences], told, data.known_places)[:120],
        time=time_of([data.title, *data.sentences])[:120],
        weather=weather_of(told),
        mood=mood_of(data.sentences),
        characters=present,
        outfits=_outfits(data, present),
    )


def _present(parts: Sequence[Sentence], data: summary.In) -> list[str]:
    everybody = data.cast or data.known_characters
    if not everybody:
        return [name for name, _ in find_cast(parts, ())]
    found: set[str] = set()
    for beat in attribute(data.sentences, everybody, data.aliases):
        found.update(beat.named)
        for spoken in beat.spoken:
            found.update((spoken.speaker, *spoken.calls))
    return [name for name in everybody if name in found]


def _outfits(data: summary.In, present: Sequence[str]) -> list[summary.Wearing]:
    """What those who are there wear at the end, where the text, or the text of earlier scenes, says so."""
    found = changes(data.sentences, data.cast or data.known_characters, data.aliases)
    quotes = {(one.name, one.clothes): one.quote for one in found}
    return [
        summary.Wearing(
            character=name, clothes=clothes, quote=quotes.get((name, clothes.removeprefix(WITHOUT)), clothes)
        )
        for name, clothes in outfits_after(data.worn, found).items()
        if name in present and len(clothes) <= summary.LONGEST_CLOTHES
    ]
