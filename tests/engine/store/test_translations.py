"""Whether a translation still stands, and what of a chapter is asked for together."""

from uuid import UUID, uuid4

import pytest

from engine.digest import digest
from engine.store.translations import Standing, Worded, due, key_of, parts_of, title_state, translated
from models.story import Line, LineKind, PanelData
from models.tables import Chapter, Panel, Translation

pytestmark = pytest.mark.unit

SCENE = UUID(int=1)


def panel(caption: str = "Late.", *lines: str) -> Panel:
    said = [{"speaker": "Mara", "kind": "speech", "text": text} for text in lines]
    return Panel(id=uuid4(), project_id=UUID(int=2), scene_id=SCENE, position=0, caption=caption, dialogue=said)


def worded(own: Panel, made_from: str | None = None, *, manual: bool = False, scene: UUID = SCENE) -> Worded:
    """A panel with a translation, of the words that it has unless said otherwise; None: without one."""
    there = Translation(
        project_id=own.project_id,
        panel_id=own.id,
        language="de",
        made_from=key_of(own.caption, []) if made_from is None else made_from,
        manual=manual,
    )
    return Worded(scene, 0, own, None if made_from == "" else there)


@pytest.mark.parametrize(
    ("one", "state"),
    [
        pytest.param(worded(panel(), ""), Standing.MISSING, id="none"),
        pytest.param(worded(panel()), Standing.MADE, id="of these words"),
        pytest.param(worded(panel(), "other"), Standing.STALE, id="of others"),
        pytest.param(worded(panel(), "other", manual=True), Standing.PROTECTED, id="of others, by hand"),
        pytest.param(worded(panel(), manual=True), Standing.MADE, id="by hand"),
    ],
)
def test_a_translation_stands_for_the_words_it_was_made_from(one: Worded, state: Standing) -> None:
    assert one.state == state
    assert one.due is (state in (Standing.MISSING, Standing.STALE))


def test_who_says_it_and_how_is_no_word() -> None:
    """A whisper that becomes a shout is lettered otherwise, and needs no translator."""
    data = PanelData(description="", caption="Late.", dialogue=[Line(speaker="Joss", kind=LineKind.SHOUT, text="Go!")])
    one = Translation(
        project_id=uuid4(),
        panel_id=uuid4(),
        language="de",
        caption="Spät.",
        lines=[{"speaker": "Mara", "kind": "whisper", "text": "Los!"}],
        made_from="",
    )
    said = translated(data, one)
    assert (said.caption, said.dialogue) == ("Spät.", [Line(speaker="Joss", kind=LineKind.SHOUT, text="Los!")])
    # Of words that had another line, which a person keeps: then it is as they had it.
    kept = translated(data.model_copy(update={"dialogue": []}), one)
    assert [line.speaker for line in kept.dialogue] == ["Mara"]


def test_the_parts_of_a_long_scene_depend_on_its_own_words_alone() -> None:
    """Which of them are translated already moves no panel to another part: a part that is asked again is the same."""
    panels = [panel("word " * 100) for _ in range(20)]
    none, all_of = [worded(one, "") for one in panels], [worded(one) for one in panels]
    sizes = [len(part) for part in parts_of(none)]
    assert sizes == [len(part) for part in parts_of(all_of)]
    assert len(sizes) > 1
    assert sum(sizes) == len(panels)
    assert [len(part) for part in parts_of([worded(panel("word " * 5000), "")])] == [1]


def test_the_title_goes_along_with_the_first_scene() -> None:
    """Also where nothing else of it is due; a chapter that has none asks for none."""
    chapter = Chapter(project_id=uuid4(), position=0, title="Two Keys", source_text="")
    second = UUID(int=3)
    panels = [worded(panel()), worded(panel(), "", scene=second)]
    assert [(one.scene_id, one.parts, one.title) for one in due(chapter, "de", panels)] == [
        (SCENE, [0], True),
        (second, [0], False),
    ]
    chapter.titles = {"de": {"text": "Zwei Schlüssel", "made_from": digest("Two Keys")}}
    assert title_state(chapter, "de") == Standing.MADE
    assert [one.scene_id for one in due(chapter, "de", panels)] == [second]
    chapter.title = "Three Keys"
    assert title_state(chapter, "de") == Standing.STALE
    chapter.title = ""
    assert title_state(chapter, "de") == Standing.MADE


def test_words_that_are_about_to_be_others_are_counted() -> None:
    """Not those that a person has translated: they are kept."""
    chapter = Chapter(project_id=uuid4(), position=0, source_text="")
    mine, theirs = worded(panel()), worded(panel(), manual=True)
    assert due(chapter, "de", [mine, theirs]) == []
    assert due(chapter, "de", [theirs], {theirs.panel.id}) == []
    assert [one.parts for one in due(chapter, "de", [mine, theirs], {mine.panel.id})] == [[0]]
