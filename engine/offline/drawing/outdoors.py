"""Outdoor places, each under its sky."""

from collections.abc import Callable

from engine.offline.drawing import country, town
from engine.offline.drawing.land import draw_sky
from engine.offline.drawing.places import Scene

_PLACES: dict[str, Callable[[Scene], None]] = {
    "street": town.draw_street,
    "rooftop": town.draw_rooftop,
    "station": town.draw_station,
    "harbour": town.draw_harbour,
    "ship": town.draw_ship,
    "forest": country.draw_forest,
    "sea": country.draw_sea,
    "field": country.draw_field,
    "mountain": country.draw_mountain,
    "sky": country.draw_heights,
}


def draw_outdoors(kind: str, scene: Scene) -> None:
    """An outdoor place of this kind; open ground when the kind is unknown."""
    draw_sky(scene)
    _PLACES.get(kind, country.draw_plain)(scene)
