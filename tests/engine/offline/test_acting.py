"""People do what the verbs of a panel say, face whom they speak to, and stay whole and in the picture."""

import itertools
import math
from dataclasses import replace

import pytest

from engine.offline.drawing.camera import view_of
from engine.offline.drawing.cast_layout import Actor, staged
from engine.offline.drawing.colours import light_of
from engine.offline.drawing.face import Expression, Head
from engine.offline.drawing.figure import draw_figure
from engine.offline.drawing.look import look_of
from engine.offline.drawing.panel_scene import draw_panel
from engine.offline.drawing.pen import Pen, Spot
from engine.offline.drawing.poses import NECK, STANCES, Pose, build_of
from engine.offline.drawing.poses_from_text import pose_of, stance_of
from engine.offline.drawing.verbs import Deed, deeds_of
from models.story import Line, PanelData, Profile, Shot

pytestmark = pytest.mark.unit

MARA = Profile(name="Mara", hair="long red hair", clothes="navy coat", age="34", props=["a brass lantern"])
ILO = Profile(name="Ilo", age="9", clothes="yellow raincoat")
FINCH = Profile(name="Barnaby Finch", age="70", clothes="brown suit", aliases=["the clockmaker"])
CAST = [MARA, ILO, FINCH]
PEOPLED = [shot for shot in Shot if shot is not Shot.INSERT]
FORMS = {
    "run": "run runs ran running flees fled",
    "sit": "sit sits sat sitting",
    "fall": "fall falls fell falling stumbled",
    "point": "point points pointed pointing",
    "embrace": "embrace embraces embraced embracing hug hugs hugged hugging",
    "kneel": "kneel kneels knelt kneeling kneeled",
    "lie": "lie lies lay lying",
    "sleep": "sleep sleeps slept sleeping asleep",
    "climb": "climb climbs climbed climbing",
    "jump": "jump jumps jumped jumping leaps leapt hopped",
    "dance": "dance dances danced dancing",
    "wave": "wave waves waved waving",
    "walk": "walk walks walked walking",
    "hold": "hold holds held holding carries carried reads",
}
TELLING = {
    "walk": "Mara walks.", "run": "Mara runs.", "sit": "Mara sat.", "kneel": "Mara knelt.", "fall": "Mara falls.",
    "lie": "Mara lay still.", "sleep": "Mara slept.", "jump": "Mara leapt.", "climb": "Mara climbs.",
    "dance": "Mara dances.",
    "embrace": "Mara embraces Ilo.", "push": "Mara shoves Ilo.", "turn away": "Mara turned her back.", "stand": "Mara.",
}  # fmt: skip


def panel(description: str, *, shot: Shot = Shot.WIDE, cast: list[Profile] = CAST, **more: object) -> PanelData:
    return PanelData.model_validate({"shot": shot, "description": description, "characters": cast, **more})


def on_stage(data: PanelData, seed: int = 1, size: tuple[int, int] = (400, 320)) -> dict[str, Actor]:
    return {actor.profile.name: actor for actor in staged(data, *size, view_of(data.shot, "", seed), seed)}


@pytest.mark.parametrize(("act", "form"), [(act, form) for act, forms in FORMS.items() for form in forms.split()])
def test_a_verb_is_known_in_every_form(act: str, form: str) -> None:
    assert Deed(act, 1) in deeds_of(panel(f"Ilo {form} by the door."))


@pytest.mark.parametrize(
    "told", ["Ilo turns away.", "Ilo turned quickly away.", "Ilo looks away.", "Ilo turned her back on them."]
)
def test_turning_away_is_one_deed(told: str) -> None:
    assert [deed.act for deed in deeds_of(panel(told))] == ["turn away"]


@pytest.mark.parametrize(
    ("told", "act"),
    [
        ("Ilo rennt zum Kai.", "run"), ("Ilo saß am Tisch.", "sit"), ("Ilo fällt.", "fall"),
        ("Ilo zeigt auf Mara.", "point"), ("Ilo umarmt Mara.", "embrace"), ("Ilo kniete.", "kneel"),
        ("Ilo wendet sich ab.", "turn away"), ("Mara und Ilo tanzen.", "dance"), ("Ilo schläft.", "sleep"),
        ("Ilo court vers le quai.", "run"), ("Ilo s'assoit.", "sit"), ("Ilo tomba.", "fall"),
        ("Ilo montre Mara.", "point"), ("Ilo embrasse Mara.", "embrace"), ("Ilo se détourne.", "turn away"),
        ("Mara et Ilo pleurent, Ilo dort.", "sleep"),
    ],
)  # fmt: skip
def test_verbs_are_known_in_german_and_french(told: str, act: str) -> None:
    assert (act, 1) in [(deed.act, deed.who) for deed in deeds_of(panel(told))]


