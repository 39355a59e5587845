"""Calls that several workflows share: pages, files, redraws, and the record of a failed part."""

from collections.abc import Sequence
from uuid import UUID

from models.runs import (
    ChapterRun,
    ExportCall,
    Failure,
    Outcome,
    PageCall,
    PagesCall,
    PagesPlanned,
    PanelRun,
    RedrawRequest,
    Run,
)
from workflows.dispatch.concurrency import EXPORTS_AT_A_TIME, PAGES_AT_A_TIME, kind_of, reason_of, side_by_side
from workflows.dispatch.execute import base, execute, execute_child
from workflows.dispatch.table import BUILD_EXPORT, COMPOSE_PAGE, PANEL, PLAN_PAGES, Activity


async def pages(run: ChapterRun, language: str = "") -> PagesPlanned:
    """Lay out the panels and compose the pages that are due, in the story's own language or in another one."""
    call = PagesCall(**base(run), chapter_id=run.chapter_id, language=language)
    planned = await execute(PLAN_PAGES, call)

    async def compose(number: int) -> None:
        page = PageCall(**base(run), chapter_id=run.chapter_id, number=number, language=language)
        await execute(COMPOSE_PAGE, page, f"page {number}")

    await side_by_side(PAGES_AT_A_TIME, planned.due, compose, f"due pages, {planned.pages} in all")
    return planned


async def exports(
    run: Run, chapter_id: UUID | None, formats: Sequence[str], language: str = "", *, anew: bool = False
) -> None:
    """Build files of a chapter, or of the project."""

    async def build(format: str) -> None:
        call = ExportCall(**base(run), chapter_id=chapter_id, format=format, language=language, anew=anew)
        await execute(BUILD_EXPORT, call, format)

    await side_by_side(EXPORTS_AT_A_TIME, formats, build, "exports")


async def redraw(run: Run, request: RedrawRequest) -> Outcome:
    """Redraw a panel in a child of its own: a panel may be redrawn many times."""
    part = PanelRun(**base(run), panel_id=request.panel_id, redraw=request)
    return await execute_child(
        PANEL, part, f"panel-{request.panel_id}/redraw-{request.id}", f"redraw of {request.place or 'a panel'}"
    )


async def fail(
    activity: Activity[Failure, None],
    run: Run,
    target_id: UUID,
    error: BaseException,
    *,
    redraw_id: UUID | None = None,
    language: str = "",
) -> None:
    """Record that a part, or a redraw of it, has failed for good."""
    facts = {"target_id": target_id, "reason": reason_of(error), "kind": kind_of(error)}
    await execute(activity, Failure(**base(run), **facts, redraw_id=redraw_id, language=language))
