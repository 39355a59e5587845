"""Each rule of each task's check, with the smallest answer that breaks it."""

from typing import Any

import pytest

from engine.tasks.dialogue import task as dialogue
from engine.tasks.outline import task as outline
from engine.tasks.panels import task as panels
from engine.tasks.profile import task as profile
from engine.tasks.prompt import task as prompt
from engine.tasks.summary import task as summary
from models.story import Line, Profile, Shot

pytestmark = pytest.mark.unit

CHAPTER = outline.In(first=10, paragraphs=["One.", "Two.", "***", "Three."])


def scene(first: int, last: int, **changes: str) -> outline.Scene:
    return outline.Scene(**{"title": "T", "gist": "G", **changes}, first=first, last=last)


@pytest.mark.parametrize(
    ("scenes", "says"),
    [
        pytest.param([scene(10, 11), scene(12, 13)], None, id="covers the window"),
        pytest.param([scene(10, 13)], None, id="one scene"),
        pytest.param([], "must end at paragraph 13", id="no scene"),
        pytest.param([scene(11, 13)], "must begin at paragraph 10", id="gap at the start"),
        pytest.param([scene(10, 10), scene(12, 13)], "scene 2 must begin at paragraph 11", id="gap"),
        pytest.param([scene(10, 11), scene(11, 13)], "scene 2 must begin at paragraph 12", id="overlap"),
        pytest.param([scene(10, 12)], "must end at paragraph 13, not 12", id="the end is missing"),
        pytest.param([scene(10, 14)], "must end at paragraph 13, not 14", id="beyond the end"),
        pytest.param([scene(10, 11), scene(12, 12), scene(13, 13)], "scene 2 has no text", id="only a separator"),
        pytest.param([scene(10, 13, title=" ")], "needs a title", id="no title"),
        pytest.param([scene(10, 13, gist="g" * 301)], "one line", id="a gist too long"),
    ],
)
def test_scenes(scenes: list[outline.Scene], says: str | None) -> None:
    expect(outline.check(CHAPTER, outline.Out(scenes=scenes)), says)


def test_scenes_are_no_more_than_asked_for_and_otherwise_no_longer_than_a_workflow_bears() -> None:
    two = outline.Out(scenes=[scene(10, 11), scene(12, 13)])
    expect(outline.check(CHAPTER.model_copy(update={"max_scenes": 1}), two), "at most 1")
    long = outline.In(paragraphs=["word " * 900, "word " * 900])
    whole = outline.Out(scenes=[scene(0, 1)])
    expect(outline.check(long, whole), "1,200 words")
    expect(outline.check(long.model_copy(update={"max_scenes": 1}), whole), None)


@pytest.mark.parametrize(
    ("threads", "says"),
    [
        pytest.param([], None, id="nothing is left open"),
        pytest.param(["Who?"] * 8, None, id="eight"),
        pytest.param(["Who?"] * 9, "name the 8", id="more"),
        pytest.param(["w" * 200], None, id="a line"),
        pytest.param(["w" * 201], "at most 200", id="more than a line"),
        pytest.param([" "], "one sentence", id="nothing said"),
    ],
)
def test_threads(threads: list[str], says: str | None) -> None:
    expect(outline.check(CHAPTER, outline.Out(scenes=[scene(10, 13)], threads=threads)), says)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        pytest.param({"summary": "Ada waits."}, None, id="accepted"),
        pytest.param({"summary": " "}, "empty", id="no summary"),
        pytest.param({"summary": "s" * 801}, "at most 800", id="a summary too long"),
        pytest.param({"summary": "S.", "place": "p" * 121}, "place is too long", id="a place too long"),
        pytest.param({"summary": "S.", "characters": ["Ada", "Tom"]}, None, id="known, and named in the text"),
        pytest.param({"summary": "S.", "characters": ["Eve"]}, "nobody called Eve", id="invented"),
        pytest.param({"summary": "S.", "characters": ["Ada", "Ada"]}, "twice", id="twice"),
    ],
)
def test_summaries(answer: dict[str, Any], says: str | None) -> None:
    data = summary.In(sentences=["Tom waits."], known_characters=["Ada"])
    expect(summary.check(data, summary.Out(**answer)), says)


