"""Costs: estimated beforehand; afterwards by project, chapter, scene and panel."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from api.http.deps import Owned, Scoped, Session
from api.http.schemas import AN_ID, ANOTHER_ID, NOT_FOUND
from api.shapes.estimates import EstimateOut
from api.shapes.generations import REFUSED, NewGeneration
from engine.errors import BadInput
from engine.freshness.remaining import work_left
from engine.money.estimate import estimate
from engine.money.prices import Prices
from engine.orders.resolve import named, resolve
from engine.orders.targets import chapter_of
from engine.store import costs, rows
from models.options import GenerationKind
from models.tables import Chapter, Project

router = APIRouter(tags=["costs"])

_SPENT: dict[str, Any] = {"usd": "0.412000", "unknown_usd": "0.000000", "calls": 31}


class SpentOut(BaseModel):
    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_SPENT]})

    usd: Decimal
    unknown_usd: Decimal = Field(description="the most that calls with lost answers may have cost in addition")
    calls: int


class PanelCost(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"panel_id": AN_ID, "spent": _SPENT}]})

    panel_id: UUID
    spent: SpentOut


class SceneCost(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"scene_id": AN_ID, "spent": _SPENT, "panels": []}]})

    scene_id: UUID
    spent: SpentOut
    panels: list[PanelCost]


class ChapterCost(BaseModel):
    """The costs of a chapter. Outline and characters belong to no scene."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"chapter_id": AN_ID, "spent": _SPENT, "scenes": []}]})

    chapter_id: UUID
    spent: SpentOut
    scenes: list[SceneCost]


class ChapterSum(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"chapter_id": AN_ID, "spent": _SPENT}]})

    chapter_id: UUID | None = Field(description="null: deleted chapters")
    spent: SpentOut


class ProjectCost(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "project_id": AN_ID,
                    "budget_usd": "25",
                    "spent": _SPENT,
                    "chapters": [{"chapter_id": ANOTHER_ID, "spent": _SPENT}],
                }
            ]
        }
    )

    project_id: UUID
    budget_usd: Decimal | None
    spent: SpentOut
    chapters: list[ChapterSum]


@router.post(
    "/generations/estimate",
    summary="Estimate the cost of a generation",
    responses={**NOT_FOUND, **REFUSED},
)
async def estimate_generation(
    request: Request, body: NewGeneration, owned: Owned, session: Session, scope: Scoped
) -> EstimateOut:
    """Starts nothing. Estimates chapters from their text, and counts calls once there is a script.

    For a finished chapter, this is the cost of bringing it up to date; `GET /chapters/{id}/stale` lists the parts.
    """
    if body.kind != GenerationKind.CHAPTER:
        raise BadInput("Only chapters can be estimated.")
    chapter = await chapter_of(session, scope, body.kind, body.target_ids)
    project = await rows.get(session, scope, Project, chapter.project_id)
    options = resolve(named(body.options), owned.settings, project=project.options, script=chapter.script)
    work = await owned.computed.about(request, session, chapter, work_left, options)
    prices = Prices.of(owned.settings)
    found = estimate(work, options, prices, await costs.experience(session, project.owner_id))
    return EstimateOut.model_validate(found)


@router.get("/projects/{project_id}/costs", summary="List a project's costs by chapter", responses=NOT_FOUND)
async def project_costs(project_id: UUID, session: Session, scope: Scoped) -> ProjectCost:
    project = await rows.get(session, scope, Project, project_id)
    found = await costs.of_project(session, project_id)
    return ProjectCost(
        project_id=project_id,
        budget_usd=project.budget_usd,
        spent=_out(sum(found.values(), costs.Spent())),
        chapters=[ChapterSum(chapter_id=chapter, spent=_out(spent)) for chapter, spent in found.items()],
    )


@router.get("/chapters/{chapter_id}/costs", summary="List a chapter's costs by scene and panel", responses=NOT_FOUND)
async def chapter_costs(chapter_id: UUID, session: Session, scope: Scoped) -> ChapterCost:
    chapter = await rows.get(session, scope, Chapter, chapter_id)
    found = await costs.of_chapter(session, chapter)
    panels: dict[UUID, list[PanelCost]] = {scene: [] for scene, _ in found if scene is not None}
    sums = dict.fromkeys(panels, costs.Spent())
    for (scene, panel), spent in found.items():
        if scene is not None:
            sums[scene] += spent
            if panel is not None:
                panels[scene].append(PanelCost(panel_id=panel, spent=_out(spent)))
    return ChapterCost(
        chapter_id=chapter_id,
        spent=_out(sum(found.values(), costs.Spent())),
        scenes=[SceneCost(scene_id=scene, spent=_out(sums[scene]), panels=panels[scene]) for scene in panels],
    )


def _out(spent: costs.Spent) -> SpentOut:
    return SpentOut.model_validate(spent)
