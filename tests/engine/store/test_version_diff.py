"""Two versions of a chapter: every difference is named once, at its place, and nothing else is."""

from typing import Any
from uuid import UUID

import pytest

from engine.store.version_diff import compare
from models.version import KeptChapter, KeptCharacter, KeptPanel, KeptPicture, KeptScene

pytestmark = pytest.mark.unit


def id_of(number: int) -> UUID:
    return UUID(int=number)


def panel(number: int, **more: Any) -> KeptPanel:
    return KeptPanel(**{"id": id_of(number), "description": f"panel {number}", **more})


def scene(number: int, *panels: KeptPanel, **more: Any) -> KeptScene:
    return KeptScene(**{"id": id_of(number), "title": f"scene {number}", "panels": list(panels), **more})


def chapter(*scenes: KeptScene, **more: Any) -> KeptChapter:
    return KeptChapter(scenes=list(scenes), **more)


def told(before: KeptChapter, after: KeptChapter) -> list[tuple[Any, ...]]:
    return [
        (change.kind, change.what, change.scene, change.panel, change.field, change.before, change.after)
        for change in compare(before, after)
    ]


ONE = chapter(scene(10, panel(11), panel(12), panel(13)), scene(20, panel(21), panel(22)))


def test_nothing_changed_is_no_change() -> None:
    assert compare(ONE, ONE) == []


def test_every_field_of_a_panel_is_named_with_what_it_was_and_is() -> None:
    line = {"speaker": "Mara", "kind": "speech", "text": "Again?"}
    picture = KeptPicture(draft_id=id_of(1), image_id=id_of(2), sha256="a")
    values: dict[str, Any] = {
        "shot": "wide",
        "description": "other",
        "characters": ["Mara"],
        "dialogue": [line],
        "caption": "Midnight.",
        "prompt": "p",
        "negative": "n",
        "picture": picture,
    }
    assert values.keys() | {"id"} == KeptPanel.model_fields.keys(), "a new field is compared, too"
    after = chapter(scene(10, panel(11), panel(12, **values), panel(13)), ONE.scenes[1])
    changes = compare(ONE, after)
    assert {change.field for change in changes} == values.keys()
    assert {(change.kind, change.scene, change.panel, change.panel_id) for change in changes} == {
        ("changed", 1, 2, id_of(12))
    }
    assert {change.field: change.after for change in changes}["dialogue"] == [line]


def test_every_field_of_a_scene_of_the_cast_and_of_the_chapter_is_named() -> None:
    fields: dict[str, Any] = {
        "title": "t",
        "summary": "s",
        "place": "p",
        "time": "t",
        "weather": "w",
        "mood": "m",
        "characters": ["Mara"],
        "outfits": {"Mara": "an oilskin"},
    }
    assert fields.keys() | {"id", "panels"} == KeptScene.model_fields.keys()
    changes = compare(ONE, chapter(scene(10, *ONE.scenes[0].panels, **fields), ONE.scenes[1]))
    assert [change.field for change in changes] == list(fields)
    assert {(change.what, change.scene, change.panel) for change in changes} == {("scene", 1, None)}
    whole: dict[str, Any] = {"title": "Two", "summary": "s", "threads": ["Who?"], "text_sha256": "a"}
    assert whole.keys() | {"scenes", "characters"} == KeptChapter.model_fields.keys()
    assert [(change.what, change.field) for change in compare(chapter(), chapter(**whole))] == [
        ("chapter", name) for name in whole
    ]
    mara, ilo = KeptCharacter(id=id_of(1), name="Mara"), KeptCharacter(id=id_of(2), name="Ilo")
    taller = mara.model_copy(update={"profile": {"build": "tall"}, "sheet": "b"})
    again = ilo.model_copy(update={"id": id_of(3)})
    assert [
        (change.kind, change.name, change.field)
        for change in compare(chapter(characters=[mara, ilo]), chapter(characters=[taller, again]))
    ] == [("changed", "Mara", "profile"), ("changed", "Mara", "sheet")]
    assert [
        (change.kind, change.name) for change in compare(chapter(characters=[mara]), chapter(characters=[ilo]))
    ] == [("added", "Ilo"), ("removed", "Mara")]


def test_the_same_picture_of_another_draft_is_no_change() -> None:
    def showing(draft: int, sha256: str) -> KeptChapter:
        return chapter(
            scene(1, panel(2, picture=KeptPicture(draft_id=id_of(draft), image_id=id_of(draft), sha256=sha256)))
        )

    assert compare(showing(1, "a"), showing(2, "a")) == []
    (change,) = compare(showing(1, "a"), showing(2, "b"))
    assert (change.field, change.before["draft_id"], change.after["sha256"]) == ("picture", str(id_of(1)), "b")


def test_what_was_added_or_removed_moves_nothing_else() -> None:
    more = chapter(scene(10, panel(14), panel(11), panel(13)), scene(30), ONE.scenes[1])
    assert told(ONE, more) == [
        ("added", "panel", 1, 1, None, None, "panel 14"),
        ("removed", "panel", 1, 2, None, "panel 12", None),
        ("added", "scene", 2, None, None, None, {"title": "scene 30", "summary": "", "panels": 0}),
    ]
    assert told(more, ONE)[0] == ("removed", "panel", 1, 1, None, "panel 14", None)
    assert told(ONE, chapter(ONE.scenes[1])) == [
        ("removed", "scene", 1, None, None, {"title": "scene 10", "summary": "", "panels": 3}, None)
    ]


def test_a_move_names_the_one_that_was_moved_and_from_where_to_where() -> None:
    last_first = chapter(scene(10, panel(13), panel(11), panel(12)), ONE.scenes[1])
    assert told(ONE, last_first) == [("moved", "panel", 1, 1, None, {"scene": 1, "panel": 3}, {"scene": 1, "panel": 1})]
    across = chapter(scene(10, panel(11), panel(13)), scene(20, panel(21), panel(12, caption="x"), panel(22)))
    assert told(ONE, across) == [
        ("moved", "panel", 2, 2, None, {"scene": 1, "panel": 2}, {"scene": 2, "panel": 2}),
        ("changed", "panel", 2, 2, "caption", "", "x"),
    ]
    assert told(ONE, chapter(*reversed(ONE.scenes))) == [("moved", "scene", 1, None, None, {"scene": 2}, {"scene": 1})]


def test_an_outline_made_anew_with_the_same_scenes_is_hardly_a_change() -> None:
    """Other ids throughout: what says the same is the same, and what stands between the same is what was changed."""
    anew = chapter(
        scene(30, panel(31, description="panel 11"), panel(32, description="rewritten"), title="scene 10"),
        scene(35, title="a new one"),
        scene(40, panel(41, description="panel 21"), panel(42, description="panel 22"), title="scene 20"),
    )
    assert told(ONE, anew) == [
        ("changed", "panel", 1, 2, "description", "panel 12", "rewritten"),
        ("removed", "panel", 1, 3, None, "panel 13", None),
        ("added", "scene", 2, None, None, None, {"title": "a new one", "summary": "", "panels": 0}),
    ]


def test_all_alike_are_paired_in_their_order() -> None:
    """A storyboard where every panel says the same: one less is one less, at the end."""
    same = [panel(number, description="Rain.") for number in range(4)]
    anew = [panel(number + 50, description="Rain.") for number in range(3)]
    assert told(chapter(scene(9, *same)), chapter(scene(9, *anew))) == [("removed", "panel", 1, 4, None, "Rain.", None)]
