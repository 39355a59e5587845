"""The protocol every artist meets: one request in, one picture out, errors from `engine.errors`."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Protocol

from engine.providers.usage import Tokens
from models.options import RenderSettings
from models.story import Attributes, Box, PanelData

# What a picture that goes with a panel is of; `control` leads the composition.
Of = Literal["", "character", "place", "panel", "control"]


@dataclass(frozen=True)
class Picture:
    """A picture that goes with a request: PNG, JPEG or WebP bytes, known by their hash.

    One that is stored may be told of by its hash before its bytes are read. A reference says what it is of, and `shows`
    in words who or what that is; `across` is the part of the width, 0 to 1, in which somebody stands.
    """

    data: bytes = field(repr=False, compare=False)
    media_type: str = "image/png"
    sha256: str = ""
    of: Of = ""
    shows: str = ""
    across: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        if self.data or not self.sha256:
            object.__setattr__(self, "sha256", hashlib.sha256(self.data).hexdigest())


@dataclass(frozen=True)
class Control:
    """One ControlNet unit: what the picture's lines, depth or pose hold the drawing to.

    `weight` is 0 to 2; the unit works from `start` to `end` of the steps, both 0 to 1.
    """

    picture: Picture
    module: str = "none"
    model: str = ""
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0


@dataclass(frozen=True)
class ImageRequest:
    """One picture to draw: `width` × `height` pixels.

    The prompt is what a model draws from. Beside it lies the same thing as data, which the offline artist draws
    from: a panel, or for a reference sheet the character's `sheet`.

    `references` show what things look like. `source` is a picture to change, by `strength` from 0 (not at all) to 1
    (freely), and only where `mask`, of the same size, is white. `control` holds the composition.
    """

    model: str
    prompt: str
    negative: str
    width: int
    height: int
    seed: int
    panel: PanelData | None = None
    sheet: Attributes | None = None
    references: tuple[Picture, ...] = ()
    source: Picture | None = None
    mask: Picture | None = None
    strength: float = 0.75
    control: tuple[Control, ...] = ()
    settings: RenderSettings = field(default_factory=RenderSettings)

    def identity(self, *, data: bool) -> dict[str, Any]:
        """What makes two requests the same, as data for a digest: pictures by their hash.

        Without `data`, for an artist that draws from the prompt alone: what it does not see changes nothing.
        """
        seen = [one.name for one in fields(self) if data or one.name not in ("panel", "sheet")]
        return {name: _plain(getattr(self, name)) for name in seen}


def _plain(value: Any) -> Any:
    if isinstance(value, Picture):
        return [value.sha256, value.shows] if value.shows else value.sha256
    if isinstance(value, Control):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


@dataclass(frozen=True)
class ImageResult:
    """A finished picture: encoded bytes, what was drawn where, and the parameters that made it.

    `seed` is the one that was used, which may be another than the one asked for. `may_be_flat`: a picture of a single
    colour is meant, as it can be where rules draw; a model that answers with one has failed.
    """

    data: bytes
    media_type: str
    width: int
    height: int
    seed: int
    boxes: list[Box] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    tokens: Tokens = field(default_factory=Tokens)
    may_be_flat: bool = False


# Told how far the picture is, from 0 to 1, while it is drawn.
Progress = Callable[[float], None]


def unheard(share: float) -> None:
    """Nobody wants to know how far the picture is."""


class Artist(Protocol):
    """An artist. Raises `engine.errors` only; never retries on its own; does not block the event loop.

    When the call is cancelled, it stops what it can stop at the provider.
    """

    async def draw(self, request: ImageRequest, tell: Progress = unheard) -> ImageResult: ...

    async def close(self) -> None:
        """Let go of connections; nothing is drawn after that."""
