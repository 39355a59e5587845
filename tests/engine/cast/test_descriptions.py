"""Two people in a prompt stay two: where each stands, and whose attribute is whose."""

import itertools

import pytest

from engine.cast.blocking import across, blocking_of
from engine.cast.descriptions import described, mixed_up, stretches
from models.story import Attributes

pytestmark = pytest.mark.unit

ADA = Attributes(name="Ada", age="thirty", build="tall", hair="red hair", face="freckles", clothes="a blue coat")
BO = Attributes(name="Bo", age="ten", build="small", hair="black hair", face="a scar", clothes="a red coat")
ADA_IS, BO_IS = ADA.sentence("on the left"), BO.sentence("on the right")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        pytest.param([], [], id="nobody"),
        pytest.param(["A"], [], id="alone"),
        pytest.param(["A", "B"], ["on the left", "on the right"], id="two"),
        pytest.param(["A", "B", "C"], ["on the left", "in the middle", "on the right"], id="three"),
        pytest.param(
            list("ABCD"), [f"{one} from the left" for one in ("first", "second", "third", "fourth")], id="more"
        ),
    ],
)
def test_everybody_has_a_place_of_their_own(names: list[str], words: list[str]) -> None:
    assert blocking_of(names) == dict(zip(names if words else [], words, strict=True))


@pytest.mark.parametrize("count", [1, 2, 5, 14])
def test_places_cover_the_picture_without_a_gap(count: int) -> None:
    names = [str(number) for number in range(count)]
    parts = list(across(names).values())
    assert (parts[0][0], parts[-1][1]) == (0.0, 1.0)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(parts))
    assert len(set(blocking_of(names).values())) == (count if count > 1 else 0)


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        pytest.param(f"Ada meets Bo. {ADA_IS}; {BO_IS}", None, id="each in one go"),
        pytest.param(f"{BO_IS}; {ADA_IS}", None, id="in any order"),
        pytest.param(f"Ada holds a red coat. {ADA_IS}; {BO_IS}", None, id="told of before, not of how she looks"),
        pytest.param("Ada and Bo (thirty; tall; red hair; freckles; a blue coat)", "Ada: all attributes", id="shared"),
        pytest.param(
            f"{ADA_IS.replace('red hair; ', '')}; {BO_IS}, with red hair", "Ada: all attributes", id="behind another"
        ),
        pytest.param(
            f"{ADA_IS[:-1]}; a red coat); {BO_IS}", "Bo: clothes (a red coat) stands with Ada", id="given away"
        ),
        pytest.param(f"{ADA_IS}. Bo: ten, small. Bo has black hair, a scar, a red coat", "Bo: all", id="in two goes"),
    ],
)
def test_whose_is_whose(prompt: str, says: str | None) -> None:
    notes = "; ".join(mixed_up(prompt, [ADA, BO]))
    assert notes == "" if says is None else says in notes


def test_a_name_inside_an_attribute_begins_nobody() -> None:
    """ "A nose like Bo's" is still about Ada; Ada Reed is not Ada."""
    ada = ADA.model_copy(update={"face": "a nose like Bo's"})
    assert set(described(f"{ada.sentence()}; {BO_IS}", [ada, BO])) == {"Ada", "Bo"}
    reed = BO.model_copy(update={"name": "Ada Reed"})
    told = stretches(f"{ADA_IS}; {reed.sentence()}", [ADA, reed])
    assert [one.name for one in told] == ["Ada", "Ada Reed"]
