"""How the offline writer reads stories: who there is, who speaks, who is there, in rules of prose."""

import pytest

from engine.offline.storyboard.outline import answer as outline_chapter
from engine.offline.storyboard.panels import answer as describe_panels
from engine.reading import PARAGRAPH_END, paragraphs, quoted, sentences
from engine.reading.people.speakers import attribute
from engine.tasks.outline import task as outline
from engine.tasks.panels import task as panels

pytestmark = pytest.mark.unit


def cast(text: str) -> dict[str, list[str]]:
    """Everybody in a text, with what else they are called."""
    found = outline_chapter(outline.In(paragraphs=paragraphs(text))).characters
    return {who.name: who.aliases for who in found}


def units(text: str) -> list[str]:
    """The sentences of a text, with the ends of its paragraphs marked."""
    made = []
    for paragraph in paragraphs(text):
        own = sentences(paragraph)
        made += [*own[:-1], own[-1] + PARAGRAPH_END]
    return made


def speakers(text: str, names: list[str], aliases: dict[str, list[str]] | None = None) -> list[str]:
    """Who says each quote."""
    return [spoken.speaker for beat in attribute(units(text), names, aliases or {}) for spoken in beat.spoken]


@pytest.mark.parametrize(
    ("text", "name", "alias"),
    [
        pytest.param(
            '"Sit," said Mrs. Lamb, the cook. The cook sat too.', "Mrs. Lamb", "the cook", id="behind the name"
        ),
        pytest.param('My uncle Ned snored. "Ned," said Ada. "Yes," said Ned.', "Ned", "my uncle", id="before the name"),
        pytest.param('A tall man called Orrin came in. "Hm," said Orrin.', "Orrin", "the man", id="called"),
        pytest.param('"I\'m Fay," said the woman. "Good day," said Fay.', "Fay", "the woman", id="introduced"),
        pytest.param('"Aye," said Old Hob. Ada met the old man. "Aye," said Ada.', "Old Hob", "the old man", id="age"),
        pytest.param('"Hush," said Dr. Vane. The doctor frowned.', "Dr. Vane", "the doctor", id="rank"),
        pytest.param(
            '"Hm," said Mrs. Lamb. Ada sat down. "So," said Ada.\n\nThe old woman yawned.',
            "Mrs. Lamb",
            "the old woman",
            id="who alone has a title",
        ),
        pytest.param(
            '"Tom, wait," said Quill.\n\n"Why?" Tom lost his hat. He laughed.\n\nQuill sat down.\n\nIt rained.\n\n'
            'The baker shook his head and took up his bag.\n\n"Late," said the baker.',
            "Tom",
            "the baker",
            id="the only he",
        ),
        pytest.param(
            '"What\'s in the box?" asked Ada.\n\n"A mouse," said Tom. "She\'s called Fig."\n\nFig ran off. Fig hid.',
            "Fig",
            "the mouse",
            id="what an animal is called",
        ),
        pytest.param(
            'The boy ran in.\n\n"Your name?" asked Ada.\n\n"Jack Reed, ma\'am."\n\n"Sit," said Ada. The boy sat.',
            "Jack Reed",
            "the boy",
            id="a name that is given and never told",
        ),
        pytest.param(
            'Rose, the girl, laughed. "No," said Rose.\n\nAnne sat down. Anne rose.\n\n"Yes," said the mother.',
            "Anne",
            "the mother",
            id="a child is no mother",
        ),
    ],
)
def test_a_role_that_means_somebody_is_another_name_for_them(text: str, name: str, alias: str) -> None:
    assert alias in cast(text)[name]


def test_two_people_in_one_sentence_are_two() -> None:
    """ "Jem came with the miller": the miller is not Jem."""
    found = cast('Jem came with the miller. "Late," said the miller. "Aye," said Jem. The miller looked at Jem.')
    assert "the miller" not in found["Jem"]
    assert "Miller" in found


def test_who_came_in_as_somebody_new_is_not_somebody_else() -> None:
    """Tom is the only he so far, and the captain who comes in is another."""
    text = (
        '"Tom, wait," said Ada. She ran.\n\n"Why?" Tom lost his hat. He laughed.\n\n'
        'A captain came in and shook his head.\n\n"Late," said the captain.'
    )
    assert "the captain" not in cast(text)["Tom"]
    assert "Captain" in cast(text)


