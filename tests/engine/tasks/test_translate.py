"""What is wrong with a translation is said; what is only in another language is not."""

from typing import Any

import pytest

from engine.tasks.translate import task as translate
from engine.tasks.translate.task import TASK, In, Out, Translated, Words
from models.story import Line, LineKind

pytestmark = pytest.mark.unit

LONG = "The tide clock had stopped, and nobody in the harbour could say why it had, or when."


def words(caption: str = "", *lines: str, kind: LineKind = LineKind.SPEECH) -> In:
    """One panel to be put into German."""
    panel = Words(number=4, caption=caption, lines=[Line(speaker="Mara", kind=kind, text=text) for text in lines])
    return In(into="de", language="en", names=["Mara", "Pell Harbour"], panels=[panel])


def said(caption: str = "", *lines: str, number: int = 4, title: str = "") -> Out:
    return Out(title=title, panels=[Translated(number=number, caption=caption, lines=list(lines))])


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        pytest.param(words("Late.", "Go!"), said("Spät.", "Los!"), id="words"),
        pytest.param(words("", "Mara! Mara!"), said("", "Mara! Mara!"), id="a name stays"),
        pytest.param(words("Pell Harbour"), said("Pell Harbour"), id="names alone"),
        pytest.param(words("", "Hm. Oh no."), said("", "Hm. Oh no."), id="sounds that are the same"),
        pytest.param(words("", "KRRRRR"), said("", "KRRRRR"), id="one word"),
        pytest.param(
            words("", "tick tick tick tick tick", kind=LineKind.SFX), said("", *["tick tick tick tick tick"]), id="sfx"
        ),
        pytest.param(words("", "It is *mine*."), said("", "Das ist *meins*."), id="stress kept"),
        pytest.param(
            words("", "*Never* go."), said("", "*絶対に*行かないで。"), id="stress in a script without blanks"
        ),
        pytest.param(words("", "2 * 3 is six"), said("", "2 mal 3 ist sechs"), id="a sign that stresses nothing"),
        pytest.param(
            words(LONG).model_copy(update={"into": "ja"}),
            said("潮時計は止まっていた。なぜか、いつからか、港の誰にも言えなかった。"),
            id="a script that says more in less",
        ),
        pytest.param(
            In(into="en", language="ja", panels=[Words(number=4, caption="潮時計は止まっていた")]),
            said("The tide clock had stopped where it stood."),
            id="and back",
        ),
        pytest.param(
            words(LONG).model_copy(update={"into": "en-GB"}), said(LONG), id="another English may be the same"
        ),
    ],
)
def test_a_translation_is_taken(source: In, answer: Out) -> None:
    assert TASK.check(source, answer) == []


@pytest.mark.parametrize(
    ("source", "answer", "says"),
    [
        pytest.param(words("Late."), said("Spät.", number=5), "the panels must be 4,", id="another panel"),
        pytest.param(words("Late."), Out(panels=[]), "not none", id="no panel"),
        pytest.param(words("Late."), Out(panels=[*said("Spät.").panels] * 2), "not 4, 4", id="a panel twice"),
        pytest.param(words("", "Go!", "Now!"), said("", "Geh jetzt!"), "has 2 lines, not 1", id="lines joined"),
        pytest.param(words("Late.", "Go!"), said("", "Los!"), "panel 4, caption is empty", id="no caption"),
        pytest.param(words("Late.", "Go!"), said("Spät.", " "), "panel 4, line 1 is empty", id="no line"),
        pytest.param(words("", "Go!"), said("Er geht.", "Los!"), "nothing to translate", id="a caption too many"),
        pytest.param(
            words("", "The boat is gone again!"),
            said("", "The boat is gone again."),
            "line 1 is not translated",
            id="left as it was",
        ),
        pytest.param(
            In(into="de", panels=[Words(number=4, caption="潮時計は止まっていたのだ")]),
            said("潮時計は止まっていたのだ"),
            "not translated",
            id="left in a script without spaces",
        ),
        pytest.param(words("", "Go!"), said("", "Geh, denn " * 20), "much longer", id="blown up"),
        pytest.param(words("so " * 1000), said("also " * 900), "at most 4,000", id="more than can be lettered"),
        pytest.param(words(LONG), said("Sie stand."), "much shorter", id="most of it lost"),
        pytest.param(
            words("", "It is *mine*."), said("", "Das ist meins."), "as many bold stretches", id="stress lost"
        ),
        pytest.param(
            words("", "It is mine."), said("", "Das ist _meins_."), "as many slanted stretches", id="stress invented"
        ),
        pytest.param(
            words("Late.").model_copy(update={"title": "Two Keys"}), said("Spät."), "the title is not", id="no title"
        ),
    ],
)
def test_what_is_wrong_is_said(source: In, answer: Out, says: str) -> None:
    notes = TASK.check(source, answer)
    assert len(notes) == 1
    assert says in notes[0]


def test_a_translator_is_not_told_to_keep_the_language() -> None:
    """Every other task is; what is translated already goes along, so that a scene is put in one voice."""
    data: Any = words("Late.", "Go!").model_copy(
        update={"title": "Two Keys", "done": [translate.Done(number=3, source=["Soon."], text=["Bald."])]}
    )
    system, prompt = TASK.render(data)
    assert "Keep the language of the story" not in system
    for told in ("into de", "from en", "Pell Harbour", "Two Keys", "Soon.", "Bald.", "Mara: Go!", "[panel 4]"):
        assert told in prompt
