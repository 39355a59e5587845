"""How something is said: spoken, thought, shouted or whispered."""

from engine.reading.people.words import CALLS, SHOUTS, THOUGHTS, WHISPERS, words_of
from models.story import LineKind


def manner_of(text: str, tag: str) -> LineKind:
    """The manner of a quote; `tag` is the narration that says how it is spoken."""
    words = set(words_of(tag))
    if words & THOUGHTS:
        return LineKind.THOUGHT
    if words & WHISPERS:
        return LineKind.WHISPER
    loud = text.isupper() and len(text) > 3 and any(char.isalpha() for char in text)
    calls = "!" in text and (bool(words & CALLS) or (not words and len(text.split()) <= 3))
    if words & SHOUTS or loud or calls or text.endswith("!!"):
        return LineKind.SHOUT
    return LineKind.SPEECH
