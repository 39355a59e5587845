"""Directing a panel: select among its drafts, redraw it, edit a part of it, add finished art."""

from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator
from sqlmodel.ext.asyncio.session import AsyncSession

from api.generation_requests import GenerationRequest, Requesting
from api.http.deps import Editing, Owned, Session
from api.http.money import Usd
from api.http.schemas import AN_ID, ANOTHER_ID, CONFLICT, NOT_FOUND
from api.shapes.drafts import DraftOut, draft_out
from api.shapes.generations import REFUSED, GenerationOut
from api.shapes.panels import PanelOut
from engine.errors import BadInput
from engine.orders.resolve import for_redraw
from engine.settings import Settings
from engine.store import directing, editing, generations, locks, redraws, rows
from engine.store.events import emit
from engine.store.scope import Scope
from models.events import EventType
from models.numbers import Number, Whole
from models.options import GenerationOptions, RenderSettings
from models.tables import Panel, Project, Scene
from models.texts import Words
from workflows.starting import wake_if_possible

router = APIRouter(tags=["directing"])

At = Annotated[
    Annotated[int, Field(ge=1, lt=2**31), Number] | None,
    Field(description="the version of the panel that you read; answers 409 if it has changed since"),
]
Notes = Annotated[Words, Field(max_length=2_000)]
Strength = Annotated[float, Field(ge=0, le=1, strict=True)]


class Choosing(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 3, "panel_id": AN_ID}]})

    version: At = None
    panel_id: UUID | None = Field(default=None, description="the panel; a draft of another panel is refused")


class Undo(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 4}]})

    version: At = None


Tries = Annotated[Whole, Field(ge=1, le=8, description="how many new drafts")]
Budget = Annotated[Usd | None, Field(description="the budget of its own generation")]


class By(BaseModel):
    """An artist and its settings. Settings that are not given are those of the chapter's last generation."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"images": "openai", "image_model": "gpt-image-2.6-flare"}]}
    )

    images: Words | None = Field(default=None, max_length=64)
    image_model: Words | None = Field(default=None, max_length=200)
    render: RenderSettings | None = None


class NewRedraw(BaseModel):
    """`notes` say what to change. Without notes, the same prompt is drawn again with another seed."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"notes": "Closer, and she is angry.", "drafts": 2}]}
    )

    notes: Notes = ""
    about: list[Literal["words", "picture"]] | None = Field(
        default=None, min_length=1, max_length=2, description="what to make again; null: decided by the notes"
    )
    drafts: Tries = 1
    version: At = None
    by: By | None = None
    budget_usd: Budget = None

    @model_validator(mode="after")
    def something_to_do(self) -> "NewRedraw":
        if self.about is not None and "words" in self.about and not self.notes.strip():
            raise ValueError("to write words again, say in `notes` what to change")
        return self


_UNIT: dict[str, Any] = {"image": AN_ID, "module": "openpose", "model": "control_v11p_sd15_openpose", "weight": 1.0}


class ControlUnit(BaseModel):
    """A sketch, a pose or a depth map that steers the drawing, for artists with ControlNet."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [_UNIT]},
    )

    image: UUID = Field(description="an uploaded picture")
    module: Words = Field(
        default="none", max_length=100, description="what to extract from the picture; empty: use the picture as it is"
    )
    model: Words = Field(default="", max_length=200)
    weight: float = Field(default=1.0, ge=0, le=2, strict=True)


class NewEdit(BaseModel):
    """Change a draft: all of it, or the white part of the mask. Or draw a new one, steered by a sketch."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"draft_id": AN_ID, "mask": ANOTHER_ID, "prompt": "a red lantern"}]},
    )

    draft_id: UUID | None = Field(default=None, description="null: the draft that the panel shows")
    prompt: Words = Field(default="", max_length=4_000, description="what the picture shows; empty: the panel's prompt")
    mask: UUID | None = Field(default=None, description="an uploaded picture of the draft's size, white where to draw")
    strength: Strength = Field(default=0.75, description="how much the draft may change: 0 not at all, 1 entirely")
    control: ControlUnit | None = Field(default=None, description="if given alone, no draft is used")
    drafts: Tries = 1
    version: At = None
    by: By | None = None
    budget_usd: Budget = None


class NewDraft(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"image_id": AN_ID, "select": True}]})

    image_id: UUID = Field(description="a picture uploaded to the project")
    select: StrictBool = Field(default=True, description="show it in the panel from now on")


@router.post("/drafts/{draft_id}/select", summary="Select a draft", responses={**NOT_FOUND, **CONFLICT})
async def select(draft_id: UUID, owned: Owned, scope: Editing, body: Choosing | None = None) -> PanelOut:
    """Shows this draft in the panel from now on, in whatever state a generation is.

    A generation that waits for drafts to be selected continues with the last selection that it needs.
    """
    body = body or Choosing()
    async with owned.database.session() as session:
        panel, workflows = await directing.choose(session, scope, draft_id, body.version, body.panel_id)
        out = PanelOut.model_validate(panel)
    await wake_if_possible(owned.temporal, workflows)
    return out


@router.post("/drafts/{draft_id}/reject", summary="Reject a draft", responses={**NOT_FOUND, **CONFLICT})
async def reject(draft_id: UUID, session: Session, scope: Editing) -> DraftOut:
    """Excludes the draft from automatic selection. Selecting it undoes that."""
    draft = await directing.reject(session, scope, draft_id)
    return await draft_out(session, scope, draft)


