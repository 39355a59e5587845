"""The offline writer: any manuscript becomes a storyboard in its own words, the same one every time."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import ProviderRejected
from engine.llm import LLM, LLMReply, LLMRequest
from engine.offline.writer import OfflineWriter
from engine.reading import count_tokens, paragraph_of, paragraphs, quoted, read_manuscript, sentences, title_of, windows
from engine.tasks import Task, TaskInput
from engine.tasks.dialogue import task as dialogue
from engine.tasks.outline import task as outline
from engine.tasks.panels import task as panels
from engine.tasks.profile import task as profile
from engine.tasks.prompt import task as prompt
from engine.tasks.summary import task as summary
from models.story import Line, Profile, Shot

pytestmark = pytest.mark.unit

EXAMPLE = Path(__file__).parents[3] / "examples" / "the-clock-that-waited.txt"


def request(task: Task[Any, Any], data: TaskInput) -> LLMRequest:
    system, text = task.render(data)
    return LLMRequest(task.name, "", system, text, task.schema(), task.max_output_tokens, data)


async def answer(task: Task[Any, Any], data: TaskInput) -> Any:
    """The writer's answer, parsed and accepted by the task's own check."""
    reply = await OfflineWriter().ask(request(task, data))
    out = task.parse(data, reply.text)
    assert task.check(data, out) == []
    return out


@dataclass
class Storyboard:
    cast: list[str] = field(default_factory=list)
    scenes: list[list[str]] = field(default_factory=list)
    quotes: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    shots: list[Shot] = field(default_factory=list)
    panels: int = 0


async def told_by(text: str) -> list[tuple[str, str]]:
    """Who says what."""
    return [(line.speaker, line.text) for line in (await storyboard(text)).lines]


async def storyboard(text: str, max_scenes: int | None = None, max_panels: int | None = None) -> Storyboard:
    """The whole chain, as the workflows run it."""
    board = Storyboard()
    everything = paragraphs(text)
    scenes: list[outline.Scene] = []
    profiles: dict[str, Profile] = {}
    for window in windows(everything, 8000):
        found = await answer(
            outline.TASK,
            outline.In(
                title=title_of(text),
                first=window.start,
                paragraphs=everything[window.start : window.stop],
                known_characters=list(profiles),
                max_scenes=max_scenes,
            ),
        )
        scenes += found.scenes
        for who in found.characters:
            data = profile.In(
                name=who.name, aliases=who.aliases, excerpts=[p for p in everything if who.name in p][:20]
            )
            profiles[who.name] = (await answer(profile.TASK, data)).profile
    board.cast = list(profiles)
    for scene in scenes:
        units = [unit for paragraph in everything[scene.first : scene.last + 1] for unit in paragraph_of(paragraph)]
        board.scenes.append(units)
        board.quotes += quoted(units)
        await _scene(board, units, profiles, max_panels)
    return board


async def _scene(board: Storyboard, units: list[str], profiles: dict[str, Profile], max_panels: int | None) -> None:
    told = await answer(summary.TASK, summary.In(sentences=units, known_characters=board.cast))
    found = await answer(
        panels.TASK,
        panels.In(
            summary=told.summary,
            place=told.place,
            characters=told.characters,
            sentences=units,
            max_panels=max_panels,
            last_shot=board.shots[-1] if board.shots else None,
        ),
    )
    for panel in found.panels:
        data = dialogue.In(
            description=panel.description,
            characters=panel.characters,
            cast=board.cast,
            before=units[max(0, panel.first - 40) : panel.first],
            sentences=units[panel.first : panel.last + 1],
            after=units[panel.last + 1 : panel.last + 20],
            condensed=max_panels is not None,
        )
        written = await answer(dialogue.TASK, data)
        board.lines += written.lines
        board.captions.append(written.caption)
        board.shots.append(panel.shot)
        board.panels += 1
        await answer(
            prompt.TASK,
            prompt.In(
                shot=panel.shot,
                description=panel.description,
                characters=[profiles[name] for name in panel.characters],
                absent=[name for name in board.cast if name not in panel.characters],
                place=told.place,
                time=told.time,
                weather=told.weather,
                mood=told.mood,
            ),
        )


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


TEXTS = {
    "prose": EXAMPLE.read_text(encoding="utf-8"),
    "script": "EXT. QUAY - NIGHT\n\nANNA: Is it you?\nTOM: (whispering) Who else?\n\nANNA: GO AWAY!\n\nA gull cries.",
    "one line without end": "the lamp went out and the sea came in and nobody slept " * 400,
    "one word without end": "a" * 9000,
    "only dialogue": "\n\n".join(['"Is it you?"', '"Who else?"', '"Go away, Tom."', '"Never, Anna!"'] * 20),
    "no dialogue": "The fog lay on the harbour. Nobody came. The clock stood still. A gull cried. " * 30,
    "one speech without end": '"' + "I went on and saw the sea and the sea saw me. " * 120 + '" said Anna.',
    "a quote left open": '"I see him, she said.\n\nHe went away.\n\n"What?" asked Tom.\n\nNobody knew.',
    "Hebrew": 'הלילה ירד על הנמל.\n\n"מי שם?" שאלה דנה.\n\n"זה אני," אמר יוסי. "צה"ל כאן."\n\nהאור כבה.',
    "Arabic": "حل الليل على الميناء. «من هناك؟» سألت ليلى. «أنا،» قال سمير.\n\nانطفأ الضوء؟ لا أحد يعرف.",
    "Japanese": "霧が港を覆った。「誰だ。」と太郎は言った。「私よ。」\n\n花子は笑った。『もう遅い』と思った。" * 12,
    "Russian": "Туман лёг на гавань.\n\n— Кто там? — спросила Анна.\n\n— Это я, — сказал Иван. — Открой!\n\nТихо.",
    "German": "Nebel lag über dem Hafen. „Wer ist da?“, fragte Anna. »Ich«, sagte Tom. Der Hund bellte im Hof. " * 8,
    "emoji": "🦊 ran 🔥. “👩‍🚀👍🏽!” said 🦊. The end 🎉🎉.",
    "forty characters": "The lamp went out and nobody ever knew.!",
    "one word": "Why?",
    "a template": 'Anna read {{ 7*7 }} on the wall. "{% raw %}!" said Anna. Then Anna left.',
    "headings only": "# One\n\n# Two\n\n***\n\n# Three",
    "a heading behind the last scene": "# One\n\nThe lamp went out.\n\n# Two",
    "hash tags and lists": "#fog came.\n- a lamp\n- an oil can\n1. first\n2) second",
    "quotes of every kind": "“Go,” said Ada. „Geh“, rief Tom. « Va », dit Eve. 'Now,' said Ada. \"Yes,\" said Tom.",
    "names made of patterns": 'A.B. (C) said nothing. "Why [x]+?" asked D\\d. $1 said: {x}. "No*!" said D\\d.',
}

every_text = pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in TEXTS.items()])


@every_text
async def test_the_whole_chain_is_accepted_and_every_quote_is_said_once_in_order(text: str) -> None:
    text = read_manuscript(text.encode(), "story.txt")
    board = await storyboard(text)
    assert board.panels >= 1
    assert squeezed("".join(line.text for line in board.lines)) == squeezed("".join(board.quotes))
    assert all(line.speaker in {*board.cast, ""} for line in board.lines)


@every_text
async def test_every_sentence_is_in_one_scene_in_order(text: str) -> None:
    text = read_manuscript(text.encode(), "story.txt")
    board = await storyboard(text)
    units = [unit for paragraph in paragraphs(text) for unit in paragraph_of(paragraph)]
    assert [unit for scene in board.scenes for unit in scene] == units


@every_text
@pytest.mark.parametrize("most", [1, 3])
async def test_a_limit_on_panels_is_kept(text: str, most: int) -> None:
    board = await storyboard(read_manuscript(text.encode(), "story.txt"), max_scenes=1, max_panels=most)
    assert board.panels <= most * len(board.scenes)


async def test_captions_are_the_texts_own_words() -> None:
    text = read_manuscript(TEXTS["prose"].encode(), "story.txt")
    board = await storyboard(text)
    source = squeezed(text)
    for caption in board.captions:
        for sentence in re.split(r"(?<=[.!?…]) ", caption):
            assert squeezed(sentence).rstrip("…") in source


async def test_the_same_manuscript_gives_the_same_storyboard() -> None:
    text = read_manuscript(TEXTS["prose"].encode(), "story.txt")
    assert await storyboard(text) == await storyboard(text)


async def test_the_example_storyboards_well() -> None:
    """What `make demo` shows: its people, who says what, shots that vary, scenes that open wide."""
    board = await storyboard(read_manuscript(EXAMPLE.read_bytes(), EXAMPLE.name))
    assert board.cast == ["Nessa Quill", "Pip", "Barnaby Finch", "Captain Drake"]
    assert len(board.scenes) == 4
    assert 25 <= board.panels <= 40
    assert len(set(board.shots)) >= 5
    speakers = {line.text: line.speaker for line in board.lines}
    assert speakers["Why has the clock stopped? I sail with the tide!"] == "Captain Drake"
    assert speakers["I built it to run for a hundred years."] == "Barnaby Finch"
    assert speakers["When was that?"] == "Nessa Quill"
    assert speakers["Your clock is dead,"] == "Captain Drake"
    assert speakers["SIX HUNDRED!"] == "Pip"
    kinds = {line.text: line.kind.value for line in board.lines}
    assert kinds["SIX HUNDRED!"] == "shout"
    assert kinds["That can't be right,"] == "whisper"


def chapter(words: int) -> str:
    """A chapter of about this many words: talk and telling, a separator now and then."""
    made: list[str] = []
    count = number = 0
    while count < words:
        number += 1
        telling = (
            f"Anna went down to the harbour for the {number}th time and looked at the grey water for a long while."
        )
        talk = f'"Do you see boat number {number}?" asked Anna.\n\n"I see it," said Tom.'
        made += [telling, talk] + (["***"] if number % 40 == 0 else [])
        count += 30
    return "\n\n".join(made)


@pytest.mark.parametrize("words", [1, 100, 1_200, 5_000, 60_000])
async def test_an_outline_covers_a_chapter_of_any_length_in_scenes_of_a_workflows_size(words: int) -> None:
    everything = paragraphs(chapter(words))
    first = 0
    for window in windows(everything, 8000):
        found = await answer(
            outline.TASK, outline.In(first=window.start, paragraphs=everything[window.start : window.stop])
        )
        for scene in found.scenes:
            assert scene.first == first
            first = scene.last + 1
            size = count_tokens("\n".join(everything[scene.first : scene.last + 1]))
            assert size <= outline.LONGEST_SCENE
    assert first == len(everything)


@pytest.mark.parametrize("most", [1, 2, 7])
async def test_an_outline_keeps_its_limit_of_scenes(most: int) -> None:
    data = outline.In(paragraphs=paragraphs(chapter(5_000)), max_scenes=most)
    assert len((await answer(outline.TASK, data)).scenes) <= most


async def test_a_long_scene_stays_within_what_a_workflow_bears() -> None:
    units = [unit for paragraph in paragraphs(chapter(1_200)) for unit in sentences(paragraph) if unit != "***"]
    found = await answer(panels.TASK, panels.In(sentences=units, characters=["Anna", "Tom"]))
    assert len(found.panels) <= 60


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param('"Go," said Ada. "No," Tom whispered.', ["Ada", "Tom"], id="said before and behind"),
        pytest.param("ANNA: Go.\n\nTOM: No.", ["Anna", "Tom"], id="script"),
        pytest.param("Ada ran. Then Ada fell. At last Ada slept.", ["Ada"], id="acts, mid-sentence too"),
        pytest.param("Monday came. Then Monday went. The Rain fell.", [], id="days and nouns"),
        pytest.param("He walked down Quay Street. Then Quay Street ended.", [], id="a street"),
        pytest.param(
            '"Go," said Captain Mara Voss. Mara left. "No," said Voss.', ["Captain Mara Voss"], id="one person"
        ),
        pytest.param('"Go," said Mr. Reed. "No," said Mrs. Hall.', ["Mr. Reed", "Mrs. Hall"], id="titles"),
        pytest.param("he ran. she fell. nobody spoke.", [], id="no names"),
    ],
)
async def test_who_is_found(text: str, names: list[str]) -> None:
    found = await answer(outline.TASK, outline.In(paragraphs=paragraphs(text)))
    assert sorted(who.name for who in found.characters) == sorted(names)


async def test_a_known_character_keeps_the_known_name() -> None:
    data = outline.In(paragraphs=['"Go," said Nessa. Nessa ran.'], known_characters=["Nessa Quill"])
    found = (await answer(outline.TASK, data)).characters
    assert [(who.name, who.aliases) for who in found] == [("Nessa Quill", ["Nessa"])]


@pytest.mark.parametrize(
    ("units", "said"),
    [
        pytest.param(['"Go," said Tom.'], [("Tom", "speech")], id="tag behind"),
        pytest.param(['Tom said, "Go."'], [("Tom", "speech")], id="tag before"),
        pytest.param(['Ada turned. "Go."'], [("Ada", "speech")], id="an action beside it"),
        pytest.param(['"Go," said Tom. "Now."'], [("Tom", "speech"), ("Tom", "speech")], id="one tag for two"),
        pytest.param(['"Go," said Tom.', '"No," said Ada.', '"Why?"'], [("Tom",), ("Ada",), ("Tom",)], id="turns"),
        pytest.param(['"Go, Ada," said Tom.', '"No."'], [("Tom",), ("Ada",)], id="whoever is addressed answers"),
        pytest.param(['"Yes," he said. "I am Tom."'], [("Tom",), ("Tom",)], id="and said before"),
        pytest.param(['"I am Ada."'], [("Ada",)], id="who says their name"),
        pytest.param(['"Miss Reed, go," said the guard.', '"No."'], [("",), ("Eve Reed",)], id="by title"),
        pytest.param(["Ada came. She smiled.", '"Go," she said.'], [("Ada",)], id="a pronoun"),
        pytest.param(['"Go!" shouted Tom.'], [("Tom", "shout")], id="shout"),
        pytest.param(['"GO AWAY!" said Tom.'], [("Tom", "shout")], id="capitals"),
        pytest.param(['"Go," Ada whispered.'], [("Ada", "whisper")], id="whisper"),
        pytest.param(['"I must go," thought Ada.'], [("Ada", "thought")], id="thought"),
        pytest.param(["TOM (whispering): Go."], [("Tom", "whisper")], id="script"),
        pytest.param(["STRANGER: Go."], [("", "speech")], id="script, not in the cast"),
        pytest.param(["TOM (OFF): Go."], [("Tom", "off")], id="script, out of the picture"),
        pytest.param(["TOM (O.S.): Go."], [("Tom", "off")], id="screenplay, out of the picture"),
        pytest.param(["TOM (off balance): Go."], [("Tom", "speech")], id="script, in the picture"),
        pytest.param(["SFX: CRASH", "TOM: Go."], [("", "sfx"), ("Tom", "speech")], id="a script's sound"),
        pytest.param(['"Go," said the stranger.'], [("", "speech")], id="somebody without a name"),
        pytest.param(
            ['"The sea came.', 'Nobody slept," said Ada.'], [("Ada",), ("Ada",)], id="tag at the end of a speech"
        ),
    ],
)
async def test_who_says_it_and_how(units: list[str], said: list[tuple[str, ...]]) -> None:
    found = await answer(dialogue.TASK, dialogue.In(sentences=units, cast=["Ada", "Tom", "Eve Reed"]))
    given_lines = [
        (line.speaker, line.kind.value)[: len(expected)] for line, expected in zip(found.lines, said, strict=True)
    ]
    assert given_lines == said


async def test_a_caption_leaves_out_tags_and_what_is_said() -> None:
    units = ["The lamp went out.", '"Go," said Tom. He ran to the door.', "The wind howled."]
    found = await answer(dialogue.TASK, dialogue.In(sentences=units, cast=["Tom"]))
    assert found.caption == "The lamp went out. He ran to the door. The wind howled."


async def test_a_scripts_caption_is_the_caption() -> None:
    found = await answer(dialogue.TASK, dialogue.In(sentences=["CAPTION: Three in the morning."], cast=["Tom"]))
    assert (found.lines, found.caption) == ([], "Three in the morning.")


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ('"Come over," said Tom; and he held out a coin.', "he held out a coin."),
        ('"Come," she answered, and stepped into the boat.', "stepped into the boat."),
        ('"Where from?" he asked, turning it over in his hand.', "turning it over in his hand."),
        ("Ada leaned in. “Our”—she tapped his ear—“secret.”", "Ada leaned in. she tapped his ear"),
        ('The old man nodded and said, "No."', "The old man nodded"),
        ('Ada picked up the lamp, "Go," she said.', "Ada picked up the lamp"),
        ("„Nein“, sagte Tom und schlug die Tür zu.", "schlug die Tür zu."),
        ("« Non », dit-elle, et elle ferma la porte.", "elle ferma la porte."),
        ("—No —dijo Tom, y cerró la puerta—. Vete.", "cerró la puerta"),
        ('"Go," said Tom from his door.', "Tom"),
        ('"Go," he said as if he meant it, and nothing more.', "Tom"),
        ('Then Tom and Ada said, "Go."', "Tom"),
    ],
)
async def test_what_is_done_beside_a_quote_is_in_the_picture(sentence: str, shown: str) -> None:
    """Where somebody only speaks, the description says who is there."""
    asked = panels.In(sentences=[sentence], first=0, cast=["Tom"], characters=["Tom"], place="")
    [panel] = (await answer(panels.TASK, asked)).panels
    assert panel.description == shown


@pytest.mark.parametrize("most", [0, 20, 60, 120, 400])
async def test_a_caption_keeps_its_limit(most: int) -> None:
    units = ["The lamp went out over the harbour, and the fog, which nobody had asked for, came in.", "Tom ran."]
    found = await answer(dialogue.TASK, dialogue.In(sentences=units, max_caption_chars=most))
    assert len(found.caption) <= most


async def test_looks_are_what_the_text_says_and_the_rest_depends_on_the_name_alone() -> None:
    excerpts = [
        "Ada was a tall woman with a red braid. She wore a long blue coat.",
        "Ada, the baker, was thirty years old.",
    ]
    told = (await answer(profile.TASK, profile.In(name="Ada", excerpts=excerpts))).profile
    assert (told.build, told.hair, told.clothes) == ("tall", "a red braid", "a long blue coat")
    assert told.age == "thirty years old"
    assert told.role == "the baker"
    assert told.colours[:2] == ["blue", "red"]
    silent = (await answer(profile.TASK, profile.In(name="Ada", excerpts=[]))).profile
    assert silent.face == told.face


async def test_a_prompt_leaves_the_absent_nameless() -> None:
    ada = Profile(name="Ada Reed", age="thirty", build="tall", hair="red hair", face="freckles", clothes="a blue coat")
    data = prompt.In(
        description="Ada Reed reads Tom's letter.", characters=[ada], absent=["Tom", "Ada"], place="Tom's kitchen"
    )
    found = await answer(prompt.TASK, data)
    assert "Tom" not in found.prompt + found.negative
    assert "Ada Reed reads somebody's letter." in found.prompt


async def test_a_long_description_is_cut_to_fit_the_prompt() -> None:
    found = await answer(prompt.TASK, prompt.In(description="The lamp went out, and then it rained. " * 300))
    assert len(found.prompt) <= prompt.LONGEST_PROMPT


async def test_a_reply_says_what_it_used() -> None:
    asked = request(summary.TASK, summary.In(sentences=["Ada waits."]))
    reply = await OfflineWriter().ask(asked)
    assert reply.stop_reason == "stop"
    assert reply.tokens.input == count_tokens(asked.system) + count_tokens(asked.prompt)
    assert reply.tokens.output == count_tokens(reply.text)


async def test_an_unknown_task_and_a_wrong_input_are_rejected() -> None:
    writer: LLM = OfflineWriter()
    data = summary.In(sentences=["Ada waits."])
    with pytest.raises(ProviderRejected, match="haiku"):
        await writer.ask(LLMRequest("haiku", "", "", "", {}, 1, data))
    with pytest.raises(ProviderRejected, match="Dialogue"):
        await writer.ask(LLMRequest("Dialogue", "", "", "", {}, 1, data))


async def test_a_model_that_was_asked_for_is_the_one_that_answers() -> None:
    asked = request(summary.TASK, summary.In(sentences=["Ada waits."]))
    reply: LLMReply = await OfflineWriter().ask(asked)
    assert reply.model == "storyboard-2"


TOKENS = """
Ada Tom said she ran the harbour Go! “Go,” " “ ” " — ANNA: Mr. # *** 猫。 「行け」 … ( 'No,' אור 🦊 {{ «
"""
words = st.sampled_from([*TOKENS.split(), "\n", "\n\n", "\n\n# Two\n\n"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(words, min_size=1, max_size=120).map(" ".join))
async def test_no_mixture_of_marks_breaks_the_chain(text: str) -> None:
    text = read_manuscript(f"Once. {text}".encode(), "story.txt")
    board = await storyboard(text)
    assert squeezed("".join(line.text for line in board.lines)) == squeezed("".join(board.quotes))


async def test_who_tells_the_story_is_in_it() -> None:
    """A narrator without a name goes by the word they use; "I said" is theirs."""
    text = (
        "I opened the door. I was late, and my hat was wet.\n\n"
        '"Late again," said Gus.\n\n"I know," I said. "I ran."\n\nI sat down beside the stove.'
    )
    board = await storyboard(text)
    assert "I" in board.cast
    assert [(line.speaker, line.text) for line in board.lines] == [
        ("Gus", "Late again,"),
        ("I", "I know,"),
        ("I", "I ran."),
    ]


async def test_somebody_without_a_name_is_somebody() -> None:
    """Who speaks as "the miller" or "the goose" is in the cast as that."""
    text = (
        'The miller had a goose.\n\n"Do not sell me," said the goose. "I can count."\n\n'
        '"Count my sacks," said the miller.\n\n"Eleven," the goose replied.\n\nThe miller scratched his head.'
    )
    assert [speaker for speaker, _ in await told_by(text)] == ["Goose", "Goose", "Miller", "Goose"]


async def test_short_and_long_names_are_one_person() -> None:
    """Tom, Thomas and Old Tom."""
    text = '"Thomas!" said Ada.\n\n"Here," said Tom. Old Tom was slow.\n\n"Come, Tom," said Ada.\n\nThomas came.'
    assert len((await storyboard(text)).cast) == 2


async def test_whoever_acts_beside_a_quote_says_it() -> None:
    """An action and a quote in one paragraph are one person's; the next paragraph is another's turn."""
    text = (
        'Iris and Dov sat at the table. Iris poured the tea.\n\n"You open it." Iris pushed the letter to him.\n\n'
        '"It has your name on it," said Dov.\n\nIris turned it over. "So it has."\n\n"Well?"'
    )
    assert [speaker for speaker, _ in await told_by(text)] == ["Iris", "Dov", "Iris", "Dov"]


async def test_a_screenplay_is_read_as_one() -> None:
    """Speeches below a name are that name's; what is done in the middle of them is told."""
    text = read_manuscript(
        b"INT. HALL - NIGHT\n\nJuno waits.\n\nJUNO\nYou take the lid.\n(beat)\nI take the bird.\n\nRAFE\nNo.", "a.txt"
    )
    assert await told_by(text) == [("Juno", "You take the lid."), ("Juno", "I take the bird."), ("Rafe", "No.")]
