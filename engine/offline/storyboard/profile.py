"""Excerpts → a character's looks: what the text says, and where it is silent a choice by the name alone."""

import hashlib
import re
from collections.abc import Sequence

from engine.reading.people.words import (
    AGES,
    ARTICLES,
    BUILD,
    CLOTHES,
    COLOURS,
    FACE,
    HAIR,
    HER_TITLES,
    HIS_TITLES,
    MEN,
    PROPS,
    WOMEN,
    words_of,
)
from engine.tasks.profile import task as profile
from models.story import Attributes

_AGES = ("in the late twenties", "about thirty-five", "about forty-five", "in the early fifties", "about sixty")
_BUILDS = ("tall and thin", "short and sturdy", "of middle height, slim", "broad-shouldered", "small and quick")
_HAIRS = ("{} hair, cut short", "long {} hair, tied back", "curly {} hair", "straight {} hair to the chin")
_HER_HAIRS = (
    "long {} hair, tied back",
    "curly {} hair to the shoulders",
    "straight {} hair to the chin",
    "long {} hair",
    "{} hair in a braid",
    "{} hair in a bun",
    "{} hair in a ponytail",
)
_HIS_HAIRS = (
    "{} hair, cut short",
    "curly {} hair, cut short",
    "{} hair, combed back",
    "tousled {} hair",
    "neat {} hair, parted",
)
_HAIR_COLOURS = ("black", "brown", "auburn", "blond", "grey", "chestnut")
_FACES = (
    "a round face with dark eyes",
    "a narrow face with a long nose",
    "freckles and bright eyes",
    "a square chin and heavy eyebrows",
    "a soft face with small glasses",
    "a long face with high cheeks",
    "a broad nose and a wide mouth",
    "a pointed chin and green eyes",
    "olive skin and thick eyebrows",
    "dark skin and calm eyes",
    "brown skin and laughing eyes",
    "pale skin and tired eyes",
)
_GARMENTS = (
    "{} coat over plain clothes",
    "{} jacket and dark trousers",
    "{} jumper and a scarf",
    "{} waistcoat, white shirt",
    "{} overalls over a striped shirt",
    "{} shirt, sleeves rolled up",
    "long {} cardigan",
    "{} hoodie and jeans",
    "{} tunic and a belt",
)
_GARMENT_COLOURS = ("navy", "crimson", "olive", "mustard", "teal", "purple", "brown", "grey")

# Animals of stories, with the coats they come in.
_COATS = {
    "dog hound puppy terrier spaniel collie sheepdog Hund chien": ("brown", "black", "white and brown", "grey"),
    "cat kitten tomcat Katze Kater chat": ("grey", "black", "white", "orange"),
    "horse mare stallion pony foal Pferd Stute cheval": ("chestnut", "brown", "black", "grey"),
    "mule donkey Esel mulet": ("grey", "brown"),
    "fox vixen Fuchs renard": ("rust",),
    "wolf loup": ("grey", "charcoal"),
    "bear Bär": ("brown",),
    "mouse rat Maus souris": ("grey", "brown"),
    "rabbit hare Hase lapin": ("tan", "grey", "white"),
    "sheep lamb ewe ram Schaf mouton": ("cream",),
    "goat Ziege chèvre": ("white", "grey"),
    "cow bull ox calf Kuh vache": ("brown", "white and brown", "black"),
    "pig piglet Schwein cochon": ("pink",),
    "lion lioness": ("sand",),
    "tiger": ("orange",),
    "hedgehog Igel hérisson": ("brown",),
    "deer stag doe fawn squirrel": ("rust", "tan"),
    "raven crow rook jackdaw Rabe corbeau": ("black",),
    "duck duckling hen cock rooster chicken owl bird parrot gull pigeon Ente Eule Vogel oiseau": ("brown", "white"),
    "goose gander swan Gans oie": ("white", "grey"),
}
_BEASTS = {word: coats for kinds, coats in _COATS.items() for word in kinds.split()}
_KINDS = "|".join(sorted(_BEASTS, key=len, reverse=True))
_BEAST = rf"(?P<beast>(?:[\w-]+\s+){{{{0,2}}}}\b(?i:{_KINDS}))(?![\w’'-]|\s+of\s+an?\b)"
_OF_ARTICLE = r"(?i:a|an|the|my|our|your|his|her|their|old|ein|eine|der|die|das|un|une|le|la)"
# "a dog called Biscuit", "Biscuit, her old dog", "Biscuit was a dog", "the mule, Gertrude".
_TOLD_AS = (
    rf"\b{_OF_ARTICLE}\s+{_BEAST}\s+(?:called|named|namens|nommée?|appelée?)\s+{{name}}\b",
    rf"\b{{name}},\s+{_OF_ARTICLE}\s+{_BEAST}",
    rf"\b{{name}}\s+the\s+{_BEAST}",
    rf"\b{{name}}\s+(?:was|is|war|était)\s+{_OF_ARTICLE}\s+{_BEAST}",
    rf"\b{_OF_ARTICLE}\s+{_BEAST},?\s+{{name}}\b",
)
_HUNTS = ("small and quick", "lean and long-legged", "sturdy", "big and heavy", "young and lively")

