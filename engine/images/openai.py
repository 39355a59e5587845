"""The artist for OpenAI Images: from words alone, or from words and pictures."""

import asyncio
import base64
import binascii
import io
from typing import Any

from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout, omit
from openai.types import ImagesResponse
from PIL import Image, ImageOps

from engine.errors import BadInput
from engine.images import ImageRequest, ImageResult, Picture, Progress, unheard
from engine.images.fitting import fitted
from engine.images.png_text import infotext, stamped
from engine.providers.failures import calling, lost, unusable
from engine.providers.model_facts import refuse_unfit
from engine.providers.registry import draws_of, find
from engine.providers.usage import reported

# Set here, because the SDK takes an empty environment variable for an address.
_HOME = "https://api.openai.com/v1"
_PROVIDER = find("images", "openai")
_DRAWS = draws_of("openai")
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


class OpenAIArtist:
    """Draws one picture per call. `timeout` is in seconds. There is no seed: the same request draws another picture."""

    def __init__(self, key: str, base_url: str | None, timeout: float) -> None:
        self._key = key
        self._seconds = timeout
        self._client = AsyncOpenAI(
            api_key=key,
            base_url=base_url or _HOME,
            max_retries=0,
            timeout=Timeout(timeout, connect=min(5.0, timeout)),
            # A redirect would send the question once more, and no ledger would know of it.
            http_client=DefaultAsyncHttpxClient(follow_redirects=False),
        )

    async def draw(self, request: ImageRequest, tell: Progress = unheard) -> ImageResult:
        """A PNG in the nearest size that the model draws."""
        model = request.model or _PROVIDER.default_model
        refuse_unfit("images", "openai", model)
        request = fitted(request, _DRAWS, "openai")
        pictures = [request.source, *request.references] if request.source else list(request.references)
        asked: dict[str, Any] = {
            "model": model,
            "prompt": _captioned(request),
            "n": 1,
            "size": f"{request.width}x{request.height}",
            "quality": request.settings.quality or omit,
            "output_format": "png",
        }
        if pictures:
            asked["image"] = [_file(number, one) for number, one in enumerate(pictures)]
        if request.mask:
            asked["mask"] = ("mask.png", await asyncio.to_thread(_transparent, request.mask), "image/png")
        send = self._client.images.edit if pictures else self._client.images.generate
        async with calling("openai", self._client.base_url.host, seconds=self._seconds, secrets=(self._key,)):
            answer = await send(**asked)
            return _result(answer, request, model)

    async def probe(self) -> None:
        """Ask for the list of models, which costs nothing."""
        async with calling("openai", self._client.base_url.host, seconds=self._seconds, secrets=(self._key,)):
            await self._client.models.list()

    async def close(self) -> None:
        await self._client.close()


def _captioned(request: ImageRequest) -> str:
    """The prompt with a caption for each picture: a model that gets faces without names may swap them."""
    first = 1 if request.source is None else 2
    said = [f"Image {number} shows {one.shows}." for number, one in enumerate(request.references, first) if one.shows]
    if not said:
        return request.prompt
    if request.source is not None:
        said.insert(0, "Image 1 is the picture to change.")
    people = {one.shows for one in request.references if one.of == "character"}
    apart = " They are different people: give nobody the looks of another." if len(people) > 1 else ""
    alone = "They show looks alone: take over faces, hair, clothes and places, not their poses, framing or background."
    return f"{request.prompt.rstrip()}\n{' '.join(said)} {alone}{apart}"


def _file(number: int, picture: Picture) -> tuple[str, bytes, str]:
    return f"{number}.{_ENDINGS.get(picture.media_type, 'png')}", picture.data, picture.media_type


def _transparent(mask: Picture) -> bytes:
    """Our mask, white where to draw, as theirs: a PNG that is transparent there and opaque elsewhere."""
    try:
        with Image.open(io.BytesIO(mask.data)) as opened:
            keep = ImageOps.invert(opened.convert("L"))
    except OSError as error:
        raise BadInput("The mask cannot be read.") from error
    theirs = Image.new("RGBA", keep.size)
    theirs.putalpha(keep.point(lambda level: 255 if level > 127 else 0))
    data = io.BytesIO()
    theirs.save(data, "PNG")
    return data.getvalue()


def _result(answer: ImagesResponse, request: ImageRequest, model: str) -> ImageResult:
    # The SDK builds its answers without validation: anything may be missing.
    if not isinstance(answer, ImagesResponse) or not answer.data or not answer.data[0].b64_json:
        raise lost("openai", "it holds no picture", answer)
    try:
        data = base64.b64decode(answer.data[0].b64_json)
        with Image.open(io.BytesIO(data)) as picture:
            width, height, media_type = picture.width, picture.height, picture.get_format_mimetype() or ""
    except (binascii.Error, OSError) as error:
        raise unusable("openai", f"no picture ({type(error).__name__})", answer) from None
    parameters = {"model": model, "size": f"{width}x{height}", "quality": answer.quality or request.settings.quality}
    text = infotext(request.prompt, "", **{name.capitalize(): value for name, value in parameters.items()})
    return ImageResult(
        data=stamped(data, text),
        media_type=media_type,
        width=width,
        height=height,
        seed=request.seed,
        parameters={name: value for name, value in parameters.items() if value},
        tokens=reported(
            answer.usage,
            input=("input_tokens",),
            output="output_tokens",
            image_input="input_tokens_details.image_tokens",
            image_output="output_tokens_details.image_tokens",
        ),
    )
