"""No text from outside costs more than its length: a text of twice the size takes about twice as long.

Two and a half times is allowed, because the machine may be busy: what costs the square takes four times as long.

The texts are those that patterns and loops fall for: runs of each sign that the code knows, alternations, near misses,
and many different names.
"""

import gc
import time
from collections.abc import Callable, Iterator
from itertools import product
from string import ascii_lowercase

import pytest

from api.http.filenames import plain_name
from engine.cast.descriptions import described
from engine.cast.drift import PromptedPanel, drift
from engine.cast.outfits import _PARTS
from engine.cast.vocabulary import telling
from engine.export.clean_text import printable
from engine.money.prices import most_tokens
from engine.offline.drawing.colours import named
from engine.offline.drawing.creatures import _CUT
from engine.offline.drawing.places import kind_of
from engine.offline.drawing.tones import asks_for_tones
from engine.offline.drawing.verbs import deeds_of
from engine.offline.storyboard import outline, panels, summary
from engine.offline.storyboard.directed import lines_asked, shot_asked
from engine.offline.storyboard.setting import places
from engine.offline.storyboard.threads import open_threads
from engine.pages.wrapping import emphasised, tidy, with_signs
from engine.reading import (
    PARAGRAPH_END,
    at_sentence_ends,
    count_tokens,
    paragraphs,
    pieces_within,
    read_manuscript,
    sentences,
    take_apart,
    windows,
)
from engine.reading.directions import about
from engine.reading.people.casting import find_cast
from engine.reading.people.clothing import changes
from engine.reading.people.speakers import attribute
from engine.reading.quotes import cue_prefix, quote_spans
from engine.storable import storable_json
from engine.tasks.outline import task as outline_task
from engine.tasks.panels import task as panels_task
from engine.tasks.summary import task as summary_task
from models.ids import new_id
from models.story import MOST_LETTERED, Attributes, Line, PanelData, Profile, Shot

pytestmark = pytest.mark.unit

# Below this many CPU seconds a measurement is noise.
_FLOOR = 0.1
_MOST_GROWTH = 2.5
# A fault takes all of them; who costs their length is seen in the first, or in the first quiet one.
_TURNS = 8
_QUICK, _LONG, _LONGEST = 16_000, 128_000, 1_000_000
# The most characters that are lettered in a panel; the rest is refused at the edge.
_MOST = 2 * MOST_LETTERED

_RUNS = [
    *".!?…。؟", *",;:、",
    *"\"'“”„«»‘’「」‚", *"—–-=~", *" \t", "\n", *"#*_`>\\", *"()[]<", "<!--", "[](", "```\n", "***\n",
    "\u0301", "\u0301\u0323", "a", "A", "é", "猫", "🚀",
]  # fmt: skip
_ALTERNATIONS = [
    ". ", ".a", '."', '" ', '"a', '"a"a', '"a" ', "„a ", "‚a ", "‘a ", "'a ", "“a ", "«a «", "— ", "— a", "-a", "- ",
    ", ", "*a", "**a ", "_a", "__a ", "* ", "> ", "a:", "A: b\n\n", "the ", "The old man said. ", "will ", "a name ",
    "A b. ", "A. ", "INT. A\n\n", "a\n", "a\n\n", "a long line of prose that goes on for a while and fills it\n",
    'line 1 "', "says „", "A’A", "thought: ", 'He said "no" and "go" ', "猫。", "(a", "[a", "`a", "👩\u200d", "a\u0301",
]  # fmt: skip
# A run that ends otherwise than a pattern hopes for.
_NEAR_MISSES = [
    ("***", " ", "x"), ("Mara. ", ".", ""), ("", "\n", "a"), ("", "***\n", "a"), ("a", " ", "x"), ('"', "a", ""),
    ("<!--", "-", ""), ("---\n", "a\n", ""), ("He thought:", " ", '"'), ("Mara", " ", 'says "No'), ("A", "b", "("),
]  # fmt: skip


def _words() -> Iterator[str]:
    return ("".join(letters) for letters in product(ascii_lowercase, repeat=5))


