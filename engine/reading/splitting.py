"""Text → paragraphs → sentence-like units, and windows that fit a writer's context. Nothing is ever lost."""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from engine.reading.manuscript import SEPARATOR
from engine.reading.quotes import HEADING, PARAGRAPH_END, SPEECH_VERBS, cue_prefix, quote_spans

LONGEST_PARAGRAPH = 1200
_LONGEST_WRAPPED_LINE = 100
# In tokens, so that dense scripts get fewer characters.
_WHOLE_EXCHANGE = 50
_COMFORTABLE = 60
_WHOLE_SPEECH = 95
_LONGEST_SENTENCE = 80

_DENSE = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
_ENDS_SENTENCE = re.compile(r".*[.!?…:;。！？｡؟۔।—–\-\"”’»“」』)\]]\s*$", re.DOTALL)
_STARTS_LINE = re.compile(r"[^\s:：.!?\"“”]{1,20}(?: [^\s:：.!?\"“”]{1,20}){0,2}[:：]\s?\S|[—–―]|- ")
# Starts only at the first mark of a run and gives nothing back, so that a run of n marks costs n, not n².
_END = re.compile(r"(?<![.!?…‥؟۔])[.!?…‥؟۔]++[\"'”’»«“״)\]]*+(?=\s)|[。！？｡।]+[」』”’）】\"]*")
_SHORT_FORMS = """
mr mrs ms mx dr prof st mt sr jr rev hon capt col gen lt sgt maj cpl fr bro no nos vol fig cf vs etc approx dept est
e.g i.e a.m p.m z.b d.h u.s u.k ph.d m sra hr bzw
"""
_ABBREVIATIONS = frozenset(_SHORT_FORMS.split())
_TAG = re.compile(r"\s*(?:[^\W\d_][\w’'.-]*\s+){1,3}?(?P<verb>[^\W\d_]+)\b")
_CLAUSE_ENDS = re.compile(r"[,;:—–،؛、，；：](?=\s|$)|[、，；：]")