_GREYING = re.compile(r"\b(fif|six|seven|eigh|nine)t(y|ies)\b|\b(an?|very) old\b|\belderly\b|^old\b|[5-9]\d")
_YEARS = re.compile(r"\b(?P<age>[\w-]+?)[- ]years?[- ]old\b")
_ROLE = r"{name},\s+(?P<role>(?:the|a|an)\s+[a-z][\w’' -]{{2,40}}?)[,.;]"
_NEAR = 330
# What goes on about whoever was named before.
_GOES_ON = re.compile(r"(?:She|He|Her|His|It|Its|Sie|Er|Ihre?|Seine?|Elle|Il)\b")
_FUNCTION_WORDS = {"the", "a", "an", "her", "his", "their", "of", "on", "in", "at", "to", "from", "and", "for", "no"}


def answer(data: profile.In) -> profile.Out:
    """A profile with every attribute set; the same name and excerpts give the same one."""
    names = [data.name, *data.aliases]
    near = [excerpt[:2000] for excerpt in data.excerpts if any(name in excerpt for name in names)] or data.excerpts
    pick = _Picker(data.name)
    beast = _beast(near, names)
    if beast:
        return profile.Out(profile=_animal(data, beast, near, pick))
    age = _age(near, names) or pick.one("age", _AGES)
    colours_of_hair = _HAIR_COLOURS if _GREYING.search(age) else [one for one in _HAIR_COLOURS if one != "grey"]
    gender = _gender(near, names)
    hairs = _HER_HAIRS if gender > 0 else _HIS_HAIRS if gender < 0 else _HAIRS
    hair = _phrase(near, HAIR, names) or pick.one("hair", hairs).format(pick.one("hair colour", colours_of_hair))
    garment = pick.one("clothes", _GARMENTS).format(pick.one("clothes colour", _GARMENT_COLOURS))
    clothes = _phrase(near, CLOTHES, names) or _article(garment) + garment
    colours = [word for word in [*words_of(clothes), *words_of(hair)] if word in COLOURS]
    if not any(word in COLOURS for word in words_of(clothes)):
        colours.insert(0, pick.one("clothes colour", _GARMENT_COLOURS))
    return profile.Out(
        profile=Attributes(
            name=data.name,
            aliases=data.aliases,
            role=_role(near, names),
            age=age,
            build=_word(near, BUILD, names) or pick.one("build", _BUILDS),
            hair=hair,
            face=_phrase(near, FACE, names) or pick.one("face", _FACES),
            clothes=clothes,
            props=_props(near, names),
            colours=list(dict.fromkeys(colours))[:4],
        )
    )


class _Picker:
    """Chooses by the name alone, so that a character looks the same whenever they are asked for."""

    def __init__(self, name: str) -> None:
        self.name = name

    def one(self, attribute: str, choices: Sequence[str]) -> str:
        digest = hashlib.sha256(f"{attribute}\0{self.name}".encode()).digest()
        return choices[int.from_bytes(digest[:4]) % len(choices)]


def _animal(data: profile.In, beast: str, near: Sequence[str], pick: _Picker) -> Attributes:
    """The profile of an animal: the build says what it is, the hair its coat, the clothes what it wears."""
    kind = words_of(beast)[-1]
    coat = " and ".join(word for word in words_of(beast) if word in COLOURS) or pick.one("coat", _BEASTS[_known(kind)])
    winged = any(kind in kinds.split() for kinds in _COATS if {"raven", "duck", "goose"} & set(kinds.split()))
    worn = {"dog": "red collar", "cat": "blue collar", "horse": "leather collar", "mule": "rope collar"}
    first = next(kinds.split()[0] for kinds in _COATS if _known(kind) in kinds.split())
    return Attributes(
        name=data.name,
        aliases=data.aliases,
        role=_role(near, [data.name, *data.aliases]) or f"{_article(kind)}{kind}",
        age=_age(near, [data.name, *data.aliases]) or "full-grown",
        build=f"{_article(kind)}{kind}, {pick.one('build', _HUNTS)}",
        hair=f"{coat} {'feathers' if winged else 'coat'}",
        face="a bright beak and round eyes" if winged else "attentive ears and dark eyes",
        clothes=f"a {worn[first]}" if first in worn else f"nothing but its {'feathers' if winged else 'fur'}",
        colours=[word for word in words_of(coat) if word != "and"][:4],
    )


