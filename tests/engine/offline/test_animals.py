"""Animals are told from people by their profiles, drawn as animals, and count as figures."""

import itertools

import pytest

from engine.offline.drawing.creatures import BREEDS, creature_of
from engine.offline.drawing.look import look_of
from engine.offline.drawing.panel_scene import draw_panel
from engine.offline.drawing.poses_from_text import pose_of
from engine.offline.drawing.sheet import draw_sheet
from engine.offline.drawing.verbs import deeds_of
from models.story import Line, PanelData, Profile, Shot

pytestmark = pytest.mark.unit

MARA = Profile(name="Mara", clothes="navy coat")
BISCUIT = Profile(name="Biscuit", role="Mara's dog", hair="brown and white coat", clothes="a red collar")
GERTRUDE = Profile(name="Gertrude", build="a mule, sturdy", hair="grey coat")
FOX, RAVEN = Profile(name="the fox"), Profile(name="The Old Raven")
ZOO = [BISCUIT, GERTRUDE, FOX, RAVEN]


@pytest.mark.parametrize(
    ("who", "kind"),
    [
        (BISCUIT, "dog"), (GERTRUDE, "mule"), (FOX, "fox"), (RAVEN, "raven"), (MARA, None),
        (Profile(name="Rex", role="the lighthouse keeper's old sheepdog"), "dog"),
        (Profile(name="Emil", build="ein alter Esel"), "mule"),
        (Profile(name="Noisette", role="une souris"), "mouse"),
        (Profile(name="Cock Robin", build="a robin, small"), "bird"),
        (Profile(name="Barnaby Fox"), None),
        (Profile(name="Mr Wolf"), None),
        (Profile(name="Robin"), None),
        (Profile(name="Fox", role="the boy from the mill"), None),
        (Profile(name="Tom", role="the dog's owner"), None),
        (Profile(name="Ann", role="a bird watcher"), None),
        (Profile(name="Jim", role="a man with a dog"), None),
        (Profile(name="Bo", face="eyes like a fox", clothes="a bear skin coat"), None),
    ],
)  # fmt: skip
def test_role_build_or_name_tell_an_animal(who: Profile, kind: str | None) -> None:
    creature = creature_of(who)
    assert (creature.kind if creature else None) == kind


def test_a_coat_is_what_the_profile_says_and_its_own_where_that_is_silent() -> None:
    biscuit = creature_of(BISCUIT)
    assert biscuit is not None
    assert biscuit.patches
    assert biscuit.collar is not None
    assert creature_of(BISCUIT.model_copy(update={"role": "a dog"})) == biscuit
    coats = {look_of(Profile(name=f"Rex {number}", role="a dog")).creature for number in range(9)}
    assert len({coat.coat for coat in coats if coat}) > 2


@pytest.mark.parametrize("shot", [shot for shot in Shot if shot is not Shot.INSERT])
@pytest.mark.parametrize("told", ["", "Biscuit runs. The fox sleeps.", "Mara hugs Biscuit. The raven flies."])
def test_animals_are_figures_with_their_heads_in_the_picture(shot: Shot, told: str) -> None:
    lines = [Line(speaker="the fox", text="Come down."), Line(speaker="The Old Raven", text="No.")]
    for cast, seed in itertools.product(([*ZOO, MARA], [MARA, BISCUIT], [FOX, RAVEN], [GERTRUDE]), range(3)):
        panel = PanelData(shot=shot, description=told, characters=cast, dialogue=lines, place="field")
        for size in ((320, 256), (200, 300)):
            _, boxes = draw_panel(panel, *size, seed)
            for kind in ("head", "figure"):
                assert sorted(box.name for box in boxes if box.kind == kind) == sorted(one.name for one in cast)
            for box in (box for box in boxes if box.kind == "head"):
                assert box.y > 0.2, (size, seed, box)
                assert box.x + box.width < 1.0001
                assert box.width > 0.01
            assert {box.name for box in boxes if box.kind == "hand"} <= {"Mara"}


@pytest.mark.parametrize("kind", list(BREEDS))
def test_every_kind_stands_sits_lies_and_runs_differently_and_has_a_sheet(kind: str) -> None:
    who = Profile(name="Pip", role=kind)
    pictures = [
        draw_panel(PanelData(shot=Shot.WIDE, description=f"Pip {deed}.", characters=[who]), 160, 128, 1)[0].tobytes()
        for deed in ("walks", "sits", "sleeps", "runs")
    ]
    assert len(set(pictures)) == 4
    sheet, boxes = draw_sheet(who, 192, 256, 1)
    assert sheet.size == (192, 256)
    assert {box.kind for box in boxes} == {"head", "figure"}


def test_whoever_hugs_a_dog_goes_down_to_it() -> None:
    panel = PanelData(shot=Shot.WIDE, description="Mara hugs Biscuit.", characters=[MARA, BISCUIT])
    deeds = deeds_of(panel)
    assert pose_of(panel, 0, 0.5, 1, deeds).stance == "kneel"
    assert pose_of(panel, 1, -0.5, 1, deeds).stance == "sit"


def test_an_insert_never_gives_an_animal_a_hand() -> None:
    panel = PanelData(shot=Shot.INSERT, description="A key", characters=[BISCUIT])
    assert draw_panel(panel, 128, 128, 1)[1] == []
    assert [
        box.name for box in draw_panel(panel.model_copy(update={"characters": [BISCUIT, MARA]}), 128, 128, 1)[1]
    ] == ["Mara"]
