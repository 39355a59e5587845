"""What somebody wears in a scene: what they always wear, an outfit of theirs, or what is left when something is off.

A scene names an outfit by its name. A name that the character has no outfit for is taken for the clothes themselves,
so a scene stays true to its text when somebody's profile is written again.
"""

import re

from engine.cast.vocabulary import GARMENTS, colours_in, telling
from models.story import Attributes, Outfit, Profile

# How an outfit is called that is what somebody always wears with something taken off.
WITHOUT = "without "
_LONGEST_NAME = 80
_LONGEST_WORN = 200
_PARTS = re.compile(r"\s+(?:over|under)\s+|,\s*(?:and\s+)?|\s+and\s+|\s+with\s+")


def worn(profile: Profile, outfit: str = "") -> Attributes:
    """How somebody looks in a scene: in the outfit of that name, or without one in what they always wear.

    No other outfit is told of, so that one that is added changes no picture of before.
    """
    fixed = profile.model_dump(exclude={"outfits"})
    chosen = _found(profile, outfit) or noted(profile, outfit) if outfit else None
    if chosen is not None:
        fixed |= {"clothes": chosen.clothes, "colours": chosen.colours or profile.colours}
    return Attributes(**fixed)


def noted(profile: Profile | None, clothes: str, occasion: str = "") -> Outfit | None:
    """The outfit that a text speaks of; None where it is what they always wear, or nothing is known of it.

    `clothes` are the text's words, or `without …`. One that the profile has already is that one, as people wrote it.
    """
    clothes = " ".join(clothes.split())
    if clothes.casefold().startswith(WITHOUT):
        return _without(profile, clothes, occasion)
    name = " ".join(telling(clothes))[:_LONGEST_NAME].strip()
    if not name:
        return None
    known = _found(profile, name) if profile else None
    if known is not None:
        return known
    if profile is not None and set(telling(clothes)) <= set(telling(profile.clothes)):
        return None
    return Outfit(name=name, clothes=clothes, colours=colours_in(clothes), worn=occasion[:_LONGEST_WORN])


def _found(profile: Profile, name: str) -> Outfit | None:
    return next((one for one in profile.outfits if one.name.casefold() == name.casefold()), None)


def _without(profile: Profile | None, clothes: str, occasion: str) -> Outfit | None:
    """What is left of somebody's clothes; None where nothing is said of what is under them: nothing is made up."""
    off = telling(clothes[len(WITHOUT) :])
    name = f"{WITHOUT}{' '.join(off)}"[:_LONGEST_NAME].strip()
    if profile is None:
        return Outfit(name=name, clothes=clothes, worn=occasion[:_LONGEST_WORN]) if off else None
    known = _found(profile, name)
    if known is not None:
        return known
    nouns = [word for word in off if word in GARMENTS] or off[-1:]
    parts = _PARTS.split(profile.clothes)
    left = [part for part in parts if not set(telling(part)) & set(nouns)]
    if not left or len(left) == len(parts):
        return None
    rest = ", ".join(left)
    return Outfit(name=name, clothes=rest, colours=colours_in(rest), worn=occasion[:_LONGEST_WORN])
