"""Lines end where their language lets them, columns run where it has them, and a chapter's language is found."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from engine.pages import columns, fonts
from engine.pages.balloons import Rect
from engine.pages.formats import TextSize
from engine.pages.languages import BOUND, bound, is_vertical, syllables
from engine.pages.layer import balloons_of, layer_of
from engine.pages.lettering import Head, letter
from engine.pages.painting import paint, write
from engine.pages.wrapping import block, emphasised, tidy, with_signs
from engine.reading.language import language_of
from models.story import Direction, Line, LineKind, PanelData, Profile

pytestmark = pytest.mark.unit

JAPANESE = "三日後、港には霧が深く立ちこめていた。「まさか」と彼は言った。"
SIZE = TextSize(38, 28)


@pytest.mark.parametrize(
    ("word", "language", "parts"),
    [
        pytest.param("Schifffahrtsgesellschaft", "de", "Schiff-fahrts-ge-sell-schaft", id="german"),
        pytest.param("Schifffahrtsgesellschaft", "de-AT", "Schiff-fahrts-ge-sell-schaft", id="a country's german"),
        pytest.param("невероятно", "ru", "не-ве-ро-ятно", id="russian"),
        pytest.param("«lighthouse!»", "en", "«light-house!»", id="marks around a word are none of its letters"),
        pytest.param("asszonnyal", "hu", "asszonnyal", id="not where the spelling would change"),
        pytest.param("gehen", "de", "ge-hen", id="two before, three after"),
        pytest.param("oben", "de", "oben", id="never one letter alone"),
        pytest.param("lighthouse", "", "lighthouse", id="no language"),
        pytest.param("lighthouse", "tlh", "lighthouse", id="a language without a dictionary"),
        pytest.param("12345", "en", "12345", id="no letters"),
    ],
)
def test_words_are_cut_where_their_language_cuts_them(word: str, language: str, parts: str) -> None:
    assert "-".join(syllables(word, language)) == parts


def test_a_word_too_long_for_its_line_is_cut_between_syllables_and_else_between_letters() -> None:
    word = "Schifffahrtsgesellschaft"
    room = fonts.width("gesellschaft", 38) + 8
    assert block(word, 38, room, "de").lines == ("Schifffahrts-", "gesellschaft")
    assert block(word, 38, room).lines != block(word, 38, room, "de").lines
    narrow = block(word, 38, fonts.width("schaf-", 38), "de")
    assert "".join(narrow.lines).replace("-", "") == word
    assert max(narrow.widths) <= fonts.width("schaf-", 38)


@pytest.mark.parametrize(
    ("text", "language", "together"),
    [
        pytest.param("Quoi ? « Non », dit-il !", "fr", ["Quoi_?", "«_Non_»,", "dit-il_!"], id="french marks"),
        pytest.param("Quoi\u202f? Non\u00a0!", "", ["Quoi_?", "Non_!"], id="blanks that were written to hold"),
        pytest.param("– Bonjour, toi", "fr", ["–_Bonjour,", "toi"], id="the dash of a speech"),
        pytest.param("a v lese se zdá", "cs", ["a_v_lese", "se", "zdá"], id="czech one-letter words"),
        pytest.param("a lamp in a room", "en", ["a", "lamp", "in", "a", "room"], id="english has no such rule"),
        pytest.param("Ask Mr. Finch now", "en", ["Ask", "Mr._Finch", "now"], id="titles"),
        pytest.param("Ask Mr. Finch now", "de", ["Ask", "Mr.", "Finch", "now"], id="titles of another language"),
        pytest.param("5 km or 6 of them", "en", ["5_km", "or", "6", "of", "them"], id="numbers and units"),
    ],
)
def test_what_must_not_be_parted_stays_on_one_line(text: str, language: str, together: list[str]) -> None:
    found = tidy(text, language)
    assert found.replace(BOUND, "_").split(" ") == together
    assert list(block(found, 38, 1).lines) != []
    lines = block(found, 38, max(fonts.width(part.replace("_", " "), 38) for part in together) + 1, language).lines
    for part in together:
        assert any(part.replace("_", BOUND) in line for line in lines), lines


def test_bound_blanks_look_like_others() -> None:
    assert fonts.width(f"a{BOUND}b", 40) == fonts.width("a b", 40)
    assert bound("", "fr") == ""


def test_korean_lines_end_between_words_and_japanese_lines_anywhere_but_at_marks() -> None:
    korean = "등대의 불이 꺼졌다 아무도 말하지 않았다"
    lines = block(korean, 38, fonts.width("등대의 불이", 38) + 1, "ko").lines
    assert " ".join(lines) == korean
    for line in block(JAPANESE, 38, 5 * 38.5, "ja").lines:
        assert line[0] not in "、。」"
        assert line[-1] != "「"
    pause = block("まあ……そうだな――ああ", 38, 3.2 * 38, "ja").lines
    assert not any(line.startswith(("…", "―")) and line[:2] not in ("……", "――") for line in pause)


@pytest.mark.parametrize(
    ("text", "language", "direction", "expected"),
    [
        pytest.param(JAPANESE, "ja", "rtl", True, id="manga"),
        pytest.param(JAPANESE, "", "rtl", True, id="kana tell"),
        pytest.param(JAPANESE, "ja", "ltr", False, id="read from the left"),
        pytest.param("她点亮了灯。", "zh-Hant", "rtl", True, id="chinese"),
        pytest.param("她点亮了灯。", "", "rtl", False, id="han signs alone do not tell"),
        pytest.param("OK!", "ja", "rtl", False, id="no sign that stands upright"),
        pytest.param("שלום", "he", "rtl", False, id="hebrew"),
        pytest.param("등대", "ko", "rtl", False, id="korean"),
    ],
)
def test_columns_are_for_japanese_and_chinese_on_pages_read_from_the_right(
    text: str, language: str, direction: Direction, expected: bool
) -> None:
    assert is_vertical(text, language, direction) is expected


def _panel(text: str, kind: LineKind = LineKind.SPEECH, caption: str = "") -> PanelData:
    lines = [Line(speaker="Mara", text=text, kind=kind)]
    return PanelData(description="x", characters=[Profile(name="Mara")], dialogue=lines, caption=caption)


@pytest.mark.parametrize("kind", [kind for kind in LineKind if kind != LineKind.SFX])
@pytest.mark.parametrize("text", [JAPANESE, "ABC社の2024年モデル!? 12月にOpenAI製", "急げ!!", JAPANESE * 4])
def test_columns_stay_inside_their_balloons_by_geometry_and_by_pixels(kind: LineKind, text: str) -> None:
    heads = [Head("Mara", Rect(420, 620, 130, 150))]
    found = letter(_panel(text, kind, caption="その夜。"), 1000, 900, heads, "rtl", SIZE, language="ja")
    assert not found.unplaced
    assert all(balloon.block.vertical for balloon in found.balloons)
    said = "".join(line for balloon in found.balloons[1:] for line in balloon.block.lines)
    assert said.replace(" ", "") == text.replace(" ", "")
    for balloon in found.balloons:
        rects = balloon.text_rects()
        assert [rect.x for rect in rects] == sorted((rect.x for rect in rects), reverse=True)
        assert len({rect.y for rect in rects}) == 1
        for rect in rects:
            assert all(balloon.holds(x, y) for x in (rect.x, rect.right) for y in (rect.y, rect.bottom))
    bodies = Image.new("RGB", (1000, 900), (128, 128, 128))
    paint(bodies, found.balloons, (0, 0), Rect(0, 0, 1000, 900))
    texts = bodies.copy()
    write(texts, found.balloons, (0, 0))
    inked = (np.asarray(texts) != np.asarray(bodies)).any(axis=2)
    grey = (np.asarray(bodies) == 128).all(axis=2)
    assert inked.any()
    assert not (inked & grey).any()


def test_what_is_written_across_is_turned_and_short_numbers_stand_upright() -> None:
    size = 40
    assert columns.length("年月日", size) == 3 * size
    assert columns.length("12月", size) == 2 * size
    face = fonts.runs("2024年")[0].face
    assert face is not None
    assert columns.length("2024年", size) == pytest.approx(face.at(size).getlength("2024") + size)
    tall, wide = _ink("OpenAIの"), _ink("12月")
    assert tall[1] > 3 * tall[0]
    assert wide[0] <= 1.1 * size


def _ink(text: str) -> tuple[int, int]:
    picture = Image.new("RGB", (200, 600))
    columns.draw(ImageDraw.Draw(picture), 100, 20, text, 40, (255, 255, 255))
    left, top, right, bottom = picture.getbbox() or (0, 0, 0, 0)
    return right - left, bottom - top


def test_marks_take_their_vertical_forms() -> None:
    """The long vowel's dash stands in a column: it is taller than wide there."""
    width, height = _ink("ー")
    assert height > 2 * width


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_chinese_and_japanese_have_their_own_forms_of_a_sign(direction: Direction) -> None:
    def drawn(language: str) -> bytes:
        panel = _panel("直骨誤")
        found = letter(panel, 1000, 900, [Head("Mara", Rect(420, 620, 130, 150))], direction, SIZE, language=language)
        page = Image.new("RGB", (1000, 900))
        write(page, balloons_of(layer_of(found, panel, "p")), (0, 0))
        return page.tobytes()

    assert drawn("zh-Hans") != drawn("ja") == drawn("ja-JP")