@pytest.mark.parametrize("told", ["Ilo rennt nicht.", "Ilo ne court pas.", "La porte.", "Die Nacht fällt."])
def test_nouns_and_denials_abroad_are_no_deeds(told: str) -> None:
    assert deeds_of(panel(told)) == []


@pytest.mark.parametrize("told", ["Night falls.", "A run of luck.", "The wave breaks.", "Ilo does not run.", ""])
def test_nouns_weather_and_denials_are_no_deeds(told: str) -> None:
    assert deeds_of(panel(told)) == []


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("Runs along the quay.", [("run", 0)]),
        ("Mara watches while Ilo runs.", [("run", 1)]),
        ("Ilo falls. Finch kneels.", [("fall", 1), ("kneel", 2)]),
        ("The clockmaker sits.", [("sit", 2)]),
        ("Mara and Ilo run.", [("run", 0), ("run", 1)]),
        ("They dance.", [("dance", 0), ("dance", 1), ("dance", 2)]),
        ("Mara shoves Finch and Ilo falls.", [("push", 0), ("fall", 1)]),
    ],
)
def test_who_is_named_nearest_before_a_verb_does_it(told: str, expected: list[tuple[str, int]]) -> None:
    assert [(deed.act, deed.who) for deed in deeds_of(panel(told))] == expected


def test_every_stance_is_told_by_some_verb() -> None:
    assert set(TELLING) == set(STANCES)
    for stance, told in TELLING.items():
        assert stance_of(0, deeds_of(panel(told))) == stance


@pytest.mark.parametrize("shot", PEOPLED)
@pytest.mark.parametrize("stance", list(STANCES))
@pytest.mark.parametrize("count", [1, 3])
def test_whatever_people_do_all_are_drawn_once_with_their_heads_in_the_picture(
    shot: Shot, stance: str, count: int
) -> None:
    data = panel(TELLING[stance], shot=shot, cast=CAST[:count], place="street")
    for seed, size in itertools.product(range(2), [(200, 160), (120, 190)]):
        _, boxes = draw_panel(data, *size, seed)
        for kind in ("head", "figure"):
            assert sorted(box.name for box in boxes if box.kind == kind) == sorted(one.name for one in CAST[:count])
        for box in boxes:
            if box.kind == "head":
                assert 0 < box.x < box.x + box.width < 1, (seed, size, box)
                assert 0.2 < box.y < box.y + box.height < 1, (seed, size, box)


@pytest.mark.parametrize("shot", [Shot.ESTABLISHING, Shot.WIDE, Shot.MEDIUM])
@pytest.mark.parametrize("stance", list(STANCES))
def test_no_face_hides_another(shot: Shot, stance: str) -> None:
    for seed in range(6):
        _, boxes = draw_panel(panel(TELLING[stance], shot=shot), 160, 128, seed)
        heads = [box for box in boxes if box.kind == "head"]
        for one, other in itertools.combinations(heads, 2):
            across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            assert min(across / one.width, down / one.height) < 0.25, (seed, one, other)


@pytest.mark.parametrize("stance", ["run", "sit", "kneel", "walk", "lie", "dance"])
def test_who_stands_on_the_ground_ends_on_it(stance: str) -> None:
    """Figures of one panel share a ground: the feet of who acts are level with the feet of who does not."""
    _, boxes = draw_panel(panel(TELLING[stance], cast=CAST[:2]), 400, 320, 0)
    soles = [box.y + box.height for box in boxes if box.kind == "figure"]
    assert max(soles) - min(soles) < 0.06


