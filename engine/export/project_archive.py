"""Project files: a zip of `project.json` and `pictures/<sha256>.<suffix>`. Files from outside are not trusted."""

import hashlib
import json
import re
import stat
import threading
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from engine.errors import BadInput
from engine.storage.keys import PICTURE_SUFFIXES
from models.bundle import MAX_ROWS, Bundle
from models.texts import UNFIT, Name, Title

DOCUMENT = "project.json"
# Unpacked; several times the size of a chapter of six million characters.
MAX_DOCUMENT = 64 << 20
MAX_PICTURE = 64 << 20
# What a document of that size may consist of. In memory a value takes up to a hundred times its bytes in the file (`{}`
# is two), so the size alone bounds nothing. A draft of a real project has some 45 values in 1.5 kB or more.
MAX_VALUES, MAX_NESTED, MAX_TEXTS = 3_000_000, 600_000, 3_000_000
# How many times smaller a document is when it is packed: text 3 to 10 times, a project of repetitions 50.
MAX_RATIO, RATIO_FROM = 200, 4 << 20
# One document at a time: each takes some hundred megabytes at most.
_READING = threading.Lock()
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_PICTURE = re.compile(r"pictures/[0-9a-f]{64}\.(png|jpg|webp)\Z")
# The same content is the same file, byte for byte.
_WHEN = (1980, 1, 1, 0, 0, 0)


def name_of(sha256: str, media_type: str) -> str:
    """The name of a picture in the file."""
    return f"pictures/{sha256}.{PICTURE_SUFFIXES[media_type]}"


class Written:
    """Writes a project file to `path`. Blocking; close it at the end."""

    def __init__(self, path: Path, bundle: Bundle) -> None:
        self._zip = zipfile.ZipFile(path, "w")
        text = json.dumps(bundle.model_dump(mode="json"), ensure_ascii=False, indent=1, sort_keys=True)
        self._add(DOCUMENT, text.encode("utf-8", "replace"), zipfile.ZIP_DEFLATED)

    def picture(self, name: str, path: Path) -> None:
        """Pictures are compressed already."""
        self._add(name, path.read_bytes(), zipfile.ZIP_STORED)

    def close(self) -> None:
        self._zip.close()

    def _add(self, name: str, data: bytes, how: int) -> None:
        entry = zipfile.ZipInfo(name, _WHEN)
        entry.external_attr = 0o644 << 16
        self._zip.writestr(entry, data, compress_type=how)


class Archive:
    """Reads a project file from outside. Blocking. Raises `BadInput` for invalid files."""

    def __init__(self, path: Path, most: int) -> None:
        """`most` is how many bytes it may have, unpacked."""
        self._most = most
        try:
            self._zip = zipfile.ZipFile(path)
            entries = self._zip.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeError, OverflowError):
            raise BadInput("This is not a readable zip file.") from None
        self._entries = _checked(entries, path.stat().st_size, most)

    def bundle(self) -> Bundle:
        """The content of `project.json`."""
        if DOCUMENT not in self._entries:
            raise BadInput(f"The file has no {DOCUMENT}: it is not an exported project.")
        with _READING:
            bundle = _parsed(self._read(DOCUMENT, MAX_DOCUMENT))
        wanted = {name_of(picture.sha256, picture.media_type) for picture in bundle.pictures} | {DOCUMENT}
        if wanted != set(self._entries):
            raise BadInput("The pictures in the file are not those that its project names.")
        return bundle

    def picture(self, name: str, target: Path, sha256: str) -> None:
        """Write a picture to a file, and verify that its hash matches its name."""
        data = self._read(name, MAX_PICTURE)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise BadInput(f"{name} does not hold the picture that its name promises.")
        target.write_bytes(data)

    def close(self) -> None:
        self._zip.close()

    def _read(self, name: str, most: int) -> bytes:
        """The unpacked entry. The size that it claims is not trusted."""
        most = min(most, self._most)
        data = bytearray()
        try:
            with self._zip.open(self._entries[name]) as file:
                while part := file.read(1 << 20):
                    data += part
                    if len(data) > most:
                        raise BadInput(f"{name} is too large unpacked.")
        except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
            raise BadInput(f"{name} cannot be unpacked ({type(error).__name__}).") from None
        except Exception as error:
            # zlib's own error has no other base class.
            if type(error).__module__ != "zlib":
                raise
            raise BadInput(f"{name} cannot be unpacked.") from None
        self._most -= len(data)
        return bytes(data)


