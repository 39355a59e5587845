"""The story file of a run, and what identifies the run."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from engine.digest import digest
from engine.errors import BadInput
from engine.reading import decoded, read_manuscript, title_of
from engine.storable import titled
from models.options import GenerationOptions
from models.script import Script, checked_script
from models.translation import TranslationFile

FileT = TypeVar("FileT", bound=BaseModel)

# What the files of stories are called, in a folder of them.
SUFFIXES = frozenset({".txt", ".md", ".markdown", ".json"})
MAX_BYTES = 20_000_000
MAX_TEXT = 6_000_000
NO_IDENTITY = {
    *("priority", "review", "review_hours", "review_default", "remind_hours"),
    *("language", "translations", "export"),
}


@dataclass(frozen=True)
class Story:
    """A manuscript or script, ready for the database.

    `guessed`: the encoding in which its file was read where neither UTF-8 nor a mark says it; empty otherwise.
    """

    title: str
    text: str
    script: dict[str, Any] | None
    guessed: str = ""

    @property
    def project_key(self) -> str:
        """The same story is the same project, whatever is made of it."""
        return digest("story", self.title, self.text, self.script)

    def chapter_key(self, options: GenerationOptions) -> str:
        """The same story, title and options are the same chapter."""
        # Priority, reviews, translations, their writer and exported files do not change what the chapter is; nor does
        # an option of a later version, until it is used.
        tasks = {task: by for task, by in options.llm_tasks.items() if task != "Translate"}
        asked = options.model_copy(update={"llm_tasks": tasks})
        return digest(self.project_key, asked.model_dump(mode="json", exclude=NO_IDENTITY, exclude_defaults=True))


def read_story(path: Path, title: str | None) -> Story:
    """Read a `.txt`, `.md` or `.json` file; raises `BadInput` saying what is wrong and what to do."""
    if path.is_dir():
        raise BadInput(f"{path} is a folder; name the story's file.")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB: split it into chapters.")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise BadInput(f"There is no file {path}. Check the name, or the folder you are in.") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.") from error
    if path.suffix.lower() == ".json":
        script = _script(data, path.name)
        name = title or script.title or path.name.removesuffix(".json").removesuffix(".script")
        # Where the pictures were when the script was written does not change what to draw.
        for scene in script.scenes:
            for panel in scene.panels:
                panel.image = ""
        return Story(title=titled(name) or "Untitled", text="", script=script.model_dump(mode="json"))
    text = read_manuscript(data, path.name)
    if len(text) > MAX_TEXT:
        raise BadInput(f"{path.name} has {len(text):,} characters; {MAX_TEXT:,} at most: split it into chapters.")
    return Story(
        title=titled(title or title_of(text) or path.stem) or "Untitled",
        text=text,
        script=None,
        guessed=decoded(data, path.name).guessed,
    )


def read_translation(path: Path, language: str) -> TranslationFile:
    """Read a translator's file for a language; raises `BadInput`."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB.")
        file = _read_as(TranslationFile, path.read_bytes(), path.name, "translation")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.") from error
    if file.language != language:
        raise BadInput(f"{path.name} is in {file.language}, and was named for {language}.")
    return file


def _script(data: bytes, name: str) -> Script:
    script = _read_as(Script, data, name, "script")
    try:
        return checked_script(script)
    except ValueError as error:
        raise BadInput(f"{name} is not a script: {error}.") from None


def _read_as(kind: type[FileT], data: bytes, name: str, what: str) -> FileT:
    try:
        return kind.model_validate(json.loads(data.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is not UTF-8 at byte {error.start}: save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise BadInput(f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error
    except RecursionError as error:
        raise BadInput(f"{name} is nested too deeply to be a {what}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the top level"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise BadInput(f"{name} is not a {what}: at {place}: {first['msg']}{more}.") from error
