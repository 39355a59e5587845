"""Panels and their drafts."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select

from api.deps import Scoped, Session
from api.listing import AN_ID, ANOTHER_ID, NOT_FOUND, Cursor, Limit, Listing
from engine.store import scope as rows
from models.story import Line
from models.tables import Draft, Panel, Scene

router = APIRouter(tags=["panels"])


class PanelOut(BaseModel):
    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "scene_id": ANOTHER_ID,
                    "position": 0,
                    "shot": "close-up",
                    "description": "Mara holds up two keys.",
                    "characters": ["Mara"],
                    "dialogue": [{"speaker": "Mara", "kind": "speech", "text": "Take the small one."}],
                    "caption": "",
                    "prompt": "Clear comic art. Close-up of Mara holding up two keys.",
                    "state": "selected",
                    "failure": "",
                    "selected_draft_id": ANOTHER_ID,
                    "version": 1,
                }
            ]
        },
    )

    id: UUID
    scene_id: UUID
    position: int
    shot: str
    description: str
    characters: list[str]
    dialogue: list[Line] | None = Field(description="null until written")
    caption: str
    prompt: str | None = Field(description="null until written")
    state: str
    failure: str
    selected_draft_id: UUID | None
    version: int


class DraftOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "panel_id": ANOTHER_ID,
                    "ordinal": 1,
                    "image_id": ANOTHER_ID,
                    "image": f"/api/v1/images/{ANOTHER_ID}",
                    "provider": "offline",
                    "model": "",
                    "prompt": "Clear comic art. Close-up of Mara holding up two keys.",
                    "seed": 1234,
                    "selected": True,
                }
            ]
        }
    )

    id: UUID
    panel_id: UUID
    ordinal: int
    image_id: UUID
    image: str = Field(description="path of the picture")
    provider: str
    model: str
    prompt: str
    seed: int
    selected: bool


@router.get("/scenes/{scene_id}/panels", summary="List a scene's panels", responses=NOT_FOUND)
async def listing(
    scene_id: UUID, session: Session, scope: Scoped, cursor: Cursor = None, limit: Limit = 50
) -> Listing[PanelOut]:
    await rows.get(session, scope, Scene, scene_id)
    within = col(Panel.scene_id) == scene_id
    found, following = await rows.page(session, scope, Panel, within, after=cursor, limit=limit)
    return Listing(items=[PanelOut.model_validate(row) for row in found], next_cursor=following)


@router.get("/panels/{panel_id}", summary="Read a panel", responses=NOT_FOUND)
async def read(panel_id: UUID, session: Session, scope: Scoped) -> PanelOut:
    return PanelOut.model_validate(await rows.get(session, scope, Panel, panel_id))


@router.get("/panels/{panel_id}/drafts", summary="List a panel's drafts in order", responses=NOT_FOUND)
async def drafts(panel_id: UUID, session: Session, scope: Scoped) -> list[DraftOut]:
    panel = await rows.get(session, scope, Panel, panel_id)
    query = select(Draft).where(Draft.panel_id == panel_id).order_by(col(Draft.ordinal))
    return [_out(draft, panel) for draft in (await session.exec(query)).all()]


def _out(draft: Draft, panel: Panel) -> DraftOut:
    values: dict[str, Any] = draft.model_dump()
    return DraftOut(
        **{name: values[name] for name in DraftOut.model_fields if name in values},
        image=f"/api/v1/images/{draft.image_id}",
        selected=draft.id == panel.selected_draft_id,
    )
