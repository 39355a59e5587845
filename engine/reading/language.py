"""Detects the language of a text."""

from functools import lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

# With fewer letters, or less certainty, a guess is worse than none.
_FEWEST_LETTERS = 40
_SURE = 0.9
# More text than this improves nothing.
READ = 4_000


@lru_cache(maxsize=256)
def language_of(text: str) -> str:
    """A BCP 47 tag such as `en`; empty if the text is too short or mixed."""
    read = text[:READ]
    if sum(sign.isalpha() for sign in read) < _FEWEST_LETTERS:
        return ""
    language, sure = _model().classify(read)
    return str(language) if sure >= _SURE else ""


@lru_cache(maxsize=1)
def _model() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
