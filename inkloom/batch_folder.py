"""A folder of manuscripts: which files are stories, in which order, and what its `batch.toml` says of each."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.digest import digest
from engine.errors import BadInput
from inkloom.story import SUFFIXES, Story, read_story
from models.batches import MAX_ITEMS
from models.options import GenerationOptions

SHEET = "batch.toml"
# What a manuscript's table may hold beside options.
_OWN = {"title", "order", "budget_usd"}
_OPTIONS = set(GenerationOptions.model_fields) - {"priority"}
_MAX_SHEET = 1_000_000


@dataclass(frozen=True)
class Manuscript:
    """A file of the folder. Without a `story` it cannot be read, and `error` says why."""

    path: Path
    story: Story | None
    error: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    order: float | None = None
    budget_usd: float | None = None

    @property
    def title(self) -> str:
        return self.story.title if self.story is not None else self.path.name


@dataclass(frozen=True)
class Folder:
    """The manuscripts of a folder in their order, and the title of the series."""

    path: Path
    title: str
    manuscripts: list[Manuscript]


def identity_of(folder: Path) -> str:
    """What identifies a folder's batch: the folder's place."""
    return digest("batch", str(folder.expanduser().resolve()))


def read_folder(folder: Path) -> Folder:
    """Read all manuscripts of a folder. A file that cannot be read is one that has failed; the others go on.

    Raises `BadInput` for a folder without any, and for a `batch.toml` that cannot be followed.
    """
    folder = folder.expanduser()
    if not folder.is_dir():
        what = "is a file; name the folder that it is in, or use `run`" if folder.exists() else "does not exist"
        raise BadInput(f"{folder} {what}.")
    try:
        files = sorted((path for path in folder.iterdir() if _is_story(path)), key=_natural)
    except OSError as error:
        raise BadInput(f"{folder} cannot be read: {error.strerror or error}.") from error
    if not files:
        raise BadInput(f"{folder} has no manuscripts: their names end in {', '.join(sorted(SUFFIXES))}.")
    if len(files) > MAX_ITEMS:
        raise BadInput(f"{folder} has {len(files):,} manuscripts; a batch has at most {MAX_ITEMS:,}.")
    sheet = _sheet(folder / SHEET)
    tables = {name: table for name, table in sheet.items() if isinstance(table, dict)}
    _require_known(sheet, tables, {path.name for path in files})
    manuscripts = [_read(path, tables.get(path.name, {})) for path in files]
    places = {one.path: place for place, one in enumerate(manuscripts)}
    # Without a number of its own, a manuscript keeps its place after those that have one.
    manuscripts.sort(key=lambda one: (one.order is None, one.order or 0.0, places[one.path]))
    title = sheet.get("title")
    return Folder(folder, str(title or folder.resolve().name or "Untitled")[:200], manuscripts)


def _is_story(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Chapter 2 comes before chapter 10."""
    parts = re.findall(r"[0-9]{1,15}|[^0-9]+|[0-9]+", path.name.casefold())
    return [(0, int(part), "") if part.isdigit() and part.isascii() else (1, 0, part) for part in parts]


def _sheet(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_SHEET:
            raise BadInput(f"{path.name} is larger than 1 MB.")
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path.name} is not TOML: {error}.") from error


def _require_known(sheet: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]], names: set[str]) -> None:
    for name in sheet:
        if name in tables and name not in names:
            raise BadInput(f'{SHEET}: there is no manuscript "{name}" in the folder.')
        if name not in tables and name != "title":
            raise BadInput(f"{SHEET}: {name} is not known. It takes `title`, and one table for each manuscript.")
    if not isinstance(sheet.get("title", ""), str):
        raise BadInput(f"{SHEET}: title must be a text.")
    for name, table in tables.items():
        for key, value in table.items():
            if key not in _OWN | _OPTIONS:
                allowed = ", ".join(sorted(_OWN | _OPTIONS))
                raise BadInput(f'{SHEET}: "{name}" has no {key}. It takes: {allowed}.')
            if key == "title" and not isinstance(value, str):
                raise BadInput(f'{SHEET}: the title of "{name}" must be a text.')
            if key in ("order", "budget_usd") and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise BadInput(f'{SHEET}: {key} of "{name}" must be a number.')
        if not 0 <= table.get("budget_usd", 0) < 1_000_000:
            raise BadInput(f'{SHEET}: budget_usd of "{name}" must be between 0 and 999,999.')


def _read(path: Path, table: Mapping[str, Any]) -> Manuscript:
    order, budget = table.get("order"), table.get("budget_usd")
    options = {name: value for name, value in table.items() if name in _OPTIONS}
    try:
        return Manuscript(path, read_story(path, table.get("title")), "", options, order, budget)
    except BadInput as error:
        return Manuscript(path, None, error.message, options, order, budget)
