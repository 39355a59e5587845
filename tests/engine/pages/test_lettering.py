"""Balloons hold their text, keep inside the panel, read in order, and keep off faces."""

import re
import time
from collections.abc import Sequence

import pytest
from PIL import Image, ImageChops, ImageDraw

from engine.pages import fonts
from engine.pages.balloons import Balloon, Rect, neck_shapes, outline, tail_shapes
from engine.pages.detail import detail_of
from engine.pages.formats import TextSize, text_size
from engine.pages.layer import balloons_of, layer_of
from engine.pages.layout import Cell, PageLayout
from engine.pages.lettering import Head, Lettering, letter, safe_area
from engine.pages.pieces import pieces
from engine.pages.placing import follows
from engine.pages.wrapping import block, emphasised, tidy
from models.story import Direction, Line, LineKind, PanelData, Profile

pytestmark = pytest.mark.unit

SIZE = TextSize(38, 28)
WORDS = "the lamp went out and nobody on the pier said a word while rain came in from the sea "
TEXTS = {
    "one letter": "A",
    "one word": "No!",
    "a sentence": "The ferry is due at nine.",
    "100 letters": (WORDS * 2)[:100],
    "300 letters": (WORDS * 4)[:300],
    "600 letters": (WORDS * 8)[:600],
    "one giant word": "x" * 300,
    "a giant number": "7" * 300,
    "hebrew": "שלום עולם, מה שלומך היום? " * 3,
    "arabic": "مرحبا بالعالم كيف حالك " * 3,
    "cyrillic": "Где маяк и кто его зажёг? " * 3,
    "japanese": "灯台の明かりが消えた。誰も何も言わなかった。" * 3,
    "emoji": "Yes 😀👍🏽 👨‍👩‍👧 ok " * 4,
    "combining": "Zoe\u0308 e\u0301te\u0301 " * 20,
    "controls": "a\x01b\x07c\r\n\td\u200be",
    "dashes": "well—no—wait—" * 12,
}
MARA, ILO = Profile(name="Mara"), Profile(name="Ilo")


def head(name: str, x: float, y: float, size: float = 130) -> Head:
    return Head(name, Rect(x, y, size, size * 1.2))


def panel(*lines: tuple[str, str, LineKind], caption: str = "") -> PanelData:
    said = [Line(speaker=who, text=text, kind=kind) for who, text, kind in lines]
    return PanelData(description="x", characters=[MARA, ILO], dialogue=said, caption=caption)


def check(lettering: Lettering, width: float, height: float) -> None:
    for balloon in lettering.balloons:
        rect = balloon.rect
        assert rect.x >= 0
        assert rect.y >= 0
        assert rect.right <= width
        assert rect.bottom <= height
        for x, y in outline(balloon):
            assert -0.5 <= x <= width + 0.5
            assert -0.5 <= y <= height + 0.5
        for line in balloon.text_rects():
            for x in (line.x, line.right):
                for y in (line.y, line.bottom):
                    assert balloon.holds(x, y), f"{balloon.block.lines} reaches out of its balloon"


def said(balloons: Sequence[Balloon]) -> str:
    return "".join(line for balloon in balloons for line in balloon.block.lines).replace("-", "").replace(" ", "")


@pytest.mark.parametrize("kind", [*LineKind, None], ids=lambda kind: kind or "caption")
@pytest.mark.parametrize("text", ["\u200b", "\u200b \u200b", "\u200d", "\u2060\ufeff", "\ufe0f"])
def test_a_text_of_which_nothing_would_be_seen_is_not_set(text: str, kind: LineKind | None) -> None:
    """A zero-width space alone, pasted from somewhere: no balloon around nothing, and no reason to stop."""
    words = panel(caption=text) if kind is None else panel(("Mara", text, kind))
    assert letter(words, 1000, 900, [head("Mara", 300, 420)], "ltr", SIZE) == Lettering(())


