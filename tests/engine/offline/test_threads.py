"""The offline writer names what a text leaves open in the text's own sentences, and nothing else."""

import pytest

from engine.offline.storyboard.outline import answer as outline_chapter
from engine.reading import paragraphs
from engine.tasks.outline import task as outline

pytestmark = pytest.mark.unit


def threads(text: str) -> list[str]:
    return outline_chapter(outline.In(paragraphs=paragraphs(text))).threads


@pytest.mark.parametrize(
    ("text", "left"),
    [
        pytest.param("It rained. Everybody slept well.", [], id="an end"),
        pytest.param("Ada went home.\n\nWho had taken the key?", ["Who had taken the key?"], id="the text asks"),
        pytest.param(
            '"Where is the boat?" asked Ada.\n\nThe gulls cried. Nobody moved.',
            ['"Where is the boat?" asked Ada.'],
            id="nobody speaks",
        ),
        pytest.param('"Where is the boat?" asked Ada.\n\n"At the quay," said Tom.', [], id="somebody answers"),
        pytest.param(
            '"Where is the boat?" asked Ada.\n\nTom did not answer. "Good night," he said.',
            ['"Where is the boat?" asked Ada.'],
            id="somebody speaks and does not answer",
        ),
        pytest.param('"Why?" asked Ada.', [], id="a word is no thread"),
        pytest.param(
            '"I will come back tomorrow," said Tom.', ['"I will come back tomorrow," said Tom.'], id="a promise"
        ),
        pytest.param(
            "Niemand antwortete. Morgen würde sie wiederkommen.",
            ["Morgen würde sie wiederkommen."],
            id="in German",
        ),
        pytest.param("Demain, elle reviendrait.", ["Demain, elle reviendrait."], id="in French"),
    ],
)
def test_what_is_left_open(text: str, left: list[str]) -> None:
    assert threads(text) == left


def test_only_the_end_counts_and_every_thread_stands_in_the_text() -> None:
    """A question at the start of a long text is the text's own business."""
    long = "\n\n".join(["Who was there in the night?", *["The gulls cried over the grey water."] * 20])
    assert threads(long) == []
    asked = [f"Who had taken key number {number}?" for number in range(12)]
    found = threads("\n\n".join(asked))
    assert found == asked[-5:]


def test_a_thread_is_never_longer_than_the_check_allows() -> None:
    """Of what stands in a row, the sentence that leaves something open."""
    told = "The rain went on and the gulls cried over the grey water, and nobody came. " * 3
    found = threads(told + "Would the boat ever come back to the harbour?")
    assert found == ["Would the boat ever come back to the harbour?"]
    endless = threads("Who " + "and who " * 60 + "had taken it?")
    assert all(len(one) <= outline.LONGEST_THREAD for one in endless)
