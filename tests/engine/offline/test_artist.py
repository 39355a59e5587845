"""The offline artist draws what the panel says, the same every time, and tells where everything is."""

import io
import itertools

import pytest
from PIL import Image, ImageChops, ImageStat

from engine.errors import BadInput
from engine.images import ImageRequest, ImageResult
from engine.offline.artist import OfflineArtist
from engine.offline.drawing.look import look_of
from engine.offline.drawing.things import thing_of
from models.story import Line, LineKind, PanelData, Profile, Shot

pytestmark = pytest.mark.unit

MARA = Profile(name="Mara", hair="long red hair", clothes="navy coat, grey trousers", age="34")
ILO = Profile(name="Ilo", age="9", hair="messy black hair", clothes="yellow raincoat")
PLACES = ["room", "kitchen", "library", "street", "forest", "sea", "harbour", "ship", "field", "mountain", "station"]
PLACES += ["school", "shop", "church", "cellar", "train", "hospital", "rooftop", "sky", "", "xyzzy", "日本の部屋"]


def request(
    panel: PanelData | None = None, seed: int = 1, size: tuple[int, int] = (320, 256), **more: object
) -> ImageRequest:
    made = {"model": "offline", "prompt": "a prompt", "negative": "", "width": size[0], "height": size[1], "seed": seed}
    return ImageRequest(**{**made, "panel": panel, **more})  # type: ignore[arg-type]


async def drawn(panel: PanelData | None = None, seed: int = 1, **more: object) -> ImageResult:
    return await OfflineArtist().draw(request(panel, seed, **more))  # type: ignore[arg-type]


def picture(result: ImageResult) -> Image.Image:
    with Image.open(io.BytesIO(result.data)) as opened:
        opened.load()
    return opened


def names(result: ImageResult, kind: str = "head") -> list[str]:
    return sorted(box.name for box in result.boxes if box.kind == kind)


@pytest.mark.parametrize("shot", list(Shot))
async def test_the_same_request_gives_the_same_bytes(shot: Shot) -> None:
    panel = PanelData(shot=shot, description="A letter", characters=[MARA, ILO], place="street", weather="rain")
    first, second = await drawn(panel), await drawn(panel)
    assert first == second
    assert first.media_type == "image/png"
    assert picture(first).size == (first.width, first.height) == (320, 256)


@pytest.mark.parametrize("shot", [shot for shot in Shot if shot is not Shot.INSERT])
@pytest.mark.parametrize("count", [0, 1, 2, 5, 30])
@pytest.mark.parametrize("size", [(320, 256), (192, 352), (400, 208)])
async def test_everybody_on_stage_is_drawn_and_nobody_else(shot: Shot, count: int, size: tuple[int, int]) -> None:
    cast = [Profile(name=f"N{number:02}") for number in range(count)]
    result = await drawn(PanelData(shot=shot, description="x", characters=cast), size=size)
    assert names(result) == [profile.name for profile in cast]
    for box in result.boxes:
        assert box.width > 0
        assert box.height > 0
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= 1.0001
        assert box.y + box.height <= 1.0001


@pytest.mark.parametrize("shot", list(Shot))
async def test_the_top_is_left_to_the_balloons(shot: Shot) -> None:
    panel = PanelData(shot=shot, description="x", characters=[MARA, ILO], dialogue=[Line(speaker="Ilo", text="Hm.")])
    for seed in range(4):
        result = await drawn(panel, seed)
        assert all(box.y > 0.25 for box in result.boxes if box.kind == "head")


async def test_another_seed_is_another_composition() -> None:
    for shot in Shot:
        panel = PanelData(shot=shot, description="A letter", characters=[MARA], place="street")
        pictures = [picture(await drawn(panel, seed)) for seed in range(4)]
        for one, other in itertools.combinations(pictures, 2):
            assert sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) > 3, shot


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("time", ["day", "night"])
async def test_every_place_can_be_drawn_by_day_and_by_night(place: str, time: str) -> None:
    result = await drawn(PanelData(shot=Shot.WIDE, description="", place=place, time=time, characters=[MARA]))
    assert len(picture(result).getcolors(1 << 24) or []) > 50


