"""Thoughts without quotation marks: introduced by a tag, and continuing until other narration begins."""

import re
from collections.abc import Iterator

_VERBS = "thought|thinks|wondered|dachte|pensa|songea"
_WHO = r"(?:[^\W\d_a-z][\w’'-]*|(?:the|der|die|das|le|la)\s+[\w’'-]+)"
_PRONOUN = "(?:he|she|I|they|er|sie|ich)"
# "I could still go home, thought Ada." "He's mad, she thought."
_TAGGED = re.compile(
    rf"(?P<thought>[^\"“”«»„]{{2,200}}?[,?!])\s"
    rf"(?P<tag>(?:(?:{_VERBS})\s+(?:{_PRONOUN}|{_WHO})|{_PRONOUN}\s+(?:{_VERBS})|{_WHO}\s+(?:thought|dachte))"
    r"(?=[.,]|\s+(?:and|und|et)\b|\s*$)[^.!?]*[.!?]?)"
)
# "And I thought: now or never."
_LED = re.compile(
    rf"(?P<tag>[^\"“”«»„.!?]{{0,120}}?\b(?:{_VERBS}|think)(?:\s\w+)?:)\s++(?P<thought>[^\"“”«»„]{{2,}}+)$"
)
_ENDS = re.compile(r"(?<=[.!?…])\s+(?=\S)")
# Thoughts are in the present tense and first person; narration is in the past tense.
_PRESENT = re.compile(
    r"\b(?:I|my|me|is|are|am|can|can['’]t|cannot|don['’]t|won['’]t|isn['’]t|must|shall|will|have|has)\b|['’](?:s|m|re|ll|ve)\b"
    r"|^(?:Or|How|What an?|Why|Oh|No|Yes|Don['’]t|If|Unless|Perhaps|Maybe)\b|\?$"
)
_PAST = re.compile(
    r"\b(?:was|were|had|did|went|came|said|took|looked|turned|stood|sat|saw|found|felt|knew|made|put|could|[a-z]{2,}ed)\b"
)


def thoughts(told: str, thinking: bool) -> tuple[list[tuple[str, bool]], bool]:
    """A stretch of narration as pieces, each with whether it is a thought, and whether a thought continues at its
    end.

    `thinking`: one continued when the stretch began.
    """
    pieces: list[tuple[str, bool]] = []
    for sentence in _ENDS.split(told):
        tagged = _TAGGED.match(sentence)
        led = _LED.match(sentence)
        if tagged:
            pieces += [(tagged["thought"], True), (sentence[tagged.start("tag") :], False)]
            thinking = True
        elif led:
            pieces += [(led["tag"], False), (led["thought"], True)]
            thinking = True
        else:
            thinking = (
                thinking
                and _PRESENT.search(sentence) is not None
                and (sentence.endswith("?") or not _PAST.search(sentence))
            )
            pieces.append((sentence, thinking))
    return list(_joined(pieces)), thinking


def _joined(pieces: list[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
    """Neighbouring pieces of one kind joined."""
    run: list[str] = []
    kind = False
    for piece, thought in pieces:
        if run and thought != kind:
            yield " ".join(run), kind
            run = []
        if run or piece:
            run.append(piece)
        kind = thought
    if run:
        yield " ".join(run), kind