ADA = Profile(
    name="Ada",
    age="thirty",
    build="tall",
    hair="red hair",
    face="freckles",
    clothes="a blue coat",
    props=["a lamp"],
    colours=["blue"],
)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({}, None, id="accepted"),
        pytest.param({"name": "Eve"}, "must be of Ada", id="somebody else"),
        *[pytest.param({field: " "}, f"{field} is empty", id=f"no {field}") for field in profile.FIXED],
        pytest.param({"hair": "h" * 161}, "hair has 161", id="an attribute too long"),
        pytest.param({"colours": []}, "colours", id="no colours"),
        pytest.param({"props": ["x"] * 5}, "four props", id="too many props"),
    ],
)
def test_profiles(changes: dict[str, Any], says: str | None) -> None:
    answer = profile.Out(profile=ADA.model_copy(update=changes))
    expect(profile.check(profile.In(name="Ada"), answer), says)


def panel(first: int, last: int, shot: Shot = Shot.WIDE, **changes: Any) -> panels.Panel:
    return panels.Panel(**{"description": "Ada waits.", **changes}, first=first, last=last, shot=shot)


SCENE = panels.In(first=5, sentences=["Ada waits.", '"Go!" said Tom.', "Ada goes."], characters=["Ada", "Tom"])


@pytest.mark.parametrize(
    ("found", "says"),
    [
        pytest.param([panel(5, 5), panel(6, 7)], None, id="accepted"),
        pytest.param([], "must end at sentence 7", id="no panel"),
        pytest.param([panel(6, 7)], "must begin at sentence 5", id="gap at the start"),
        pytest.param([panel(5, 5), panel(7, 7)], "panel 2 must begin at sentence 6", id="gap"),
        pytest.param([panel(5, 6), panel(6, 7)], "panel 2 must begin at sentence 7", id="overlap"),
        pytest.param([panel(5, 8)], "must end at sentence 7, not 8", id="beyond the end"),
        pytest.param([panel(5, 7, description="")], "no description", id="nothing to draw"),
        pytest.param([panel(5, 7, characters=["Eve"])], "not a character of the scene: Eve", id="a stranger"),
        pytest.param([panel(5, 5), panel(6, 6), panel(7, 7)], "three shots alike", id="monotony"),
        pytest.param([panel(5, 5), panel(6, 6, Shot.MEDIUM), panel(7, 7)], None, id="variety"),
    ],
)
def test_panels(found: list[panels.Panel], says: str | None) -> None:
    expect(panels.check(SCENE, panels.Out(panels=found)), says)


def test_the_shot_before_the_window_counts_as_one_of_three() -> None:
    two = panels.Out(panels=[panel(5, 5), panel(6, 7)])
    expect(panels.check(SCENE.model_copy(update={"last_shot": Shot.WIDE}), two), "three shots alike")


def test_a_panel_leaves_room_for_the_picture_unless_panels_are_scarce_or_the_sentence_is_one() -> None:
    data = panels.In(sentences=["A" + "a" * 250 + "."] * 2)
    together = panels.Out(panels=[panel(0, 1)])
    expect(panels.check(data, together), "too much text")
    expect(panels.check(data.model_copy(update={"max_panels": 1}), together), None)
    expect(panels.check(panels.In(sentences=["a" * 900]), panels.Out(panels=[panel(0, 0)])), None)
    chatter = panels.In(sentences=['"Yes." "No."'] * 3)
    expect(panels.check(chatter, panels.Out(panels=[panel(0, 2)])), "too much text")
    apart = panels.Out(panels=[panel(0, 0), panel(1, 1), panel(2, 2, Shot.MEDIUM)])
    expect(panels.check(data.model_copy(update={"sentences": ["a"] * 3, "max_panels": 2}), apart), "at most 2")


TALK = dialogue.In(
    characters=["Ada"],
    cast=["Ada", "Tom"],
    sentences=["The lamp went out.", '"Go," said Tom. "Go now!"', "Ada ran."],
    max_caption_chars=40,
)


def lines(*texts: str, speaker: str = "Tom") -> list[Line]:
    return [Line(speaker=speaker, text=text) for text in texts]