def test_a_thing_that_speaks_has_no_trade() -> None:
    """The ship speaks; the pilot is whoever else is told of as a he."""
    found = cast(
        '"Hm," said Tom. Tom took his cup. He drank.\n\n"Wake up," said the ship. The ship hummed. The ship shook.\n\n'
        "The pilot rubbed his eyes."
    )
    assert "the pilot" in found["Tom"]


def test_whom_somebody_finds_is_another() -> None:
    """ "The miller found her" does not make the miller a she."""
    text = (
        'Ada sat in the barn. "Hm," said Ada.\n\nThe miller found her there and lost his hat.\n\n'
        '"Here," said the miller.'
    )
    found = cast(text)
    assert "the miller" not in found["Ada"]
    assert "Miller" in found


def test_who_was_a_new_man_first_is_somebody() -> None:
    """Somebody who comes in as "a sailor" and does something is in the cast."""
    assert "Sailor" in cast('"Rain," said Ada.\n\nA sailor came in and shut the door.')


@pytest.mark.parametrize(
    ("text", "narrator"),
    [
        pytest.param(
            "Ich ging hinaus. Ich war müde, und ich fror.\n\n„Komm“, sagte Anna.\n\n„Ja“, sagte ich.",
            "ich",
            id="German",
        ),
        pytest.param(
            "Je suis sorti. Je marchais, et je chantais.\n\n« Viens, » dit Anne.\n\n« Oui, » dis-je.", "je", id="French"
        ),
    ],
)
def test_who_tells_the_story_goes_by_the_texts_own_word(text: str, narrator: str) -> None:
    found = cast(text)
    assert narrator in found
    assert "I" not in found


def test_who_tells_the_story_has_the_name_that_others_call() -> None:
    """Nobody tells of themselves by name: a name that is only ever called is the narrator's."""
    found = cast(
        'I opened the door. I was late, and my hat was wet.\n\n"Late again, Mabel," said Gus.\n\n"I know," I said.\n\n'
        "Gus laughed. I sat down."
    )
    assert found["Mabel"] == ["I"]


def test_kin_who_are_called_nothing_else_are_somebody() -> None:
    text = '"Where is it?" asked Tobias.\n\n"Here," said Mother. Mother put down the pot.\n\nTobias sat down.'
    assert set(cast(text)) == {"Mother", "Tobias"}


def test_a_rank_belongs_to_who_bears_it() -> None:
    """The doctor is Dr. Bell, though he is named only in what is said, and nobody else."""
    text = (
        'Clara sat down. The doctor was at the table.\n\n"Ah," said the doctor.\n\n'
        '"Dr. Bell, you are late," said Clara.'
    )
    assert cast(text) == {"Clara": [], "Dr. Bell": ["the doctor"]}


def test_old_and_young_of_one_name_are_two() -> None:
    found = cast('"Well," said Old Tom.\n\n"Well what?" asked young Tom. Tom yawned.\n\n"Bed," said Old Tom.')
    assert {"Old Tom", "Tom"} <= set(found)


@pytest.mark.parametrize(
    ("text", "said_by"),
    [
        pytest.param(
            'Ada met Tom.\n\n"Rain?"\n\n"Rain."\n\n"So much?" asked Ada.', ["Ada", "Tom", "Ada"], id="a later tag"
        ),
        pytest.param('Ada met Tom and Eve.\n\n"Far, Eve?" asked Ada.\n\n"Very."', ["Ada", "Eve"], id="who is called"),
        pytest.param(
            'Ada met Tom and Eve.\n\n"Eve," said Ada. "You are late."\n\n"I am."',
            ["Ada", "Ada", "Eve"],
            id="a name alone calls",
        ),
        pytest.param('Ada and Tom sat down. Tom frowned.\n\n"No."', ["Tom"], id="whoever acted last"),
        pytest.param(
            'Ada met Tom.\n\n"Go," said Ada.\n\n"No." Eve stood up.\n\n"Well!" said Tom.',
            ["Ada", "Eve", "Tom"],
            id="a third breaks in",
        ),
        pytest.param('Ada met Tom.\n\n"Wait," he was told. "Sit."', ["Ada", "Ada"], id="he was told"),
        pytest.param('Ada met Tom.\n\n"And?" "And nothing," said Tom.', ["Ada", "Tom"], id="two quotes that touch"),
        pytest.param('Ada met Tom.\n\n"Done," Tom tried.', ["Tom"], id="any verb behind a comma"),
        pytest.param('Ada met Tom.\n\nShe turned, and when he sat she said, "No."', ["Ada"], id="beside the verb"),
        pytest.param(
            'Ada met Tom and Eve.\n\n"My aunt cried, \'Run, Eve!\' and fell," said Ada.\n\n"Well."',
            ["Ada", "Tom"],
            id="who is called in a quote of a quote",
        ),
    ],
)
def test_who_speaks(text: str, said_by: list[str]) -> None:
    assert speakers(text, ["Ada", "Tom", "Eve"]) == said_by