@pytest.mark.parametrize("kind", [*LineKind, None], ids=lambda kind: kind or "caption")
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_text_stays_inside_its_balloon_and_nothing_is_lost(text: str, kind: LineKind | None) -> None:
    words = panel(caption=text) if kind is None else panel(("Mara", text, kind))
    heads = [head("Mara", 300, 420), head("Ilo", 620, 420)]
    lettering = letter(words, 1000, 900, heads, "ltr", SIZE)
    check(lettering, 1000, 900)
    assert said(lettering.balloons) == tidy(text).replace("-", "").replace(" ", "")
    assert min(balloon.block.size for balloon in lettering.balloons) >= SIZE.minimum
    assert [problem for problem in lettering.problems if "no font" not in problem] == []


@pytest.mark.parametrize(("width", "height"), [(400, 400), (300, 700), (900, 260), (120, 120)])
@pytest.mark.parametrize("letters", [20, 600, 3000])
def test_what_has_no_room_is_told_and_never_shrunk_or_cut(width: int, height: int, letters: int) -> None:
    text = (WORDS * 40)[:letters].strip()
    lettering = letter(panel(("Mara", text, LineKind.SPEECH)), width, height, [], "ltr", SIZE)
    check(lettering, width, height)
    assert all(balloon.block.size >= SIZE.minimum for balloon in lettering.balloons)
    if lettering.unplaced:
        assert lettering.balloons == ()
        assert lettering.unplaced == (text,)
        assert text in lettering.problems[0]
    else:
        assert said(lettering.balloons) == text.replace(" ", "")
        assert lettering.problems == ()


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("count", [2, 4, 7, 16])
def test_balloons_read_in_the_order_of_the_dialogue(count: int, direction: Direction) -> None:
    lines = [("Mara" if n % 2 else "Ilo", WORDS[: 12 + 7 * (n % 4)], list(LineKind)[n % 4]) for n in range(count)]
    heads = [head("Mara", 250, 500), head("Ilo", 700, 480)]
    lettering = letter(panel(*lines, caption="Later that night."), 1100, 1000, heads, direction, SIZE)
    check(lettering, 1100, 1000)
    assert len(lettering.balloons) == count + 1
    for at, balloon in enumerate(lettering.balloons):
        for later in lettering.balloons[at + 1 :]:
            assert follows(later.rect, balloon.rect, direction == "rtl", 0)


def test_faces_stay_free_where_there_is_room() -> None:
    heads = [head("Mara", 200, 430), head("Ilo", 640, 450)]
    lines = [
        ("Mara", "Why is it dark up there?", LineKind.SPEECH),
        ("Ilo", "I don't know. Stay close to me and keep quiet.", LineKind.SPEECH),
        ("Mara", "I am.", LineKind.WHISPER),
    ]
    lettering = letter(panel(*lines, caption="Nine o'clock."), 1000, 900, heads, "ltr", SIZE)
    for balloon in lettering.balloons:
        assert sum(balloon.rect.overlap(each.rect) for each in heads) == 0


@pytest.mark.parametrize("top", [20, 150, 430, 640])
def test_balloons_make_way_wherever_the_face_is(top: int) -> None:
    face = head("Mara", 420, top, 160)
    words = panel(("Mara", WORDS, LineKind.SPEECH), ("Mara", "And then?", LineKind.THOUGHT))
    for balloon in letter(words, 1000, 900, [face], "ltr", SIZE).balloons:
        assert balloon.rect.overlap(face.rect) == 0


@pytest.mark.parametrize("name", ["Mara", "MARA", " mara "])
def test_the_tail_ends_at_the_speakers_head(name: str) -> None:
    heads = [head("Ilo", 200, 450), head("mArA", 640, 450)]
    [balloon] = letter(panel((name, "Here.", LineKind.SPEECH)), 1000, 900, heads, "ltr", SIZE).balloons
    assert balloon.tail is not None
    x, y = balloon.tail
    mara = heads[1].rect.grown(0.25 * heads[1].rect.width)
    assert mara.x <= x <= mara.right
    assert mara.y <= y <= mara.bottom
    assert tail_shapes(balloon)


