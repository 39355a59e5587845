"""Separates speech from narration in a run of sentences.

Known: straight, curly, low-high („…“), angled («…», »…«), corner (「…」) and single quotes, dialogue dashes, and the
lines of a script ("NAME: …"). A quote may run through several sentences.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from engine.reading.thoughts import thoughts

_VERBS = """
said says say asked asks replied replies answered answers whispered whispers shouted shouts cried cries called calls
yelled yells screamed screams muttered mutters murmured murmurs added adds began begins continued continues agreed
agrees admitted admits announced announces warned warns told tells thought thinks wondered wonders laughed laughs
sighed sighs breathed breathes hissed hisses growled growls snapped snaps insisted insists offered offers suggested
suggests repeated repeats explained explains demanded demands begged begs pleaded promised promises roared roars
bellowed bellows gasped gasps grumbled grumbles mumbled mumbles declared declares observed observes remarked remarks
returned protested protests exclaimed exclaims ordered orders commanded croaked rasped sobbed groaned moaned chuckled
giggled snorted grunted barked boomed howled shrieked squeaked sang sings read reads interrupted objected confessed
concluded echoed guessed lied mused noted quipped teased stammered stuttered whimpered wailed drawled scoffed sneered
urged ventured volunteered blurted boasted chimed countered intoned jeered joked lamented mocked piped prompted queried
rejoined retorted scolded snarled spluttered squawked squealed thundered whined wheezed corrected assured conceded
confided cautioned advised crowed purred bleated rumbled
erwiderte entgegnete stammelte stotterte seufzte lachte knurrte zischte brüllte jammerte wisperte rief raunte
sagte sagten fragte rief antwortete flüsterte brummte meinte murmelte schrie dachte
dit demanda répondit cria murmura souffla reprit ajouta répliqua chuchota pensa admit lança soupira
dijo preguntó respondió gritó susurró
disse perguntou respondeu chiese rispose
сказал сказала спросил спросила ответил ответила крикнул крикнула прошептал прошептала подумал подумала
"""
# French puts its tags into the speech itself, verb first: "C'est le jour, dit Ana. Viens."
_INCISE_VERBS = """
said asked answered replied whispered shouted muttered called
dit fit demanda répondit cria murmura souffla reprit ajouta répliqua chuchota hurla soupira pensa admit lança déclara
bâilla ricana gronda bredouilla balbutia lâcha rétorqua interrogea questionna supplia implora annonça marmonna grommela
plaisanta renchérit acquiesça poursuivit gloussa siffla rugit bégaya
expliqua insista bougonna grogna gémit répéta protesta continua conclut observa remarqua avoua ordonna dis demandai
répondis criai murmurai pensai
"""
_INCISE = re.compile(
    rf"(?<=[,!?…])\s+(?P<tag>(?:s['’])?(?:{'|'.join(_INCISE_VERBS.split())}|écria|exclama|étonna)\b[^,.;:!?«»]{{0,60}})(?:[,.](?=\s|$)|$)"
)
# A dash before the next speech, or the end, shows that the text before it was narration: "Hello, Ana tried. — Who is
# it?"
_TOLD_AFTER = re.compile(
    rf"(?<=[,!?…])\s+(?P<tag>(?:he|she|it|they|I|[Tt]he\s\w+|[^\W\d_a-z][\w’'-]*)\s(?:{'|'.join(_VERBS.split())}|\w+ed)\b"
    r"[^.;:!?«»]{0,120}(?:\.\s[^.;:!?«»—–―]{0,40}:)?)\.?(?=\s*[—–―]|\s*$)"
)
SPEECH_VERBS = frozenset([*_VERBS.split(), *_INCISE_VERBS.split()])

# After the last sentence of a paragraph: in a new one, another speaker may begin.
PARAGRAPH_END = "\n"

_CLOSERS = {
    '"': '"',
    "“": "”",
    "„": "“”",
    "”": "”",
    "«": "»",
    "»": "«",
    "‹": "›",
    "›": "‹",
    "「": "」",
    "『": "』",
    "﹁": "﹂",
    "״": "״",
}
# German typists often close „ with the mark on their keyboard.
_CLOSERS_BY_KEYBOARD = {**_CLOSERS, "„": '"'}
_MARK = re.compile('["“”„«»‹›「」『』﹁﹂״]')
_SINGLE = re.compile(r"(?<!\w)[‘'](?=[^\s‘’'])(?P<said>.{0,400}?[.,!?…—–-])['’](?!\w)")
_CUE = re.compile(
    r"(?P<name>(?:(?i:mrs|mr|ms|dr|st)\.\s)?"
    r"[^\s:：,.!?;\"“”„«»「(][^:：,.!?;\"“”„«»「(\n]{0,39})(?:\([^)]{1,40}\)\s?)?[ ]?[:：](?=\s*\S)"
)
_NOT_A_CUE = {"note", "warning", "ps", "chapter", "part", "scene", "act", "example", "remember", "question", "answer"}
# Lines of a title page.
_NOT_A_CUE |= {"title", "author", "authors", "credit", "credits", "language", "script", "copyright", "contact"}
# What comic scripts put in place of a speaker: the words of a caption, and a sound that is drawn.
_CAPTIONS = {"caption", "captions", "cap", "narration", "narrative", "kasten", "récitatif", "cartucho", "didascalia"}
_SOUNDS = {"sfx", "fx", "sound", "sound effect", "sounds", "geräusch", "bruitage", "sonido", "suono"}
HEADING = re.compile(r"#{1,6} \S")
_DASH = re.compile(r"[—–―]|(?<=\s)-(?=\s)|^-(?=\s)")
_DIRECTION = re.compile(r"\s*(?:\([^)]{1,80}\)|\[[^\]]{1,300}\])\s*")
# Where the word before a quote is looked for.
_LEAD_IN = 200
_NOT_BLANK = re.compile(r"\S")
# At most a few, as in "?!…": what follows is speech again.
_MARKS_OF_SPEECH = re.compile(r"[.,;:!?…]{1,6}(?=\s)\s?")
# An action in the middle of a script's speech.
_ASIDE = re.compile(r"(\([^)]{1,80}\)|\[[^\]]{1,300}\])")


@dataclass(frozen=True)
class Stretch:
    """A run of text inside one sentence, without its quotation marks. `continues`: the same quote began earlier.

    `thought`: it has no quotation marks, and is thought.
    """

    text: str
    quoted: bool
    continues: bool = False
    thought: bool = False


@dataclass(frozen=True)
class Sentence:
    """A sentence, split up.

    `cue` is the name of a script line ("NAME: …"); `closes`: its paragraph ends here; `sound`: a script's "SFX: …",
    which nobody says.
    """

    text: str
    stretches: tuple[Stretch, ...]
    cue: str = ""
    direction: str = ""
    closes: bool = False
    sound: bool = False

    @property
    def said(self) -> list[Stretch]:
        return [stretch for stretch in self.stretches if stretch.quoted]

    @property
    def told(self) -> list[str]:
        return [stretch.text for stretch in self.stretches if not stretch.quoted]


def take_apart(sentences: Sequence[str], before: Sequence[str] = (), after: Sequence[str] = ()) -> list[Sentence]:
    """Each of `sentences` as stretches; the neighbours show whether an unclosed quote continues."""
    marked = [*before, *sentences, *after]
    texts = [text.rstrip() for text in marked]
    closes = _closes_next(texts)
    parts: list[Sentence] = []
    closer = _dangling_closer(texts[0]) if texts else ""
    thinking = False
    for index, text in enumerate(texts):
        part, closer, thinking = _take_apart_one(text, closer, thinking)
        thinking = thinking and not marked[index].endswith(PARAGRAPH_END)
        if closer and not closes[index + 1]:
            # Left open in the manuscript, or a speech whose next paragraph opens again: it ends here.
            closer = ""
        parts.append(replace(part, closes=True) if marked[index].endswith(PARAGRAPH_END) else part)
    return parts[len(before) : len(before) + len(sentences)]


def quoted(sentences: Sequence[str], before: Sequence[str] = (), after: Sequence[str] = ()) -> list[str]:
    """The quoted lines in order, without their marks; a quote through several sentences gives one line in each."""
    return [stretch.text for part in take_apart(sentences, before, after) for stretch in part.said]


def quote_spans(text: str) -> list[tuple[int, int]]:
    """The positions of the quotes in one paragraph, marks included."""
    spans: list[tuple[int, int]] = []
    start, closer = 0, _dangling_closer(text)
    closers = _closers(text)
    for index, mark in _marks(text):
        if closer:
            if mark in closer:
                spans.append((start, index + 1))
                closer = ""
        elif _opens(text, index):
            start, closer = index, closers[mark]
    if closer:
        spans.append((start, len(text)))
    return spans or [match.span() for match in _SINGLE.finditer(text)]


def _marks(text: str) -> Iterator[tuple[int, str]]:
    for match in _MARK.finditer(text):
        index = match.start()
        inside_word = 0 < index < len(text) - 1 and _is_hebrew(text[index - 1]) and _is_hebrew(text[index + 1])
        if not inside_word:
            yield index, match.group()


def _closers(text: str) -> dict[str, str]:
    """What closes each mark in this text: „ is closed by a straight mark only where no curly one is."""
    return _CLOSERS_BY_KEYBOARD if "„" in text and "“" not in text and "”" not in text else _CLOSERS


def _is_hebrew(char: str) -> bool:
    return "\u0590" <= char <= "\u05ff"


def _opens(text: str, index: int) -> bool:
    """Whether a mark outside a quote opens one, judged by its neighbours."""
    mark = text[index]
    if mark not in _CLOSERS or mark in "“„「『﹁":
        return mark in _CLOSERS
    previous, following = text[index - 1 : index], text[index + 1 : index + 2]
    fresh = not previous.strip() or previous in "([—–"
    if mark in "”»›":
        return fresh and bool(following.strip())
    if mark in "«‹":
        return fresh or bool(following.strip())
    if not following.strip():
        return fresh and bool(following)
    return fresh or following not in ".,;:!?)…—–"


def _dangling_closer(text: str) -> str:
    """The mark that closes the quote in which this text begins; empty if it begins outside."""
    for index, mark in _marks(text):
        if _opens(text, index):
            return ""
        return mark if index and text[index - 1] in ".,!?…—–-'’)*。！？؟؛、~" else ""
    return ""


@lru_cache(maxsize=16384)
def _first_mark(text: str) -> str:
    """`open`, `close` or empty: how the first mark of a sentence reads if a quote may still be open."""
    if HEADING.match(text):
        return "open"  # no quote runs through a heading
    for index, mark in _marks(text):
        following = text[index + 1 : index + 2]
        if mark == "“" and (not following.strip() or following in ".,;:!?)"):
            return "close"  # the end of „…“
        if mark in '"”»״' and index and not text[index - 1].isspace() and text[index - 1] not in "([—–":
            return "close"
        return "open" if _opens(text, index) else "close"
    return ""


def _closes_next(texts: Sequence[str]) -> list[bool]:
    """For each position: whether the next mark closes a quote."""
    closes = [False] * (len(texts) + 1)
    for index in range(len(texts) - 1, -1, -1):
        first = _first_mark(texts[index])
        closes[index] = first == "close" if first else closes[index + 1]
    return closes


@lru_cache(maxsize=16384)
def _take_apart_one(text: str, closer: str, thinking: bool) -> tuple[Sentence, str, bool]:
    if HEADING.match(text):
        return Sentence(text, (Stretch(text, False),)), "", False
    if not closer:
        cue = _cue_of(text)
        if cue is not None:
            return cue, "", False
        if _DASH.match(text):
            spoken = _without_incises(_dash_stretches(text))
            return _told_or_said(text, _with_thoughts(_without_incises(spoken, _TOLD_AFTER), False)[0]), "", False
    pieces, closer = _scan(text, closer)
    if "«" in text or "»" in text or "“" in text:
        pieces = list(_without_incises(pieces))
    if not any(piece.quoted for piece in pieces):
        pieces = list(_single_quotes(text))
    if not pieces or pieces[-1].quoted:
        thinking = False
    pieces, thinking = _with_thoughts(pieces, thinking)
    return _told_or_said(text, pieces), closer, thinking


def _without_incises(pieces: Iterable[Stretch], incise: re.Pattern[str] = _INCISE) -> Iterator[Stretch]:
    """Speech with its inner tags separated as narration."""
    for piece in pieces:
        at, continues = 0, piece.continues
        for match in incise.finditer(piece.text) if piece.quoted else ():
            before = piece.text[at : match.start()].strip()
            if before:
                yield Stretch(before, True, continues)
                continues = False
            yield Stretch(match["tag"].strip(), False)
            at = match.end()
        # The dash after a tag opens the speech again.
        rest = piece.text[at:].strip().lstrip("—–― " if at else "")
        if rest:
            yield Stretch(rest, piece.quoted, continues)


def _told_or_said(text: str, pieces: Sequence[Stretch]) -> Sentence:
    said = any(piece.quoted for piece in pieces)
    return Sentence(text, tuple(pieces) if said else (Stretch(text, False),))


def _scan(text: str, closer: str) -> tuple[list[Stretch], str]:
    pieces: list[Stretch] = []
    continues = bool(closer)
    told, opened = 0, 0
    closers = _closers(text)

    def put(start: int, end: int, spoken: bool) -> None:
        content = text[start:end].strip()
        if content:
            pieces.append(Stretch(content, spoken, spoken and continues and not pieces))

    for index, mark in _marks(text):
        if closer and not index and _first_mark(text) == "open":
            continues, closer, opened = False, closers[mark], 1
        elif closer:
            if mark in closer:
                closer = ""
                if not _is_scare_quote(text[max(told, opened - _LEAD_IN) : max(opened - 1, 0)], text[opened:index]):
                    put(told, max(opened - 1, 0), False)
                    put(opened, index, True)
                    told = index + 1
        elif _opens(text, index):
            closer, opened = closers[mark], index + 1
    if closer:
        put(told, max(opened - 1, 0), False)
        put(opened, len(text), True)
    else:
        put(told, len(text), False)
    return pieces, closer


def _is_scare_quote(before: str, quote: str) -> bool:
    """A quoted word or title within narration is no speech."""
    before, quote = before.rstrip(), quote.strip()
    if not before[-1:].islower() or not quote or not quote[-1].isalnum() or len(quote.split()) > 5:
        return False
    lead_in = before.split()[-1].lower()
    return lead_in not in SPEECH_VERBS or lead_in in {"called", "read", "reads"}


def _single_quotes(text: str) -> Iterator[Stretch]:
    start = 0
    for match in _SINGLE.finditer(text):
        if text[start : match.start()].strip():
            yield Stretch(text[start : match.start()].strip(), False)
        yield Stretch(match["said"].strip(), True)
        start = match.end()
    if text[start:].strip():
        yield Stretch(text[start:].strip(), False)


def _with_thoughts(pieces: Iterable[Stretch], thinking: bool) -> tuple[list[Stretch], bool]:
    """ "I could still go home, thought Ada." A thought has no marks; its tag is narration."""
    found: list[Stretch] = []
    for piece in pieces:
        if piece.quoted:
            found.append(piece)
            continue
        parts, thinking = thoughts(piece.text, thinking)
        found += [Stretch(text, thought, thought=thought) for text, thought in parts]
    return found, thinking


def cue_prefix(text: str) -> str:
    """The text before the speech in a script's line: "ADA (aside):", or empty."""
    match = _CUE.match(text)
    return text[: match.end()].strip() if match and _cue_of(text) is not None else ""


