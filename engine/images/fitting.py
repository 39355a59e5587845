"""Adapts a request to what an artist can do, or refuses it before the call."""

import io
import math
from collections.abc import Sequence
from dataclasses import replace

from PIL import Image

from engine.errors import BadInput, ProviderRejected
from engine.images import Control, ImageRequest, Picture
from engine.providers.registry import Draws, Sizes


def fitted(request: ImageRequest, draws: Draws, artist: str) -> ImageRequest:
    """The request as this artist can draw it: an allowed size, and words for a negative prompt that it does not know.

    Raises `ProviderRejected` for pictures that it cannot use: without them it would draw something else for the same
    money. Raises `BadInput` for a mask that fits no source.
    """
    room = _room(request, draws)
    if len(request.references) > room:
        raise ProviderRejected(_too_many(artist, "reference picture", len(request.references), room))
    if request.source is not None and not draws.source:
        raise ProviderRejected(f"{artist} cannot change a picture that is there.")
    if request.mask is not None and not draws.mask:
        raise ProviderRejected(f"{artist} cannot change a part of a picture.")
    if len(request.control) > draws.controls:
        raise ProviderRejected(_too_many(artist, "ControlNet unit", len(request.control), draws.controls))
    if request.mask is not None:
        _agree(request.mask, request.source)
    prompt, negative = request.prompt, request.negative
    if negative and not draws.negative:
        prompt, negative = f"{prompt.rstrip()}\nAvoid: {negative}", ""
    width, height = size_for(request.width, request.height, draws.sizes)
    return replace(request, prompt=prompt, negative=negative, width=width, height=height)


def accompanied(request: ImageRequest, pictures: Sequence[Picture], draws: Draws) -> ImageRequest:
    """The request with as many of the panel's pictures as the artist takes, the first ones first.

    The request itself does not ask for them, so an artist that cannot use them draws without.
    """
    if len(request.control) < draws.controls:
        led = [Control(one) for one in pictures if one.of == "control"]
        request = replace(request, control=(*request.control, *led)[: draws.controls])
    shown = [one for one in pictures if one.of in draws.shows]
    return replace(request, references=(*request.references, *shown)[: _room(request, draws)])


def _room(request: ImageRequest, draws: Draws) -> int:
    """How many reference pictures an artist takes with this request."""
    if draws.references_are_units:
        return max(min(draws.references, draws.controls - len(request.control)), 0)
    # A picture to change counts as one of the pictures that are sent.
    return max(draws.references - (request.source is not None), 0)


def size_for(width: int, height: int, sizes: Sizes) -> tuple[int, int]:
    """The nearest allowed size of the same shape, or of the nearest allowed shape."""
    widest = min(sizes.widest, sizes.most / sizes.least)
    aspect = min(max(width / height, 1 / widest), widest)
    # How wide a picture of this shape may be, by its sides and by its area.
    least = max(sizes.least * max(aspect, 1.0), math.sqrt(sizes.least_area * aspect))
    most = min(sizes.most * min(aspect, 1.0), math.sqrt(sizes.area * aspect))
    wanted = min(max(math.sqrt(width * height * aspect), least), most)
    near = [
        (wide, high)
        for wide in _around(wanted, sizes.step)
        for high in _around(wanted / aspect, sizes.step)
        if _allowed(wide, high, sizes)
    ]
    if not near:
        raise ProviderRejected(f"There is no size near {width} × {height} pixels that this artist draws.")
    return min(near, key=lambda one: abs(math.log(one[0] / one[1] / aspect)) + abs(math.log(one[0] / wanted)))


def _around(side: float, step: int) -> list[int]:
    below = int(side) // step * step
    return [below - step, below, below + step, below + 2 * step]


def _allowed(width: int, height: int, sizes: Sizes) -> bool:
    return (
        min(width, height) >= sizes.least
        and max(width, height) <= sizes.most
        and sizes.least_area <= width * height <= sizes.area
        and max(width, height) <= sizes.widest * min(width, height)
    )


def _agree(mask: Picture, source: Picture | None) -> None:
    if source is None:
        raise BadInput("A mask needs the picture whose part it shows.")
    try:
        with Image.open(io.BytesIO(mask.data)) as one, Image.open(io.BytesIO(source.data)) as other:
            if one.size != other.size:
                raise BadInput(
                    f"The mask has {one.width} × {one.height} pixels, the picture {other.width} × {other.height}."
                )
    except OSError as error:
        raise BadInput("The mask, or the picture it belongs to, cannot be read.") from error


def _too_many(artist: str, what: str, given: int, most: int) -> str:
    allowed = f"{artist} takes at most {most}" if most else f"{artist} takes none"
    return f"{given} {what}{'s' if given > 1 else ''} given: {allowed}."
