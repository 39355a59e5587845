"""What somebody wears in a scene: an outfit they have, what the text says, or what they always wear."""

import pytest

from engine.cast.outfits import attributes_in, outfit_noted
from models.story import Outfit, Profile

pytestmark = pytest.mark.unit

MARA = Profile(
    name="Mara",
    hair="short, black",
    clothes="a long blue coat over a grey dress",
    colours=["blue", "black"],
    outfits=[Outfit(name="rain gear", clothes="a yellow oilskin", colours=["yellow"], worn="in the rain")],
)


@pytest.mark.parametrize(
    ("outfit", "clothes", "colours"),
    [
        pytest.param("", MARA.clothes, ["blue", "black"], id="what they always wear"),
        pytest.param("Rain Gear", "a yellow oilskin", ["yellow"], id="an outfit, whatever its case"),
        pytest.param("red cloak", "red cloak", ["red"], id="one that the profile has lost"),
        pytest.param("nightgown", "nightgown", ["blue", "black"], id="no colour is told"),
        pytest.param("without coat", "a grey dress", ["grey"], id="something is off"),
        pytest.param("without boots", MARA.clothes, ["blue", "black"], id="what they have not got is off"),
    ],
)
def test_a_scene_shows_somebody_in_its_outfit(outfit: str, clothes: str, colours: list[str]) -> None:
    """Everything else stays, and no other outfit is told of: what is added later changes no earlier picture."""
    shown = attributes_in(MARA, outfit)
    always = MARA.model_dump(exclude={"outfits"})
    assert shown.model_dump() == always | {"clothes": clothes, "colours": colours}


@pytest.mark.parametrize(
    ("clothes", "outfit"),
    [
        pytest.param("a red cloak", Outfit(name="red cloak", clothes="a red cloak", colours=["red"]), id="new"),
        pytest.param("the rain gear", MARA.outfits[0], id="known: as people wrote it"),
        pytest.param("a blue coat", None, id="what they always wear"),
        pytest.param("without a coat", Outfit(name="without coat", clothes="a grey dress", colours=["grey"]), id="off"),
        pytest.param("without a hat", None, id="what they have not got"),
        pytest.param("the", None, id="nothing"),
    ],
)
def test_what_a_text_says_becomes_an_outfit(clothes: str, outfit: Outfit | None) -> None:
    assert outfit_noted(MARA, clothes) == outfit


def test_what_is_under_a_coat_is_not_made_up() -> None:
    assert outfit_noted(MARA.model_copy(update={"clothes": "a long blue coat"}), "without a coat") is None
