"""The context manager: the most important things that fit, always the same way."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.reading import count_tokens
from engine.steps.context import Piece, assemble

pytestmark = pytest.mark.unit

ADA = Piece("character", "Ada", "A lamplighter with a red braid.", 1)
QUAY = Piece("location", "The quay", "Wet stones and fog.", 2)
HOUSE_STYLE = Piece("instructions", "", "Keep it gentle.", 0)
EARLIER = Piece("scene", "The clock stops", "Ada finds the clock standing still.", 3)


def test_sections_are_read_in_a_fixed_order_whatever_their_priority() -> None:
    text = assemble([EARLIER, QUAY, ADA, HOUSE_STYLE], 1000).text
    assert text == (
        "## Instructions for this project\nKeep it gentle.\n\n"
        "## Characters\nAda: A lamplighter with a red braid.\n\n"
        "## Locations\nThe quay: Wet stones and fog.\n\n"
        "## Earlier scenes\nThe clock stops: Ada finds the clock standing still."
    )


def test_nothing_to_say_is_an_empty_text() -> None:
    context = assemble([Piece("note", "empty", "  ", 0)], 100)
    assert (context.text, context.tokens, context.left_out) == ("", 0, [])


def test_the_most_important_piece_wins_the_room() -> None:
    context = assemble([QUAY, ADA], 16)
    assert "Ada" in context.text
    assert context.left_out == ["location: The quay"]


def test_the_last_piece_that_fits_is_cut_at_a_sentence_end() -> None:
    story = Piece("chapter", "One", "The clock stopped at night. Ada climbed the tower. Then the gate stayed shut.", 0)
    context = assemble([story], 22)
    assert context.text.endswith("Ada climbed the tower.")
    assert context.left_out == ["chapter: One (shortened)"]


def test_less_than_half_of_a_piece_is_not_worth_the_room() -> None:
    story = Piece("chapter", "One", "Night. " + "Then the gate stayed shut for a very long time indeed " * 3, 0)
    context = assemble([story], 22)
    assert (context.text, context.left_out) == ("", ["chapter: One"])


def test_a_kind_of_its_own_gets_a_section_at_the_end() -> None:
    context = assemble([Piece("weather", "", "Fog.", 0), ADA], 100)
    assert context.text.endswith("## Weather\nFog.")


pieces = st.lists(
    st.builds(
        Piece,
        kind=st.sampled_from(["character", "location", "note", "scene", "other"]),
        label=st.text("abc", max_size=4),
        text=st.text("abc. D猫", max_size=120),
        priority=st.integers(0, 3),
    ),
    max_size=12,
)


@given(pieces, st.integers(0, 120), st.randoms())
def test_the_same_content_gives_the_same_context_within_the_budget(
    given_pieces: list[Piece], most: int, random: Random
) -> None:
    context = assemble(given_pieces, most)
    assert context.tokens == count_tokens(context.text) <= most
    shuffled = list(given_pieces)
    random.shuffle(shuffled)
    assert assemble(shuffled, most) == context


@given(pieces)
def test_everything_is_told_or_reported(given_pieces: list[Piece]) -> None:
    context = assemble(given_pieces, 60)
    for piece in given_pieces:
        if piece.text.strip():
            reported = any(item.startswith(f"{piece.kind}: {piece.label}") for item in context.left_out)
            assert piece.text.strip() in context.text or reported
