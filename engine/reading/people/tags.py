"""The clauses around a quote that say who speaks: "said Ada", "he whispered", "The widow said:"."""

import re

from engine.reading.people.cast import Cast
from engine.reading.people.references import Reference, references
from engine.reading.people.words import words_of
from engine.reading.quotes import SPEECH_VERBS

_CLAUSE = re.compile(r"(?<!\bMr)(?<!\bDr)(?<!\bMs)(?<!\bMrs)(?<!\bSt)(?<!\bM)[.!?…;]")
_VERB = re.compile(rf"\s+(?:\w+ly\s+)?(?:{'|'.join(sorted(SPEECH_VERBS))})\b", re.IGNORECASE)


def tag_after(told: str, said: str = "") -> str:
    """The clause after a quote, if it names the speaker: a comma or a lower-case letter joins it to the quote."""
    text = told.lstrip(" ,—–-")
    clause = _CLAUSE.split(text, maxsplit=1)[0]
    joined = text[:1].islower() or said.rstrip().endswith(",")
    return clause if joined or SPEECH_VERBS & set(words_of(clause)[:7]) else ""


def tag_before(told: str) -> str:
    """The clause before a quote, if it names the speaker."""
    clauses = [clause for clause in _CLAUSE.split(told) if clause.strip()]
    if not clauses:
        return ""
    leads = told.rstrip().endswith((",", ":", "："))
    return clauses[-1] if leads or SPEECH_VERBS & set(words_of(clauses[-1])[-4:]) else ""


def is_tag(told: str) -> bool:
    """Whether a clause of narration only names a speaker."""
    return bool(SPEECH_VERBS & set(words_of(told)[:7]))


def speaker_in(tag: str, cast: Cast) -> Reference | None:
    """The speaker in a tag: the person nearest before the verb, else directly after it."""
    people = references(tag, cast)
    close = [one for one in people if _VERB.match(tag[one.end :])]
    if close:
        return close[-1]
    verb = next((match for match in re.finditer(r"[^\W\d_]+", tag) if match.group().lower() in SPEECH_VERBS), None)
    if verb is None:
        return next((one for one in people if one.subject), None)
    before = [one for one in people if one.end <= verb.start() and one.subject]
    behind = [one for one in people if one.start >= verb.end() and one.subject]
    if before:
        return before[-1]
    return behind[0] if behind else None
