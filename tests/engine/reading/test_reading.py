"""Reading: every byte stream is either clean text or a refusal with a way out, and no cut ever loses a letter."""

import re
import zipfile
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.reading import (
    PARAGRAPH_END,
    count_tokens,
    decoded,
    heading_text,
    is_heading,
    is_separator,
    names,
    paragraphs,
    pieces_within,
    quoted,
    read_manuscript,
    sentences,
    take_apart,
    title_of,
    windows,
)

pytestmark = pytest.mark.unit


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _zip() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(b"", "is empty", id="no bytes"),
        pytest.param(b" \r\n\t\n ", "is empty", id="only whitespace"),
        pytest.param(b"\xef\xbb\xbf\n", "is empty", id="only a byte order mark"),
        pytest.param(b"***\n\n---\n", "is empty", id="only separators"),
        pytest.param("\u200b\u200b\n".encode(), "is empty", id="only invisible characters"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG picture", id="png"),
        pytest.param(b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG picture", id="jpeg"),
        pytest.param(b"GIF89a\x01\0", "a GIF picture", id="gif"),
        pytest.param(b"%PDF-1.7\n", "a PDF document", id="pdf"),
        pytest.param(_zip(), "a ZIP archive", id="docx"),
        pytest.param(b"{\\rtf1 Hello}", "a Rich Text document", id="rtf"),
        pytest.param(b"Once upon\0a time", "offset 9", id="a zero byte in text"),
        pytest.param("“Oh,” said Zoë.".encode() + b"\xff", "offset 20", id="broken UTF-8, with the place"),
        pytest.param("“Oh,” said Zoë.".encode() + b"\xff", "Save it as UTF-8", id="broken UTF-8, with the way out"),
        pytest.param(b"\xef\xbb\xbfcaf\xe9", "offset 6", id="the offset counts the byte order mark"),
        pytest.param(b"\xff\xfea", "UTF-16", id="half a utf-16 character"),
        pytest.param(b"a" * (20 * 1024 * 1024 + 1), "at most", id="more than 20 MB"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(data: bytes, says: str) -> None:
    with pytest.raises(BadInput, match=re.escape(says)) as refusal:
        read_manuscript(data, "story.txt")
    assert refusal.value.message.startswith("story.txt")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(b"Forty characters of story, no more of it.", None, id="forty characters"),
        pytest.param(("word " * 20_000).encode(), ("word " * 20_000).strip(), id="one line without end"),
        pytest.param("“Go.”\n\n“No.”".encode(), None, id="only dialogue"),
        pytest.param("הלילה ירד על הנמל, והאור כבה.".encode(), None, id="right to left"),
        pytest.param("🦊🔥👩‍🚀 ran. 👍🏽".encode(), None, id="emoji with joiners"),
        pytest.param("A story.".encode("utf-8-sig"), "A story.", id="utf-8 with a mark"),
        pytest.param("A störy.".encode("utf-16"), "A störy.", id="utf-16 with a mark"),
        pytest.param(b"\xfe\xff" + "A störy.".encode("utf-16-be"), "A störy.", id="utf-16 big endian"),
        pytest.param(b"One.\r\nTwo.\rThree.", "One.\nTwo.\nThree.", id="line ends of every system"),
        pytest.param(b"One.\x07\x1b Two.", "One. Two.", id="control characters dropped"),
        pytest.param("cafe\u0301 open.".encode(), "café open.", id="composed"),
        pytest.param(b"One.\n* * *\nTwo.", "One.\n\n***\n\nTwo.", id="separator between lines"),
        pytest.param(
            "One.\n\n⁂\n\nTwo.\n\n#\n\nThree.".encode(), "One.\n\n***\n\nTwo.\n\n***\n\nThree.", id="separators"
        ),
        pytest.param(b"One.\n\n---\n", "One.", id="a separator at the end parts nothing"),
        pytest.param(b"The Title\n\nOnce there was a fox.", "# The Title\n\nOnce there was a fox.", id="title line"),
        pytest.param(b"CHAPTER ONE\n\nA fox.", "# CHAPTER ONE\n\nA fox.", id="chapter line"),
        pytest.param(b"EXT. QUAY - NIGHT\n\nA fox.", "# EXT. QUAY - NIGHT\n\nA fox.", id="slug line"),
        pytest.param(b"DAY ONE\n\nA fox.\n\nDAY TWO", "# DAY ONE\n\nA fox.\n\n# DAY TWO", id="lines in capitals"),
        pytest.param(b"A fox.\n\nRUN AWAY\n\nIt ran.", "A fox.\n\nRUN AWAY\n\nIt ran.", id="one may be a shout"),
        pytest.param(
            b"INT. HALL - NIGHT\n\nANA (O.S.)\n(softly)\nWho is it?\n\nCUT TO:\n\nEXT. QUAY - DAY",
            "# INT. HALL - NIGHT\n\nANA: (softly) Who is it?\n\n***\n\n# EXT. QUAY - DAY",
            id="a screenplay",
        ),
        pytest.param(b"It was *very* _late_.", "It was *very* _late_.", id="emphasis is text in a .txt"),
    ],
)
def test_what_can_be_read_is_normalised(data: bytes, text: str | None) -> None:
    assert read_manuscript(data, "story.txt") == (data.decode() if text is None else text)


@pytest.mark.parametrize(
    ("encoding", "text", "said"),
    [
        ("cp1252", "The café was shut. “Très tard,” said José…", "Windows-1252"),
        ("cp1252", "Übermorgen fährt Jürgen fort. „Wirklich?“", "Windows-1252"),
        ("cp1250", "Stary człowiek podniósł latarnię. „Kto tam?” zapytał źle.", "Windows-1250"),
        ("cp1251", "Старик поднял фонарь. «Кто там?» — спросил он.", "Windows-1251"),
        ("koi8_r", "Старик поднял фонарь и посмотрел на море. Кто там?", "KOI8-R"),
        ("cp1253", "Ο γέρος σήκωσε το φανάρι.", "Windows-1253"),
        ("cp1256", "رفع الرجل العجوز الفانوس.", "Windows-1256"),
        ("cp932", "「誰だ」と老人は言った。海は静かだった。", "Shift JIS"),
        ("euc_jp", "「誰だ」と老人は言った。海は静かだった。", "EUC-JP"),
        ("gb18030", "“你要去哪里？”船夫问。江面上没有一丝风。", "GB 18030"),
        ("big5", "「你要去哪裡？」船夫問。江面上沒有一絲風。", "Big5"),
        ("cp949", "노인은 등불을 들었다. 누구냐고 그가 물었다.", "EUC-KR"),
        ("utf-16-le", "Once upon a time", "UTF-16 (little endian)"),
        ("utf-16-be", "Once upon a time", "UTF-16 (big endian)"),
        ("utf-8", "Éva said no.", ""),
        ("utf-8-sig", "Éva said no.", ""),
        ("utf-16", "Éva said no.", ""),
    ],
)
def test_other_encodings_are_read_and_said(encoding: str, text: str, said: str) -> None:
    """Where neither the bytes nor a mark decide it, the guess is named."""
    found = decoded(text.encode(encoding), "story.txt")
    assert (found.text, found.guessed) == (text, said)


def test_a_long_text_is_known_by_its_beginning() -> None:
    text = "“Come in,” said José. It’s late.\n" * 20_000
    assert decoded(text.encode("cp1252"), "story.txt").text == text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        pytest.param("## The Quay ##\n\nA fox.", "# The Quay\n\nA fox.", id="heading"),
        pytest.param("The Quay\n========\n\nA fox.", "# The Quay\n\nA fox.", id="underlined heading"),
        pytest.param("A *very* **old** ***fox*** _ran_ __on__.", "A very old fox ran on.", id="emphasis"),
        pytest.param("snake_case_name and 2 * 3 * 4 stay.", "snake_case_name and 2 * 3 * 4 stay.", id="no emphasis"),
        pytest.param("One.\n\n***\n\nTwo.\n\n---\n\nThree.", "One.\n\n***\n\nTwo.\n\n***\n\nThree.", id="separators"),
        pytest.param("See [the map](http://x) now.", "See the map now.", id="link"),
        pytest.param("> A fox\n> ran.", "A fox\nran.", id="quoted block"),
        pytest.param("---\ntitle: X\n---\nA fox ran.", "A fox ran.", id="front matter"),
        pytest.param("A \\*star\\*.", "A *star*.", id="escapes"),
        pytest.param("A <!-- note --> fox.", "A  fox.", id="comment"),
    ],
)
def test_markdown_becomes_plain_text_with_headings(markdown: str, text: str) -> None:
    assert read_manuscript(markdown.encode(), "story.md") == text


