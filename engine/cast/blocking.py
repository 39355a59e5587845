"""Who stands where in a panel, in words and as a part of its width: the same for the prompt and for its references.

Independent of the reading direction: a chapter that is made again the other way round keeps its prompts.
"""

from collections.abc import Sequence

_TWO = ("on the left", "on the right")
_THREE = ("on the left", "in the middle", "on the right")
_MORE = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def blocking_of(names: Sequence[str]) -> dict[str, str]:
    """Where each person stands, from left to right in the order of their names; nothing for a single person."""
    if len(names) < 2:
        return {}
    if len(names) <= 3:
        return dict(zip(names, _TWO if len(names) == 2 else _THREE, strict=True))
    words = [*_MORE, *(f"number {number}" for number in range(len(_MORE) + 1, len(names) + 1))]
    return {name: f"{word} from the left" for name, word in zip(names, words, strict=False)}


def across(names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """The part of the picture's width, 0 to 1 from the left, in which each stands; all of it for a single person."""
    count = max(len(names), 1)
    return {name: (at / count, (at + 1) / count) for at, name in enumerate(names)}
