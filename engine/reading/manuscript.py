"""The bytes of a `.txt` or `.md` file as clean text, or `BadInput` that says what to do."""

import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePath

from engine.errors import BadInput
from engine.normal_form import normal_form
from engine.reading.encoding import decoded

MAX_BYTES = 20 * 1024 * 1024
SEPARATOR = "***"

_SIGNATURES = [
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF87a", "a GIF picture"),
    (b"GIF89a", "a GIF picture"),
    (b"RIFF", "a WebP picture or a sound"),
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive (DOCX, ODT and EPUB files are such archives)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Microsoft Office document"),
    (b"{\\rtf", "a Rich Text document"),
    (b"\x7fELF", "a program"),
]

_SEPARATOR_LINE = re.compile(r"[ \t]*+(?:(?:[*_=~#•·◇◆❦⁂–—-][ \t]*+){3,}+|##?|[*~•◇◆❦⁂])[ \t]*+")
_CHAPTER_LINE = re.compile(
    r"(?i:chapter|part|book|act|scene|prologue|epilogue|interlude)\b"
    r"[ \t]*(?:[\dIVXLCDM]+|[A-Za-z-]+)?[ \t]*(?:[.:—–-].*)?"
)
_SLUG_LINE = re.compile(r"(?:INT|EXT|INT\./EXT|I/E)\.[ \t].+")
# A speaker's name in capitals above the speech, and what screenwriters note between scenes.
_NAME_LINE = re.compile(r"(?P<name>[^\W\d_a-z][^a-z()\n]{0,38}?)[ ]*(?:\([^)\n]{1,30}\))?")
_TRANSITION = re.compile(r"(?:FADE|CUT|DISSOLVE|SMASH CUT|MATCH CUT)\b[A-Z :.]{0,24}")
_CAPITAL_LINE = re.compile(r"[^\W\d_a-z][^a-z\n.!?\"“”„«»:]{3,60}[^a-z\s.!?,\"“”„«»:—–-]")
_LONGEST_TITLE = 70
_MARKS_EMPHASIS = re.compile(r"[*_`\\]")


def read_manuscript(data: bytes, name: str) -> str:
    """The text of a manuscript: NFC, `\\n` line ends, headings as `# …`, scene separators as `***`."""
    if len(data) > MAX_BYTES:
        raise BadInput(f"{name} has {len(data):,} bytes; at most {MAX_BYTES:,} are allowed: give one chapter at a time")
    _refuse_other_files(data, name)
    text = _plain_lines(decoded(data, name).text)
    if PurePath(name).suffix.lower() in {".md", ".markdown"}:
        text = _without_markdown(text)
    text = _with_marked_structure(text)
    if not any(unicodedata.category(char)[0] not in "CZ" for char in text):
        raise BadInput(f"{name} is empty: it has no text to turn into a comic")
    return text


def read_manuscripts(texts: Mapping[int, str], name: str) -> dict[int, str]:
    """Several manuscripts that came as texts, by their numbers, which follow `name` in a refusal."""
    return {
        number: read_manuscript(text.encode("utf-8", "replace"), f"{name}{number}") for number, text in texts.items()
    }


def title_of(text: str) -> str:
    """The heading a normalised manuscript begins with, or nothing."""
    first = text.split("\n", 1)[0]
    return first.lstrip("#").strip() if first.startswith("#") else ""


def _refuse_other_files(data: bytes, name: str) -> None:
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            raise BadInput(f"{name} is {kind}, not text: save the story as plain text (UTF-8) and give that file")


def _plain_lines(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "\n").replace("\u2028", "\n")
    text = re.sub("[\u2029\f\v]", "\n\n", text).replace("\t", " ")
    # Joiners and direction marks (Cf) stay: emoji and right-to-left text need them.
    text = re.sub("[\x00-\x09\x0b-\x1f\x7f-\x9f\ufeff]", "", text)
    return normal_form(text)


def _without_markdown(text: str) -> str:
    text = re.sub(r"\A---\n(?:.*\n)*?(?:---|\.\.\.)(?:\n|\Z)", "", text)
    text = _without_comments(text)
    text = re.sub(r"(?m)^[ ]{0,3}(?:```|~~~).*\n?", "", text)
    text = re.sub(r"(?m)^(?:[ ]{0,3}>[ ]?)+", "", text)
    text = re.sub(r"(?m)^(?![ ]*[#>*_=-])[ ]*(\S.*)\n[ ]{0,3}(?:=+|--+)[ ]*$", r"# \1", text)
    text = re.sub(r"!?\[([^\[\]\n]{0,500})\]\([^()\n]{0,2000}\)", r"\1", text)
    lines = text.split("\n")
    return "\n".join(line if _SEPARATOR_LINE.fullmatch(line) else _without_emphasis(line) for line in lines)


