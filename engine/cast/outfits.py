"""What a character wears in a scene: the clothes of the profile, an outfit, or what is left with something taken off.

A scene names an outfit by its name. A name without an outfit is taken for the clothes themselves, so a scene stays
true to its text when a profile is written again.
"""

import re

from engine.cast.vocabulary import GARMENTS, colours_in, telling
from models.story import Attributes, Outfit, Profile

# The name of an outfit that is the profile's clothes with something taken off.
WITHOUT = "without "
_LONGEST_NAME = 80
_LONGEST_WORN = 200
_PARTS = re.compile(r"(?<!\s)\s++(?:over|under|and|with)\s+|,\s*(?:and\s+)?")


def attributes_in(profile: Profile, outfit: str = "") -> Attributes:
    """How a character looks in a scene: in the outfit of that name, or in the clothes of the profile.

    Other outfits are left out, so that adding one changes no earlier picture.
    """
    fixed = profile.model_dump(exclude={"outfits"})
    chosen = _found(profile, outfit) or outfit_noted(profile, outfit) if outfit else None
    if chosen is not None:
        fixed |= {"clothes": chosen.clothes, "colours": chosen.colours or profile.colours}
    return Attributes(**fixed)


def outfit_noted(profile: Profile | None, clothes: str, occasion: str = "") -> Outfit | None:
    """The outfit that a text mentions; None if it is the profile's clothes, or nothing is known of it.

    `clothes` are the text's words, or `without …`. If the profile has such an outfit already, it is that one.
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
    """The clothes that are left; None if the text does not say what is worn under them: nothing is invented."""
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
