"""Whether a director's notes on a panel concern its words, its picture, or both."""

import re
from typing import Literal

About = Literal["words", "picture"]

_QUOTED = re.compile(r"[\"“„«][^\"”“„«»]++[\"”“»]")
# Lettering: notes that name one of these concern the words.
_WORDS = re.compile(
    r"\b(?:lines?|says?|said|saying|balloons?|captions?|dialogues?|words?|wording|lettering|speech|text|quotes?|"
    r"spelling|typo|rephrase|shorten the|translate|"
    r"sagt|sagen|sprechblasen?|dialog|wortlaut|satz|wort|worte|text|formulier\w*|"
    r"dit|dire|dialogue|bulles?|phrase|mots?|texte)\b",
    re.IGNORECASE,
)
# The picture: notes that name one of these concern what is seen.
_PICTURE = re.compile(
    r"\b(?:closer|nearer|wider|farther|further|zoom|camera|angle|shot|close-?up|pose|stands?|sits?|looks?|looking|face|"
    r"eyes?|hands?|hair|coat|clothes|wears?|holds?|holding|smil\w+|angry|sad|happy|crying|background|light\w*|dark\w*|"
    r"bright\w*|colou?rs?|picture|image|draw\w*|left|right|behind|in front|bigger|smaller|remove|add|rain|night|day|"
    r"näher|weiter|kamera|blick\w*|gesicht|hände|haare|mantel|wütend|traurig|fröhlich|hintergrund|licht|hell\w*|"
    r"dunkl\w*|farben?|bild|links|rechts|größer|kleiner|"
    r"plus près|plus loin|visage|mains?|cheveux|manteau|fâchée?|triste|heureu\w+|fond|lumière|couleurs?|"
    r"gauche|droite)\b",
    re.IGNORECASE,
)


def about(notes: str) -> set[About]:
    """What must be made again. Notes that name neither concern the picture, as most notes do."""
    unquoted = _QUOTED.sub(" ", notes)
    found: set[About] = set()
    if _QUOTED.search(notes) or _WORDS.search(unquoted):
        found.add("words")
    if _PICTURE.search(unquoted) or not found:
        found.add("picture")
    return found
