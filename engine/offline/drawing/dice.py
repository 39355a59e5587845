"""Chance that repeats: the same words give the same rolls, on every machine."""

import random

Dice = random.Random


def dice_for(*words: object) -> Dice:
    """Dice seeded by these words. Drawing needs variety, not secrecy."""
    return random.Random(" ".join(str(word) for word in words))  # noqa: S311
