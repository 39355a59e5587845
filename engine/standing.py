"""Who stands where in a panel, in words and as a part of its width: the same for the prompt and for its references."""

from collections.abc import Sequence

from models.story import Direction

_TWO = ("on the left", "on the right")
_THREE = ("on the left", "in the middle", "on the right")
_MORE = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def standing(names: Sequence[str], direction: Direction = "ltr") -> dict[str, str]:
    """Where each stands; nothing for somebody alone. Whoever is named first stands where reading begins."""
    ordered = list(names) if direction == "ltr" else list(names)[::-1]
    if len(ordered) < 2:
        return {}
    if len(ordered) <= 3:
        return dict(zip(ordered, _TWO if len(ordered) == 2 else _THREE, strict=True))
    words = [*_MORE, *(f"number {number}" for number in range(len(_MORE) + 1, len(ordered) + 1))]
    return {name: f"{word} from the left" for name, word in zip(ordered, words, strict=False)}


def across(names: Sequence[str], direction: Direction = "ltr") -> dict[str, tuple[float, float]]:
    """The part of the picture's width, 0 to 1 from the left, in which each stands; all of it for somebody alone."""
    ordered = list(names) if direction == "ltr" else list(names)[::-1]
    count = max(len(ordered), 1)
    return {name: (at / count, (at + 1) / count) for at, name in enumerate(ordered)}
