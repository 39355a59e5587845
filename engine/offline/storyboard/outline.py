"""Paragraphs → scenes: at separators and headings, where time or place jumps, and where a scene gets too long."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.offline.storyboard.setting import places
from engine.offline.storyboard.telling import shortened, title_words, told_sentences
from engine.offline.storyboard.threads import open_threads
from engine.reading import PARAGRAPH_END, count_tokens, heading_text, is_heading, is_separator, sentences, take_apart
from engine.reading.people.casting import find_cast
from engine.reading.people.words import PLACES
from engine.tasks.outline import task as outline

# Below the check's limit, so that a scene of evenly cut pieces never goes over it.
_COMFORTABLE = 1500
_MOST_QUOTES = 110
_LONG_ENOUGH = 40

_JUMP = re.compile(
    r"(?:(?:the|that|early|late)\s+(?:next|following|same|other)?\s*"
    r"(?:morning|evening|night|afternoon|day|week|month|year|spring|summer|autumn|winter)\b"
    r"|(?:an?|one|two|three|four|five|six|seven|ten|some|many|several)\s+(?:\w+\s+)?"
    r"(?:hours?|days?|nights?|weeks?|months?|years?|minutes?)\s+(?:later|after|passed|went)"
    r"|meanwhile\b|elsewhere\b|later that\b|at (?:dawn|dusk|noon|midnight|sunrise|sunset)\b"
    r"|by (?:dawn|morning|nightfall|noon|\w+ o['’]clock)\b|next (?:morning?|day|evening|night|week)\b"
    r"|(?:at|around|towards) \w+ o['’]clock\b|(?:they|we|he|she|i) had (?:walked|ridden|sailed|driven|gone|travelled)\b"
    r"|back (?:at|in|on)\b|across (?:town|the city)\b|when (?:morning|night|evening) (?:came|fell)"
    r"|(?:dawn|daybreak|sunrise|noon|midday|dusk|sunset|sundown|nightfall|midnight|morning|evening|night)(?:,|\.|\s(?:came|fell)\b)"
    r"|it was (?:(?:long|well|nearly|almost|already|just|half|past|after|gone|close to) )+(?:\w+ ){0,2}?"
    r"(?:midnight|noon|dawn|dusk|dark|sunset|sunrise|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b"
    r"|[^.!?\"“«„]{0,40}\bby (?:noon|dusk|dawn|nightfall|midnight|evening)\b"
    r"|[^.!?\"“«„]{0,40}\bby (?:one|two|three|four|five|six|seven|eight|nine|ten"
    r"|eleven|twelve)\b|[^.!?\"“«„]{0,60} that (?:evening|night|morning|afternoon|same (?:day|night))\b"
    r"|the (?:sun|moon) (?:was|had|rose|set|came|went|stood)\b"
    r"|(?:they|we|he|she|i) (?:\w+ ){1,3}(?:upstairs|downstairs|outside|indoors|home|ashore|aboard|next door)\b"
    r"|(?:half an hour|a (?:little|short) while|not long) (?:later|after)|by the time\b"
    r"|when (?:they|he|she|we|i|[\w’'-]+) (?:\w+ )?(?:got|came|climbed|walked|went|woke|returned|reached|arrived)\b"
    r"|(?:am|an diesem|am nächsten|am anderen) (?:morgen|abend|mittag|tag|nachmittag)\b|in der nacht\b"
    r"|um \w+ uhr\b|als (?:es )?(?:abend|morgen|nacht|dunkel|hell)\b|ce (?:soir|matin)(?:-là)?\b"
    r"|(?:eine|zwei|drei|wenige) (?:\w+ )?(?:stunden?|tage?|wochen?|minuten) später"
    r"|le (?:lendemain|soir|matin)\b|(?:une|deux|trois|quelques) (?:heures?|jours?|minutes?) plus tard|cette nuit-là)",
    re.IGNORECASE,
)
# "The cellar was colder than the street": somewhere else, told by its first words.
_ELSEWHERE = re.compile(
    r"(?:(?:in|at|inside|outside|down in|up in|out on|on) )?(?:the|a|an)\s+(?:[\w’'-]+\s+)?(?P<place>[a-z]+)\b"
    r"(?=\s+(?:was|were|lay|stood|smelled|smelt|had|looked|rose)\b|,)",
    re.IGNORECASE,
)


@dataclass
class _Part:
    first: int
    last: int
    size: int
    quotes: int

    def with_next(self, other: "_Part") -> "_Part":
        return _Part(self.first, other.last, self.size + other.size, self.quotes + other.quotes)


def answer(data: outline.In) -> outline.Out:
    """The scenes of a window of paragraphs, its characters and places."""
    units = [sentences(paragraph) for paragraph in data.paragraphs]
    parts = _parts(data.paragraphs)
    if data.max_scenes is not None:
        while len(parts) > data.max_scenes:
            _join_smallest(parts)
    everything = [unit for paragraph in units for unit in paragraph]
    apart = take_apart(_marked(units))
    cast = find_cast(apart, data.known_characters)
    return outline.Out(
        scenes=[_scene(data, units, part) for part in parts],
        characters=[outline.Character(name=name, aliases=aliases) for name, aliases in cast],
        places=places(everything)[:10],
        threads=open_threads(apart),
    )


def _marked(units: Sequence[Sequence[str]]) -> list[str]:
    """Every sentence, with the ends of paragraphs marked."""
    return [unit + PARAGRAPH_END * (unit is own[-1]) for own in units for unit in own]


def _parts(paragraphs: Sequence[str]) -> list[_Part]:
    sizes = [0 if is_separator(text) else count_tokens(text) + 1 for text in paragraphs]
    quotes = [len(re.findall(r"[“„«「]|\"\S|^[^:\s]{1,20}:\s|^[—–]", text)) for text in paragraphs]
    starts = [0]
    size = 0
    opened_by_mark = True
    for index, paragraph in enumerate(paragraphs):
        marked = is_separator(paragraph) or is_heading(paragraph)
        # A run of headings and separators opens one scene together.
        jumps = size > _LONG_ENOUGH and (_JUMP.match(paragraph) is not None or _moved(paragraphs, index))
        if index and ((marked and not opened_by_mark) or jumps):
            starts.append(index)
            size = 0
        opened_by_mark = marked
        size += 0 if marked else sizes[index]
    ends = [start - 1 for start in starts[1:]] + [len(paragraphs) - 1]
    found: list[_Part] = []
    for start, end in zip(starts, ends, strict=True):
        found += _evenly(start, end, sizes, quotes)
    if len(found) > 1 and not any(_has_text(paragraphs[index]) for index in range(found[-1].first, found[-1].last + 1)):
        # Headings at the very end open nothing.
        found[-2:] = [found[-2].with_next(found[-1])]
    return found


def _moved(paragraphs: Sequence[str], index: int) -> bool:
    """Whether a paragraph opens somewhere that those before it did not name."""
    elsewhere = _ELSEWHERE.match(paragraphs[index])
    there = elsewhere["place"].lower() if elsewhere else ""
    return there in PLACES and not any(there in text.lower() for text in paragraphs[max(0, index - 4) : index])


def _has_text(paragraph: str) -> bool:
    return not is_separator(paragraph) and not is_heading(paragraph)


def _evenly(start: int, end: int, sizes: Sequence[int], quotes: Sequence[int]) -> list[_Part]:
    """A part that is too long, as pieces of about the same size."""
    weights = [sizes[i] / _COMFORTABLE + quotes[i] / _MOST_QUOTES for i in range(start, end + 1)]
    pieces = max(1, -int(-sum(weights) // 1))
    target = sum(weights) / pieces
    found: list[_Part] = []
    first, weight = start, 0.0
    for index in range(start, end + 1):
        own = weights[index - start]
        if index > first and weight + own / 2 > target and len(found) + 1 < pieces:
            found.append(_part(first, index - 1, sizes, quotes))
            first, weight = index, 0.0
        weight += own
    found.append(_part(first, end, sizes, quotes))
    return found


def _part(first: int, last: int, sizes: Sequence[int], quotes: Sequence[int]) -> _Part:
    return _Part(first, last, sum(sizes[first : last + 1]), sum(quotes[first : last + 1]))


def _join_smallest(parts: list[_Part]) -> None:
    pairs = [(one.size + two.size, index) for index, (one, two) in enumerate(pairwise(parts))]
    _, index = min(pairs)
    parts[index : index + 2] = [parts[index].with_next(parts[index + 1])]


def _scene(data: outline.In, units: Sequence[Sequence[str]], part: _Part) -> outline.Scene:
    own = [unit for paragraph in units[part.first : part.last + 1] for unit in paragraph]
    headings = [unit for unit in own if is_heading(unit)]
    text = [unit for unit in own if not is_heading(unit)]
    told = [sentence for piece in take_apart(text[:12]) for sentence in told_sentences(piece)]
    title = heading_text(headings[-1]) if headings else title_words(told or text)
    gist = shortened(told or text or headings, 180)
    return outline.Scene(
        title=title or "…", first=data.first + part.first, last=data.first + part.last, gist=gist or "…"
    )