@router.post("/panels/{panel_id}/undo", summary="Undo a selection", responses={**NOT_FOUND, **CONFLICT})
async def undo(panel_id: UUID, owned: Owned, scope: Editing, body: Undo | None = None) -> PanelOut:
    """Shows the previous draft of the panel; repeat it to go further back."""
    async with owned.database.session() as session:
        panel, workflows = await directing.undo(session, scope, panel_id, body.version if body else None)
        out = PanelOut.model_validate(panel)
    await wake_if_possible(owned.temporal, workflows)
    return out


@router.post(
    "/panels/{panel_id}/drafts",
    status_code=201,
    summary="Add a picture from outside as a draft",
    responses={**NOT_FOUND, **CONFLICT},
)
async def bring(panel_id: UUID, body: NewDraft, owned: Owned, scope: Editing, response: Response) -> DraftOut:
    """For finished art: while the panel shows it, no artist draws the panel, and words are lettered over it."""
    async with owned.database.session() as session:
        panel = await editing.lock_idle(session, scope, Panel, panel_id)
        await locks.refuse_if_held(session, panel_id, scope.actor)
        draft, workflows = await directing.bring(session, scope, panel, body.image_id, select_it=body.select)
        out = await draft_out(session, scope, draft)
    await wake_if_possible(owned.temporal, workflows)
    response.headers["Location"] = f"/api/v1/drafts/{draft.id}"
    return out


@router.post(
    "/panels/{panel_id}/redraw",
    status_code=202,
    summary="Redraw a panel",
    responses={**NOT_FOUND, **CONFLICT, **REFUSED},
)
async def redraw(
    panel_id: UUID,
    body: NewRedraw,
    request: Requesting,
) -> GenerationOut:
    """Makes new drafts and keeps the old ones. Notes about words rewrite the dialogue, notes about the picture its
    prompt.

    Notes stay with the panel: all later writing follows them. If a generation of the chapter is waiting for a review,
    it does the work; otherwise this starts a generation. Refused while one is running.
    """
    wanted = redraws.Wanted(notes=body.notes.strip(), about=body.about or (), drafts=body.drafts)
    return await _ordered(panel_id, body, wanted, request, "redraw")


@router.post(
    "/panels/{panel_id}/edit",
    status_code=202,
    summary="Edit a draft, or a part of it",
    responses={**NOT_FOUND, **CONFLICT, **REFUSED},
)
async def edit(
    panel_id: UUID,
    body: NewEdit,
    request: Requesting,
) -> GenerationOut:
    """Makes new drafts: inpainting with a mask, img2img without one, ControlNet with a sketch. They name the draft they
    come from.

    The original draft stays. What the artist cannot do is refused, and the answer names the artists that can.
    """
    wanted = redraws.Wanted(
        drafts=body.drafts,
        parent_id=body.draft_id,
        prompt=body.prompt.strip(),
        mask_image_id=body.mask,
        strength=body.strength,
        control_image_id=body.control.image if body.control else None,
        control=body.control.model_dump(exclude={"image"}) if body.control else {},
    )
    return await _ordered(panel_id, body, wanted, request, "edit")


async def _ordered(
    panel_id: UUID,
    body: NewRedraw | NewEdit,
    wanted: redraws.Wanted,
    request: GenerationRequest,
    what: str,
) -> GenerationOut:
    owned, scope = request.owned, request.scope
    async with owned.database.session() as session:
        asked = body.model_dump(mode="json", exclude_unset=True)
        target = partial(rows.get, session, scope, Panel, panel_id)
        if earlier := await request.earlier(session, f"panels/{panel_id}/{what}", asked, target):
            return earlier
        panel = await editing.lock_idle(session, scope, Panel, panel_id)
        if body.version is not None:
            await rows.change(session, scope, Panel, panel_id, body.version, {})
        await locks.refuse_if_held(session, panel_id, scope.actor)
        if what == "edit" and wanted.parent_id is None and wanted.control_image_id is None:
            if panel.selected_draft_id is None:
                raise BadInput("The panel shows no draft yet. Name the draft to edit in `draft_id`.")
            wanted = replace(wanted, parent_id=panel.selected_draft_id)
        options = await _options(session, scope, panel, body, owned.settings)
        more: dict[str, Any] = {"budget_usd": body.budget_usd, "requested_by": scope.actor}
        generation, workflows = await redraws.request_redraw(
            session, scope, panel, wanted, options, by_another=body.by is not None, **more
        )
        data = {"panel_id": str(panel_id), "notes": wanted.notes or wanted.prompt, "kind": what}
        await emit(session, panel.project_id, generation.id, EventType.PANEL_REDRAWN, data, actor=scope.actor)
        out = await request.accept(session, generation)
    if workflows:
        await wake_if_possible(owned.temporal, workflows)
    else:
        request.start(generation)
    return out


async def _options(
    session: AsyncSession, scope: Scope, panel: Panel, body: NewRedraw | NewEdit, settings: Settings
) -> GenerationOptions:
    """The options of a redraw of this panel, by the artist that the request names."""
    scene = await rows.get(session, scope, Scene, panel.scene_id)
    latest = await generations.latest_of(session, scene.chapter_id)
    project = await rows.get(session, scope, Project, panel.project_id)
    by = body.by or By()
    return for_redraw(
        latest.options if latest else None,
        settings,
        project.options,
        drafts=body.drafts,
        images=by.images,
        image_model=by.image_model,
        render=by.render,
    )
