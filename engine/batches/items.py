"""What a request for a batch means: its items, with their projects and options, and what a filter finds.

Set by set, not item by item: a request may name ten thousand.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import null
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.errors import BadInput, EngineError
from engine.money.prices import Prices
from engine.orders import languages
from engine.orders.resolve import resolve
from engine.settings import Settings
from engine.store import rows
from engine.store.batches import NewItem
from engine.store.scope import Scope
from models.options import FINAL_STATUSES, GenerationKind, GenerationOptions, GenerationStatus
from models.tables import Chapter, Character, Generation, Panel, Project, Scene

# How many ids a query names.
_IDS = 1000
# The parts of a script that decide about options.
_SCRIPTED = ("format", "page_size", "direction", "language")


@dataclass(frozen=True)
class Wanted:
    """An item as requested. `options` are the ones that it names."""

    kind: GenerationKind
    target_ids: Sequence[UUID]
    chapter_id: UUID | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    budget_usd: Decimal | None = None
    external_id: str | None = None
    labels: dict[str, str] = field(default_factory=dict)


class _Place(NamedTuple):
    """Where a target belongs."""

    project_id: UUID
    chapter_id: UUID | None
    title: str


async def resolved(
    session: AsyncSession, scope: Scope, settings: Settings, base: Mapping[str, Any], wanted: Sequence[Wanted]
) -> list[NewItem]:
    """The items of a request, whose options override those of the request for the batch, `base`.

    Raises `NotFound`, `Forbidden` and `BadInput` with the number of the item that is wrong.
    """
    _refuse_twice(wanted)
    places = await places_of(session, scope, wanted)
    projects = await _projects(session, {place.project_id for found in places for place in found})
    scripts = await _scripts(session, {place.chapter_id for found in places for place in found if place.chapter_id})
    known: dict[str, GenerationOptions] = {}
    items = []
    for number, (item, found) in enumerate(zip(wanted, places, strict=True)):
        first = found[0]
        if any((place.project_id, place.chapter_id) != (first.project_id, first.chapter_id) for place in found):
            raise BadInput(f"items.{number}: its panels belong to different chapters; make one item for each chapter.")
        asked = {**base, **item.options}
        if "export" in base and "export" in item.options:
            asked["export"] = {**base["export"], **item.options["export"]}
        script = scripts.get(first.chapter_id) if first.chapter_id else None
        key = json.dumps([str(first.project_id), item.kind, script, asked], sort_keys=True, default=str)
        if key not in known:
            with _OfItem(number):
                known[key] = resolve(asked, settings, project=projects[first.project_id], script=script)
                if item.kind != GenerationKind.EXPORT:
                    Prices.of(settings).require(known[key])
                await languages.require(session, first.project_id, item.kind, known[key])
        items.append(
            NewItem(
                project_id=first.project_id,
                kind=item.kind,
                target_ids=item.target_ids,
                chapter_id=item.chapter_id,
                title=first.title,
                options=known[key],
                budget_usd=item.budget_usd,
                external_id=item.external_id,
                labels=item.labels,
            )
        )
    return items


def shared_options(items: Sequence[NewItem]) -> tuple[GenerationOptions | None, list[NewItem]]:
    """The options of most items, and the items with those that differ: thousands of rows need not repeat them."""
    counts: dict[int, tuple[int, GenerationOptions]] = {}
    for item in items:
        if item.options is not None:
            count, _ = counts.get(id(item.options), (0, item.options))
            counts[id(item.options)] = count + 1, item.options
    if not counts:
        return None, list(items)
    shared = max(counts.values(), key=lambda found: found[0])[1]
    kept = [
        NewItem(**(vars(item) | {"options": None})) if item.options is shared or item.options == shared else item
        for item in items
    ]
    return shared, kept


class _OfItem:
    """Names the item in errors about it."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, EngineError) and not error.message.startswith("items."):
            error.message = f"items.{self._number}: {error.message}"


