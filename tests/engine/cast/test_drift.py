"""Where prompts leave their characters: each kind, and what is none."""

from uuid import UUID

import pytest

from engine.cast.blocking import blocking_of
from engine.cast.drift import Finding, Kind, PromptedPanel, drift
from engine.offline.storyboard.prompt import answer as write_prompt
from engine.tasks.prompt import task as prompt
from models.story import Attributes

pytestmark = pytest.mark.unit

PANEL = UUID(int=7)
MARA = Attributes(
    name="Mara", age="thirty", build="tall", hair="short black hair", face="green eyes", clothes="a blue oilskin"
)
JOSS = Attributes(name="Joss", age="ten", build="small", hair="red curls", face="freckles", clothes="a grey jumper")
WHOLE = "Mara (thirty; tall; short black hair; green eyes; a blue oilskin)"


def found(text: str, *people: Attributes) -> list[tuple[str, Kind, str, str]]:
    findings = drift([PromptedPanel(PANEL, text, people or (MARA,), absent=["Eve"], given=["Eve's style"])])
    assert all(one.panel_id == PANEL for one in findings)
    return [(one.character, one.kind, one.attribute, one.found) for one in findings]


@pytest.mark.parametrize(
    ("text", "kind", "attribute", "words"),
    [
        pytest.param(f"{WHOLE}, her red hair wet.", Kind.CONTRADICTED, "hair", "red hair", id="another hair colour"),
        pytest.param(f"{WHOLE}, a blonde.", Kind.CONTRADICTED, "hair", "blonde", id="called by another hair"),
        pytest.param(f"{WHOLE}, bald.", Kind.CONTRADICTED, "hair", "bald", id="no hair"),
        pytest.param(f"{WHOLE} with brown eyes.", Kind.CONTRADICTED, "face", "brown eyes", id="other eyes"),
        pytest.param(f"{WHOLE}. Her yellow oilskin.", Kind.CONTRADICTED, "clothes", "yellow oilskin", id="its colour"),
        pytest.param(f"{WHOLE} in a long dress.", Kind.CONTRADICTED, "clothes", "long dress", id="another garment"),
        pytest.param(f"Eve waits. {WHOLE}", Kind.STRANGER, "", "Eve", id="a stranger"),
        pytest.param(WHOLE.replace("tall; ", ""), Kind.MISSING, "build", "", id="an attribute is missing"),
        pytest.param(WHOLE.replace("Mara", "She"), Kind.UNNAMED, "", "", id="nobody says her name"),
    ],
)
def test_what_is_found(text: str, kind: Kind, attribute: str, words: str) -> None:
    named = "Eve" if kind == Kind.STRANGER else "Mara"
    assert found(text) == [(named, kind, attribute, words)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(WHOLE, id="as it is fixed"),
        pytest.param(f"{WHOLE}, her black hair wet.", id="the same in other words"),
        pytest.param(f"{WHOLE} takes a red coat from the hook.", id="not worn"),
        pytest.param(f"{WHOLE}. Eve's style.", id="what the style names"),
        pytest.param(f"{WHOLE} in the oilskin.", id="the garment alone"),
        pytest.param(f"A red dress hangs there. {WHOLE}", id="before anybody is named"),
    ],
)
def test_what_is_none(text: str) -> None:
    assert found(text) == []


def test_each_is_held_to_their_own() -> None:
    """What suits the other contradicts; the report says what was expected."""
    joss = "Joss (ten; small; red curls; freckles; a grey jumper)"
    assert found(f"{WHOLE}; {joss}", MARA, JOSS) == []
    (finding,) = drift([PromptedPanel(PANEL, f"{WHOLE} in a grey jumper; {joss}", (MARA, JOSS))])
    assert finding == Finding(PANEL, "Mara", Kind.CONTRADICTED, "clothes", "a blue oilskin", "grey jumper")


def test_what_the_offline_writer_writes_has_none() -> None:
    """Also where the description speaks of clothes and colours of others."""
    data = prompt.In(
        description="Mara hands Joss a red coat. Joss laughs at Eve's yellow dress.",
        characters=[MARA, JOSS],
        stands=blocking_of(["Mara", "Joss"]),
        absent=["Eve"],
        place="the quay",
        place_looks="Where Eve moors her red boat",
    )
    told = PromptedPanel(PANEL, write_prompt(data).prompt, data.characters, data.absent, [data.place_looks])
    assert drift([told]) == []
