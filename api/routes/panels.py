"""Panels and their words."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.http.deps import Editing, Scoped, Session
from api.http.paging import Listing, listed_as_json, sorted_by
from api.http.params import Order, Position
from api.http.schemas import CONFLICT, NOT_FOUND
from api.shapes.panels import PANEL_EXAMPLE, Caption, Cast, Description, Lines, NewPanel, PanelOut, Prompt, panel_of
from engine.errors import BadInput, Conflict
from engine.store import editing, locks, manual_edits, rows
from engine.store.rows import Paging
from engine.store.scope import Scope
from models.numbers import Whole
from models.story import Shot, check_lettered
from models.tables import Panel, Scene
from models.tables.story import PanelState, SceneState
from models.texts import Name

router = APIRouter(tags=["panels"])

# The same limit as for a scene of a script.
MAX_PANELS = 500
PanelPart = Literal["description", "words", "prompt"]


class NewPanelAt(NewPanel):
    """A panel and its position."""

    position: Position = None


class NewPanels(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"panels": [{"description": "The cup."}], "position": 0}]}
    )

    panels: list[NewPanel] = Field(min_length=1, max_length=50)
    position: Position = None


class PanelChange(BaseModel):
    """Changes are manual edits, which no generation overwrites until you `release_edits` them.

    Set `dialogue` or `prompt` to null to release it: the next generation writes it again.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"version": 1, "caption": "That night.", "prompt": None}]}
    )

    version: Whole = Field(ge=1, lt=2**31)
    shot: Shot | None = None
    description: Description | None = None
    characters: Cast | None = None
    dialogue: Lines | None = None
    caption: Caption | None = None
    prompt: Prompt | None = None
    negative: Prompt | None = None
    release_edits: list[PanelPart] = Field(
        default=[], max_length=3, description="parts that generations may write again"
    )


class PanelsOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [PANEL_EXAMPLE]}]})

    items: list[PanelOut] = Field(description="in the order of the request")


@router.post("/scenes/{scene_id}/panels", status_code=201, summary="Add a panel", responses={**NOT_FOUND, **CONFLICT})
async def create(scene_id: UUID, body: NewPanelAt, session: Session, scope: Editing, response: Response) -> PanelOut:
    """Inserts it at `position`, before the panel that is there now, or after the last one.

    Generations add no panels to a scene that has one; they write missing words and prompts only. Refused while a
    generation is running on the chapter.
    """
    [panel] = await _added(session, scope, scene_id, [body], body.position)
    response.headers["Location"] = f"/api/v1/panels/{panel.id}"
    return PanelOut.model_validate(panel)


@router.post(
    "/scenes/{scene_id}/panels/bulk",
    status_code=201,
    summary="Add many panels",
    responses={**NOT_FOUND, **CONFLICT},
)
async def create_many(scene_id: UUID, body: NewPanels, session: Session, scope: Editing) -> PanelsOut:
    """Adds all or none, in the order given, with the same rules as for a single panel."""
    panels = await _added(session, scope, scene_id, body.panels, body.position)
    return PanelsOut(items=[PanelOut.model_validate(panel) for panel in panels])


@router.get(
    "/scenes/{scene_id}/panels",
    summary="List a scene's panels",
    response_model=Listing[PanelOut],
    responses=NOT_FOUND,
)
async def listing(
    scene_id: UUID,
    session: Session,
    scope: Scoped,
    paging: Annotated[Paging, sorted_by("position", "created_at")],
    state: Annotated[list[PanelState] | None, Query(max_length=4, description="any of these")] = None,
    character: Annotated[
        Name | None, Query(description="a character on stage, by the name that the panel uses")
    ] = None,
) -> Response:
    filters: list[ColumnElement[bool]] = [col(Panel.state).in_(state)] if state else []
    if character is not None:
        filters.append(col(Panel.characters).contains([character]))
    return listed_as_json(
        await rows.children_as_json(
            session,
            scope,
            Scene,
            scene_id,
            Panel,
            *filters,
            columns=PanelOut.model_fields,
            paging=paging,
        )
    )