def test_the_title_is_the_heading_a_manuscript_begins_with() -> None:
    assert title_of("# The Quay\n\nA fox.") == "The Quay"
    assert title_of("A fox.\n\n# The Quay") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("One.\n\nTwo.", ["One.", "Two."], id="blank lines"),
        pytest.param("One.\n \t\nTwo.", ["One.", "Two."], id="blank lines with spaces"),
        pytest.param("One.\nTwo.", ["One.", "Two."], id="no blank lines: a line each"),
        pytest.param(
            "The fog lay on the harbour for so long that\nthe gulls walked home.",
            ["The fog lay on the harbour for so long that the gulls walked home."],
            id="hard-wrapped lines are joined",
        ),
        pytest.param("ANNA: Hello.\nTOM: Hello yourself.", ["ANNA: Hello.", "TOM: Hello yourself."], id="script lines"),
        pytest.param("# A\nFox.", ["# A", "Fox."], id="a heading stands alone"),
        pytest.param("私はその小さな\n猫である。", ["私はその小さな猫である。"], id="no space put into Japanese"),
    ],
)
def test_paragraphs(text: str, expected: list[str]) -> None:
    assert paragraphs(text) == expected


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        pytest.param("He ran. She hid! Why?", ["He ran.", "She hid!", "Why?"], id="sentence ends"),
        pytest.param("Mr. Brown saw Dr. J. Smith.", ["Mr. Brown saw Dr. J. Smith."], id="abbreviations"),
        pytest.param("It cost 3.50 in all. Fine.", ["It cost 3.50 in all.", "Fine."], id="numbers"),
        pytest.param("He waited... and waited.", ["He waited... and waited."], id="an ellipsis inside"),
        pytest.param('"Come! Now!" said Ada.', ['"Come! Now!" said Ada.'], id="quote with its tag"),
        pytest.param('"Come!" Ada said. "Now."', ['"Come!" Ada said. "Now."'], id="a short exchange stays together"),
        pytest.param("猫がいた。犬もいた。", ["猫がいた。", "犬もいた。"], id="no spaces between sentences"),
        pytest.param("***", [], id="a separator has none"),
        pytest.param("# The Quay. At night", ["# The Quay. At night"], id="a heading is one"),
    ],
)
def test_sentences(paragraph: str, expected: list[str]) -> None:
    assert sentences(paragraph) == expected