@pytest.mark.parametrize("name", ["", "Radio", "Mara"])
def test_somebody_out_of_the_picture_speaks_from_the_edge(name: str) -> None:
    [balloon] = letter(panel((name, "Who is there?", LineKind.SPEECH)), 1000, 900, [], "ltr", SIZE).balloons
    assert balloon.tail is not None
    assert balloon.tail[0] in (1.0, 999.0)


def test_an_unmarked_picture_still_gets_tails_into_the_scene() -> None:
    [balloon] = letter(panel(("Mara", "Here.", LineKind.SPEECH)), 1000, 900, None, "ltr", SIZE).balloons
    assert balloon.tail is not None
    assert 100 < balloon.tail[0] < 900


def test_captions_have_no_tail_and_come_first() -> None:
    words = panel(("Mara", "Here.", LineKind.SPEECH), caption="Later.")
    first, second = letter(words, 1000, 900, [head("Mara", 300, 450)], "ltr", SIZE).balloons
    assert first.kind is None
    assert first.tail is None
    assert second.kind is LineKind.SPEECH


@pytest.mark.parametrize("words", [panel(), panel(("Mara", " \n\t", LineKind.SPEECH), caption="\u0000")])
def test_nothing_to_say_sets_nothing(words: PanelData) -> None:
    assert letter(words, 1000, 900, [], "ltr", SIZE) == Lettering(())


def tail_of(balloons: Sequence[Balloon]) -> list[Balloon]:
    return [balloon for balloon in balloons if tail_shapes(balloon)]


def test_lines_that_one_voice_goes_on_with_are_joined_and_share_a_tail() -> None:
    words = panel(("Mara", "Wait for me.", LineKind.SPEECH), ("Mara", "I said wait!", LineKind.SPEECH))
    first, second = letter(words, 1000, 900, [head("Mara", 420, 430)], "ltr", SIZE).balloons
    assert second.joined == 0
    assert neck_shapes(second, first)
    assert len(tail_of([first, second])) == 1


@pytest.mark.parametrize("kinds", [(LineKind.SPEECH, LineKind.THOUGHT), (LineKind.SPEECH, LineKind.SHOUT)])
def test_another_manner_is_another_balloon(kinds: tuple[LineKind, LineKind]) -> None:
    words = panel(("Mara", "Wait for me.", kinds[0]), ("Mara", "I said wait!", kinds[1]))
    balloons = letter(words, 1000, 900, [head("Mara", 420, 430)], "ltr", SIZE).balloons
    assert [balloon.joined for balloon in balloons] == [None, None]
    assert len(tail_of(balloons)) == 2


@pytest.mark.parametrize(
    ("lines", "ends"),
    [
        pytest.param([("Mara", "Take the small key,")], ["key."], id="who said it is gone"),
        pytest.param([("Mara", "Then who,"), ("Mara", "gave me this?")], ["who,", "this?"], id="the voice goes on"),
        pytest.param([("Mara", "Go home,"), ("Mara", "It is late.")], ["home.", "late."], id="another sentence"),
        pytest.param([("Mara", "Well,"), ("Ilo", "what now?")], ["Well.", "now?"], id="somebody else"),
        pytest.param([("Mara", "行け、")], ["行け。"], id="japanese"),
        pytest.param([("Mara", "No")], ["No"], id="no stop of its own"),
    ],
)
def test_a_speech_does_not_end_in_the_comma_before_who_said_it(lines: list[tuple[str, str]], ends: list[str]) -> None:
    words = panel(*((who, text, LineKind.SPEECH) for who, text in lines))
    heads = [head("Mara", 300, 420), head("Ilo", 620, 420)]
    found = letter(words, 1000, 900, heads, "ltr", SIZE)
    assert [balloon.block.lines[-1].split(" ")[-1] for balloon in found.balloons] == ends
    assert [text.text for text in layer_of(found, words, "p").texts] == [text for _, text in lines]