@pytest.mark.parametrize(
    ("said", "caption", "says"),
    [
        pytest.param(lines("Go,", "Go now!"), "The lamp went out.", None, id="accepted"),
        pytest.param(lines("Go,", "Go", "now!"), "", None, id="a quote in two lines"),
        pytest.param(lines("Go,", "Go now!"), "The lamp went out. Ada ran.", None, id="two sentences of the text"),
        pytest.param(lines("Go,"), "", "missing or changed", id="a quote is missing"),
        pytest.param([], "", "missing or changed", id="every quote is missing"),
        pytest.param(lines("Go,", "Go quickly!"), "", "missing or changed", id="a quote is changed"),
        pytest.param(lines("Go now!", "Go,"), "", "exactly once", id="the order is changed"),
        pytest.param(lines("Go,", "Go now!", "Go now!"), "", "exactly once", id="a quote is told twice"),
        pytest.param(lines("Go,", "Go now!", "Run!"), "", "exactly once", id="a line is invented"),
        pytest.param(lines("Go,", "Go now!", speaker="Eve"), "", "not in the cast", id="an unknown speaker"),
        pytest.param(lines("Go,", "Go now!", speaker=""), "", None, id="nobody known speaks"),
        pytest.param(lines("Go,", "Go now!"), "It was midnight.", "whole sentences", id="a caption is invented"),
        pytest.param(lines("Go,", "Go now!"), "Go now!", "whole sentences", id="a quote in the caption"),
        pytest.param(
            lines("Go,", "Go now!"), "Ada ran. The lamp went out.", "whole sentences", id="captions reordered"
        ),
        pytest.param(lines("Go,", "Go now!"), "The lamp…", None, id="a caption broken off"),
        pytest.param(lines("Go,", "Go now!"), "The lamp.", "whole sentences", id="a sentence cut unmarked"),
        pytest.param(lines("Go,", "Go now!"), "c" * 41, "41 characters", id="a caption too long"),
    ],
)
def test_dialogue(said: list[Line], caption: str, says: str | None) -> None:
    expect(dialogue.check(TALK, dialogue.Out(lines=said, caption=caption)), says)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        pytest.param(lines("Go now!"), None, id="some lines are chosen"),
        pytest.param([], None, id="none are"),
        pytest.param(lines("Go,", "Go now!"), "at most 1", id="too many"),
        pytest.param(lines("Go away!"), "not a quoted line", id="invented"),
    ],
)
def test_condensed_dialogue(said: list[Line], says: str | None) -> None:
    data = TALK.model_copy(update={"condensed": True, "max_lines": 1})
    expect(dialogue.check(data, dialogue.Out(lines=said)), says)


def test_a_line_fits_its_balloon() -> None:
    data = dialogue.In(sentences=['"' + "word " * 40 + '"'])
    expect(dialogue.check(data, dialogue.Out(lines=lines("word " * 40, speaker=""))), "at most 140")


def test_lines_that_a_director_asks_for_can_be_lettered() -> None:
    """The writer is asked again, with what is wrong: what cannot be lettered is never stored."""
    data = dialogue.In(sentences=["Ada ran."], directions="more talk")
    expect(dialogue.check(data, dialogue.Out(lines=lines(*["word " * 25] * 33, speaker=""))), "at most 4,000")


DRAWN = "Wide shot. Ada (thirty; tall; red hair; freckles; a blue coat; a lamp) waits."


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(DRAWN, None, id="accepted"),
        pytest.param("", "empty", id="nothing"),
        pytest.param(DRAWN.replace("Ada", "She"), "Ada is on stage", id="somebody unnamed"),
        pytest.param(DRAWN.replace("red hair", "hair"), "hair must be given word for word", id="attribute changed"),
        pytest.param(DRAWN + " Tom waves.", "Tom is not on stage", id="somebody absent"),
        pytest.param(DRAWN + " Tomatoes lie about.", None, id="a name is a whole word"),
        pytest.param(DRAWN + "x" * 4000, "at most 4000", id="too long"),
    ],
)
def test_prompts(text: str, says: str | None) -> None:
    data = prompt.In(description="Ada waits.", characters=[ADA], absent=["Tom"])
    expect(prompt.check(data, prompt.Out(prompt=text)), says)