def test_a_long_quote_is_split_at_its_sentence_ends_and_the_tag_stays_with_the_last() -> None:
    speech = " ".join(f"This is what happened on the {number}th day of our journey." for number in range(4, 14))
    units = sentences(f'"{speech}" said Ada.')
    assert len(units) > 1
    assert all(unit.rstrip('"').endswith(".") for unit in units[:-1])
    assert units[-1].endswith('journey." said Ada.')
    assert " ".join(quoted(units)) == speech


@pytest.mark.parametrize(
    ("paragraph", "said"),
    [
        pytest.param('"Go," he said, "now."', ["Go,", "now."], id="straight"),
        pytest.param("“Go,” he said.", ["Go,"], id="curly"),
        pytest.param("„Geh“, sagte er. „Jetzt!“", ["Geh", "Jetzt!"], id="low-high"),
        pytest.param("« Viens », dit-il.", ["Viens"], id="angled"),
        pytest.param("»Geh«, rief er.", ["Geh"], id="angled inwards"),
        pytest.param("”Gå”, sa hon.", ["Gå"], id="the same mark twice"),
        pytest.param("「行け。」と彼は言った。", ["行け。"], id="corner"),
        pytest.param('他说"你好"然后走了。', ["你好"], id="straight between letters"),
        pytest.param("'Go,' he said. 'It's late.'", ["Go,", "It's late."], id="single"),
        pytest.param("It's the dogs' bowl, isn't it.", [], id="apostrophes are no quotes"),
        pytest.param("— Иди, — сказал он. — Сейчас же!", ["Иди,", "Сейчас же!"], id="dashes"),
        pytest.param("—Ven aquí —dijo Ana.", ["Ven aquí"], id="Spanish dashes"),
        pytest.param("ANNA: Go now.", ["Go now."], id="script line"),
        pytest.param("ANNA (whispering): Go.", ["Go."], id="script line with a direction"),
        pytest.param("Anna: (softly) Go.", ["Go."], id="script line with a direction behind"),
        pytest.param("LEN: No. [He sits.] Not now.", ["No.", "Not now."], id="a direction inside a speech"),
        pytest.param("MRS. KETT: Go. Now.", ["Go. Now."], id="a script name with an abbreviation"),
        pytest.param("« Va, dit Ana. Vite. »", ["Va,", "Vite."], id="a French tag inside the marks"),
        pytest.param("— Va ! cria Ana. Vite.", ["Va !", "Vite."], id="a French tag inside dash speech"),
        pytest.param("I can go home, thought Mara.", ["I can go home,"], id="a thought without marks"),
        pytest.param("He thought Mara had gone home.", [], id="what is thought of somebody"),
        pytest.param("He said: the end is near.", [], id="a colon in a sentence"),
        pytest.param("At 10:30 they left.", [], id="a time of day"),
        pytest.param('צה"ל הגיע. "לך," אמר.', ["לך,"], id="a mark inside a Hebrew word"),
        pytest.param('The ship "Star of the East" sailed.', [], id="a title is told"),
        pytest.param('He said "no" and left.', ["no"], id="a word that is said"),
        pytest.param('"She told me “never” again," he said.', ["She told me “never” again,"], id="nested"),
        pytest.param('"And so it ends', ["And so it ends"], id="never closed"),
        pytest.param('„Geh", sagte Ana. „Bald."', ["Geh", "Bald."], id="low marks closed by straight ones"),
        pytest.param('„Er sagte "nein" dazu.“', ['Er sagte "nein" dazu.'], id="straight marks inside low ones"),
        pytest.param("›Geh‹, sagte Ana. ‹Va.›", ["Geh", "Va."], id="single angled"),
        pytest.param("—Sí —dijo Ana—. Ven.", ["Sí.", "Ven."], id="a raya with the mark behind it"),
        pytest.param("—¿Sí? —dijo Ana—. Ven.", ["¿Sí?", "Ven."], id="a raya where a mark is there already"),
        pytest.param("—Sí —dijo Ana—, ven…", ["Sí,", "ven…"], id="a raya with a comma behind it"),
        pytest.param("CAPTION: Three in the morning.", [], id="a script's caption"),
        pytest.param("Author: Nora Field", [], id="a line of a title page"),
        pytest.param("SFX: BZZZT", ["BZZZT"], id="a script's sound"),
    ],
)
def test_what_is_said(paragraph: str, said: list[str]) -> None:
    assert quoted(sentences(paragraph)) == said