def _refuse_twice(wanted: Sequence[Wanted]) -> None:
    """Raise `BadInput` for an item that is named twice: it would be made, and its chapter be busy, twice."""
    seen: dict[tuple[str, frozenset[UUID], str], int] = {}
    for number, item in enumerate(wanted):
        if len(item.target_ids) > 1 and item.kind != GenerationKind.PANEL:
            raise BadInput(f"items.{number}: an item of kind {item.kind} has one target.")
        if len(set(item.target_ids)) < len(item.target_ids):
            raise BadInput(f"items.{number}: it names a panel twice.")
        language = str(dict(item.options.get("export", {})).get("language", ""))
        key = (item.kind, frozenset(item.target_ids), language if item.kind == GenerationKind.EXPORT else "")
        if key in seen:
            raise BadInput(f"items.{number} is the same as items.{seen[key]}. Name each item once.")
        seen[key] = number


async def places_of(session: AsyncSession, scope: Scope, wanted: Sequence[Wanted]) -> list[list[_Place]]:
    """Where the targets of each item belong. Raises what `rows.get` raises for one outside the scope."""
    named: dict[GenerationKind, set[UUID]] = {}
    for item in wanted:
        named.setdefault(item.kind, set()).update(item.target_ids)
    found = {kind: await _FINDERS[kind](session, scope, ids) for kind, ids in named.items()}
    sheets = {item.chapter_id for item in wanted if item.kind == GenerationKind.CHARACTER_SHEET and item.chapter_id}
    chapters = await _chapters(session, scope, sheets)
    places = []
    for number, item in enumerate(wanted):
        here = []
        for target in item.target_ids:
            place = found[item.kind].get(target)
            if place is None:
                with _OfItem(number):
                    await rows.get(session, scope, _MODELS[item.kind], target)
                    raise rows.missing(_MODELS[item.kind], target)
            here.append(place)
        if item.kind == GenerationKind.CHARACTER_SHEET:
            here = [await _sheet(session, scope, number, item, here[0], chapters)]
        places.append(here)
    return places


async def _sheet(
    session: AsyncSession,
    scope: Scope,
    number: int,
    item: Wanted,
    place: _Place,
    chapters: Mapping[UUID, _Place],
) -> _Place:
    if item.chapter_id is None:
        raise BadInput(f"items.{number}: a character sheet needs chapter_id, the chapter that it is made for.")
    if item.chapter_id not in chapters:
        with _OfItem(number):
            await rows.get(session, scope, Chapter, item.chapter_id)
    if chapters[item.chapter_id].project_id != place.project_id:
        raise BadInput(f"items.{number}: the character and the chapter belong to different projects.")
    return place._replace(chapter_id=item.chapter_id)


async def _rows(session: AsyncSession, query: Any, column: Any, ids: Collection[UUID]) -> list[Any]:
    """The rows of a query in which the column is one of the ids, a thousand ids at a time."""
    listed, found = list(ids), list[Any]()
    for start in range(0, len(listed), _IDS):
        found += (await session.exec(query.where(column.in_(listed[start : start + _IDS])))).all()
    return found


async def _read(session: AsyncSession, query: Any, column: Any, ids: Collection[UUID]) -> dict[UUID, _Place]:
    return {row[0]: _Place(*row[1:]) for row in await _rows(session, query, column, ids)}


async def _chapters(session: AsyncSession, scope: Scope, ids: Collection[UUID]) -> dict[UUID, _Place]:
    columns = (col(Chapter.id), col(Chapter.project_id), col(Chapter.id), col(Chapter.title))
    query = select(*columns).where(scope.covers(Chapter))
    return await _read(session, query, col(Chapter.id), ids)


async def _books(session: AsyncSession, scope: Scope, ids: Collection[UUID]) -> dict[UUID, _Place]:
    """Chapters, and projects for one file over all their chapters."""
    found = await _chapters(session, scope, ids)
    columns = (col(Project.id), col(Project.id), null(), col(Project.title))
    query = select(*columns).where(scope.covers(Project))
    return found | await _read(session, query, col(Project.id), [one for one in ids if one not in found])


