"""The offline artist changes a picture: a part of it and not a pixel beside, or all of it from the same camera."""

import io
from dataclasses import replace

import pytest
from PIL import Image, ImageChops, ImageDraw

from engine.errors import BadInput, ProviderRejected
from engine.images import Control, ImageRequest, ImageResult, Picture
from engine.offline.artist import OfflineArtist
from models.story import Attributes, PanelData, Shot

pytestmark = pytest.mark.unit

MARA = Attributes(name="Mara", hair="long red hair", clothes="navy coat, grey trousers", age="34")
ILO = Attributes(name="Ilo", age="9", hair="messy black hair", clothes="yellow raincoat")
PANEL = PanelData(shot=Shot.WIDE, description="Mara waits for Ilo.", characters=[MARA, ILO], place="harbour")
SIZE = (320, 240)
REQUEST = ImageRequest(
    model="", prompt="a whole prompt " * 40, negative="", width=SIZE[0], height=SIZE[1], seed=4, panel=PANEL
)


async def draw(request: ImageRequest) -> ImageResult:
    return await OfflineArtist().draw(request)


def pixels(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as opened:
        opened.load()
    return opened


def encoded(picture: Image.Image, kind: str = "PNG") -> Picture:
    data = io.BytesIO()
    picture.save(data, kind)
    return Picture(data.getvalue())


def furthest(difference: Image.Image) -> int:
    """The largest difference of a pixel, in levels of 255."""
    return max(level for level, count in enumerate(difference.histogram()) if count)


def left_half(size: tuple[int, int] = SIZE) -> Image.Image:
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).rectangle((0, 0, size[0] // 2 - 1, size[1]), fill=255)
    return mask


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
@pytest.mark.parametrize("seed", [4, 11])
async def test_outside_of_the_mask_not_a_pixel_changes(mode: str, seed: int) -> None:
    """Whatever the kind of picture; inside it something else is to be seen."""
    drawn = pixels((await draw(REQUEST)).data).convert(mode)
    source, mask = encoded(drawn), left_half()
    changed = replace(REQUEST, prompt="Ilo sits on the ground and cries.", seed=seed, source=source, mask=encoded(mask))
    result = await draw(changed)
    after, before = pixels(result.data), drawn.convert("L" if mode == "L" else "RGB")
    difference = ImageChops.difference(after, before.convert(after.mode)).convert("L")
    assert difference.crop((SIZE[0] // 2, 0, *SIZE)).getextrema() == (0, 0)
    assert furthest(difference) > 60
    assert result == await draw(changed)


async def test_a_part_is_drawn_in_the_size_of_the_picture() -> None:
    """Scaling it would touch every pixel."""
    source = encoded(Image.new("RGB", (200, 150), "white"))
    result = await draw(replace(REQUEST, source=source, mask=encoded(left_half((200, 150)))))
    assert (result.width, result.height) == pixels(result.data).size == (200, 150)


async def test_a_changed_storyboard_is_seen_from_the_same_place() -> None:
    """Whoever is told of otherwise acts otherwise, and the sky above them is the same, again and again."""
    first = await draw(REQUEST)
    second = await draw(replace(REQUEST, prompt="Mara runs.", seed=99, source=Picture(first.data), strength=0.8))
    third = await draw(replace(REQUEST, prompt="Mara sits.", seed=7, source=Picture(second.data), strength=0.8))
    for one, other in ((first, second), (second, third)):
        difference = ImageChops.difference(pixels(one.data), pixels(other.data)).convert("L")
        assert difference.crop((0, 0, SIZE[0], SIZE[1] // 5)).getextrema() == (0, 0)
        assert furthest(difference) > 60
    fresh = await draw(replace(REQUEST, seed=99))
    sky = (0, 0, SIZE[0], SIZE[1] // 5)
    assert ImageChops.difference(pixels(first.data).crop(sky), pixels(fresh.data).crop(sky)).getbbox() is not None


async def test_below_half_the_strength_nobody_moves_without_a_word() -> None:
    first = await draw(REQUEST)
    second = await draw(replace(REQUEST, seed=99, source=Picture(first.data), strength=0.3))
    assert pixels(second.data).tobytes() == pixels(first.data).tobytes()


async def test_what_no_rules_drew_shows_through() -> None:
    """The less, the more freely it may be changed: not at all at 1, and nothing else at 0."""
    sketch = Image.new("RGB", SIZE, "white")
    ImageDraw.Draw(sketch).line((0, 0, *SIZE), fill="red", width=9)
    near = {
        strength: pixels((await draw(replace(REQUEST, source=encoded(sketch), strength=strength))).data)
        for strength in (0.0, 0.3, 0.9, 1.0)
    }
    far = [sum(ImageChops.difference(near[one], sketch).convert("L").histogram()[40:]) for one in (0.0, 0.3, 0.9)]
    assert far[0] == 0
    assert far == sorted(far)
    assert near[1.0].tobytes() == pixels((await draw(REQUEST)).data).tobytes()


async def test_boxes_are_where_things_are() -> None:
    """Inside the mask as newly drawn, outside as before; nobody twice who did not cross its edge."""
    before = await draw(REQUEST)
    mask = encoded(left_half())
    after = await draw(replace(REQUEST, prompt="Ilo jumps.", seed=31, source=Picture(before.data), mask=mask))
    kept = [box for box in before.boxes if box.x + box.width / 2 >= 0.5]
    assert kept
    assert [box for box in after.boxes if box.x + box.width / 2 >= 0.5] == kept


@pytest.mark.parametrize(
    ("more", "says"),
    [
        pytest.param({"control": (Control(encoded(Image.new("L", SIZE))),)}, "offline takes none", id="control"),
        pytest.param({"references": (encoded(Image.new("L", SIZE)),)}, "offline takes none", id="references"),
    ],
)
async def test_what_it_has_no_use_for_is_refused(more: dict[str, tuple[object, ...]], says: str) -> None:
    with pytest.raises(ProviderRejected, match=says):
        await draw(replace(REQUEST, **more))  # type: ignore[arg-type]  # rows of different kinds


async def test_a_source_must_be_a_picture_and_a_mask_must_fit_it() -> None:
    with pytest.raises(BadInput, match="picture to change cannot be read"):
        await draw(replace(REQUEST, source=Picture(b"no picture")))
    small = encoded(left_half((10, 10)))
    with pytest.raises(BadInput, match="The mask has 10 × 10 pixels"):
        await draw(replace(REQUEST, source=encoded(Image.new("RGB", SIZE)), mask=small))