def test_an_embrace_brings_two_together_and_nobody_else() -> None:
    for seed in range(4):
        heads = {name: actor.head for name, actor in on_stage(panel("Mara embraces Finch."), seed).items()}
        apart = abs(heads["Mara"].x - heads["Barnaby Finch"].x) / heads["Mara"].size
        assert 1.7 < apart < 2.3
        assert abs(heads["Ilo"].x - heads["Mara"].x) / heads["Mara"].size > 2.5


@pytest.mark.parametrize(
    "data",
    [
        panel("Mara points at Ilo."),
        panel("Mara speaks to Ilo."),
        panel("x", dialogue=[Line(speaker="Mara", text="Ilo, come here."), Line(speaker="Barnaby Finch", text="Hm.")]),
        panel("x", dialogue=[Line(speaker="Mara", text="Well?"), Line(speaker="Ilo", text="Well.")]),
    ],
)
def test_who_is_spoken_to_is_faced_and_looks_back(data: PanelData) -> None:
    for seed in range(8):
        actors = on_stage(data, seed)
        mara, ilo = actors["Mara"].head, actors["Ilo"].head
        side = 1 if ilo.x > mara.x else -1
        assert mara.facing * side > 0, seed
        assert ilo.facing * side < 0, seed


def test_who_turns_away_shows_their_back() -> None:
    assert on_stage(panel("Ilo turns away from Mara."))["Ilo"].stance.behind
    assert not on_stage(panel("Ilo turns away from Mara."))["Mara"].stance.behind


@pytest.mark.parametrize("told", ["Mara.", "Mara sits.", "Mara runs.", "Mara waves.", "Mara turns away."])
def test_what_a_character_carries_is_carried_in_every_panel(told: str) -> None:
    data = panel(told)
    for seed in range(4):
        assert pose_of(data, 0, 0.5, seed, deeds_of(data)).thing == "lamp"


def test_what_is_held_in_this_panel_is_what_the_panel_says() -> None:
    data = panel("Ilo holds up an iron key.")
    assert pose_of(data, 1, 0.5, 1, deeds_of(data)).thing == "key"


@pytest.mark.parametrize("stance", ["run", "sit", "kneel", "walk", "jump"])
@pytest.mark.parametrize("garment", ["dress", "robe", "coat"])
def test_a_skirt_is_one_cloth_over_both_thighs(stance: str, garment: str) -> None:
    """Between hip and knees there is cloth, and neither legs nor what is behind them."""
    backdrop, light = (255, 0, 255), light_of("", "")
    pen = Pen(600, 600, backdrop)
    look = replace(look_of(Profile(name="Iris", age="30", clothes=f"green {garment}")), stripes=False)
    draw_figure(pen, Head(300, 150, 40, 0.5), look, Expression(), Pose("up", "up", stance=stance), light)
    body, held = build_of(look), STANCES[stance]
    hip = Spot(300, 150 + NECK * 40, 40, turn=held.lean).at(0, body.hip - NECK)
    knees = [
        (hip[0] + math.sin(math.radians(thigh)) * body.leg * 40, hip[1] + math.cos(math.radians(thigh)) * body.leg * 40)
        for thigh, _ in (held.front or (0, 0), held.back)
    ]
    x, y = (sum(part) / 3 for part in zip(hip, *knees, strict=True))
    patch = pen.finished().crop((int(x) - 6, int(y) - 6, int(x) + 6, int(y) + 6))
    reds, greens, blues = (channel.getextrema() for channel in patch.split())
    assert reds[1] < 140, "no skin, no backdrop"  # type: ignore[operator]  # one band has one pair
    assert greens[1] > 90, "green cloth"  # type: ignore[operator]  # one band has one pair
    assert blues[1] < 140  # type: ignore[operator]  # one band has one pair


@pytest.mark.parametrize("shot", [Shot.ESTABLISHING, Shot.WIDE, Shot.MEDIUM])
def test_in_a_crowd_every_head_rises_over_the_heads_before_it(shot: Shot) -> None:
    cast = [Profile(name=f"N{number:02}", age="30", build="slim") for number in range(16)]
    for seed in range(4):
        _, boxes = draw_panel(panel("x", shot=shot, cast=cast), 400, 320, seed)
        heads = [box for box in boxes if box.kind == "head"]
        for one, other in itertools.combinations(heads, 2):
            across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            assert min(across / one.width, down / one.height) < 0.5, (seed, one, other)