def bundle_in(path: Path, most: int) -> Bundle:
    """What a project file from outside holds; in a child process, for it may become a hundred times its size."""
    archive = Archive(path, most)
    try:
        return archive.bundle()
    finally:
        archive.close()


def _is_bounded(data: bytes) -> bool:
    """Whether a document has no more values, lists and objects than a project can have.

    Counts signs and builds nothing; if there are too many, counts those that are not in texts.
    """
    if data.count(b'"') > 2 * MAX_TEXTS:
        return False
    for without_texts in (False, True):
        skeleton = _TEXT.sub(b"", data) if without_texts else data
        nested = skeleton.count(b"{") + skeleton.count(b"[")
        if nested <= MAX_NESTED and nested + skeleton.count(b",") <= MAX_VALUES:
            return True
    return False


def _parsed(data: bytes) -> Bundle:
    """The document, parsed once, after a look at how much it would become. Raises `BadInput`."""
    if not _is_bounded(data):
        raise BadInput(f"{DOCUMENT} has more parts than a project can have.")
    try:
        document = from_json(data, allow_inf_nan=False)
    except (ValueError, RecursionError):
        raise BadInput(f"{DOCUMENT} is not JSON.") from None
    if not isinstance(document, dict) or document.get("format") != "inkloom-project":
        raise BadInput(f"{DOCUMENT} does not describe a project.")
    if document.get("version") != 1:
        raise BadInput("The project was exported by a version of Inkloom that this version cannot read.")
    try:
        bundle = Bundle.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInput(f"{DOCUMENT} is invalid at {where or 'its root'}: {first['msg']}") from None
    except RecursionError:
        raise BadInput(f"{DOCUMENT} is nested too deeply.") from None
    _check_names(bundle)
    return bundle


_TITLE, _NAME = TypeAdapter[str](Title), TypeAdapter[str](Name)


def _check_names(bundle: Bundle) -> None:
    """Titles and names obey the rules that they obey when they are posted. Raises `BadInput`.

    Not the model's own rules: a project from before these rules can still be exported and copied.
    """
    checked = [(_TITLE, "project.title", bundle.project.title)]
    checked += [(_NAME, f"chapters.{at}.title", one.title) for at, one in enumerate(bundle.chapters) if one.title]
    checked += [(_NAME, f"characters.{at}.name", character.name) for at, character in enumerate(bundle.characters)]
    checked += [(_NAME, f"locations.{at}.name", location.name) for at, location in enumerate(bundle.locations)]
    for at, character in enumerate(bundle.characters):
        checked += [(_NAME, f"characters.{at}.aliases", alias) for alias in character.aliases]
    for rule, where, text in checked:
        try:
            rule.validate_python(text)
        except ValidationError as error:
            first = error.errors()[0]
            why = UNFIT.get(first.get("ctx", {}).get("pattern", ""), first["msg"])
            raise BadInput(f"{DOCUMENT} is invalid at {where}: {why}") from None


def _checked(entries: Sequence[zipfile.ZipInfo], size: int, most: int) -> dict[str, zipfile.ZipInfo]:
    if len(entries) > MAX_ROWS + 1:
        raise BadInput(f"The file has more than {MAX_ROWS} entries.")
    names: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = entry.orig_filename
        # Known names are plain, so no entry leads out of the folder.
        if name != entry.filename or (name != DOCUMENT and not _PICTURE.match(name)):
            raise BadInput("The file contains an entry that exported projects never have.")
        if name in names:
            raise BadInput(f"{name} appears twice in the file.")
        if entry.flag_bits & 0x1:
            raise BadInput("The file is encrypted.")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadInput(f"{name} is not a plain file.")
        if entry.file_size > (MAX_DOCUMENT if name == DOCUMENT else MAX_PICTURE):
            raise BadInput(f"{name} is too large.")
        if entry.file_size > max(RATIO_FROM, MAX_RATIO * entry.compress_size):
            raise BadInput(f"{name} is packed too tightly: no exported project is.")
        names[name] = entry
    if sum(entry.file_size for entry in entries) > most:
        raise BadInput("The project is too large.")
    for before, after in _pairs(sorted(entries, key=lambda entry: entry.header_offset)):
        end = before.header_offset + 30 + len(before.orig_filename) + before.compress_size
        if end > (after.header_offset if after is not None else size):
            raise BadInput("Entries of the file overlap.")
    return names


def _pairs(entries: Sequence[zipfile.ZipInfo]) -> Iterator[tuple[zipfile.ZipInfo, zipfile.ZipInfo | None]]:
    for index, entry in enumerate(entries):
        yield entry, entries[index + 1] if index + 1 < len(entries) else None