def test_400_words_are_said_in_joined_balloons() -> None:
    """On a whole page, which is what the layout gives so many words."""
    text = " ".join((WORDS * 30).split()[:400])
    lettering = letter(panel(("Mara", text, LineKind.SPEECH)), 1820, 2907, [head("Mara", 800, 2300)], "ltr", SIZE)
    check(lettering, 1820, 2907)
    assert said(lettering.balloons) == text.replace(" ", "")
    assert len(lettering.balloons) > 4
    assert lettering.problems == ()


def test_mixed_scripts_share_a_balloon() -> None:
    text = "Ça va? Где маяк, שלום, 灯台 – ok."
    lettering = letter(panel(("Mara", text, LineKind.SPEECH)), 1000, 900, [head("Mara", 420, 430)], "ltr", SIZE)
    check(lettering, 1000, 900)
    assert len(lettering.balloons) == 1
    assert lettering.problems == ()


def test_a_voice_off_does_not_point_at_who_is_seen() -> None:
    words = panel(("Mara", "I am behind you.", LineKind.OFF))
    [balloon] = letter(words, 1000, 900, [head("Mara", 420, 430)], "ltr", SIZE).balloons
    assert balloon.tail is not None
    assert balloon.tail[0] in (1.0, 999.0)


def test_a_sound_is_set_large_and_without_a_balloon() -> None:
    words = panel(("", "Crash!", LineKind.SFX), ("Mara", "What was that?", LineKind.SPEECH))
    sound, _ = letter(words, 1000, 900, [head("Mara", 420, 430)], "ltr", SIZE).balloons
    assert sound.kind is LineKind.SFX
    assert sound.tail is None
    assert sound.block.size > SIZE.nominal


def test_a_face_that_cannot_stay_free_is_told_of() -> None:
    face = Head("Mara", Rect(20, 20, 560, 560))
    lettering = letter(panel(("Mara", WORDS, LineKind.SPEECH)), 600, 600, [face], "ltr", SIZE)
    assert said(lettering.balloons) == WORDS.replace(" ", "")
    assert any("covers the face of Mara" in problem for problem in lettering.problems)


def test_whose_head_is_not_marked_is_found_by_the_figure() -> None:
    figure = Head("Mara", Rect(600, 400, 200, 480))
    words = panel(("Mara", "Here.", LineKind.SPEECH))
    [balloon] = letter(words, 1000, 900, [], "ltr", SIZE, figures=[figure]).balloons
    assert balloon.tail is not None
    assert 580 < balloon.tail[0] < 820


def test_balloons_go_where_there_is_little_to_see() -> None:
    """The same panel, busy on one side or the other: the balloon takes the calm one."""
    sides = []
    for busy in (0, 500):
        picture = Image.new("L", (1000, 900), 200)
        pen = ImageDraw.Draw(picture)
        for x in range(busy, busy + 500, 6):
            pen.line((x, 0, x, 900), fill=20, width=3)
        words = panel(("", "Who is there?", LineKind.SPEECH))
        [balloon] = letter(words, 1000, 900, [], "ltr", SIZE, detail=detail_of(picture, 1000, 900)).balloons
        sides.append(balloon.rect.centre[0] > 500)
    assert sides == [True, False]


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u202f"])
@pytest.mark.parametrize("most", range(12, 80, 7))
def test_no_piece_begins_with_a_mark_that_closes(most: int, blank: str) -> None:
    """French has a blank before them, which is no place to go on in another balloon."""
    text = "Il dit : « Demain tout sera plus clair ! » Mais demain ne vint pas ; qui « donc » le savait ? Personne !"
    text = re.sub(" (?=[!?;:»])", blank, text)
    parts = pieces(text, most)
    assert " ".join(parts) == text
    assert not [part for part in parts if part[0] in "!?;:»"]