def test_an_animal_says_nothing_unless_the_text_says_so() -> None:
    aliases = {"Rex": ["the dog"]}
    assert speakers('Ada came in. The dog lifted its head.\n\n"Good evening."', ["Ada", "Rex"], aliases) == ["Ada"]
    assert speakers('"Down," said the dog.', ["Ada", "Tom", "Rex"], aliases) == ["Rex"]


def test_who_is_asked_for_a_name_answers_with_their_own() -> None:
    text = 'Ada met a man.\n\n"What is your name?" asked Ada.\n\n"Hobbs, madam."\n\n"Come in, Mr. Hobbs."'
    assert speakers(text, ["Ada", "Hobbs"]) == ["Ada", "Hobbs", "Ada"]
    assert "Mr. Hobbs" in cast(text)


def test_a_role_speaks_as_whom_it_means() -> None:
    assert speakers('"Aye," said the mate.', ["Croft"], {"Croft": ["the mate"]}) == ["Croft"]


def test_who_is_called_sir_is_no_woman() -> None:
    text = 'Ada, Tom and Mrs. Lamb sat down.\n\n"Is it late, sir?" asked Mrs. Lamb.\n\n"Very."'
    assert speakers(text, ["Ada", "Mrs. Lamb", "Tom"])[-1] == "Tom"


def test_a_scene_and_its_panels_agree_on_the_speakers() -> None:
    """Whoever asks, the same scene and cast give the same speakers."""
    text = 'Ada met Tom.\n\n"Rain?"\n\n"Rain."\n\n"So much?" asked Ada.'
    assert speakers(text, ["Ada", "Tom"]) == speakers(text, ["Tom", "Ada"])


def on_stage(text: str, names: list[str]) -> list[list[str]]:
    said = units(text)
    return [
        panel.characters for panel in describe_panels(panels.In(sentences=said, characters=names, cast=names)).panels
    ]


def test_who_is_only_talked_about_is_not_in_the_picture() -> None:
    shown = on_stage('Ada stood at the window.\n\n"Tom sailed on Monday," said Ada.', ["Ada", "Tom"])
    assert all(names == ["Ada"] for names in shown)


def test_whose_things_are_seen_is_not_in_the_picture() -> None:
    assert on_stage("Ada put on Tom's hat.", ["Ada", "Tom"]) == [["Ada"]]


def test_who_is_told_of_in_a_paragraph_is_in_each_of_its_panels() -> None:
    """A paragraph is one moment, however many panels tell it."""
    long = "the long grey road that went down to the harbour and the boats " * 5
    shown = on_stage(f"Ada looked at {long.strip()}. Tom looked at {long.strip()}.", ["Ada", "Tom"])
    assert len(shown) > 1
    assert all(set(names) == {"Ada", "Tom"} for names in shown)


@pytest.mark.parametrize(
    ("telling", "there"),
    [
        pytest.param("Ada's face was red.", ["Ada"], id="somebody's face"),
        pytest.param("Ada thought of Tom.", ["Ada"], id="whom somebody thinks of"),
        pytest.param("Ada walked like Tom.", ["Ada"], id="whom somebody is like"),
    ],
)
def test_who_is_seen(telling: str, there: list[str]) -> None:
    assert on_stage(telling, ["Ada", "Tom"]) == [there]


def test_both_of_you_are_those_who_were_there() -> None:
    shown = on_stage(
        f'Ada and Tom met Eve at the gate{" of the long grey house" * 12}.\n\n"Come in, both of you," said Eve.',
        ["Ada", "Eve", "Tom"],
    )
    assert [sorted(names) for names in shown] == [["Ada", "Eve", "Tom"], ["Ada", "Eve", "Tom"]]


@pytest.mark.parametrize(
    ("telling", "there"),
    [
        pytest.param("They went in.", 2, id="they"),
        pytest.param("All three of them went in.", 3, id="three of them"),
        pytest.param("The children went in.", 2, id="children"),
    ],
)
def test_so_many_went_in(telling: str, there: int) -> None:
    before = f"Ada and Tom met Eve at the gate{' of the long grey house' * 12}."
    assert len(on_stage(f"{before}\n\n{telling}", ["Ada", "Eve", "Tom"])[-1]) == there


