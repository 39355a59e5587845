"""The protocol of every artist: a request in, a picture out, errors from `engine.errors`."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Protocol

from engine.providers.usage import Tokens
from models.options import RenderSettings
from models.story import Attributes, Box, PanelData

# What a reference picture shows; `control` leads the composition.
Of = Literal["", "character", "place", "panel", "control"]


@dataclass(frozen=True)
class Picture:
    """A picture that goes with a request: PNG, JPEG or WebP bytes, identified by their hash.

    A stored picture may be known by its hash before its bytes are read. For a reference, `shows` says in words who or
    what it shows; `across` is the part of the width, 0 to 1, in which a person stands.
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
    """One ControlNet unit: the lines, depth or pose that the drawing must follow.

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

    A model draws from the prompt. `data` says the same for the offline artist: a panel, or for a reference sheet the
    character's `sheet`.

    `references` show what things look like. `source` is a picture to change, by `strength` from 0 (not at all) to 1
    (freely), and only where `mask`, of the same size, is white. `control` leads the composition.
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

        Without `data` for an artist that draws from the prompt alone, because it never sees them.
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

    `seed` is the seed that was used, which may differ from the requested one. `may_be_flat`: a picture of a single
    colour is valid, as rules can draw one; a model that answers with one has failed.
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


# Receives the progress of the drawing, from 0 to 1.
Progress = Callable[[float], None]


def unheard(share: float) -> None:
    """Ignores the progress."""


class Artist(Protocol):
    """An artist. Raises only `engine.errors`; never retries on its own; does not block the event loop.

    When the call is cancelled, it stops what it can stop at the provider.
    """

    async def draw(self, request: ImageRequest, tell: Progress = unheard) -> ImageResult: ...

    async def close(self) -> None:
        """Close connections; nothing is drawn after that."""
