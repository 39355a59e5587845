"""Every artist keeps the protocol: the same failure means the same, whoever fails, and nothing is sent twice."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import pytest
from PIL import Image

from engine.errors import BadAnswer, ProviderBusy, ProviderError
from engine.images import Artist
from engine.images.local import LocalArtist
from engine.images.openai import OpenAIArtist
from engine.images.verify import verify
from tests.fakes import openai, stable_diffusion
from tests.fakes.server import Answer, Server, eventually
from tests.support.failing import KEY, Wrong, cases, nobody, told
from tests.support.image_requests import PROMPT, REQUEST

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class Vendor:
    """An adapter, a fake of its provider, and how that provider forms errors."""

    fake: Callable[[], Server]
    artist: Callable[[str, float], Artist]
    error: Callable[..., Answer]


VENDORS = {
    "openai": Vendor(
        fake=openai.OpenAI,
        artist=lambda url, seconds: OpenAIArtist(KEY, f"{url}/v1", seconds),
        error=openai.error,
    ),
    "local": Vendor(
        fake=stable_diffusion.StableDiffusion,
        artist=lambda url, seconds: LocalArtist(url, f"me:{KEY}", seconds),
        error=stable_diffusion.error,
    ),
}


@pytest.fixture
async def vendor(request: pytest.FixtureRequest) -> Vendor:
    return VENDORS[request.param]


@pytest.fixture
async def fake(vendor: Vendor) -> AsyncIterator[Server]:
    async with vendor.fake() as running:
        yield running


@pytest.fixture
async def artist(vendor: Vendor, fake: Server) -> AsyncIterator[Artist]:
    made = vendor.artist(fake.url, 10.0)
    yield made
    await made.close()


every_vendor = pytest.mark.parametrize("vendor", VENDORS, indirect=True)


@every_vendor
async def test_a_good_picture(vendor: Vendor, fake: Server, artist: Artist) -> None:
    """One request, one picture of the size asked for, with what made it beside it and in it."""
    result = await artist.draw(REQUEST)
    verify(result)
    assert (result.width, result.height, result.media_type) == (1024, 768, "image/png")
    assert result.parameters["model"]
    assert len(fake.paid) == 1
    with Image.open(io.BytesIO(result.data)) as picture:
        assert PROMPT in str(picture.info["parameters"])


@pytest.mark.parametrize(("vendor", "wrong"), cases(*VENDORS), indirect=["vendor"])
async def test_a_failure_means_the_same_everywhere(vendor: Vendor, fake: Server, wrong: Wrong) -> None:
    """The right error, when to try again, one request, and nothing of the key or the prompt in what is told."""
    artist = vendor.artist(fake.url, 0.4 if wrong.name == "too slow" else 10.0)
    fake.next.append(wrong.answer(vendor.error))
    with pytest.raises(ProviderError) as caught:
        await artist.draw(REQUEST)
    await artist.close()
    error = caught.value
    assert type(error) is wrong.means
    assert error.retry_after == pytest.approx(wrong.wait, abs=3) if wrong.wait else error.retry_after is None
    assert len(fake.paid) == 1
    assert KEY not in told(error)
    assert PROMPT not in told(error)
    assert len(error.detail) <= 500
    assert wrong.says in error.detail


@every_vendor
async def test_nobody_there(vendor: Vendor) -> None:
    """No connection is no sent call: it may be tried again for nothing."""
    artist = vendor.artist(nobody(), 5.0)
    with pytest.raises(ProviderBusy, match="cannot be reached"):
        await artist.draw(replace(REQUEST, model="inkXL"))
    await artist.close()


@every_vendor
async def test_what_is_no_picture_is_no_result(vendor: Vendor, fake: Server, artist: Artist) -> None:
    """An answer in the right form around something that cannot be opened."""
    junk = "bm8gcGljdHVyZQ=="
    fake.next.append(Answer({"created": 1, "data": [{"b64_json": junk}], "images": [junk], "info": "{}"}))
    with pytest.raises(BadAnswer):
        await artist.draw(REQUEST)


@every_vendor
async def test_cancelling_hangs_up(vendor: Vendor, fake: Server, artist: Artist) -> None:
    fake.next.append(Answer({}, delay=30))
    drawing = asyncio.create_task(artist.draw(REQUEST))
    await eventually(lambda: fake.paid)
    drawing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drawing
    await eventually(lambda: fake.broken_off)


@every_vendor
async def test_nothing_is_asked_of_a_closed_artist(vendor: Vendor, fake: Server) -> None:
    artist = vendor.artist(fake.url, 5.0)
    await artist.close()
    with pytest.raises((ProviderError, RuntimeError)):
        await artist.draw(REQUEST)
    assert not fake.asked
