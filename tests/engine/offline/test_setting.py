"""Where a scene happens and what the weather is like: by what is told, not by what is talked about."""

import pytest

from engine.offline.storyboard.summary import answer as summarise_scene
from engine.tasks.summary import task as summary

pytestmark = pytest.mark.unit


def setting(*sentences: str) -> tuple[str, str]:
    """Place and weather."""
    found = summarise_scene(summary.In(sentences=list(sentences)))
    return found.place, found.weather


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("Mara waited in the kitchen.", "the kitchen", id="named"),
        pytest.param("The surgery smelled of soap.", "the surgery", id="named as what is talked of"),
        pytest.param("She stirred the sauce and wiped the stove.", "the kitchen", id="by what stands there"),
        pytest.param("The pilot looked at the hull through the hatch.", "the spaceship", id="among the stars"),
        pytest.param("The captain cursed, and the crew took in the sails.", "the ship", id="at sea"),
        pytest.param("On the bridge the pilot watched the hull.", "the spaceship", id="a bridge on board"),
        pytest.param("On the bridge a boy was fishing.", "the bridge", id="a bridge on land"),
        pytest.param("Hélène chantait dans la cuisine.", "the kitchen", id="French"),
        pytest.param("In der Backstube war es warm.", "the bakery", id="German"),
        pytest.param("She took a pan.", "", id="one sign is none"),
    ],
)
def test_the_place_is_read_from_the_text(text: str, place: str) -> None:
    """By its name, or by two things at least that belong there."""
    assert setting(text)[0] == place


def test_what_is_told_counts_before_what_is_said() -> None:
    """They talk of the harbour in the kitchen."""
    assert setting('"I was at the harbour," said Mara.', "She sat down in the kitchen.")[0] == "the kitchen"
    assert setting('"We meet at the harbour," said Mara.')[0] == "the harbour"


@pytest.mark.parametrize(
    ("text", "weather"),
    [
        pytest.param("Rain ran down the window.", "rain", id="it rains"),
        pytest.param('"The soup made me think of rain," he said.', "", id="talked about"),
        pytest.param("Applause fell like rain on the players.", "", id="compared"),
    ],
)
def test_the_weather_is_what_is_there(text: str, weather: str) -> None:
    """Neither a speech nor a comparison makes anybody wet."""
    assert setting(text)[1] == weather