@router.post(
    "/scenes/{scene_id}/panels/reorder",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Reorder a scene's panels",
    responses={**NOT_FOUND, **CONFLICT},
)
async def reorder(scene_id: UUID, body: Order, session: Session, scope: Editing) -> None:
    """`ids` lists every panel of the scene once. Pages show the new order when they are composed again."""
    scene = await editing.lock_idle(session, scope, Scene, scene_id)
    _by_hand(scene)
    session.add(scene)
    await editing.reorder(session, scope, Panel, scene.project_id, scene_id, body.ids)


@router.get("/panels/{panel_id}", summary="Read a panel", responses=NOT_FOUND)
async def read(panel_id: UUID, session: Session, scope: Scoped) -> PanelOut:
    return PanelOut.model_validate(await rows.get(session, scope, Panel, panel_id))


@router.patch("/panels/{panel_id}", summary="Change a panel", responses={**NOT_FOUND, **CONFLICT})
async def change(panel_id: UUID, body: PanelChange, session: Session, scope: Editing) -> PanelOut:
    """Changes are manual edits: generations keep them, and update what depends on them.

    After a change of the description, words and prompt are written again; after a change of the prompt, the picture is
    drawn again; changed words are lettered into the existing picture. `GET /chapters/{id}/stale` lists the
    consequences. Refused while a generation is running on the chapter, and while another user has locked the panel.
    """
    panel = await editing.lock_idle(session, scope, Panel, panel_id)
    await locks.refuse_if_held(session, panel_id, scope.actor)
    values = body.model_dump(exclude={"version", "release_edits"}, exclude_none=True, mode="json")
    values |= {name: None for name in ("dialogue", "prompt") if name in body.model_fields_set and name not in values}
    if "description" in body.release_edits and "description" in panel.manual_edits:
        scene = await rows.get(session, scope, Scene, panel.scene_id, lock=True)
        manual_edits.release_panels(scene)
        session.add(scene)
    values = manual_edits.edited_columns(panel, values, body.release_edits)
    words, prompt = values.get("dialogue", panel.dialogue), values.get("prompt", panel.prompt)
    if "dialogue" in values or "caption" in values:
        try:
            check_lettered([values.get("caption", panel.caption), *(line["text"] for line in words or [])])
        except ValueError as error:
            raise BadInput(str(error)) from None
    if panel.state in (PanelState.DESCRIBED, PanelState.WRITTEN):
        whole = words is not None and prompt is not None
        values["state"] = PanelState.WRITTEN if whole else PanelState.DESCRIBED
    return PanelOut.model_validate(await editing.change(session, scope, Panel, panel_id, body.version, values))


@router.delete(
    "/panels/{panel_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a panel with its drafts",
    responses={**NOT_FOUND, **CONFLICT},
)
async def remove(panel_id: UUID, session: Session, scope: Editing) -> None:
    """The panels after it move up. If it was the scene's last panel, the next generation describes the scene again."""
    panel = await editing.lock_idle(session, scope, Panel, panel_id)
    others = select(Panel.id).where(Panel.scene_id == panel.scene_id, Panel.id != panel_id)
    scene = await rows.get(session, scope, Scene, panel.scene_id, lock=True)
    _by_hand(scene)
    if (await session.exec(others.limit(1))).first() is None:
        scene.state = SceneState.SUMMARISED if scene.summary else SceneState.OUTLINED
        scene.panels_key = None
        scene.manual_edits = [part for part in scene.manual_edits if part != "panels"]
    session.add(scene)
    await locks.refuse_if_held(session, panel_id, scope.actor)
    await editing.remove(session, scope, panel)


def _by_hand(scene: Scene) -> None:
    """Record that a user decides which panels the scene has: no writer breaks it into others."""
    if "panels" not in scene.manual_edits:
        scene.manual_edits = [*scene.manual_edits, "panels"]


async def _added(
    session: AsyncSession, scope: Scope, scene_id: UUID, new: list[Any], position: int | None
) -> list[Panel]:
    scene = await editing.lock_idle(session, scope, Scene, scene_id)
    count = (await session.exec(select(func.count()).where(col(Panel.scene_id) == scene_id))).one()
    if count + len(new) > MAX_PANELS:
        raise Conflict(f"The scene has {count} panels; at most {MAX_PANELS} are allowed.")
    panels = [panel_of(scene, one) for one in new]
    scene.state, scene.failure = SceneState.DESCRIBED, ""
    _by_hand(scene)
    session.add(scene)
    await editing.insert_rows(session, panels, position)
    await editing.announce(session, scope, panels)
    return panels
