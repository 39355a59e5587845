"""Rules judge drafts: what a person would throw away at once gets less than what they would look at twice."""

import io
import random
from collections.abc import Sequence
from functools import partial

import pytest
from PIL import Image, ImageDraw, ImageFilter

from engine.images import ImageRequest
from engine.offline.artist import OfflineArtist
from engine.pages.weights import picture_size
from engine.pictures.scores import SCORERS, Scores, distance, score
from models.story import Box, Line, PanelData, Profile, Shot

pytestmark = pytest.mark.unit

SIZE = (1024, 768)


def scene(seed: int = 1, size: tuple[int, int] = SIZE) -> Image.Image:
    """A picture with ground, sky and things with outlines in it."""
    dice = random.Random(seed)
    picture = Image.new("RGB", size, (168, 190, 210))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, size[1] * 2 // 3, *size), fill=(120, 140, 90))
    for _ in range(40):
        x, y = dice.randrange(size[0]), dice.randrange(size[1])
        w, h = dice.randrange(20, 200), dice.randrange(20, 200)
        pen.rectangle((x, y, x + w, y + h), tuple(dice.randrange(256) for _ in range(3)), (20, 20, 20), 4)
    return picture


def judged(
    picture: Image.Image,
    format: str = "PNG",
    *,
    boxes: Sequence[Box] = (),
    wanted: tuple[int, int] | None = None,
    letters: int = 80,
    sisters: Sequence[str] = (),
) -> Scores:
    data = io.BytesIO()
    picture.save(data, format)
    return score(data.getvalue(), boxes=boxes, wanted=wanted or picture.size, letters=letters, sisters=sisters)


def test_the_same_bytes_get_the_same_scores_all_of_them_between_0_and_1() -> None:
    first, second = judged(scene()), judged(scene())
    assert first == second
    assert list(first.values) == list(SCORERS)
    assert all(0 <= value <= 1 for value in [*first.values.values(), first.total])
    assert len(first.fingerprint) == 16


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_the_more_blurred_the_less_sharp(format: str) -> None:
    sharp = scene()
    soft = [sharp, *(sharp.filter(ImageFilter.GaussianBlur(radius)) for radius in (1.5, 3, 6))]
    values = [judged(picture, format).values["sharpness"] for picture in soft]
    assert values[0] > 0.9
    assert values[-1] < 0.1
    assert values == sorted(values, reverse=True)
    assert values[1] < 0.8