async def test_night_is_darker_than_day() -> None:
    def light(result: ImageResult) -> float:
        return ImageStat.Stat(picture(result).convert("L")).mean[0]

    for place in ("street", "room", "sea"):
        day, night = [await drawn(PanelData(description="", place=place, time=time)) for time in ("noon", "midnight")]
        assert light(night) < 0.8 * light(day)


async def test_who_speaks_first_stands_where_reading_begins() -> None:
    def left(result: ImageResult, name: str) -> float:
        return next(box.x for box in result.boxes if box.kind == "head" and box.name == name)

    shots = (Shot.WIDE, Shot.MEDIUM, Shot.OVER_THE_SHOULDER, Shot.CLOSE_UP)
    for (first, second), shot, seed in itertools.product((("Mara", "Ilo"), ("Ilo", "Mara")), shots, range(3)):
        lines = [Line(speaker=first, text="Well?"), Line(speaker=second, text="Well.", kind=LineKind.WHISPER)]
        panel = PanelData(shot=shot, description="x", characters=[MARA, ILO], dialogue=lines)
        result = await drawn(panel, seed)
        assert left(result, first) < left(result, second)
        result = await drawn(panel.model_copy(update={"direction": "rtl"}), seed)
        assert left(result, first) > left(result, second)


def test_a_look_depends_on_the_profile_alone_and_honours_its_words() -> None:
    assert look_of(MARA) == look_of(MARA.model_copy())
    look = look_of(MARA)
    assert look.hair_style == "long"
    assert look.garment == "coat"
    assert look.hair[0] > 150 > look.hair[2], "red hair"
    assert look.top[2] > look.top[0], "a navy coat"
    assert look_of(ILO).age == "child"
    assert look_of(Profile(name="A")) != look_of(Profile(name="B"))


async def test_a_sheet_shows_the_character_alone() -> None:
    result = await drawn(sheet=MARA)
    assert set(names(result)) == {"Mara"}
    assert names(result, "figure") == ["Mara"]
    assert result == await drawn(sheet=MARA)
    assert result.data != (await drawn(sheet=ILO)).data


@pytest.mark.parametrize("name", ["", " ", "灯台守", "👩‍🚀", "N\x01ul", "x" * 400, "שרה"])
async def test_odd_names_are_drawn_like_any_other(name: str) -> None:
    who = Profile(name=name)
    assert names(await drawn(PanelData(description="", characters=[who, who]))) == [name, name]
    assert set(names(await drawn(sheet=who))) == {name}


async def test_a_request_without_a_panel_still_gets_a_picture() -> None:
    assert picture(await drawn()).size == (320, 256)


async def test_an_insert_shows_a_thing_and_the_hand_of_who_is_there() -> None:
    result = await drawn(PanelData(shot=Shot.INSERT, description="An iron key", characters=[MARA]))
    assert names(result) == []
    assert names(result, "hand") == ["Mara"]
    assert (await drawn(PanelData(shot=Shot.INSERT, description="An iron key"))).boxes == []


@pytest.mark.parametrize("told", ["She can see it.", "He rose.", "In case it rains.", "Nobody spoke."])
async def test_an_insert_that_names_nothing_shows_the_place(told: str) -> None:
    """Rather no thing than a wrong one."""
    assert thing_of(told) == ""
    here, there = [
        await drawn(PanelData(shot=Shot.INSERT, description=told, characters=[MARA], place=place))
        for place in ("forest", "street")
    ]
    assert names(here, "hand") == ["Mara"]
    assert here.data != there.data


@pytest.mark.parametrize(("told", "kind"), [("An oil can", "can"), ("a red rose", "flower"), ("her boots", "shoe")])
def test_things_are_known_by_their_words(told: str, kind: str) -> None:
    assert thing_of(told) == kind


async def test_the_picture_says_what_it_is() -> None:
    result = await drawn(PanelData(description="x"))
    about = picture(result).info
    assert "offline artist" in about["Software"]
    assert "storyboard" in about["Comment"]
    assert result.parameters["artist"] == about["Software"]


@pytest.mark.parametrize("size", [(0, 10), (8, 64), (5000, 100)])
async def test_sizes_nobody_can_draw_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(BadInput):
        await drawn(PanelData(description="x"), size=size)
