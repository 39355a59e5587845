"""What a part is made from, and which change makes it another one."""

from types import SimpleNamespace
from typing import Any

import pytest

from engine import basis
from engine.store import drafts
from engine.store.drafts import Standing
from engine.tasks.dialogue.basis import PART as WORDS
from engine.tasks.part import PanelSource, PanelText, SceneSource
from engine.tasks.prompt.basis import PART as PROMPT
from engine.tasks.summary.basis import PART as SUMMARY
from engine.verdict import PartState, decide
from models.ids import new_id
from models.options import Choice, RenderSettings
from models.story import Attributes, Line, PanelData

pytestmark = pytest.mark.unit

INSTRUCTIONS = [("style", "Ink."), ("tone", "Dry."), ("do", "Show weather."), ("limit", "No blood.")]
MARA = Attributes(name="Mara", clothes="a blue coat")


def panel(**changed: Any) -> Any:
    values = {"description": "Mara waits.", "shot": "medium", "characters": ["Mara"], "notes": {}}
    return SimpleNamespace(**{**values, **changed})


def scene(**changed: Any) -> Any:
    values: dict[str, Any] = dict.fromkeys(("place", "time", "weather", "mood", "title", "gist", "summary"), "x")
    return SimpleNamespace(**{**values, "sentences": ["a"], "characters": ["Mara"], "max_panels": None, **changed})


def summary_inputs(instructions: basis.StandingInstructions) -> basis.Inputs:
    return SUMMARY.inputs(SceneSource(scene(), None, described=False, instructions=instructions))


def words_inputs(sentences: list[str], instructions: basis.StandingInstructions) -> basis.Inputs:
    return WORDS.inputs(PanelText(panel(), sentences, instructions))


def prompt_inputs(looks: Attributes, instructions: basis.StandingInstructions) -> basis.Inputs:
    return PROMPT.inputs(
        PanelSource(
            panel(),
            [],
            instructions,
            setting=scene(),
            location_looks="",
            on_stage=[looks],
            blocking={},
            style="",
        )
    )


@pytest.mark.parametrize(
    ("kind", "summary_changes", "words_change", "prompt_changes"),
    [("style", [], [], ["style"]), ("tone", ["instructions"], ["instructions"], []),
     ("dont", ["instructions"], ["instructions"], ["instructions"])],
    ids=["style", "tone", "don't"],
)  # fmt: skip
def test_an_instruction_concerns_what_its_kind_says(
    kind: str, summary_changes: list[str], words_change: list[str], prompt_changes: list[str]
) -> None:
    instructions = [*INSTRUCTIONS, (kind, "Otherwise.")]
    assert (
        basis.changed(summary_inputs(INSTRUCTIONS), summary_inputs(instructions)),
        basis.changed(words_inputs(["a"], INSTRUCTIONS), words_inputs(["a"], instructions)),
        basis.changed(prompt_inputs(MARA, INSTRUCTIONS), prompt_inputs(MARA, instructions)),
    ) == (summary_changes, words_change, prompt_changes)


def test_the_most_important_instruction_comes_first_and_counts_by_its_place() -> None:
    instructions = [("do", "First."), ("tone", "Never."), ("do", "Second.")]
    assert basis.concerning(basis.FOR_PROMPTS, instructions) == ["First.", "Second."]
    assert basis.changed(words_inputs([], instructions), words_inputs([], instructions[::-1])) == ["instructions"]


def test_looks_are_said_by_name() -> None:
    before = prompt_inputs(MARA, [])
    changed = MARA.model_copy(update={"clothes": "a red coat"})
    assert basis.changed(before, prompt_inputs(changed, [])) == ["looks of Mara"]


