"""What is OpenAI's own: edits, masks turned around, sizes, usage, names of models that are gone."""

import io
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from PIL import Image

from engine.errors import ProviderRejected
from engine.images import Control, ImageRequest, ImageResult, Picture
from engine.images.openai import OpenAIArtist
from engine.providers.usage import Tokens
from models.options import RenderSettings
from tests.fakes.openai import EDIT, GENERATE, OpenAI, picture
from tests.fakes.server import Answer
from tests.support.failing import KEY
from tests.support.image_requests import REQUEST, a_picture

pytestmark = pytest.mark.unit


@pytest.fixture
async def fake() -> AsyncIterator[OpenAI]:
    async with OpenAI() as running:
        yield running


async def draw(fake: OpenAI, request: ImageRequest) -> ImageResult:
    artist = OpenAIArtist(KEY, fake.base_url, 5.0)
    try:
        return await artist.draw(request)
    finally:
        await artist.close()


async def test_words_alone_are_a_generation(fake: OpenAI) -> None:
    result = await draw(fake, replace(REQUEST, settings=RenderSettings(quality="high")))
    (asked,) = fake.asked
    assert asked.path == GENERATE
    assert asked.json == {
        "model": "gpt-image-2.6-flare",
        "prompt": REQUEST.prompt,
        "n": 1,
        "size": "1024x768",
        "quality": "high",
        "output_format": "png",
    }
    assert result.parameters == {"model": "gpt-image-2.6-flare", "size": "1024x768", "quality": "high"}
    assert result.tokens == Tokens(input=50, output=1_056, image_output=1_056)


async def test_pictures_make_it_an_edit_the_source_first(fake: OpenAI) -> None:
    """The vendor applies a mask to the first picture, so the source leads and what things look like follows."""
    source, ada, bo = (a_picture(shade=shade) for shade in (10, 20, 30))
    result = await draw(fake, replace(REQUEST, source=source, references=(ada, bo)))
    assert fake.asked[0].path == EDIT
    assert fake.files == [("image[]", source.data), ("image[]", ada.data), ("image[]", bo.data)]
    assert result.tokens.image_input == 1_200


async def test_where_our_mask_is_white_theirs_is_transparent(fake: OpenAI) -> None:
    mask = Image.new("L", (64, 48), 0)
    mask.paste(255, (0, 0, 32, 48))
    data = io.BytesIO()
    mask.save(data, "PNG")
    await draw(fake, replace(REQUEST, source=a_picture(), mask=Picture(data.getvalue())))
    theirs = dict(fake.files)["mask"]
    with Image.open(io.BytesIO(theirs)) as sent:
        assert sent.size == (64, 48)
        assert sent.format == "PNG"
        alpha = sent.getchannel("A")
    assert alpha.crop((0, 0, 32, 48)).getextrema() == (0, 0)
    assert alpha.crop((32, 0, 64, 48)).getextrema() == (255, 255)


async def test_a_small_panel_is_drawn_in_an_allowed_size_of_its_shape(fake: OpenAI) -> None:
    result = await draw(fake, replace(REQUEST, width=480, height=640))
    assert result.width / result.height == pytest.approx(0.75, rel=0.03)
    assert result.width * result.height >= 655_360
    assert fake.asked[0].json["size"] == f"{result.width}x{result.height}"


async def test_what_to_avoid_is_said_in_words(fake: OpenAI) -> None:
    """There is no negative prompt; leaving it out would draw what was not wanted."""
    await draw(fake, replace(REQUEST, negative="text, frames"))
    assert fake.asked[0].json["prompt"] == f"{REQUEST.prompt}\nAvoid: text, frames"


@pytest.mark.parametrize("model", ["dall-e-2", "dall-e-3", "gpt-image-1"])
async def test_a_retired_model_is_refused_before_the_call(fake: OpenAI, model: str) -> None:
    with pytest.raises(ProviderRejected, match=f"no longer serves {model} since .* Use gpt-image-2.6-flare"):
        await draw(fake, replace(REQUEST, model=model))
    assert not fake.asked


async def test_what_it_cannot_do_is_said_before_the_call(fake: OpenAI) -> None:
    with pytest.raises(ProviderRejected, match="17 reference pictures given: openai takes at most 16"):
        await draw(fake, replace(REQUEST, references=(a_picture(),) * 17))
    with pytest.raises(ProviderRejected, match="1 ControlNet unit given: openai takes none"):
        await draw(fake, replace(REQUEST, control=(Control(a_picture()),)))
    assert not fake.asked


async def test_an_answer_without_usage_counts_nothing(fake: OpenAI) -> None:
    """Servers that speak the API without counting are no failure."""
    fake.next.append(Answer({**picture("1024x768").body, "usage": None}))
    assert (await draw(fake, REQUEST)).tokens == Tokens()


async def test_each_reference_says_whom_it_shows(fake: OpenAI) -> None:
    """By its number among the pictures that are sent, which the source leads; two people are kept apart."""
    ada = replace(a_picture(shade=20), of="character", shows="Ada, on the left")
    bo = replace(a_picture(shade=30), of="character", shows="Bo, on the right")
    quay = replace(a_picture(shade=40), of="place", shows="the place: the quay")
    await draw(fake, replace(REQUEST, references=(ada, bo, quay)))
    said = fake.fields["prompt"]
    assert said.startswith(REQUEST.prompt)
    for number, shown in enumerate((ada, bo, quay), 1):
        assert f"Image {number} shows {shown.shows}." in said
    assert "different people" in said
    await draw(fake, replace(REQUEST, source=a_picture(), references=(ada,)))
    said = fake.fields["prompt"]
    assert "Image 1 is the picture to change. Image 2 shows Ada, on the left." in said
    assert "different people" not in said