def test_too_dark_and_too_bright_are_badly_exposed_and_paper_around_a_drawing_is_not() -> None:
    plain = scene()
    good = judged(plain).values["exposure"]
    assert good == 1
    assert judged(plain.point(lambda level: level // 12)).values["exposure"] < 0.3
    assert judged(plain.point(lambda level: 235 + level // 13)).values["exposure"] < 0.3
    drawing = Image.new("L", SIZE, 255)
    ImageDraw.Draw(drawing).rectangle((300, 200, 700, 700), (90,), (0,), 8)
    assert judged(drawing).values["exposure"] > 0.8


@pytest.mark.parametrize("colour", ["black", "white", "grey"])
def test_a_flat_picture_has_no_detail_and_the_lowest_total(colour: str) -> None:
    flat = judged(Image.new("RGB", SIZE, colour))
    assert flat.values["detail"] == 0
    assert flat.total < 0.5 < judged(scene()).total


def test_a_gradient_is_empty_although_it_has_every_level() -> None:
    assert judged(Image.linear_gradient("L").resize(SIZE)).values["detail"] < 0.1


def test_a_near_copy_of_a_sister_is_not_distinct_and_another_picture_is() -> None:
    first = judged(scene(1))
    again = scene(1).point(lambda level: min(255, level + 6)).resize((900, 675))
    copied = judged(again, "JPEG", sisters=[judged(scene(2)).fingerprint, first.fingerprint])
    assert distance(copied.fingerprint, first.fingerprint) <= 3
    assert copied.values["distinctness"] < 0.2
    other = judged(scene(2), sisters=[first.fingerprint])
    assert other.values["distinctness"] == 1
    assert copied.total < other.total
    assert first.values["distinctness"] == 1, "without sisters there is nothing to be like"


def test_heads_take_room_from_balloons_and_more_words_need_more() -> None:
    picture = scene()
    few = [Box(kind="head", name="Mara", x=0.45, y=0.4, width=0.1, height=0.15)]
    crowd = [Box(kind="head", x=x / 4, y=y / 4, width=0.25, height=0.25) for x in range(4) for y in range(4)]
    rooms = [judged(picture, boxes=boxes, letters=500).values["room"] for boxes in ([], few, crowd)]
    assert rooms[0] >= rooms[1] > rooms[2] == 0
    texts = [judged(picture, boxes=few, letters=letters).values["room"] for letters in (0, 400, 1500, 6000)]
    assert texts[0] == 1
    assert texts == sorted(texts, reverse=True)
    assert texts[-1] < 0.5


def test_busy_ground_is_worth_less_than_calm_ground() -> None:
    calm = Image.new("RGB", SIZE, (150, 150, 150))
    busy = Image.effect_noise(SIZE, 90)
    assert judged(busy, letters=900).values["room"] < judged(calm, letters=900).values["room"]


def test_boxes_that_reach_out_of_the_picture_count_inside_it() -> None:
    outside = [Box(kind="head", x=-0.5, y=0.9, width=3.0, height=0.5), Box(kind="figure", x=2, y=2, width=1, height=1)]
    assert 0 < judged(scene(), boxes=outside, letters=600).values["room"] <= 1


def test_the_further_from_the_panels_shape_the_less() -> None:
    wanted = [(1024, 768), (1100, 768), (768, 768), (768, 1024), (600, 1600)]
    values = [judged(scene(), wanted=size).values["aspect"] for size in wanted]
    assert values[0] == 1
    assert values == sorted(values, reverse=True)
    assert values[-1] == 0
    assert judged(scene(size=(512, 384)), wanted=(1024, 768)).values["aspect"] == 1, "the shape, not the size"


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA"])
def test_pictures_of_every_kind_are_judged_as_on_white_paper(mode: str) -> None:
    picture = scene().convert(mode)
    if mode == "RGBA":
        picture = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    marks = judged(picture)
    assert (marks.values["exposure"] < 0.1) is (mode == "RGBA"), "a picture that cannot be seen is an empty page"


def test_a_sliver_of_a_picture_is_judged_too() -> None:
    assert judged(Image.new("RGB", (2, 900), "grey"), wanted=(1, 1)).total < 0.6


@pytest.mark.parametrize("shot", [Shot.ESTABLISHING, Shot.MEDIUM, Shot.CLOSE_UP])
async def test_an_artists_own_draft_comes_before_what_was_spoiled(shot: Shot) -> None:
    panel = PanelData(
        shot=shot,
        description="Mara at the quay",
        characters=[Profile(name="Mara")],
        place="harbour",
        dialogue=[Line(speaker="Mara", text="Somebody has taken the boat, and the tide is coming in.")],
    )
    width, height = picture_size(panel, "page")
    asked = {"model": "offline", "prompt": "p", "negative": "", "width": width, "height": height, "panel": panel}
    drawn = await OfflineArtist().draw(ImageRequest(seed=3, **asked))  # type: ignore[arg-type]  # varied by name
    with Image.open(io.BytesIO(drawn.data)) as opened:
        picture = opened.convert("RGB")
    judge = partial(judged, boxes=drawn.boxes, wanted=(width, height), letters=len(panel.dialogue[0].text))
    good = judge(picture)
    spoiled = {
        "soft": judge(picture.filter(ImageFilter.GaussianBlur(4))),
        "cut": judge(picture.crop((0, 0, width // 3, height))),
        "copied": judge(picture, sisters=[good.fingerprint]),
        "dark": judge(picture.point(lambda level: level // 16)),
        "empty": judge(Image.new("RGB", (width, height), "white")),
    }
    assert good.total > 0.9
    assert all(bad.total < good.total - 0.1 for bad in spoiled.values()), spoiled
    assert spoiled["empty"].total == min(bad.total for bad in spoiled.values())
