"""Drift: where a chapter's prompts depart from the fixed attributes of its characters."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from api.http.deps import Owned, Scoped, Session
from api.http.paging import Listing, Paged, listed
from api.http.schemas import AN_ID, NOT_FOUND
from engine.cast.drift import Finding, Kind
from engine.errors import BadInput
from engine.store import cursors, drifts, rows
from models.tables import Chapter

router = APIRouter(tags=["chapters"])

_ORDER = "drift"
_FOUND: dict[str, Any] = {
    "panel_id": AN_ID,
    "character": "Mara",
    "kind": "contradicted",
    "attribute": "hair",
    "expected": "short, black",
    "found": "red hair",
}


class DriftOut(BaseModel):
    """One place where a prompt departs from a character's fixed attributes."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_FOUND]})

    panel_id: UUID
    character: str
    kind: Kind = Field(
        description=(
            "`missing`: the attribute is not in the prompt; `contradicted`: the prompt says something "
            "different; `stranger`: named, but not on stage; `unnamed`: on stage, but not named"
        )
    )
    attribute: str = Field(
        description="`age`, `build`, `hair`, `face` or `clothes`; empty for the character as a whole"
    )
    expected: str = Field(description="the fixed attribute, with the clothes of the scene")
    found: str = Field(description="the words of the prompt, if any")


@router.get(
    "/chapters/{chapter_id}/drift", summary="List where prompts drift from their characters", responses=NOT_FOUND
)
async def listing(
    request: Request, chapter_id: UUID, session: Session, scope: Scoped, owned: Owned, paging: Paged
) -> Listing[DriftOut]:
    """Compares the words of written prompts, in reading order. Does not look at pictures.

    Prompts of the offline writer and accepted answers have no drift; edits of prompts, profiles and scenes cause it.
    """
    chapter = await rows.get(session, scope, Chapter, chapter_id)
    last = _place(paging.after) if paging.after is not None else (-1, -1, -1)
    found = await owned.computed.about(request, session, chapter, drifts.findings_in)
    left = [(place, finding) for place, finding in found if place > last]
    page = left[: paging.limit]
    next_cursor = _marked(*page[-1]) if len(left) > paging.limit else None
    return listed(DriftOut, ([finding for _, finding in page], next_cursor))


def _marked(place: drifts.Place, finding: Finding) -> str:
    return cursors.encode(cursors.Mark(_ORDER, ".".join(map(str, place)), finding.panel_id))


def _place(cursor: str) -> drifts.Place:
    """Where the previous page ended. Raises `BadInput` for the cursor of another list."""
    mark = cursors.decode(cursor)
    parts = mark.value.split(".") if isinstance(mark.value, str) else []
    if mark.order != _ORDER or len(parts) != 3 or not all(part.isdecimal() and len(part) < 10 for part in parts):
        raise BadInput(cursors.FOREIGN)
    scene, panel, number = map(int, parts)
    return scene, panel, number
