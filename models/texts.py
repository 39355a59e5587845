"""Constraints on texts, stated once for input, for output, and for the API's document of both."""

from typing import Annotated

from pydantic import Field

# Listed explicitly: the named class of blank characters differs between the languages that read this pattern in the
# document.
_BLANK = r"\x20\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_CONTROL = r"\x00-\x1f\x7f-\x9f"
_READABLE = rf"[^{_CONTROL}{_BLANK}]"

# Postgres cannot store NUL.
_WORDS = r"^[^\x00]*$"
Words = Annotated[str, Field(pattern=_WORDS)]
# A text with at least one visible character, on any number of lines.
_SAID = rf"^[^\x00]*{_READABLE}[^\x00]*$"
Said = Annotated[str, Field(pattern=_SAID)]
# One line with at least one visible character: it is shown in lists, and becomes part of file names.
_LINE = rf"[^{_CONTROL}]*{_READABLE}[^{_CONTROL}]*"
_NAME, _NAME_IF_ANY = rf"^{_LINE}$", rf"^({_LINE})?$"
Name = Annotated[str, Field(pattern=_NAME, min_length=1, max_length=200)]
Title = Annotated[str, Field(pattern=_NAME, min_length=1, max_length=500)]
# The same, but it may be empty.
NameIfAny = Annotated[str, Field(pattern=_NAME_IF_ANY, max_length=200)]

# A BCP 47 tag: a language, then script, region or variant. Empty where it is unknown.
_TAG = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"
_LANGUAGE = rf"^$|{_TAG}"
Language = Annotated[str, Field(pattern=_LANGUAGE, max_length=35)]
# The same, but required.
NamedLanguage = Annotated[str, Field(pattern=_TAG, min_length=2, max_length=35)]

# The mail server decides whether an address exists: only its form is checked.
_EMAIL = rf"^[^@{_CONTROL}{_BLANK}]{{1,64}}@[^@{_CONTROL}{_BLANK}]{{1,255}}$"
Email = Annotated[str, Field(max_length=320, pattern=_EMAIL)]

# A time of the day, and a name of the IANA database of time zones.
_CLOCK, _ZONE = r"^([01][0-9]|2[0-3]):[0-5][0-9]$", r"^[A-Za-z0-9_+/-]{1,64}$"
Clock = Annotated[str, Field(pattern=_CLOCK)]
Zone = Annotated[str, Field(pattern=_ZONE)]

# The message for a text that does not match its pattern.
UNFIT = {
    _WORDS: "Text must not contain NUL characters.",
    _SAID: "This must contain readable text and no NUL characters.",
    _NAME: "This must be one line of readable text without control characters.",
    _NAME_IF_ANY: "This must be empty or one line of readable text.",
    _LANGUAGE: "Use a BCP 47 tag such as en, pt-BR or zh-Hant.",
    _TAG: "Use a BCP 47 tag such as en, pt-BR or zh-Hant.",
    _EMAIL: "This is not an e-mail address.",
    _CLOCK: "Write a time like 22:00.",
    _ZONE: "Use the name of a time zone, such as Europe/Berlin or UTC.",
}
