"""Costs as CSV for spreadsheets."""

from collections.abc import AsyncIterator, Iterable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from api.http.csv_files import csv_lines
from api.http.deps import Owned, Resources, Scoped, Session
from api.http.schemas import NOT_FOUND, Responses
from engine.store import costs, rows
from engine.store.costs import Months
from engine.store.rows import Paging
from engine.store.scope import Scope
from models.tables import Project

router = APIRouter(tags=["costs"])

_A_MONTH = r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$"
From = Annotated[str | None, Query(alias="from", pattern=_A_MONTH, description="the first month, like `2026-01`, UTC")]
To = Annotated[str | None, Query(alias="to", pattern=_A_MONTH, description="the last month")]
OF_PROJECT = ("month", "provider", "model", "kind", "calls", "input_tokens", "output_tokens", "usd", "unknown_usd")
OF_ALL = ("project_id", "project", "month", "calls", "usd", "unknown_usd")


def _a_file(header: Iterable[str], *lines: str) -> Responses:
    example = "".join(f"{line}\r\n" for line in (",".join(header), *lines))
    content = {"text/csv": {"schema": {"type": "string"}, "example": example}}
    return {200: {"description": "One line of names, then one line each.", "content": content}}


@router.get(
    "/projects/{project_id}/costs.csv",
    summary="Download a project's costs by month as CSV",
    response_class=Response,
    responses={**_a_file(OF_PROJECT, "2026-01,offline,,image,24,0,0,0.000000,0.000000"), **NOT_FOUND},
)
async def of_project(
    project_id: UUID, session: Session, scope: Scoped, first: From = None, last: To = None
) -> Response:
    """By month, provider, model and kind of call. `unknown_usd` is the most that lost answers may have cost in
    addition.
    """
    await rows.get(session, scope, Project, project_id)
    found = await costs.months_of_project(session, project_id, Months.of(first, last))
    lines = [OF_PROJECT, *([getattr(row, name) for name in OF_PROJECT] for row in found)]
    return Response(csv_lines(lines), headers=_named(f"costs-{project_id}.csv"), media_type="text/csv")


@router.get(
    "/costs.csv",
    summary="Download my projects' costs by month as CSV",
    response_class=Response,
    responses=_a_file(
        OF_ALL, "01a20515-1871-760d-a740-02d3946ca91d,The Clock That Waited,2026-01,31,0.412000,0.000000"
    ),
)
async def of_all(owned: Owned, scope: Scoped, first: From = None, last: To = None) -> StreamingResponse:
    """Covers all projects that I own or am a member of, the oldest first. A month without calls has no line."""
    months = Months.of(first, last)
    return StreamingResponse(
        _of_all(owned, scope, months), headers=_named("costs.csv"), media_type="text/csv; charset=utf-8"
    )


async def _of_all(owned: Resources, scope: Scope, months: Months) -> AsyncIterator[str]:
    """Reads one page of projects at a time, so that a slow client keeps no transaction open."""
    yield csv_lines([OF_ALL])
    cursor: str | None = None
    while True:
        async with owned.database.session() as session:
            projects, cursor = await rows.page(session, scope, Project, paging=Paging(cursor, rows.MAX_PAGE))
            titles = {project.id: project.title for project in projects}
            found = await costs.months_of_projects(session, list(titles), months)
        yield csv_lines(
            [row.project_id, titles[row.project_id], row.month, row.calls, row.usd, row.unknown_usd] for row in found
        )
        if cursor is None:
            return


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
