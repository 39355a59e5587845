"""The offline writer notes changes of clothes where the text tells them, and nowhere else."""

import pytest

from engine.offline.storyboard.summary import answer as summarise_scene
from engine.reading.people.clothing import changes, clothing_sentences, outfits_after
from engine.tasks.summary import task as summary

pytestmark = pytest.mark.unit

CAST = ["Mara", "Joss", "Anna"]


@pytest.mark.parametrize(
    ("sentences", "wear"),
    [
        pytest.param(["Mara watched.", "She put on a yellow raincoat."], {"Mara": "a yellow raincoat"}, id="put on"),
        pytest.param(["Mara put her blue coat on and left."], {"Mara": "a blue coat"}, id="put it on"),
        pytest.param(
            ["Joss changed into dry jeans and a red jumper."], {"Joss": "dry jeans and a red jumper"}, id="changed into"
        ),
        pytest.param(["Mara was in her nightgown now."], {"Mara": "a nightgown"}, id="in it now"),
        pytest.param(["Mara came down the stairs in a green dress."], {"Mara": "a green dress"}, id="came in it"),
        pytest.param(["Pulling on an old black coat, Joss ran."], {"Joss": "an old black coat"}, id="subject behind"),
        pytest.param(["Mara took off her coat."], {"Mara": "without a coat"}, id="took off what they always wear"),
        pytest.param(["Mara put on a red cloak.", "Later she took the cloak off."], {}, id="on and off again"),
        pytest.param(["Mara put on a red cloak.", "Mara pulled on the cloak."], {"Mara": "a red cloak"}, id="the same"),
        pytest.param(
            ["Joss wore a suit.", "Mara wore a gown."], {"Joss": "a suit", "Mara": "a gown"}, id="each theirs"
        ),
        pytest.param(["Anna zog einen gelben Mantel an und ging."], {"Anna": "einen gelben Mantel"}, id="German"),
        pytest.param(["Anna zog einen Mantel an.", "Anna zog den Mantel aus."], {}, id="German, off"),
        pytest.param(["Anna enfila un manteau jaune."], {"Anna": "un manteau jaune"}, id="French"),
        pytest.param(["Mara wanted to put on her blue dress."], {}, id="wished"),
        pytest.param(["Joss would have worn a suit."], {}, id="supposed"),
        pytest.param(["Joss had worn a red coat once."], {}, id="formerly"),
        pytest.param(["Mara did not take off her coat."], {}, id="denied"),
        pytest.param(['"Put on your coat," said Mara.'], {}, id="said"),
        pytest.param(["Joss put on his hat."], {}, id="a hat is no outfit"),
        pytest.param(["Mara put her coat on the chair."], {}, id="laid down"),
        pytest.param(["Joss was in the coat room."], {}, id="another noun"),
        pytest.param(["Joss stood in his shirt sleeves."], {}, id="a part of it"),
        pytest.param(["They put on their coats."], {}, id="nobody in particular"),
        pytest.param(["Joss helped Mara into her coat."], {}, id="another's deed"),
    ],
)
def test_what_somebody_wears_stands_in_the_text(sentences: list[str], wear: dict[str, str]) -> None:
    assert outfits_after({}, changes(sentences, CAST, {})) == wear


def test_it_lasts_until_the_text_says_otherwise() -> None:
    """A later scene begins with what earlier ones end with, and says so again, in an answer that passes its check."""
    before = {"Mara": "a yellow raincoat", "Joss": "a suit"}
    data = summary.In(
        sentences=["Mara came in.", "Joss was there.", "He changed into a robe."],
        cast=CAST,
        known_characters=CAST,
        worn=before,
    )
    out = summarise_scene(data)
    assert {one.character: one.clothes for one in out.outfits} == {"Mara": "a yellow raincoat", "Joss": "a robe"}
    assert summary.check(data, out) == []
    assert out.outfits[1].quote == "He changed into a robe."


def test_who_is_not_there_wears_nothing() -> None:
    data = summary.In(sentences=["Mara came in."], cast=CAST, known_characters=CAST, worn={"Joss": "a suit"})
    assert summarise_scene(data).outfits == []


def test_what_is_told_of_clothes_comes_with_the_sentence_before() -> None:
    sentences = ["It rained.", "Mara sighed.", "She put on a raincoat.", "The coat rack fell."]
    assert clothing_sentences(sentences) == ["Mara sighed. She put on a raincoat."]


def test_who_changes_is_not_guessed() -> None:
    """ "He" may be either of two men: nobody changes. Named in the paragraph, or the only one it suits, he does."""
    two = ["Joss and Paul came in.\n", "He put on a grey shirt.\n"]
    assert changes(two, ["Joss", "Paul"], {}) == ()
    named = ["Paul came in.\n", "Joss sighed.", "He put on a grey shirt.\n"]
    assert [one.name for one in changes(named, ["Joss", "Paul"], {})] == ["Joss"]
    alone = ["Joss came in with Mara.\n", "He put on a grey shirt.\n"]
    assert [one.name for one in changes(alone, ["Joss", "Mara"], {})] == ["Joss"]