def test_a_man_is_not_the_old_man() -> None:
    """Of somebody without a name only the whole role names them, or "the man"."""
    assert on_stage("Ada ate like a hungry man.", ["Ada", "Old man"]) == [["Ada"]]
    assert on_stage("The man ate.", ["Ada", "Old man"]) == [["Old man"]]


def test_they_are_those_who_were_there() -> None:
    shown = on_stage(
        f"Ada met Tom at the gate{' of the long grey house' * 12}.\n\nThey went in.", ["Ada", "Eve", "Tom"]
    )
    assert [sorted(names) for names in shown] == [["Ada", "Tom"], ["Ada", "Tom"]]


@pytest.mark.parametrize(
    ("text", "thought"),
    [
        pytest.param(
            '"Mine," she said. It is not, she thought. Why do I lie?', ["It is not,", "Why do I lie?"], id="on"
        ),
        pytest.param("Then I thought: now or never.", ["now or never."], id="behind a colon"),
        pytest.param("He is mad, she thought. She went home.", ["He is mad,"], id="ends where something is told"),
        pytest.param("A cake, thought the mayor, and sat down.", ["A cake,"], id="somebody without a name"),
        pytest.param("She thought of home. It was late.", [], id="of something"),
    ],
)
def test_thoughts_without_marks(text: str, thought: list[str]) -> None:
    found = [said for said in quoted([text]) if said != "Mine,"]
    assert " ".join(found) == " ".join(thought)


def test_a_thought_goes_on_through_its_paragraph_and_no_further() -> None:
    assert quoted(["I can go, thought Ada.", "I can stay.\n", "I can do both."]) == ["I can go,", "I can stay."]


@pytest.mark.parametrize(
    "opening",
    [
        "Midnight, and nobody slept.",
        "It was long past midnight when the bell rang.",
        "By nine the street was full.",
        "We were all on the hill by noon.",
        "The sun was up when they came back.",
    ],
)
def test_a_scene_begins_where_its_opening_says_that_time_went_by(opening: str) -> None:
    before = "The lamp stood in the window and the rain ran down the glass all through the night. " * 4
    found = outline_chapter(outline.In(paragraphs=[before, opening]))
    assert [scene.first for scene in found.scenes] == [0, 1]


def test_in_a_play_everybody_has_lines_or_comes_in_in_capitals() -> None:
    """A stuffed bear that is talked to is a thing; a silent guard who is introduced is not."""
    lines = [
        "INES: Hold the lamp, Bruno.",
        "JONAS: He is stuffed, Ines.",
        "INES: Bruno sees us.",
        "JONAS: Bruno is a bear.",
    ]
    text = "Ines and Jonas crouch behind Bruno. A GUARD passes. The guard stops.\n\n" + "\n\n".join(lines * 2)
    found = {who.casefold() for who in cast(text)}
    assert {"ines", "jonas"} <= found
    assert not found & {"bruno", "bear"}


def test_a_boy_is_not_the_man() -> None:
    """However near they are: one is a child."""
    text = (
        "The man woke after an hour. He looked at the boy, who had a bread knife across his knees.\n\n"
        "Erik put it down, but he left it where he could reach it. The stranger watched him do it."
    )
    found = cast(text)
    assert "the boy" in found["Erik"]
    assert not {"the man", "the stranger"} & set(found["Erik"])


def test_he_is_no_robot_that_nobody_speaks_of() -> None:
    """In a scene of its own, who is no woman is rather a man of another scene than a machine."""
    text = 'Juno held out her hand. It was a man.\n\n"I\'ve lost the road," he said.'
    assert speakers(text, ["Juno", "Bolt", "Dr. Hale"], {"Bolt": ["the robot"]}) == ["Dr. Hale"]


def test_a_screenplay_says_a_name_in_full_once() -> None:
    """In capitals, with the age behind it; whoever is called by half of it is the same."""
    text = (
        "INT. DRESSING ROOM - NIGHT\n\n"
        "DORIAN WELLS (45, handsome) paints. BEATRIX (20, freckles) stands behind him.\n\n"
        + "DORIAN: You are breathing.\n\nBEATRIX: I have to, Mr. Wells.\n\n"
        * 4
    )
    found = cast(text)
    assert set(found) == {"Dorian Wells", "Beatrix"}
    assert set(found["Dorian Wells"]) == {"Dorian", "Mr. Wells"}