@pytest.mark.parametrize("x", [460, 468, 474, 482])
def test_a_long_text_is_no_needle_between_two_figures(x: int) -> None:
    """Above the faces is the caption, between them a gap as wide as a word: the text goes where its lines are lines."""
    heads = [Head("Ilo", Rect(59, 322, 203, 218)), Head("Mara", Rect(x, 460, 164, 188))]
    figures = [Head("Ilo", Rect(2, 322, 263, 815)), Head("Mara", Rect(275, 460, 393, 638))]
    sunday = "Alle acht. Und Großmutter bringt Kuchen mit, wenn Sie versprechen, dass Sie nicht auf die Wäsche tropfen."
    told = "Lise setzte sich zu ihm auf die unterste Stufe. Das Wasser stieg ihr in die Schuhe, "
    told += "aber sie zog die Füße nicht weg."
    words = panel(
        ("Mara", "Dann kommen wir sonntags", LineKind.SPEECH), ("Mara", sunday, LineKind.SPEECH), caption=told
    )
    lettering = letter(words, 722, 1142, heads, "rtl", SIZE, language="de", figures=figures)
    assert not lettering.problems
    for balloon in lettering.balloons:
        assert balloon.rect.height < 2 * balloon.rect.width
        assert not any(line.endswith("-") for line in balloon.block.lines)


@pytest.mark.parametrize("x", [0, 200])
def test_a_strip_that_fills_its_page_keeps_words_off_the_edge(x: int) -> None:
    cell = Cell("one", x, 28, 800 - 2 * x, 500)
    room = safe_area(PageLayout(1, 800, 600, (cell,)), cell)
    words = panel(("Mara", "Here.", LineKind.SPEECH), caption="Later.")
    for balloon in letter(words, cell.width, cell.height, [], "ltr", TextSize(27, 21), room=room).balloons:
        assert cell.x + balloon.rect.x >= 28
        assert cell.x + balloon.rect.right <= 800 - 28


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("I *really do* mean it", "I Breally Bdo mean it"),
        ("“*No!*”, _softly_.", "“BNo!”, Ssoftly."),
        ("_*both*_", "SBboth"),
        ("5*3*2 a_b_c", "5*3*2 a_b_c"),
        ("* * *", "* * *"),
        ("*open", "*open"),
    ],
)
def test_emphasis_is_what_stands_between_signs_and_around_whole_words(text: str, marked: str) -> None:
    found = emphasised(tidy(text))
    assert found.replace(fonts.BOLD, "B").replace(fonts.SLANTED, "S") == marked
    assert fonts.missing(found) == ""


def test_emphasis_survives_being_stored() -> None:
    words = panel(("Mara", "I *really do not* want to say _that_ again, “*ever*”.", LineKind.SPEECH))
    lettering = letter(words, 700, 900, [head("Mara", 300, 600)], "ltr", SIZE)
    layer = layer_of(lettering, words, "one")
    assert "*really*" in " ".join(layer.texts[0].lines)
    assert balloons_of(layer) == lettering.balloons


def test_emphasis_is_seen() -> None:
    """Bold is more ink; slanted is other ink; neither takes the sign that asks for it."""
    pictures = []
    for text in ("word", "*word*", "_word_"):
        picture = Image.new("RGB", (300, 100), "white")
        fonts.draw(ImageDraw.Draw(picture), 40, 70, emphasised(text), 48, (0, 0, 0))
        pictures.append(picture.convert("L"))
    plain, bold, slanted = (sum(255 - value for value in picture.tobytes()) for picture in pictures)
    assert bold > 1.1 * plain
    assert slanted == pytest.approx(plain, rel=0.05)
    assert pictures[0] != pictures[2]


def test_lines_are_balanced() -> None:
    lines = block(tidy(WORDS), 38, 700)
    assert len(lines.lines) > 1
    assert min(lines.widths) > 0.6 * max(lines.widths)
    assert max(lines.widths) <= 700


def test_a_character_without_a_font_is_a_box_and_a_problem() -> None:
    lettering = letter(panel(("Mara", "ok \U000f0000", LineKind.SPEECH)), 1000, 900, [], "ltr", SIZE)
    assert any("no font" in problem for problem in lettering.problems)
    assert fonts.missing("plain words") == ""