def count_tokens(text: str) -> int:
    """An estimate without a tokenizer: four characters per token, one where a character is a word or syllable."""
    if text.isascii():
        return -(-len(text) // 4)
    dense = len(_DENSE.findall(text))
    return dense + -(-(len(text) - dense) // 4)


def is_separator(paragraph: str) -> bool:
    """Whether a paragraph only separates two scenes."""
    return paragraph.strip() == SEPARATOR


def is_heading(paragraph: str) -> bool:
    """Whether a paragraph is a heading (`# …`)."""
    return HEADING.match(paragraph) is not None


def heading_text(paragraph: str) -> str:
    """A heading without its marks; any other text unchanged."""
    return paragraph.lstrip("#").strip() if is_heading(paragraph) else paragraph


def paragraphs(text: str) -> list[str]:
    """The paragraphs in order; headings and separators are paragraphs of their own."""
    found: list[str] = []
    for block in re.split(r"\n[^\S\n]*\n", text):
        lines = [line.strip() for line in block.split("\n") if line.strip()]
        for paragraph in _joined_lines(lines):
            found += _within(paragraph, LONGEST_PARAGRAPH) if len(paragraph) > LONGEST_PARAGRAPH else [paragraph]
    return found


def sentences(paragraph: str) -> list[str]:
    """The sentence-like units of a paragraph. A separator has none; a short exchange with its tags stays one."""
    text = " ".join(paragraph.split())
    if not text or is_separator(text):
        return []
    spans = quote_spans(text)
    if is_heading(text) or (spans and count_tokens(text) <= _WHOLE_EXCHANGE):
        return [text]
    density = len(text) / count_tokens(text)
    outer, inner = _sentence_ends(text, spans)
    if text[0] in "—–―" and count_tokens(text) <= _WHOLE_SPEECH:
        return [text]
    cue = "" if spans else cue_prefix(text)
    if cue:
        # Every piece of a script's speech names its speaker: without that it would be narration.
        room = max(8, int(_WHOLE_SPEECH * density) - len(cue) - 1)
        return [f"{cue} {piece}" for piece in pieces_within(text.removeprefix(cue).strip(), room)]
    units: list[str] = []
    for start, end in _runs(0, outer, len(text)):
        if end - start <= _COMFORTABLE * density:
            units.append(text[start:end])
            continue
        inside = inner[bisect_right(inner, start) : bisect_left(inner, end)]
        for first, last in _packed(list(_runs(start, inside, end)), int(_COMFORTABLE * density)):
            units += _chopped(text[first:last], max(8, int(_LONGEST_SENTENCE * density)))
    return [unit.strip() for unit in units if unit.strip()]


def paragraph_of(text: str) -> list[str]:
    """The sentences of a paragraph, the last one marked as the paragraph's end."""
    units = sentences(text)
    return [*units[:-1], units[-1] + PARAGRAPH_END] if units else []


def scene_sentences(texts: Sequence[str]) -> list[list[str]]:
    """The sentences of each text, as scenes keep them."""
    return [[unit for paragraph in paragraphs(text) for unit in paragraph_of(paragraph)] for text in texts]


def windows(texts: Sequence[str], max_tokens: int) -> list[range]:
    """Consecutive ranges of paragraphs, each within `max_tokens`; a paragraph too long for any has one of its own."""
    found: list[range] = []
    start = used = 0
    for index, paragraph in enumerate(texts):
        tokens = count_tokens(paragraph) + 1
        if index > start and used + tokens > max_tokens:
            found.append(range(start, index))
            start, used = index, 0
        used += tokens
    if texts:
        found.append(range(start, len(texts)))
    return found


def at_sentence_ends(text: str) -> list[str]:
    """A stretch without quotes, one sentence after the other."""
    ends, _ = _sentence_ends(text, ())
    return [text[first:last].strip() for first, last in _runs(0, ends, len(text)) if text[first:last].strip()]


def pieces_within(text: str, longest: int) -> list[str]:
    """A text in pieces of at most `longest` characters: split at sentence ends, else at clauses, else at spaces."""
    if len(text) <= longest:
        return [text]
    ends, _ = _sentence_ends(text, ())
    pieces: list[str] = []
    for first, last in _packed(list(_runs(0, ends, len(text))), longest):
        pieces += _chopped(text[first:last].strip(), longest)
    return [piece.strip() for piece in pieces if piece.strip()]


def _joined_lines(lines: Sequence[str]) -> Iterator[str]:
    """Lines of one block as paragraphs: hard-wrapped ones joined, separate lines kept apart."""
    width = max((len(line) for line in lines), default=0)
    wrapped = width <= _LONGEST_WRAPPED_LINE
    current: list[str] = []
    previous = ""
    for line in lines:
        fills = wrapped and (
            len(previous) >= 0.75 * width >= 30
            if _ENDS_SENTENCE.match(previous)
            else len(previous) >= 0.5 * width or line[:1].islower()
        )
        alone = is_separator(line) or is_heading(line) or is_separator(previous) or is_heading(previous)
        if current and (alone or not fills or _STARTS_LINE.match(line)):
            yield "".join(current)
            current = []
        dense = bool(current) and bool(_DENSE.match(previous[-1]) and _DENSE.match(line[0]))
        current += [line] if dense or not current else [" ", line]
        previous = line
    if current:
        yield "".join(current)


def _within(paragraph: str, longest: int) -> list[str]:
    """A long paragraph split at sentence ends, outside of quotes where possible, at spaces where necessary."""
    text = " ".join(paragraph.split())
    outer, inner = _sentence_ends(text, quote_spans(text))
    pieces: list[str] = []
    for start, end in _packed(list(_runs(0, outer, len(text))), longest):
        inside = inner[bisect_right(inner, start) : bisect_right(inner, end - 1)]
        for first, last in _packed(list(_runs(start, inside, end)), longest):
            pieces += _chopped(text[first:last].strip(), longest)
    return [piece for piece in pieces if piece]


def _sentence_ends(text: str, spans: Sequence[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Positions after the end of a sentence: outside of quotes, and inside of them."""
    outer: list[int] = []
    inner: list[int] = []
    starts = [start for start, _ in spans]
    for match in _END.finditer(text):
        end = match.end()
        following = text[end : end + 60]
        head = following.lstrip()[:1]
        if not head or head.islower() or _is_abbreviated(text, match) or following.startswith("と"):
            continue
        at = bisect_right(starts, end - 1) - 1
        if at >= 0 and end < spans[at][1]:
            inner.append(end)
        elif not (at >= 0 and end == spans[at][1] and _is_tag(following)):
            outer.append(end)
    return outer, inner


def _is_abbreviated(text: str, match: re.Match[str]) -> bool:
    if match.group() != ".":
        return False
    word = re.split(r"[\s(\[\"“„«—]", text[max(0, match.start() - 12) : match.start()])[-1]
    initial = len(word) == 1 and word.isupper() and word != "I" and word.isascii()
    return initial or word.lower() in _ABBREVIATIONS


def _is_tag(following: str) -> bool:
    """ "Come!" Ada said: the quote's own tag may begin with a capital."""
    match = _TAG.match(following)
    return match is not None and match["verb"] in SPEECH_VERBS


def _runs(start: int, cuts: Sequence[int], end: int) -> Iterator[tuple[int, int]]:
    for cut in cuts:
        yield start, cut
        start = cut
    if start < end:
        yield start, end


def _packed(runs: Sequence[tuple[int, int]], longest: int) -> Iterator[tuple[int, int]]:
    """Neighbouring runs joined while they fit."""
    if not runs:
        return
    first, last = runs[0]
    for start, end in runs[1:]:
        if end - first > longest:
            yield first, last
            first = start
        last = end
    yield first, last


def _chopped(text: str, longest: int) -> Iterator[str]:
    """The last resort: at clause ends, else at spaces, else between two characters."""
    start = 0
    while len(text) - start > longest:
        window = text[start : start + longest]
        clauses = [match.end() for match in _CLAUSE_ENDS.finditer(window) if match.end() > longest // 3]
        space = window.rfind(" ", longest // 3)
        cut = clauses[-1] if clauses else space if space > 0 else _between_characters(text, start, longest)
        yield text[start : start + cut]
        start += cut
    yield text[start:]


def _between_characters(text: str, start: int, longest: int) -> int:
    """A cut that separates no letter from its accent and no emoji from its group."""
    for cut in range(longest, longest // 2, -1):
        left, right = text[start + cut - 1], text[start + cut]
        joins = right in "\u200d\ufe0e\ufe0f" or "\U0001f3fb" <= right <= "\U0001f3ff" or left == "\u200d"
        if not joins and not unicodedata.combining(right):
            return cut
    return longest
