"""Who a text is about: names found by how they are used, people without a name, and the one who tells it."""

from collections import Counter
from collections.abc import Collection, Sequence

from engine.llm.storyboard.cast import FIRST_PERSONS
from engine.llm.storyboard.name_evidence import NameEvidence, core_of
from engine.llm.storyboard.roles import linked
from engine.reading import Sentence

_MOST_CHARACTERS = 24


def find_cast(parts: Sequence[Sentence], known: Sequence[str]) -> list[tuple[str, list[str]]]:
    """The characters of a text as (name, aliases), the most present first."""
    evidence = NameEvidence()
    for part in parts:
        evidence.read(part)
    word, named = evidence.narrator()
    weights = evidence.accepted()
    if named:
        weights[named] += 1
    found = [entry for entry in _merged(weights, known, evidence.young) if entry[0] not in FIRST_PERSONS]
    if word:
        # One entry for who tells it, whichever of their names was found.
        own = next(((name, also) for name, also in found if named and named in (name, *also)), (word, []))
        found = [own, *(entry for entry in found if entry[0] != own[0])]
        if own[0] != word:
            own[1].append(word)
    return linked(parts, found[:_MOST_CHARACTERS])


def _merged(weights: Counter[str], known: Sequence[str], young: Collection[str]) -> list[tuple[str, list[str]]]:
    """One entry for each person: shorter names go to the one longer name that contains them.

    Where there is a young Tom, Old Tom is somebody else.
    """
    elders = {name for name in [*weights, *known] if name.split()[0] == "Old" and name.split()[-1] in young}
    groups: dict[str, list[str]] = {name: [] for name in known}
    by_length = sorted(weights, key=lambda name: (-len(name.split()), -weights[name], name))
    presence: Counter[str] = Counter()
    for name in by_length:
        own = core_of(name)
        others = [other for other in groups if (other in elders) == (name in elders)]
        owners = [
            other for other in others if own and (own <= core_of(other) or core_of(other) <= own) and core_of(other)
        ]
        if name in groups:
            owners = [name]
        elif not owners:
            # "Teo" is Teodor.
            owners = [other for other in others if len(name) >= 3 and other.startswith(name) and " " not in other]
        if len(owners) == 1:
            presence[owners[0]] += weights[name]
            if name != owners[0] and name not in groups[owners[0]]:
                groups[owners[0]].append(name)
        elif not owners:
            groups[name] = []
            presence[name] += weights[name]
    found = sorted((name for name in groups if presence[name]), key=lambda name: (-presence[name], name))
    return [(name, groups[name]) for name in found]
