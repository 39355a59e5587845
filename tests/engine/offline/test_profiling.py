"""The offline writer's profiles say of an animal that it is one, where the text does."""

import pytest

from engine.offline.drawing.creatures import creature_of
from engine.offline.storyboard.profile import answer as profile_character
from engine.tasks.profile import task as profile

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("name", "told", "kind"),
    [
        ("Biscuit", "Nessa had a brown dog called Biscuit. Biscuit barked.", "dog"),
        ("Gertrude", "The mule, Gertrude, would not move.", "mule"),
        ("Rex", "Rex, the old sheepdog, slept.", "dog"),
        ("the fox", "The fox looked at the raven.", "fox"),
        ("Emil", "Der alte Esel, Emil, blieb stehen.", "mule"),
        ("Tom", "Tom, the dog's owner, slept.", None),
        ("Ann", "The bird watcher, Ann, said so.", None),
        ("Ida", "The horse threw Ida off.", None),
        ("Jim", "Jim was a bear of a man.", None),
        ("Barnaby Fox", "Barnaby Fox sat down.", None),
    ],
)
def test_an_animal_is_known_by_what_the_text_calls_it(name: str, told: str, kind: str | None) -> None:
    asked = profile.In(name=name, excerpts=[told])
    out = profile_character(asked)
    assert profile.check(asked, out) == []
    creature = creature_of(out.profile)
    assert (creature.kind if creature else None) == kind
    assert "trousers" not in (out.profile.clothes if kind else "")


def test_the_coat_is_the_text_s_where_it_names_one() -> None:
    told = ["She had a brown dog called Biscuit."]
    assert profile_character(profile.In(name="Biscuit", excerpts=told)).profile.hair == "brown coat"


def test_looks_are_read_on_while_the_text_goes_on_about_somebody() -> None:
    """A third sentence that begins with "she" is still about her; one about somebody else is not."""
    told = "Vasquez hated trains. She sat down. She was lean, with cropped white hair, and her grey coat was shut."
    looks = profile_character(profile.In(name="Vasquez", excerpts=[told])).profile
    assert (looks.hair, looks.clothes) == ("cropped white hair", "a grey coat")
    other = "Vasquez hated trains. She sat down. Oduya had cropped white hair and a grey coat."
    looks = profile_character(profile.In(name="Vasquez", excerpts=[other])).profile
    assert looks.hair != "cropped white hair"