def test_columns_are_kept_in_the_layer() -> None:
    panel = _panel(JAPANESE)
    found = letter(panel, 1000, 900, [Head("Mara", Rect(420, 620, 130, 150))], "rtl", SIZE, language="ja")
    layer = layer_of(found, panel, "p")
    assert layer.texts[0].vertical
    assert [balloon.block for balloon in balloons_of(layer)] == [balloon.block for balloon in found.balloons]


def test_emphasis_needs_no_blanks_where_the_script_has_none() -> None:
    found = emphasised(tidy("*絶対に*行かないで"))
    assert [(run.text, run.bold) for run in fonts.runs(found)] == [("絶対に", True), ("行かないで", False)]
    lines = block(found, 40, 4.2 * 40).lines
    assert with_signs("".join(lines)).replace("**", "") == "*絶対に*行かないで"
    assert with_signs(emphasised("2*3*4 and *two words*")) == "2*3*4 and *two* *words*"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The kitchen was dark. Mara lit a lamp and put two keys on the table.", "en"),
        ("Die Küche war dunkel. Mara zündete eine Lampe an und legte zwei Schlüssel auf den Tisch.", "de"),
        (JAPANESE + JAPANESE, "ja"),
        ("Mara laughed.", ""),
        ("!!! 123 ???" * 20, ""),
    ],
)
def test_a_language_is_told_from_enough_text_or_not_at_all(text: str, language: str) -> None:
    assert language_of(text) == language


def test_emphasis_that_stands_between_seams_is_read_back_from_the_layer() -> None:
    """In Thai a word is emphasised between zero-width spaces: pages that are drawn from the layer show no signs."""
    text = "รอที่นี่\u200b*ตลอดไป*\u200bนะ"
    panel = PanelData(description="x", dialogue=[Line(speaker="Mara", text=text)])
    lettering = letter(panel, 1000, 900, (), "ltr", SIZE, language="th")
    [balloon], [again] = lettering.balloons, balloons_of(layer_of(lettering, panel, "one"))
    assert any(fonts.BOLD in line for line in balloon.block.lines)
    assert again.block == balloon.block
