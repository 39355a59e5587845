"""A director's notes go to the right step, in what the offline writer can follow of them."""

import pytest

from engine.offline.storyboard.directed import lines_asked, shot_asked
from engine.reading.directions import about
from models.story import Line, Shot

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("notes", "wanted"),
    [
        ("closer, she is angry", {"picture"}),
        ("Closer.", {"picture"}),
        ("make it gloomier", {"picture"}),
        ("her line is too long", {"words"}),
        ('Mara says "No."', {"words"}),
        ('line 2: "Never."', {"words"}),
        ("The caption repeats what we see", {"words"}),
        ("the balloon hides her face", {"words", "picture"}),
        ("shorter dialogue, and he looks left", {"words", "picture"}),
        ("näher, sie ist wütend", {"picture"}),
        ("Der Dialog ist zu lang", {"words"}),
        ("plus près", {"picture"}),
        ("la bulle est trop longue", {"words"}),
        # What is quoted is said: it tells nothing of the picture.
        ('she says "Look at my face"', {"words"}),
    ],
)
def test_notes_are_about_words_or_the_picture(notes: str, wanted: set[str]) -> None:
    assert about(notes) == wanted


@pytest.mark.parametrize(
    ("notes", "before", "wanted"),
    [
        ("closer", Shot.WIDE, Shot.MEDIUM),
        ("closer", Shot.CLOSE_UP, Shot.CLOSE_UP),
        ("pull back", Shot.MEDIUM, Shot.WIDE),
        ("an over the shoulder shot of Joss", Shot.MEDIUM, Shot.OVER_THE_SHOULDER),
        ("as a close-up", Shot.WIDE, Shot.CLOSE_UP),
        ("closer", Shot.INSERT, Shot.CLOSE_UP),
        ("she is angry", Shot.WIDE, None),
    ],
)
def test_the_camera_moves_as_asked(notes: str, before: Shot, wanted: Shot | None) -> None:
    assert shot_asked(notes, before) == wanted


@pytest.mark.parametrize(
    ("notes", "wanted"),
    [
        ('line 2: "Never."', ["Yes.", "Never."]),
        ("Joss says “Perhaps.”", ["Yes.", "Perhaps."]),
        ('mara: "Well."', ["Well.", "No."]),
        ('line 9: "Nothing."', ["Yes.", "No."]),
        ("shorter", ["Yes.", "No."]),
    ],
)
def test_lines_that_are_spelled_out_are_taken(notes: str, wanted: list[str]) -> None:
    lines = [Line(speaker="Mara", text="Yes."), Line(speaker="Joss", text="No.")]
    assert [line.text for line in lines_asked(notes, lines)] == wanted
