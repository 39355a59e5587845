"""Drafts differ, moods colour, styles choose between colour and tones."""

import io
import itertools

import pytest
from PIL import Image, ImageChops, ImageStat

from engine.images import ImageRequest
from engine.offline.artist import OfflineArtist
from engine.offline.drawing.panel_scene import draw_panel
from engine.offline.drawing.places import INDOORS, kind_of
from engine.offline.drawing.tones import asks_for_tones
from models.story import Line, PanelData, Profile, Shot

pytestmark = pytest.mark.unit

MARA, ILO = Profile(name="Mara", clothes="navy coat"), Profile(name="Ilo", age="9")
DIFFERENT = 24
PLACES = {
    "a school": "classroom", "the corner shop": "shop", "village church": "church", "castle": "church",
    "kitchen table": "kitchen",
    "cellar": "cave", "deep cave": "cave", "the train": "carriage", "train station": "station",
    "hospital": "ward", "rooftop": "rooftop", "deck of the ship": "ship", "churchyard": "field", "open sky": "sky",
}  # fmt: skip


def changed(one: Image.Image, other: Image.Image) -> float:
    """The share of pixels that differ visibly."""
    apart = ImageChops.difference(one.convert("L"), other.convert("L")).histogram()
    return sum(apart[DIFFERENT:]) / sum(apart)


@pytest.mark.parametrize(("shot", "share"), [(shot, 0.04 if shot is Shot.INSERT else 0.1) for shot in Shot])
def test_two_drafts_differ_visibly(shot: Shot, share: float) -> None:
    panel = PanelData(shot=shot, description="Mara shows a letter", characters=[MARA, ILO], place="street")
    drafts = [draw_panel(panel, 256, 256, seed)[0] for seed in range(6)]
    for one, other in itertools.combinations(drafts, 2):
        assert changed(one, other) > share


def test_drafts_are_staged_both_ways_round_but_speakers_stay_in_reading_order() -> None:
    def mara_first(panel: PanelData) -> set[bool]:
        found = set()
        for seed in range(12):
            heads = {box.name: box.x for box in draw_panel(panel, 128, 128, seed)[1] if box.kind == "head"}
            found.add(heads["Mara"] < heads["Ilo"])
        return found

    silent = PanelData(shot=Shot.WIDE, description="x", characters=[MARA, ILO])
    lines = [Line(speaker="Mara", text="Well?"), Line(speaker="Ilo", text="Well.")]
    for shot in (Shot.WIDE, Shot.MEDIUM, Shot.OVER_THE_SHOULDER):
        assert mara_first(silent.model_copy(update={"shot": shot})) == {True, False}
        assert mara_first(silent.model_copy(update={"shot": shot, "dialogue": lines})) == {True}


def test_moods_colour_the_light() -> None:
    def warmth(mood: str) -> float:
        panel = PanelData(shot=Shot.WIDE, description="", place="street", mood=mood)
        red, _, blue = ImageStat.Stat(draw_panel(panel, 128, 128, 1)[0]).mean
        return red - blue

    assert warmth("joyful") > warmth("") + 4 > warmth("") > warmth("lonely") + 4
    assert warmth("furious") > warmth("dread") + 8


@pytest.mark.parametrize(
    ("prompt", "tones"),
    [
        ("Manga, screentone. Wide shot, figures in full. A red door.", True),
        ("Black-and-white ink drawing. Close-up of a face.", True),
        ("monochrome. Medium shot.", True),
        ("Inked with a brush. Medium shot.", True),
        ("Comic panel, clean ink lines, flat colours. Medium shot.", False),
        ("Full-colour manga. Medium shot.", False),
        ("Watercolour. Wide shot, figures in full. A black and white cat.", False),
        ("", False),
    ],
)
def test_the_style_chooses_between_colour_and_tones(prompt: str, tones: bool) -> None:
    assert asks_for_tones(prompt) is tones


@pytest.mark.parametrize("shot", list(Shot))
async def test_black_and_white_has_no_colour_and_is_ink_on_paper(shot: Shot) -> None:
    panel = PanelData(shot=shot, description="a key", characters=[MARA], place="street", weather="rain", mood="angry")
    request = ImageRequest("offline", f"Manga. {shot.value} shot.", "", 256, 256, 3, panel)
    first, second = await OfflineArtist().draw(request), await OfflineArtist().draw(request)
    assert first == second
    with Image.open(io.BytesIO(first.data)) as opened:
        red, green, blue = opened.convert("RGB").split()
        greys = opened.convert("L").histogram()
    assert ImageChops.difference(red, green).getbbox() is None
    assert ImageChops.difference(green, blue).getbbox() is None
    assert sum(greys[:40]) / sum(greys) > 0.02
    assert sum(greys[216:]) / sum(greys) > 0.25
    coloured = await OfflineArtist().draw(ImageRequest("offline", "Colour. Wide shot.", "", 256, 256, 3, panel))
    assert first.boxes == coloured.boxes


async def test_a_sheet_in_a_black_and_white_style_has_no_colour() -> None:
    request = ImageRequest("offline", "Manga. Character sheet.", "", 256, 256, 3, sheet=MARA)
    with Image.open(io.BytesIO((await OfflineArtist().draw(request)).data)) as opened:
        assert opened.mode == "L"


@pytest.mark.parametrize(("place", "kind"), PLACES.items())
def test_places_are_told_apart(place: str, kind: str) -> None:
    assert kind_of(place, "") == kind


def test_each_kind_of_room_has_a_drawing_of_its_own() -> None:
    rooms = [
        draw_panel(PanelData(shot=Shot.ESTABLISHING, description="", place=kind), 160, 160, 1)[0]
        for kind in [*sorted(INDOORS - {"carriage", "ward"}), "train", "hospital"]
    ]
    for one, other in itertools.combinations(rooms, 2):
        assert changed(one, other) > 0.08