async def _scenes(session: AsyncSession, scope: Scope, ids: Collection[UUID]) -> dict[UUID, _Place]:
    query = (
        select(Scene.id, Scene.project_id, Scene.chapter_id, Chapter.title)
        .join(Chapter, col(Chapter.id) == col(Scene.chapter_id))
        .where(scope.covers(Scene))
    )
    return await _read(session, query, col(Scene.id), ids)


async def _panels(session: AsyncSession, scope: Scope, ids: Collection[UUID]) -> dict[UUID, _Place]:
    query = (
        select(Panel.id, Panel.project_id, Scene.chapter_id, Chapter.title)
        .join(Scene, col(Scene.id) == col(Panel.scene_id))
        .join(Chapter, col(Chapter.id) == col(Scene.chapter_id))
        .where(scope.covers(Panel))
    )
    return await _read(session, query, col(Panel.id), ids)


async def _characters(session: AsyncSession, scope: Scope, ids: Collection[UUID]) -> dict[UUID, _Place]:
    columns = (col(Character.id), col(Character.project_id), col(Character.id), col(Character.name))
    query = select(*columns).where(scope.covers(Character))
    return await _read(session, query, col(Character.id), ids)


_FINDERS: dict[GenerationKind, Callable[..., Any]] = {
    GenerationKind.CHAPTER: _chapters,
    GenerationKind.EXPORT: _books,
    GenerationKind.SCENE: _scenes,
    GenerationKind.PANEL: _panels,
    GenerationKind.CHARACTER_SHEET: _characters,
}
_MODELS: dict[GenerationKind, type[SQLModel]] = {
    GenerationKind.CHAPTER: Chapter,
    GenerationKind.EXPORT: Chapter,
    GenerationKind.SCENE: Scene,
    GenerationKind.PANEL: Panel,
    GenerationKind.CHARACTER_SHEET: Character,
}


async def _projects(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """The options of projects."""
    query = select(col(Project.id), col(Project.options))
    return {row[0]: dict(row[1]) for row in await _rows(session, query, col(Project.id), ids)}


async def _scripts(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """What the scripts of chapters say about options, without the rest of them."""
    parts = [col(Chapter.script)[name].astext for name in _SCRIPTED]
    query = select(col(Chapter.id), *parts).where(col(Chapter.script).is_not(None))
    return {
        chapter_id: {name: value for name, value in zip(_SCRIPTED, values, strict=True) if value}
        for chapter_id, *values in await _rows(session, query, col(Chapter.id), ids)
    }


class Candidate(NamedTuple):
    """A chapter that a filter may choose, with the status and the options of its last generation, if there was one."""

    chapter_id: UUID
    status: GenerationStatus | None
    options: GenerationOptions | None


async def candidates(session: AsyncSession, scope: Scope, project_id: UUID | None, limit: int) -> list[Candidate]:
    """The chapters of a project, or of all projects in the scope, on which no generation is running.

    In the order of the projects, and of the chapters in them.
    """
    if project_id is not None:
        await rows.get(session, scope, Project, project_id)
    # Postgres has no max() of a UUID; ids sort by time.
    newest = (
        select(col(Generation.id))
        .where(Generation.chapter_id == Chapter.id, Generation.kind == GenerationKind.CHAPTER)
        .order_by(col(Generation.id).desc())
        .limit(1)
        .correlate(Chapter)
        .scalar_subquery()
    )
    busy = select(col(Generation.chapter_id)).where(
        col(Generation.status).not_in(FINAL_STATUSES), col(Generation.chapter_id).is_not(None)
    )
    query = (
        select(col(Chapter.id), col(Generation.status), col(Generation.options))
        .join(Generation, col(Generation.id) == newest, isouter=True)
        .where(scope.covers(Chapter), col(Chapter.id).not_in(busy))
        .order_by(col(Chapter.project_id), col(Chapter.position))
        .limit(limit)
    )
    if project_id is not None:
        query = query.where(Chapter.project_id == project_id)
    return [Candidate(*row) for row in (await session.exec(query)).all()]