def test_a_word_keeps_to_one_face() -> None:
    parts = fonts.runs("hello żółw")
    assert [run.text.strip() for run in parts] == ["hello", "żółw"]


def test_a_voice_from_outside_runs_through_nobody_elses_words() -> None:
    """Wherever its balloon stands, its tail takes the side that is free."""
    lines = [("", words, LineKind.SPEECH) for words in ("Nice boat,", "You are the detective,", "All heel.")]
    for side in range(400, 1000, 20):
        said = panel(*lines, caption="He did not turn round.")
        placed = letter(said, side, 700, [], "ltr", text_size(800)).balloons
        for balloon in placed:
            others = [other for other in placed if other is not balloon]
            for shape in tail_shapes(balloon):
                assert not any(other.covers(*point) for other in others for point in shape)


@pytest.mark.parametrize(
    ("direction", "size", "mara", "ilo", "lines"),
    [
        pytest.param(
            "ltr",
            (560, 1400),
            (0.29, 0.33),
            (0.57, 0.67),
            [
                ("Ilo", "out the a the lamp rain on said a in from in"),
                ("Mara", "said a nobody from the"),
                ("Ilo", "while while while rain out the the and a went lamp went went lamp"),
                ("Mara", "from and said rain pier"),
            ],
            id="two who take turns",
        ),
        pytest.param(
            "rtl",
            (700, 900),
            (0.4, 0.69),
            (0.7, 0.71),
            [
                ("Ilo", "from the"),
                ("Mara", "while while while said nobody the went from and sea"),
                ("Mara", "word pier in in sea came lamp from"),
                ("Ilo", "said said word lamp on came the out nobody"),
            ],
            id="from the right",
        ),
        pytest.param(
            "ltr",
            (700, 900),
            (0.25, 0.54),
            (0.52, 0.68),
            [
                ("Ilo", "the said a came the came while in from out the"),
                ("Ilo", "while while pier went from and"),
                ("Mara", "word and the out nobody a the"),
                ("Mara", "went rain on came the the"),
            ],
            id="the far one first",
        ),
    ],
)
def test_tails_do_not_cross_each_other(
    direction: Direction,
    size: tuple[int, int],
    mara: tuple[float, float],
    ilo: tuple[float, float],
    lines: list[tuple[str, str]],
) -> None:
    """Told by what is drawn."""
    width, height = size
    words = panel(*((who, said, LineKind.SPEECH) for who, said in lines))
    heads = [head(name, x * width, y * height) for name, (x, y) in (("Mara", mara), ("Ilo", ilo))]
    lettering = letter(words, width, height, heads, direction, SIZE)
    tails: dict[str, Image.Image] = {"Mara": Image.new("1", size), "Ilo": Image.new("1", size)}
    for balloon in lettering.balloons:
        tail = Image.new("1", size)
        for shape in tail_shapes(balloon):
            ImageDraw.Draw(tail).polygon(shape, fill=1)
        ImageDraw.Draw(tail).polygon(outline(balloon), fill=0)
        who = lines[balloon.line][0]
        tails[who] = ImageChops.logical_or(tails[who], tail)
    assert ImageChops.logical_and(tails["Mara"], tails["Ilo"]).getbbox() is None
    assert not any("crosses another" in problem for problem in lettering.problems)


@pytest.mark.parametrize(("lines", "each"), [(1, 4000), (2, 2000), (12, 330), (50, 80)], ids=lambda count: str(count))
def test_the_words_that_a_panel_may_have_are_lettered_in_seconds(lines: int, each: int) -> None:
    """Whatever they are, the search ends, and says what it did not set."""
    words = panel(*[("Mara", (WORDS * 50)[at : at + each], LineKind.SPEECH) for at in range(lines)])
    start = time.process_time()
    lettering = letter(words, 1000, 900, [head("Mara", 300, 420)], "ltr", SIZE)
    assert time.process_time() - start < 60
    check(lettering, 1000, 900)
    assert lettering.problems
    assert len({balloon.line for balloon in lettering.balloons}) + len(lettering.unplaced) == lines