def test_a_name_within_the_name_of_somebody_on_stage_is_not_a_mention() -> None:
    data = prompt.In(
        description="", characters=[Profile(name="Ada Reed", clothes="Tom's old coat")], absent=["Ada", "Tom"]
    )
    expect(prompt.check(data, prompt.Out(prompt="Ada Reed (Tom's old coat)")), None)
    expect(prompt.check(data, prompt.Out(prompt="Ada Reed (Tom's old coat) and Ada")), "Ada is not on stage")


def test_a_crowd_is_described_in_full_even_beyond_the_usual_length() -> None:
    crowd = [ADA.model_copy(update={"name": f"Ada {number}"}) for number in range(100)]
    data = prompt.In(description="A crowd.", characters=crowd)
    text = "; ".join(who.sentence() for who in crowd)
    assert len(text) > prompt.LONGEST_PROMPT
    expect(prompt.check(data, prompt.Out(prompt=text)), None)


def expect(notes: list[str], says: str | None) -> None:
    if says is None:
        assert notes == []
    else:
        assert any(says in note for note in notes), notes


@pytest.mark.parametrize(
    ("outfit", "says"),
    [
        pytest.param({}, None, id="accepted"),
        pytest.param({"quote": "TOM  put on a red coat"}, None, id="whatever its case and blanks"),
        pytest.param({"clothes": "without a coat", "quote": "a red coat"}, None, id="something off"),
        pytest.param({"character": "Ada"}, "Ada is not among", id="of somebody else"),
        pytest.param({"clothes": "a "}, "say what Tom wears", id="no clothes"),
        pytest.param({"clothes": "a blue coat"}, "does not say blue", id="an invented colour"),
        pytest.param({"quote": "in a red coat"}, "word for word", id="an invented quote"),
        pytest.param({"clothes": "a robe", "quote": ""}, None, id="what he came in"),
        pytest.param({"clothes": "c" * 121}, "too long", id="clothes too long"),
    ],
)
def test_outfits(outfit: dict[str, str], says: str | None) -> None:
    """Clothes change only by words of the text, or stay as they were when the scene began."""
    data = summary.In(sentences=["Tom put on\na red coat."], cast=["Tom", "Ada"], worn={"Tom": "a robe"})
    given = {"character": "Tom", "clothes": "a red coat", "quote": "put on a red coat", **outfit}
    out = summary.Out(summary="S.", characters=["Tom"], outfits=[summary.Wearing(**given)])
    expect(summary.check(data, out), says)


def test_nobody_wears_two_outfits() -> None:
    data = summary.In(sentences=["Tom waits."], cast=["Tom"], worn={"Tom": "a robe"})
    robe = summary.Wearing(character="Tom", clothes="a robe", quote="")
    expect(summary.check(data, summary.Out(summary="S.", characters=["Tom"], outfits=[robe, robe])), "listed twice")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("Ada, on the left ({ada}); Bo, on the right ({bo}). Wet steps", None, id="accepted"),
        pytest.param("Ada ({ada}); Bo, on the right ({bo}). Wet steps", "Ada: say right behind", id="no place"),
        pytest.param("Ada, on the left, and Bo, on the right ({ada}; {bo}). Wet steps", "Ada: all", id="mixed up"),
        pytest.param("Ada, on the left ({ada}); Bo, on the right ({bo}).", "the place looks like", id="the place"),
    ],
)
def test_two_on_stage_are_kept_apart(text: str, says: str | None) -> None:
    """Each with all that is fixed, and with where they stand; the place looks as it always does."""
    bo = ADA.model_copy(update={"name": "Bo", "hair": "black hair", "clothes": "a grey suit"})
    data = prompt.In(
        description="They meet.",
        characters=[ADA, bo],
        stands={"Ada": "on the left", "Bo": "on the right"},
        place="the quay",
        place_looks="Wet steps",
    )
    told = {who.name.lower(): who.sentence().partition("(")[2][:-1] for who in (ADA, bo)}
    expect(prompt.check(data, prompt.Out(prompt=text.format(**told))), says)
