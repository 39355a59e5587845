"""What a text leaves open at its end, in its own sentences: questions that nobody answers, and promises."""

import re
from collections.abc import Sequence

from engine.reading import Sentence, at_sentence_ends, is_heading, is_separator

# So many sentences before the end are looked at, and so many of them are told.
_END = 14
_MOST = 5
_LONGEST = 200
# An answer comes within so many sentences.
_SOON = 3

_QUESTION = re.compile(r"[?？؟][\"'”’»“)]*$")
_SILENCE = re.compile(
    r"\b(?:(?:did|does|could|would) not (?:answer|reply|know)|didn['’]t (?:answer|reply|know)|no (?:answer|reply)"
    r"|(?:nobody|no one) (?:answered|knew|replied)|said nothing|never (?:said|told|learned|found out)"
    r"|antwortete (?:\w+ )?nicht|keine antwort|niemand (?:antwortete|wusste)|wusste (?:es )?nicht|schwieg\w*"
    r"|ne répondit (?:pas|rien)|pas de réponse|aucune réponse|personne ne (?:répondit|savait)|se tut)\b",
    re.IGNORECASE,
)
_PROMISE = re.compile(
    r"(?:\b(?:will|would|shall|['’]ll|['’]d) (?:\w+ )?(?:come|be|go|return|find|meet|see|wait)\b[^.!?]*"
    r"\b(?:back|again|return|tomorrow|next|then|out|somewhere|there|one day|some day)\b"
    r"|\b(?:will|would|shall|['’]ll|['’]d) return\b"
    r"|\b(?:promised?|swore|swear|vowed?) (?:to|that|it|he|she|they|we|you|i|me|him|her)\b"
    r"|\b(?:tomorrow|next time|some ?day|one day)\b[^.!?]*\b(?:will|would|shall|must)\b"
    r"|\b(?:will|would|shall|must|['’]ll)\b[^.!?]*\b(?:tomorrow|next time|some ?day|one day)\b"
    r"|\bwas (?:still |nowhere to be )(?:missing|gone|out there|found)\b"
    r"|\b(?:morgen|eines tages|nächstes mal)\b[^.!?]*\b(?:werde|wirst|wird|werden|würde|würden|muss|müssen)\b"
    r"|\b(?:werde|wirst|wird|werden|würde|würden|muss|müssen)\b[^.!?]*"
    r"\b(?:morgen|eines tages|nächstes mal|wiederkommen|zurückkommen|zurückkehren|wiedersehen)\b"
    r"|\b(?:komme|kommt|kommen|kehre|kehrt) (?:\w+ )?(?:wieder|zurück)\b|\b(?:versprach|schwor|verspreche|schwöre)\b"
    r"|\b(?:demain|un jour|la prochaine fois)\b[^.!?]*\w+(?:rai|ra|rons|rez|ront|rait|raient)\b"
    r"|\b(?:reviendr|retourner)\w+|\b(?:promit|promis|promets|jura|jure)\b)",
    re.IGNORECASE,
)


def open_threads(parts: Sequence[Sentence]) -> list[str]:
    """The last of them, in the order of the text, word for word; none where the end leaves nothing open."""
    told = [part for part in parts if part.text and not is_heading(part.text) and not is_separator(part.text)]
    found: list[str] = []
    for index in range(max(0, len(told) - _END), len(told)):
        part = told[index]
        for number, stretch in enumerate(part.stretches):
            clause = next(
                (
                    one
                    for one in at_sentence_ends(stretch.text)
                    if _says_something(one)
                    and (_PROMISE.search(one) or (_QUESTION.search(one) and _unanswered(told, index, number)))
                ),
                "",
            )
            # The whole sentence says who speaks, if it is no longer than one line.
            thread = part.text if len(part.text) <= _LONGEST else clause
            if clause and len(thread) <= _LONGEST and thread not in found:
                found.append(thread)
                break
    return found[-_MOST:]


def _says_something(clause: str) -> bool:
    """A lone "Who?" is nothing to go on with; scripts without blanks say more with less."""
    return clause.count(" ") > 1 or not clause.isascii()


def _unanswered(told: Sequence[Sentence], index: int, number: int) -> bool:
    """Whether nobody says anything soon after a question, or the text says that nobody does.

    What the text itself asks, nobody can answer by speaking.
    """
    asked = told[index].stretches[number]
    rest = [
        *told[index].stretches[number + 1 :],
        *(one for part in told[index + 1 : index + 1 + _SOON] for one in part.stretches),
    ]
    for stretch in rest:
        if not stretch.quoted and _SILENCE.search(stretch.text):
            return True
        if stretch.quoted and asked.quoted:
            return False
    return True