@pytest.mark.parametrize(
    "line",
    ["江面上没有一丝风。", "静かな夜だった", "ไม่มีลมพัดเลยในคืนนี้", "לא הייתה רוח על הנהר", "لم تكن هناك ريح على النهر"],
    ids=["zh", "ja", "th", "he", "ar"],
)
def test_scripts_without_capitals_have_no_lines_in_capitals(line: str) -> None:
    """Taken for headings, they would vanish from the story."""
    text = read_manuscript(f"Title\n\n“…”\n\n{line}\n\n{line}\n\n{line}".encode(), "story.txt")
    assert paragraphs(text)[-3:] == [line] * 3


def test_every_piece_of_a_long_script_speech_says_whose_it_is() -> None:
    """A piece without its name would be told, not said."""
    speech = " ".join(f"This is sentence number {number} of a long speech." for number in range(20))
    pieces = sentences(f"ANNA (tired): {speech}")
    assert len(pieces) > 1
    assert [part.cue for part in take_apart(pieces)] == ["ANNA"] * len(pieces)
    assert " ".join(quoted(pieces)) == speech


def test_the_end_of_a_paragraph_is_known() -> None:
    """It is where another speaker's turn begins; the mark for it is no part of the text."""
    parts = take_apart(["Ana sat down.", '"Well?"' + PARAGRAPH_END, '"Well what?"' + PARAGRAPH_END])
    assert [(part.text, part.closes) for part in parts] == [
        ("Ana sat down.", False),
        ('"Well?"', True),
        ('"Well what?"', True),
    ]


def test_a_quote_left_open_does_not_swallow_what_follows() -> None:
    scene = ['"I see him, she said.', "He went away.", '"What?" she asked.']
    assert quoted(scene) == ["I see him, she said.", "What?"]
    assert quoted(scene[1:2], before=scene[:1], after=scene[2:]) == []


