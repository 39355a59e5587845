"""What texts may hold, said once for what is read, what is written, and what the API's document says of both."""

from typing import Annotated

from pydantic import Field

# Spelled out: what counts as blank by name differs between the languages that read this in the document.
_BLANK = r"\x20\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_CONTROL = r"\x00-\x1f\x7f-\x9f"
_READABLE = rf"[^{_CONTROL}{_BLANK}]"

# Postgres stores no NUL.
_WORDS = r"^[^\x00]*$"
Words = Annotated[str, Field(pattern=_WORDS)]
# Something that can be read, on as many lines as it likes.
_SAID = rf"^[^\x00]*{_READABLE}[^\x00]*$"
Said = Annotated[str, Field(pattern=_SAID)]
# One line that can be read: it is shown in lists, and ends up in the names of files.
_LINE = rf"[^{_CONTROL}]*{_READABLE}[^{_CONTROL}]*"
_NAME, _NAME_IF_ANY = rf"^{_LINE}$", rf"^({_LINE})?$"
Name = Annotated[str, Field(pattern=_NAME, min_length=1, max_length=200)]
Title = Annotated[str, Field(pattern=_NAME, min_length=1, max_length=500)]
# The same for what may go without a name.
NameIfAny = Annotated[str, Field(pattern=_NAME_IF_ANY, max_length=200)]

# As BCP 47 has it: a language, then script, region or variant. Empty where nobody says which.
_TAG = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"
_LANGUAGE = rf"^$|{_TAG}"
Language = Annotated[str, Field(pattern=_LANGUAGE, max_length=35)]
# The same where one has to be named.
NamedLanguage = Annotated[str, Field(pattern=_TAG, min_length=2, max_length=35)]

# What is between the @ and the blanks is the mail server's business.
_EMAIL = rf"^[^@{_CONTROL}{_BLANK}]{{1,64}}@[^@{_CONTROL}{_BLANK}]{{1,255}}$"
Email = Annotated[str, Field(max_length=320, pattern=_EMAIL)]

# What is said of a text that does not have the form of its pattern.
UNFIT = {
    _WORDS: "Text must not contain NUL characters.",
    _SAID: "This must contain readable text and no NUL characters.",
    _NAME: "This must be one line of readable text without control characters.",
    _NAME_IF_ANY: "This must be empty or one line of readable text.",
    _LANGUAGE: "Use a BCP 47 tag such as en, pt-BR or zh-Hant.",
    _TAG: "Use a BCP 47 tag such as en, pt-BR or zh-Hant.",
    _EMAIL: "This is not an e-mail address.",
}
