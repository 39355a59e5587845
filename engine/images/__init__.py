"""The protocol every artist meets: one request in, one picture out, errors from `engine.errors`."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from models.story import Box, PanelData, Profile


@dataclass(frozen=True)
class ImageRequest:
    """One picture to draw: `width` × `height` pixels.

    The prompt is what a model draws from. Beside it lies the same thing as data, which the offline artist draws
    from: a panel, or for a reference sheet the character's `sheet`.
    """

    model: str
    prompt: str
    negative: str
    width: int
    height: int
    seed: int
    panel: PanelData | None = None
    sheet: Profile | None = None


@dataclass(frozen=True)
class ImageResult:
    """A finished picture: encoded bytes, what was drawn where, and the parameters that made it."""

    data: bytes
    media_type: str
    width: int
    height: int
    seed: int
    boxes: list[Box] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    input_tokens: int = 0
    output_tokens: int = 0


class Artist(Protocol):
    """An artist. Raises `engine.errors` only; never retries on its own; does not block the event loop."""

    async def draw(self, request: ImageRequest) -> ImageResult: ...