def test_a_quote_through_several_sentences_is_known_in_the_middle() -> None:
    scene = ['"The lamp went out.', "The sea came in.", 'Nobody slept," she said.']
    assert quoted(scene) == ["The lamp went out.", "The sea came in.", "Nobody slept,"]
    middle = take_apart(scene[1:2], before=scene[:1], after=scene[2:])[0]
    assert [(stretch.text, stretch.continues) for stretch in middle.said] == [("The sea came in.", True)]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        pytest.param("", 0, id="nothing"),
        pytest.param("abcd", 1, id="four letters"),
        pytest.param("abcde", 2, id="rounded up"),
        pytest.param("猫がいた", 4, id="one a character in a dense script"),
        pytest.param("שלום", 1, id="an alphabet counts like Latin"),
    ],
)
def test_count_tokens(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


def test_headings_and_separators_are_told_from_text() -> None:
    assert is_heading("# The Quay")
    assert not is_heading("#fog on the quay")
    assert not is_heading("***")
    assert is_separator("***")
    assert not is_separator("* one")
    assert heading_text("# The Quay") == "The Quay"
    assert heading_text("#fog") == "#fog"


# Letters, marks and line ends that cut rules look at, in any order.
prose = st.text(
    st.sampled_from(list("abcdefgABC   \n\n.,!?…:;—-'\"“”„«»「」。！é猫אب🦊\u0301\u200d*#()0123456789")), max_size=600
)


@given(prose)
def test_no_paragraph_loses_a_letter(text: str) -> None:
    assert squeezed("".join(paragraphs(text))) == squeezed(text)


@given(prose)
def test_no_sentence_loses_a_letter(text: str) -> None:
    for paragraph in paragraphs(text):
        if not is_separator(paragraph):
            units = sentences(paragraph)
            assert squeezed("".join(units)) == squeezed(paragraph)
            assert all(unit == unit.strip() and unit for unit in units)


@given(st.text(st.sampled_from('abc .!?"“”猫。,'), min_size=1300, max_size=4000))
def test_no_paragraph_and_no_sentence_is_longer_than_a_window_or_a_caption_can_take(text: str) -> None:
    for paragraph in paragraphs(text):
        assert len(paragraph) <= 1200
        for unit in sentences(paragraph):
            assert len(unit) <= 320


@given(prose, st.integers(20, 200))
def test_pieces_are_short_and_complete(text: str, longest: int) -> None:
    pieces = pieces_within(text, longest)
    assert squeezed("".join(pieces)) == squeezed(text)
    assert all(len(piece) <= longest for piece in pieces)


@given(st.lists(st.text("ab猫 ", max_size=60), max_size=40), st.integers(1, 50))
def test_windows_are_complete_in_order_and_within_their_size(texts: list[str], most: int) -> None:
    found = windows(texts, most)
    assert [index for window in found for index in window] == list(range(len(texts)))
    for window in found:
        assert len(window) == 1 or sum(count_tokens(texts[index]) for index in window) <= most


@given(prose)
def test_taking_apart_keeps_every_word(text: str) -> None:
    """Quotation marks and script names apart, everything is either said or told."""
    units = [unit for paragraph in paragraphs(text) for unit in sentences(paragraph)]
    for unit, part in zip(units, take_apart(units), strict=True):
        words = re.findall(r"[a-gA-C]+", unit)
        kept = " ".join([part.cue, part.direction, *(stretch.text for stretch in part.stretches)])
        assert sorted(re.findall(r"[a-gA-C]+", kept)) == sorted(words)


def test_cutting_never_parts_a_joined_emoji() -> None:
    family = "👩\u200d👩\u200d👧"
    for piece in pieces_within(family * 60, 70):
        assert not piece.startswith("\u200d")
        assert not piece.endswith("\u200d")


@pytest.mark.parametrize(
    ("text", "people", "named"),
    [
        pytest.param("MARA waits.", ["Mara"], True, id="in capitals"),
        pytest.param("Maraschino cherries.", ["Mara"], False, id="part of a word"),
        pytest.param("i waited in it.", ["I"], False, id="a letter is no narrator"),
        pytest.param("So I waited.", ["I"], True, id="who tells"),
        pytest.param("Old Tom ran.", ["Thomas", "Tom"], True, id="an alias"),
        pytest.param("Nobody.", [""], False, id="no name"),
    ],
)
def test_who_is_named(text: str, people: list[str], named: bool) -> None:
    assert names(text, people) is named
