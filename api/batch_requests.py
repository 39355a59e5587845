"""What a request for a batch names: chapters that it brings along, chapters that a filter finds, and what they cost."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from fastapi import Request
from sqlmodel.ext.asyncio.session import AsyncSession

from api.http.apart import read_apart
from api.http.deps import Resources
from api.shapes.batches import Filter, NewBatch
from api.shapes.batches import NewItem as ItemAsked
from engine.batches import items
from engine.errors import BadInput
from engine.freshness.parts import StalePart
from engine.freshness.remaining import stale_parts_and_calls, work_left
from engine.money.estimate import Estimate, Experience, Range, Work, estimate, work_of_script, work_of_text
from engine.money.prices import Prices
from engine.orders.resolve import named, resolve
from engine.reading import read_manuscripts
from engine.storable import titled
from engine.store import costs, editing, rows
from engine.store.scope import Scope
from models.batches import MAX_ITEMS
from models.options import GenerationKind, GenerationOptions, GenerationStatus
from models.script import Script
from models.tables import Chapter, Project

# The most chapters that are compared with what they are made from, for a filter or an estimate.
MOST_COMPARED = 1000
# The most chapters that a request brings along: each is announced by an event of its project.
MOST_NEW = 2000
# How many items are looked at for one that a budget can pay for.
_LOOKED_AT = 50
_FAILED = (GenerationStatus.FAILED, GenerationStatus.COMPLETED_WITH_FAILURES)


def named_of(item: ItemAsked) -> dict[str, Any]:
    """The options that an item names."""
    options = named(item.options)
    if item.formats is None:
        return options
    return options | {"export": {**options.get("export", {}), "formats": item.formats}}


async def texts_of(body: NewBatch) -> dict[int, str]:
    """The texts of new chapters, read before any row is locked, by the number of the item. Raises `BadInput`."""
    texts = {number: item.text for number, item in enumerate(body.items or ()) if item.text is not None}
    # Together: thousands of short ones are a long one.
    return await read_apart(
        read_manuscripts, texts, "items.", size=sum(map(len, texts.values())), what="The items' text"
    )


async def wanted_of(
    session: AsyncSession, scope: Scope, body: NewBatch, texts: dict[int, str], chosen: Sequence[UUID]
) -> list[items.Wanted]:
    """The items of a request, its new chapters among them, which are added now; or the chapters that a filter chose."""
    if body.items is None:
        return [items.Wanted(GenerationKind.CHAPTER, [chapter_id]) for chapter_id in chosen]
    added = await _add_chapters(session, scope, body.items, texts)
    return [
        items.Wanted(
            item.kind,
            [added[number].id] if number in added else item.target_ids,
            item.chapter_id,
            named_of(item),
            item.budget_usd,
            item.external_id,
            item.metadata,
        )
        for number, item in enumerate(body.items)
    ]


async def _add_chapters(
    session: AsyncSession, scope: Scope, asked: Sequence[ItemAsked], texts: dict[int, str]
) -> dict[int, Chapter]:
    """Add the new chapters, project by project, each after the last one; by the number of the item."""
    added: dict[int, Chapter] = {}
    by_project: dict[UUID, list[Chapter]] = {}
    for number, item in enumerate(asked):
        if item.project_id is None:
            continue
        added[number] = Chapter(
            project_id=item.project_id,
            position=0,
            title=titled(item.title or (item.script.title if item.script else "")),
            source_text=texts.get(number, ""),
            script=item.script.model_dump(mode="json") if item.script else None,
            external_id=item.external_id,
            labels=item.metadata,
        )
        by_project.setdefault(item.project_id, []).append(added[number])
    if len(added) > MOST_NEW:
        raise BadInput(f"items: a request brings at most {MOST_NEW:,} new chapters. Make several batches of them.")
    # In one order, as all who lock several projects do.
    for project_id in sorted(by_project):
        await editing.open_project(session, scope, project_id)
        await editing.insert_rows(session, by_project[project_id], None)
    if added:
        await editing.announce(session, scope, list(added.values()))
    return added


async def chosen_by(
    request: Request, owned: Resources, session: AsyncSession, scope: Scope, asked: Filter
) -> list[UUID]:
    """The chapters that a filter chooses. Raises `BadInput` if there are none, or too many to compare."""
    most = MOST_COMPARED if asked.stale else MAX_ITEMS
    found = await items.candidates(session, scope, asked.project_id, most + 1)
    if len(found) > most:
        raise BadInput(f"filter: more than {most:,} chapters would have to be looked at. Name a project_id.")
    chosen = []
    for candidate in found:
        if (asked.new and candidate.status is None) or (asked.failed and candidate.status in _FAILED):
            chosen.append(candidate.chapter_id)
        elif asked.stale and candidate.options is not None:
            chapter = await rows.get(session, scope, Chapter, candidate.chapter_id)
            compared = await owned.computed.about(request, session, chapter, stale_parts_and_calls, candidate.options)
            parts: Sequence[StalePart] = compared[0]
            if any(part.due for part in parts):
                chosen.append(candidate.chapter_id)
    if not chosen:
        raise BadInput("filter: no chapter meets it, so there is nothing to do.")
    return chosen


async def estimates_of(
    request: Request, owned: Resources, session: AsyncSession, scope: Scope, body: NewBatch, chosen: Sequence[UUID]
) -> AsyncIterator[tuple[int, str, Estimate | None]]:
    """Each item's number, title and estimate; None for kinds that are not estimated.

    Targets that exist are compared with what they are made from; new chapters are counted by their words.
    """
    prices, base = Prices.of(owned.settings), named(body.options)
    asked = [ItemAsked(target_ids=[one]) for one in chosen] if body.items is None else body.items
    there = [items.Wanted(item.kind, item.target_ids, item.chapter_id) for item in asked]
    # Also those whose kind is not estimated: an estimate is refused where the request would be.
    await items.places_of(session, scope, there)
    past: dict[UUID, Experience] = {}
    for number, item in enumerate(asked):
        if item.kind == GenerationKind.EXPORT:
            yield number, "", Estimate(Range(), Range(), Range())
            continue
        if item.kind != GenerationKind.CHAPTER:
            yield number, "", None
            continue
        chapter = None if item.project_id else await rows.get(session, scope, Chapter, item.target_ids[0])
        project_id = item.project_id or (chapter.project_id if chapter else None)
        if project_id is None:
            raise AssertionError("a chapter has a project")
        project = await rows.get(session, scope, Project, project_id)
        options = _options(owned, {**base, **named_of(item)}, project, item, chapter)
        if chapter is not None:
            work = await owned.computed.about(request, session, chapter, work_left, options)
        else:
            work = _work(item, options)
        if project.owner_id not in past:
            past[project.owner_id] = await costs.experience(session, project.owner_id)
        title = chapter.title if chapter else item.title
        yield number, title, estimate(work, options, prices, past[project.owner_id])


def _work(item: ItemAsked, options: GenerationOptions) -> Work:
    if item.script is not None:
        return work_of_script(Script.model_validate(item.script.model_dump()), options)
    return work_of_text(len((item.text or "").split()), options)


def _options(
    owned: Resources, asked: dict[str, Any], project: Project, item: ItemAsked, chapter: Chapter | None
) -> GenerationOptions:
    script = chapter.script if chapter else (item.script.model_dump(mode="json") if item.script else None)
    return resolve(asked, owned.settings, project=project.options, script=script)


async def require_affordable(
    request: Request, owned: Resources, session: AsyncSession, scope: Scope, body: NewBatch, chosen: Sequence[UUID]
) -> None:
    """Raise `BadInput` for a budget that is too small for any of the items."""
    if body.budget_usd is None:
        return
    least: Decimal | None = None
    async for number, _, found in estimates_of(request, owned, session, scope, body, chosen):
        if found is None or found.usd.low <= body.budget_usd:
            return
        least = found.usd.low if least is None else min(least, found.usd.low)
        if number >= _LOOKED_AT:
            return
    if least is not None:
        raise BadInput(
            f"budget_usd: {body.budget_usd:.2f} USD is less than the cheapest item costs, {least:.2f} USD at least."
            " Nothing was started."
        )