def _named(form: str) -> Callable[[int], str]:
    """A text of many different names."""

    def made(size: int) -> str:
        return " ".join(form.format(word) for word, _ in zip(_words(), range(size // (len(form) + 4)), strict=False))

    return made


def _run(sign: str, begin: str = "", end: str = "") -> Callable[[int], str]:
    return lambda size: begin + sign * (size // len(sign)) + end


_TEXTS = {
    **{f"a run of {sign!r}": _run(sign) for sign in _RUNS},
    **{f"{sign!r} again and again": _run(sign) for sign in _ALTERNATIONS},
    **{f"{begin!r}, many {sign!r}, {end!r}": _run(sign, begin, end) for begin, sign, end in _NEAR_MISSES},
}
# Those for which patterns are worst, at a size for which all take too long.
_WORST = [f"a run of {sign!r}" for sign in ".\"'—*# \n([\u0301a"] + list(_TEXTS)[-len(_NEAR_MISSES) :]
_NAMES = {
    "people who speak": _named('"Hi," said N{}.'),
    "people of one family": _named('"Hi," said N{} Reed.'),
    "people of many titles": _named('"Hi," said Mrs. N{}.'),
    "people without a name": _named('"Hi," said the {} girl.'),
    "people addressed": _named('"Come, N{}!" I said.'),
    "people whose names begin alike": _named('"Hi," said Naa{}.'),
}


def _units(text: str) -> list[str]:
    found = []
    for paragraph in paragraphs(text):
        own = sentences(paragraph)
        found += [*own[:-1], *(unit + PARAGRAPH_END for unit in own[-1:])]
    return found or ["…"]


def _manuscript(text: str) -> None:
    read_manuscript(f"{text}\nx".encode(), "a.txt")


def _markdown(text: str) -> None:
    read_manuscript(f"{text}\nx".encode(), "a.md")


def _outlined(text: str) -> None:
    outline.answer(outline_task.In(paragraphs=paragraphs(text) or ["…"]))


def _read(text: str) -> None:
    """All that is read from a scene."""
    units = _units(text)
    parts = take_apart(units)
    open_threads(parts)
    places(units)
    attribute(units, ["Mara", "Tom"], {})
    changes(units, ["Mara", "Tom"], {})
    find_cast(parts, ["Mara"])
    panels.answer(panels_task.In(sentences=units, characters=["Mara"]))
    summary.answer(summary_task.In(sentences=units, known_characters=["Mara"]))


_MARA = Attributes(name="Mara", hair="red hair", clothes="a green coat")


_PLAIN: dict[str, Callable[[str], object]] = {
    "read_manuscript": _manuscript,
    "read_manuscript of Markdown": _markdown,
    "paragraphs": paragraphs,
    "sentences": sentences,
    "at_sentence_ends": at_sentence_ends,
    "pieces_within": lambda text: pieces_within(text, 140),
    "quote_spans": quote_spans,
    "cue_prefix": cue_prefix,
    "count_tokens": count_tokens,
    "windows": lambda text: windows(text.split("\n"), 500),
    "take_apart": lambda text: take_apart([text]),
    "about": about,
    "lines_asked": lambda text: lines_asked(text, [Line(speaker="Mara", text="No.")]),
    "shot_asked": lambda text: shot_asked(text, Shot.WIDE),
    "outfits": _PARTS.split,
    "printable": printable,
    "most_tokens": most_tokens,
    "storable_json": storable_json,
    "plain_name": plain_name,
    "telling": telling,
    "described": lambda text: described(f"Mara {text}", [_MARA]),
    "drift": lambda text: drift([PromptedPanel(new_id(), f"Mara {text}", [_MARA], ["Tom"])]),
    "kind_of": lambda text: kind_of(text, text),
    "deeds_of": lambda text: deeds_of(PanelData(description=text, characters=[Profile(name="Mara")])),
    "colours": named,
    "an animal's role": _CUT.split,
    "asks_for_tones": asks_for_tones,
    "tidy": lambda text: with_signs(emphasised(tidy(text[:_MOST], "en"))),
}
_WHOLE: dict[str, Callable[[str], object]] = {"outline": _outlined, "scene": _read}


def _seconds(function: Callable[[str], object], text: str) -> float:
    # It looks again at everything there is, as a growing result is built. And collecting first would cost more than the
    # texts: a process of the tests holds millions of objects.
    gc.disable()
    try:
        start = time.process_time()
        function(text)
        return time.process_time() - start
    finally:
        gc.enable()


def _fault(function: Callable[[str], object], made: Callable[[int], str], size: int) -> str:
    """What is wrong with a text of this size beside one of half the size."""
    now = _seconds(function, made(size))
    if now <= _MOST_GROWTH * _FLOOR:
        return ""
    # The least of several, with rests between them: a busy machine takes many times as long, for seconds at a time. And
    # what is remembered helps both sizes from the second time on.
    before = _seconds(function, made(size // 2))
    for turn in range(_TURNS):
        before = min(before, _seconds(function, made(size // 2)))
        now = min(now, _seconds(function, made(size)))
        if now <= _MOST_GROWTH * max(before, _FLOOR):
            return ""
        time.sleep(turn / 4)
    return f"{size // 2:,} characters took {before:.3f} s and {size:,} took {now:.3f} s"


def _faults(function: Callable[[str], object], texts: dict[str, Callable[[int], str]], sizes: list[int]) -> list[str]:
    found = [(kind, _fault(function, made, size)) for kind, made in texts.items() for size in sizes]
    return [f"{kind}: {fault}" for kind, fault in found if fault]


@pytest.mark.parametrize("name", _PLAIN)
def test_a_text_costs_its_length(name: str) -> None:
    assert not _faults(_PLAIN[name], _TEXTS, [_QUICK])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", _PLAIN)
def test_a_long_text_costs_its_length(name: str) -> None:
    assert not _faults(_PLAIN[name], _TEXTS, [_LONG])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", _WORST)
def test_a_text_of_a_megabyte_costs_its_length(kind: str) -> None:
    """What a whole manuscript goes through before anyone has cut it into scenes."""
    for name in ("read_manuscript", "paragraphs", "quote_spans", "at_sentence_ends"):
        assert not _faults(_PLAIN[name], {kind: _TEXTS[kind]}, [_LONGEST]), name


@pytest.mark.parametrize("name", _WHOLE)
def test_many_different_names_cost_their_length(name: str) -> None:
    assert not _faults(_WHOLE[name], _NAMES, [_QUICK])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", _WHOLE)
def test_very_many_different_names_cost_their_length(name: str) -> None:
    """A window of a chapter has at most 24,000 characters."""
    assert not _faults(_WHOLE[name], _NAMES, [_LONG // 2])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", _WHOLE)
def test_a_long_text_is_read_in_its_length(name: str) -> None:
    assert not _faults(_WHOLE[name], _TEXTS, [_QUICK])