@pytest.mark.parametrize(
    ("there", "manual", "changed", "state", "stands"),
    [
        (False, False, [], PartState.MISSING, False),
        (False, False, ["text"], PartState.MISSING, False),
        (False, True, [], PartState.LEFT_EMPTY, False),
        (False, True, ["text"], PartState.LEFT_EMPTY, False),
        (True, False, [], PartState.CURRENT, True),
        (True, False, ["text"], PartState.STALE, False),
        (True, True, [], PartState.MANUAL, True),
        (True, True, ["text"], PartState.MANUAL, True),
    ],
)
def test_a_verdict_goes_by_presence_then_by_hand_then_by_change(
    there: bool, manual: bool, changed: list[str], state: PartState, stands: bool
) -> None:
    """The one rule for lists of stale parts, steps, artists and drafts; a manual edit says what it outweighs."""
    verdict = decide(there=there, manual=manual, changed=changed)
    assert (verdict.state, verdict.stands) == (state, stands)
    assert verdict.changed == (changed if there else [])


def picture(prompt: str = "p", artist: str = "offline", **data: Any) -> basis.Inputs:
    shown = PanelData(**{"description": "d", "characters": [MARA], **data})
    return basis.picture_inputs(prompt, "", shown, Choice(provider=artist), RenderSettings(), "page")


@pytest.mark.parametrize("artist", ["offline", "openai"])
def test_words_are_lettered_over_a_picture_and_change_it_not(artist: str) -> None:
    said = [Line(speaker="Mara", text="Wait!")]
    assert picture(artist=artist) == picture(artist=artist, dialogue=said, caption="Later.")


def test_a_storyboard_follows_the_scene_and_a_model_its_prompt() -> None:
    assert basis.changed(picture(), picture(weather="rain")) == ["scene"]
    assert basis.changed(picture(artist="openai"), picture(artist="openai", weather="rain")) == []


@pytest.mark.parametrize(
    ("drawn_by", "ordered", "prompt", "why"),
    [
        ("offline", "openai", "p", ["artist", "scene"]),
        ("openai", "offline", "p", []),
        ("openai", "offline", "q", ["prompt"]),
        ("openai", "local", "p", ["artist"]),
        ("offline", "offline", "p", []),
    ],
)
def test_a_storyboard_never_takes_the_place_of_a_picture(
    drawn_by: str, ordered: str, prompt: str, why: list[str]
) -> None:
    before, inputs = picture(artist=drawn_by), picture(prompt, ordered)
    assert basis.changed_picture(before, inputs, drawn_by, ordered) == why


def stood(*slots: int, **state: bool) -> list[Standing]:
    marks = {"fresh": True, "rejected": False, "brought": False, "mine": False, **state}
    return [Standing(id=new_id(), slot=slot, **marks) for slot in slots]


def placed(known: list[Standing], selected: Any, many: int) -> list[Any]:
    return [drafts.draft_or_slot(known, selected, number, many) for number in range(1, many + 1)]


def test_an_order_fills_the_slots_that_are_free() -> None:
    assert placed([], None, 3) == [1, 2, 3]
    (one,) = stood(1)
    assert placed([one], one.id, 3) == [2, 3, one.id]
    (two,) = stood(2)
    assert placed([two], two.id, 2) == [1, two.id]
    assert placed(stood(1, fresh=False), None, 2) == [1, 2]


def test_what_this_order_has_drawn_moves_no_slot() -> None:
    """Drafts are drawn side by side, each maybe twice: whichever comes first, each keeps its slot."""
    assert placed(stood(2, mine=True), None, 3) == [1, 2, 3]


def test_a_smaller_order_is_content_with_what_is_shown() -> None:
    first, second, third = stood(1, 2, 3)
    assert placed([first, second, third], third.id, 1) == [third.id]


def test_rejected_drafts_are_drawn_again_only_where_nothing_else_is_left() -> None:
    kept, rejected = stood(1), stood(2, rejected=True)
    assert placed([*kept, *rejected], kept[0].id, 2) == [kept[0].id, rejected[0].id]
    assert placed(rejected, None, 1) == [1]


def test_art_that_was_brought_along_is_all_that_is_wanted_while_it_is_shown() -> None:
    (art,) = stood(1, brought=True)
    assert placed([art], art.id, 2) == [art.id, art.id]
    assert placed([art], None, 1) == [1]