def _beast(excerpts: Sequence[str], names: Sequence[str]) -> str:
    """The animal that somebody is, in the text's words without the article; empty for people."""
    whole = "\n".join(excerpts)
    for name in names:
        words = words_of(name)
        # "Hedgehog" is somebody's name unless the text also writes "the hedgehog".
        small = re.search(rf"\b{_OF_ARTICLE}\s+{re.escape(name.lower())}\b", whole)
        if words and _known(words[-1]) and (small or not name[:1].isupper()):
            return " ".join(words[1:] if words[0] in ARTICLES else words)
    for pattern in _TOLD_AS:
        for name in names:
            match = re.search(pattern.format(name=re.escape(name)), whole)
            if match:
                return match["beast"]
    return ""


def _known(kind: str) -> str:
    """The word as the table has it: German nouns are capitals there."""
    return kind if kind in _BEASTS else kind.capitalize() if kind.capitalize() in _BEASTS else ""


def _windows(excerpts: Sequence[str], names: Sequence[str]) -> list[str]:
    """The text right behind each naming: what stands there is most likely about them."""
    found = []
    for excerpt in excerpts:
        for match in re.finditer("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in names), excerpt):
            sentence = re.split(r"(?<=[.!?])\s", excerpt[match.start() : match.start() + _NEAR], maxsplit=3)
            found.append(" ".join(sentence[: 3 if len(sentence) > 2 and _GOES_ON.match(sentence[2]) else 2]))
    return found


def _phrase(excerpts: Sequence[str], telling: frozenset[str], names: Sequence[str]) -> str:
    """Adjectives and the noun they belong to: "a long blue coat"."""
    nouns = "|".join(sorted(telling))
    pattern = re.compile(
        rf"\b(?:her|his|their|in|wore|wearing|with|had|and)\s+(?:an?\s+|the\s+|her\s+|his\s+)?(?P<words>(?:[a-z][a-z’'-]+,?\s+){{1,3}})(?P<noun>{nouns})\b"
    )
    for window in _windows(excerpts, names):
        match = pattern.search(window)
        if match:
            words = match["words"].split()
            if not _FUNCTION_WORDS & set(words):
                article = "" if match["noun"].endswith("s") or match["noun"] == "hair" else _article(words[0])
                return f"{article}{' '.join(words)} {match['noun']}"
    return ""


def _article(word: str) -> str:
    return "an " if word[0] in "aeiou" else "a "


def _word(excerpts: Sequence[str], telling: frozenset[str], names: Sequence[str]) -> str:
    """A build said of somebody: "a tall woman", "was thin"."""
    pattern = re.compile(
        rf"\b(?:was|is)\s+(?:an?\s+|the\s+)?(?:\w+\s+)?(?P<word>{'|'.join(sorted(telling))})(?:(?:\s+\w+)?\s+(?:man|woman|boy|girl|person|fellow)|[,.]|\s+and)"
    )
    for window in _windows(excerpts, names):
        match = pattern.search(window)
        if match:
            return match["word"]
    return ""


def _gender(excerpts: Sequence[str], names: Sequence[str]) -> int:
    """More than 0 for a she, less for a he, by titles, nouns and the pronouns behind the name."""
    said = {word for name in names for word in words_of(name)}
    called = bool(said & (HER_TITLES | WOMEN)) - bool(said & (HIS_TITLES | MEN))
    behind = [word for window in _windows(excerpts, names) for word in words_of(window)]
    return (
        4 * called
        + sum(word in {"she", "her", "hers"} for word in behind)
        - sum(word in {"he", "his", "him"} for word in behind)
    )


def _age(excerpts: Sequence[str], names: Sequence[str]) -> str:
    everything = " ".join(excerpts)
    for name in names:
        # A screenplay introduces people so: "JUNO (30, in overalls)".
        bracketed = re.search(rf"(?i:{re.escape(name)})\s*\((?P<age>\d{{1,2}})\b", everything)
        if bracketed:
            return f"{bracketed['age']} years old"
        for pattern, age in AGES:
            if pattern.search(name):
                return age
    for window in _windows(excerpts, names):
        years = _YEARS.search(window)
        if years:
            return f"{years['age']} years old"
        for pattern, age in AGES:
            match = pattern.search(window)
            if match and match.start() < 160:
                return age
    return ""


def _role(excerpts: Sequence[str], names: Sequence[str]) -> str:
    for name in names:
        pattern = re.compile(_ROLE.format(name=re.escape(name)))
        for excerpt in excerpts:
            match = pattern.search(excerpt)
            if match:
                return match["role"]
    return ""


def _props(excerpts: Sequence[str], names: Sequence[str]) -> list[str]:
    pattern = re.compile(rf"\b(?:her|his|their)\s+(?:[a-z]+\s+)?(?P<prop>{'|'.join(sorted(PROPS))})\b")
    found = [match["prop"] for window in _windows(excerpts, names) for match in pattern.finditer(window)]
    return list(dict.fromkeys(found))[:2]
