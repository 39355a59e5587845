"""Panels: one picture each, with its words."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import ColumnElement, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.http.deps import Editing, Scoped, Session
from api.http.paging import Listing, listed_as_json, sorted_by
from api.http.params import Order, Position
from api.http.schemas import AN_ID, ANOTHER_ID, CONFLICT, NOT_FOUND
from engine.errors import BadInput, Conflict
from engine.store import editing, locks, manual_edits, rows
from engine.store.rows import Paging
from engine.store.scope import Scope
from models.numbers import Whole
from models.story import Line, LineKind, Shot
from models.tables import Panel, Scene
from models.tables.story import PanelState, SceneState
from models.texts import Name, Words

router = APIRouter(tags=["panels"])

# A scene of a script has no more either: a page's worth of them is laid out at a time.
MAX_PANELS = 500
Sentence = Annotated[Whole, Field(ge=0, lt=2**31, description="a sentence of the scene's text, counted from 0")]
Cast = Annotated[list[Name], Field(max_length=50, description="names of the characters on stage")]
Caption = Annotated[Words, Field(max_length=4_000)]
Prompt = Annotated[Words, Field(max_length=32_000)]
PanelPart = Literal["description", "words", "prompt"]
Description = Annotated[Words, Field(min_length=1, max_length=4_000, description="what the picture shows")]


class NewLine(BaseModel):
    """One balloon. If `speaker` is empty, the speaker is outside the picture."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"speaker": "Mara", "kind": "speech", "text": "Take the small one."}]},
    )

    speaker: Words = Field(default="", max_length=200)
    kind: LineKind = LineKind.SPEECH
    text: Words = Field(min_length=1, max_length=2_000)


Lines = Annotated[list[NewLine], Field(max_length=50, description="in reading order")]


class NewPanel(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "shot": "close-up",
                    "description": "Mara holds up two keys.",
                    "characters": ["Mara"],
                    "dialogue": [{"speaker": "Mara", "kind": "speech", "text": "Take the small one."}],
                }
            ]
        },
    )

    shot: Shot = Shot.MEDIUM
    description: Description
    characters: Cast = []
    dialogue: Lines | None = Field(
        default=[], description="null: written by a generation, from the sentences `first` to `last`"
    )
    caption: Caption = ""
    prompt: Prompt | None = Field(default=None, description="null: written by a generation")
    negative: Prompt = Field(default="", description="what the picture must not show")
    first: Sentence = 0
    last: Sentence = 0

    @model_validator(mode="after")
    def in_order(self) -> "NewPanel":
        if self.last < self.first:
            raise ValueError("last must not come before first")
        return self


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


_OUT: dict[str, Any] = {
    "id": AN_ID,
    "scene_id": ANOTHER_ID,
    "position": 0,
    "shot": "close-up",
    "description": "Mara holds up two keys.",
    "characters": ["Mara"],
    "dialogue": [{"speaker": "Mara", "kind": "speech", "text": "Take the small one."}],
    "caption": "",
    "prompt": "Clear comic art. Close-up of Mara holding up two keys.",
    "negative": "",
    "first": 4,
    "last": 6,
    "state": "selected",
    "failure": "",
    "selected_draft_id": ANOTHER_ID,
    "notes": {"picture": "Closer."},
    "manual_edits": ["words"],
    "version": 1,
}


class PanelOut(BaseModel):
    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_OUT]})

    id: UUID
    scene_id: UUID
    position: int
    shot: Shot
    description: str
    characters: list[str]
    dialogue: list[Line] | None = Field(description="null until written")
    caption: str
    prompt: str | None = Field(description="null until written")
    negative: str
    first: int = Field(description="the first sentence of the scene's text that the panel tells")
    last: int = Field(description="the last one")
    state: PanelState
    failure: str
    selected_draft_id: UUID | None
    notes: dict[str, str] = Field(description="the director's notes on its `words` and its `picture`")
    manual_edits: list[str] = Field(description="manual edits, which generations keep")
    version: int


class PanelsOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_OUT]}]})

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
    scene = await editing.still(session, scope, Scene, scene_id)
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
    panel = await editing.still(session, scope, Panel, panel_id)
    await locks.refuse_if_held(session, panel_id, scope.actor)
    values = body.model_dump(exclude={"version", "release_edits"}, exclude_none=True, mode="json")
    values |= {name: None for name in ("dialogue", "prompt") if name in body.model_fields_set and name not in values}
    if "description" in body.release_edits and "description" in panel.manual_edits:
        scene = await rows.get(session, scope, Scene, panel.scene_id, lock=True)
        manual_edits.give_back(scene)
        session.add(scene)
    values = manual_edits.written(panel, values, body.release_edits)
    words, prompt = values.get("dialogue", panel.dialogue), values.get("prompt", panel.prompt)
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
    panel = await editing.still(session, scope, Panel, panel_id)
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


def panel_of(scene: Scene, body: NewPanel, position: int = 0) -> Panel:
    """The row of a panel that somebody adds to a scene. Raises `BadInput` where it points behind the scene's text."""
    if body.last and body.last >= len(scene.sentences):
        raise BadInput(f"The scene's text has {len(scene.sentences)} sentences, so there is no sentence {body.last}.")
    values = body.model_dump(mode="json", exclude={"position"})
    whole = body.dialogue is not None and body.prompt is not None
    state = PanelState.WRITTEN if whole else PanelState.DESCRIBED
    mine = [*manual_edits.new(Panel, values), *(["words"] if body.dialogue == [] else [])]
    return Panel(
        project_id=scene.project_id,
        scene_id=scene.id,
        position=position,
        state=state,
        manual_edits=list(dict.fromkeys(mine)),
        **values,
    )


def _by_hand(scene: Scene) -> None:
    """Which panels the scene has is decided by a person from now on: no writer breaks it into others."""
    if "panels" not in scene.manual_edits:
        scene.manual_edits = [*scene.manual_edits, "panels"]


async def _added(
    session: AsyncSession, scope: Scope, scene_id: UUID, new: list[Any], position: int | None
) -> list[Panel]:
    scene = await editing.still(session, scope, Scene, scene_id)
    count = (await session.exec(select(func.count()).where(col(Panel.scene_id) == scene_id))).one()
    if count + len(new) > MAX_PANELS:
        raise Conflict(f"The scene has {count} panels; at most {MAX_PANELS} are allowed.")
    panels = [panel_of(scene, one) for one in new]
    scene.state, scene.failure = SceneState.DESCRIBED, ""
    _by_hand(scene)
    session.add(scene)
    await editing.place(session, panels, position)
    await editing.announce(session, scope, panels)
    return panels
