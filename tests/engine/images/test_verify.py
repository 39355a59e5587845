"""A picture is a result only if it is whole, what it says it is, and shows something."""

import io

import pytest
from PIL import Image, ImageDraw

from engine.errors import BadAnswer
from engine.images import ImageResult
from engine.images.verify import verify

pytestmark = pytest.mark.unit


def result(picture: Image.Image, *, may_be_flat: bool = False, kept: int | None = None) -> ImageResult:
    data = io.BytesIO()
    picture.save(data, "PNG")
    return ImageResult(
        data.getvalue()[:kept], "image/png", picture.width, picture.height, seed=1, may_be_flat=may_be_flat
    )


@pytest.mark.parametrize("colour", ["black", "white", (12, 200, 99)])
def test_a_single_colour_is_no_picture(colour: str | tuple[int, int, int]) -> None:
    """Models answer with black where they would not draw; it must never be kept as a success."""
    with pytest.raises(BadAnswer, match="a single colour"):
        verify(result(Image.new("RGB", (640, 480), colour)))


def test_noise_on_black_is_no_picture() -> None:
    noisy = Image.effect_noise((640, 480), 2).point(lambda level: max(level - 126, 0))
    with pytest.raises(BadAnswer, match="a single colour"):
        verify(result(noisy))


def test_what_is_transparent_all_over_is_no_picture() -> None:
    hidden = Image.merge("RGBA", [*[Image.linear_gradient("L")] * 3, Image.new("L", (256, 256), 0)])
    with pytest.raises(BadAnswer, match="a single colour"):
        verify(result(hidden))


def test_a_line_on_paper_is_a_picture() -> None:
    page = Image.new("L", (1024, 1024), 255)
    ImageDraw.Draw(page).line((100, 900, 900, 100), fill=0, width=3)
    verify(result(page))


@pytest.mark.parametrize("mode", ["1", "P", "L", "LA", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_is_looked_at(mode: str) -> None:
    shown = Image.linear_gradient("L")
    verify(result(shown.convert("RGB").quantize() if mode == "P" else shown.convert(mode)))
    with pytest.raises(BadAnswer, match="a single colour"):
        verify(result(Image.new(mode, (256, 256), 0)))


def test_a_dark_night_is_a_picture() -> None:
    verify(result(Image.linear_gradient("L").point(lambda level: level // 20).convert("RGB")))


def test_rules_may_draw_a_single_colour() -> None:
    verify(result(Image.new("RGB", (64, 64), "black"), may_be_flat=True))


def test_half_a_picture_is_none() -> None:
    with pytest.raises(BadAnswer, match="not a whole picture"):
        verify(result(Image.effect_noise((640, 480), 90), kept=5_000))