def _without_comments(text: str) -> str:
    # A loop, because a pattern would search to the end again for every comment that is never closed.
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start)) >= 0:
        kept.append(text[at:start])
        at = end + len("-->")
    return "".join([*kept, text[at:]])


def _without_emphasis(line: str) -> str:
    if _MARKS_EMPHASIS.search(line) is None:
        return line
    line = re.sub(r"(?<!\\)\*{2,3}(?=\S)((?:[^*\n]|\*(?!\*))+?)(?<=\S)\*{2,3}", r"\1", line)
    line = re.sub(r"(?<![\\\w])_{2,3}(?=\S)((?:[^_\n]|_(?!_))+?)(?<=\S)_{2,3}(?!\w)", r"\1", line)
    line = re.sub(r"(?<!\\)\*(?=\S)([^*\n]+?)(?<=\S)\*", r"\1", line)
    line = re.sub(r"(?<![\\\w])_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)", r"\1", line)
    line = re.sub(r"`([^`\n]+)`", r"\1", line)
    return re.sub(r"\\([\\`*_{}\[\]()#+.!>~-])", r"\1", line)


def _with_script_lines(text: str) -> str:
    """Speeches of a screenplay, below a name in capitals, as script lines: "NAME: (aside) speech"."""
    if not re.search(rf"(?m)^[ ]*{_SLUG_LINE.pattern}$", text):
        return text
    blocks = []
    for block in re.split(r"\n[ ]*\n", text):
        name, _, rest = block.strip().partition("\n")
        cue = _NAME_LINE.fullmatch(name.strip())
        if cue and rest.strip() and not _SLUG_LINE.match(name.strip()):
            block = f"{cue['name'].strip()}: {' '.join(rest.split())}"
        elif _TRANSITION.fullmatch(block.strip()):
            block = SEPARATOR
        blocks.append(block)
    return "\n\n".join(blocks)


def _with_marked_structure(text: str) -> str:
    """One spelling for every heading and separator, so that later code need not guess again."""
    text = _with_script_lines(text)
    lines = [line.rstrip() for line in text.split("\n")]
    shouted = sum(1 for line in lines if line and _in_capitals(line.strip()))
    marked: list[str] = []
    for index, line in enumerate(lines):
        if not line:
            marked.append(line)
            continue
        bare = line.strip()
        alone = (index == 0 or not lines[index - 1]) and (index + 1 == len(lines) or not lines[index + 1])
        if _SEPARATOR_LINE.fullmatch(line):
            marked += ["", SEPARATOR, ""]
        elif re.match(r"#{1,6} ", bare):
            marked += ["", "# " + bare.strip("#").strip(), ""]
        elif (
            alone
            and len(bare) <= _LONGEST_TITLE
            and (
                _CHAPTER_LINE.fullmatch(bare)
                or _SLUG_LINE.fullmatch(bare)
                # A single one may be a shout.
                or (shouted > 1 and _in_capitals(bare))
            )
        ):
            marked += ["", "# " + bare, ""]
        else:
            marked.append(line)
    while marked and marked[-1] in {"", SEPARATOR}:
        marked.pop()
    first = next((index for index, line in enumerate(marked) if line not in {"", SEPARATOR}), 0)
    # One cut: taking lines off the front one by one would move all others each time.
    del marked[:first]
    if len(marked) > 2 and not marked[1] and _looks_like_title(marked[0]):
        marked[0] = "# " + marked[0].strip()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(marked))


def _in_capitals(line: str) -> bool:
    """Whether a line is written in capitals. Scripts without letter case have none, so that no line of them is."""
    return _CAPITAL_LINE.fullmatch(line) is not None and line.lower() != line


def _looks_like_title(line: str) -> bool:
    bare = line.strip()
    ends_open = bool(bare) and (bare[-1].isalnum() or bare[-1] in ")’'")
    speaks = re.search(r"[\"“„«»‘「『]|^['—–-]|^[^:]{1,30}[:：]\s*\S|[.!?] ", bare)
    return ends_open and len(bare) <= _LONGEST_TITLE and not bare.startswith("#") and not speaks