def _cue_of(text: str) -> Sentence | None:
    match = _CUE.match(text)
    if match is None:
        return None
    name, rest = match["name"].strip(), text[match.end() :]
    words = name.split()
    cased = name.lower() != name.upper()
    named = all(word[:1].isupper() or word[:1].isdigit() for word in words) and len(words) <= 3
    if words[0].lower() in _NOT_A_CUE or not (named if cased else len(words) == 1 and len(name) <= 12):
        return None
    if not any(char.isalpha() for char in name) or _MARK.match(rest.strip()) or rest.startswith("//"):
        return None
    if name[-1].isdigit() and rest[:1].isdigit():
        return None
    aside = _DIRECTION.match(rest)
    said = rest[aside.end() :].strip() if aside else rest.strip()
    if not said:
        return None
    if name.lower() in _CAPTIONS:
        return Sentence(text, (Stretch(said, False),))
    if name.lower() in _SOUNDS:
        return Sentence(text, (Stretch(said, True),), sound=True)
    inside = re.search(r"\(([^)]*)\)", text[: match.end()])
    pieces = [piece.strip() for piece in _ASIDE.split(said)]
    stretches = tuple(Stretch(piece, piece[0] not in "[(") for piece in pieces if piece)
    if not any(stretch.quoted for stretch in stretches):
        return None
    asides = [stretch.text.strip("[]() ") for stretch in stretches if not stretch.quoted]
    directions = [inside[1] if inside else "", aside.group().strip(" ()[]") if aside else "", *asides]
    return Sentence(text, stretches, cue=name, direction=" ".join(filter(None, directions)))


def _dash_stretches(text: str) -> list[Stretch]:
    """ "— Come, — said Ana. — Now." The tag between dashes begins in lower case, after a mark or directly after its
    dash.
    """
    found: list[Stretch] = []
    spoken, start = True, 0
    for match in _DASH.finditer(text):
        index, end = match.span()
        if index == 0:
            start = end
            continue
        # Looked up in place: copies of the rest at every dash would make a run of n dashes cost n².
        last = index
        while last > start and text[last - 1].isspace():
            last -= 1
        following = _NOT_BLANK.search(text, end)
        glued = text[index - 1].isspace() and not text[end : end + 1].isspace()
        begins_low = following is not None and following.group().islower()
        to_tag = spoken and begins_low and (glued or last == start or text[last - 1] in ",.!?…")
        if to_tag or not spoken:
            # In Spanish, marks of the speech that the tag interrupts follow the dash: "—Sí —dijo—. Vamos."
            marks = _MARKS_OF_SPEECH.match(text, end) if not spoken else None
            if last > start:
                found.append(Stretch(text[start:last].strip(), spoken))
            if marks is not None:
                end = marks.end()
                if len(found) > 1 and found[-2].text[-1:].isalnum():
                    found[-2] = replace(found[-2], text=found[-2].text + marks.group().strip())
            spoken, start = not spoken, end
    rest = text[start:].strip()
    if rest:
        found.append(Stretch(rest, spoken and any(char.isalnum() for char in rest)))
    return found
