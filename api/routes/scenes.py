"""Scenes: parts of a chapter in one place and at one time, with their panels."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.http.apart import read_apart
from api.http.deps import Editing, Scoped, Session
from api.http.paging import Listing, listed, sorted_by
from api.http.params import Order, Position
from api.http.schemas import AN_ID, ANOTHER_ID, CONFLICT, NOT_FOUND
from api.shapes.panels import NewPanel, panel_of
from engine.errors import Conflict
from engine.reading import scene_sentences
from engine.store import editing, manual_edits, rows
from engine.store.rows import Paging
from models.numbers import Whole
from models.tables import Chapter, Panel, Scene
from models.tables.story import SceneState
from models.texts import Name, Words

router = APIRouter(tags=["scenes"])

Place = Annotated[Words, Field(max_length=200)]
Cast = Annotated[list[Name], Field(max_length=50, description="names of the characters who appear")]
Outfits = Annotated[
    dict[Name, Name],
    Field(
        max_length=50,
        description="character → the outfit worn in this scene, if not the usual clothes",
        json_schema_extra={"additionalProperties": False},
    ),
]
Text = Annotated[Words, Field(max_length=100_000, description="what happens, as panel writers read it")]

_NEW: dict[str, Any] = {
    "title": "The lamp",
    "summary": "Mara lights a lamp and finds two keys.",
    "place": "the kitchen",
    "characters": ["Mara"],
}


class NewScene(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{**_NEW, "position": 0}]})

    title: Words = Field(default="", max_length=200)
    summary: Words = Field(default="", max_length=4_000, description="null: written from the text, with its panels")
    place: Place = ""
    time: Place = ""
    weather: Place = ""
    mood: Place = ""
    characters: Cast = []
    outfits: Outfits = {}
    text: Text = ""
    position: Position = None


class NewSceneInBulk(NewScene):
    """A scene with its initial panels."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{**_NEW, "panels": [{"description": "Mara holds up two keys."}]}]},
    )

    position: None = Field(default=None, description="give one `position` beside `scenes`, for all of them")
    panels: list[NewPanel] = Field(default=[], max_length=50)


class NewScenes(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"scenes": [_NEW], "position": 2}]})

    scenes: list[NewSceneInBulk] = Field(min_length=1, max_length=100)
    position: Position = None


class SceneChange(BaseModel):
    """Changes are manual edits, which no generation overwrites until you `release_edits` them."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 1, "mood": "uneasy"}]})

    version: Whole = Field(ge=1, lt=2**31)
    title: Words | None = Field(default=None, max_length=200)
    summary: Words | None = Field(default=None, max_length=4_000)
    place: Place | None = None
    time: Place | None = None
    weather: Place | None = None
    mood: Place | None = None
    characters: Cast | None = None
    gist: Words | None = Field(default=None, max_length=2_000, description="one line from the outline: what happens")
    outfits: Outfits | None = None
    text: Text | None = None
    release_edits: list[Literal["outline", "summary", "panels", "outfits"]] = Field(
        default=[], max_length=4, description="parts that generations may write again"
    )


_OUT: dict[str, Any] = {
    "id": AN_ID,
    "chapter_id": ANOTHER_ID,
    "position": 0,
    "title": "The lamp",
    "summary": "Mara lights a lamp and finds two keys.",
    "place": "the kitchen",
    "time": "night",
    "weather": "",
    "mood": "quiet",
    "characters": ["Mara"],
    "gist": "Mara finds two keys.",
    "outfits": {"Mara": "nightgown"},
    "manual_edits": ["summary"],
    "state": "described",
    "failure": "",
    "version": 1,
}


class SceneOut(BaseModel):
    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_OUT]})

    id: UUID
    chapter_id: UUID
    position: int
    title: str
    summary: str
    place: str
    time: str
    weather: str
    mood: str
    characters: list[str]
    gist: str = Field(description="one line from the outline: what happens")
    outfits: dict[str, str] = Field(description="outfits worn in this scene instead of the usual clothes, by character")
    manual_edits: list[str] = Field(description="manual edits, which generations keep")
    state: SceneState
    failure: str
    version: int


class SceneTextOut(SceneOut):
    """A scene with its text."""

    model_config = ConfigDict(
        from_attributes=True, json_schema_extra={"examples": [{**_OUT, "text": 'It rained.\n"Again?" said Mara.'}]}
    )

    text: str = Field(validation_alias=AliasChoices("sentences", "text"))

    @field_validator("text", mode="before")
    @classmethod
    def joined(cls, value: Any) -> Any:
        """The text of a scene, which is stored as sentences; the last one of a paragraph ends in a line feed."""
        return " ".join(value).replace("\n ", "\n").strip() if isinstance(value, list) else value


class ScenesOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_OUT]}]})

    items: list[SceneOut] = Field(description="in the order of the request")


@router.post(
    "/chapters/{chapter_id}/scenes", status_code=201, summary="Add a scene", responses={**NOT_FOUND, **CONFLICT}
)
async def create(
    chapter_id: UUID, body: NewScene, session: Session, scope: Editing, response: Response
) -> SceneTextOut:
    """Inserts it at `position`, before the scene that is there now, or after the last one.

    It keeps its place when the chapter's text is outlined, beside the scenes from the text. Refused while a generation
    is running on the chapter.
    """
    sentences = await _sentences([body.text])
    chapter = await editing.lock_idle(session, scope, Chapter, chapter_id)
    scene = await editing.add(session, scope, _scene(chapter, body, sentences[0]), at=body.position)
    response.headers["Location"] = f"/api/v1/scenes/{scene.id}"
    return SceneTextOut.model_validate(scene)


@router.post(
    "/chapters/{chapter_id}/scenes/bulk",
    status_code=201,
    summary="Add many scenes with their panels",
    responses={**NOT_FOUND, **CONFLICT},
)
async def create_many(chapter_id: UUID, body: NewScenes, session: Session, scope: Editing) -> ScenesOut:
    """Adds all or none, in the order given. Generations change nothing in a scene with panels, except that they write
    missing words and prompts.
    """
    texts = await _sentences([one.text for one in body.scenes])
    chapter = await editing.lock_idle(session, scope, Chapter, chapter_id)
    scenes = [_scene(chapter, one, sentences) for one, sentences in zip(body.scenes, texts, strict=True)]
    await editing.insert_rows(session, scenes, body.position)
    panels: list[Panel] = []
    for scene, one in zip(scenes, body.scenes, strict=True):
        panels += [panel_of(scene, panel, position=number) for number, panel in enumerate(one.panels)]
    session.add_all(panels)
    await session.flush()
    counts = {scene.id: {"panels": len(one.panels)} for scene, one in zip(scenes, body.scenes, strict=True)}
    await editing.announce(session, scope, scenes, counts)
    return ScenesOut(items=[SceneOut.model_validate(scene) for scene in scenes])


@router.get("/chapters/{chapter_id}/scenes", summary="List a chapter's scenes", responses=NOT_FOUND)
async def listing(
    chapter_id: UUID,
    session: Session,
    scope: Scoped,
    paging: Annotated[Paging, sorted_by("position", "created_at")],
    state: Annotated[list[SceneState] | None, Query(max_length=4, description="any of these")] = None,
) -> Listing[SceneOut]:
    filters = [col(Scene.state).in_(state)] if state else []
    return listed(
        SceneOut,
        await rows.children(
            session,
            scope,
            Chapter,
            chapter_id,
            Scene,
            *filters,
            columns=SceneOut.model_fields,
            paging=paging,
        ),
    )


@router.post(
    "/chapters/{chapter_id}/scenes/reorder",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Reorder a chapter's scenes",
    responses={**NOT_FOUND, **CONFLICT},
)
async def reorder(chapter_id: UUID, body: Order, session: Session, scope: Editing) -> None:
    """`ids` lists every scene of the chapter once."""
    chapter = await editing.lock_idle(session, scope, Chapter, chapter_id)
    await editing.reorder(session, scope, Scene, chapter.project_id, chapter_id, body.ids)


@router.get("/scenes/{scene_id}", summary="Read a scene", responses=NOT_FOUND)
async def read(scene_id: UUID, session: Session, scope: Scoped) -> SceneTextOut:
    return SceneTextOut.model_validate(await rows.get(session, scope, Scene, scene_id))


@router.patch("/scenes/{scene_id}", summary="Change a scene", responses={**NOT_FOUND, **CONFLICT})
async def change(scene_id: UUID, body: SceneChange, session: Session, scope: Editing) -> SceneTextOut:
    """Changes are manual edits: generations keep them, and update what depends on them.

    You can change the text only while the scene has no panels, because panels point into it. Refused while a generation
    is running on the chapter.
    """
    sentences = await _sentences([body.text or ""])
    scene = await editing.lock_idle(session, scope, Scene, scene_id)
    values = body.model_dump(exclude={"version", "text", "release_edits"}, exclude_none=True)
    if body.text is not None:
        if await _has_panels(session, scene_id):
            raise Conflict("The scene's panels point into its text. Delete them before you change it.")
        values["sentences"] = sentences[0]
    values = manual_edits.edited_columns(scene, values, body.release_edits)
    return SceneTextOut.model_validate(await editing.change(session, scope, Scene, scene_id, body.version, values))


@router.delete(
    "/scenes/{scene_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a scene with its panels",
    responses={**NOT_FOUND, **CONFLICT},
)
async def remove(scene_id: UUID, session: Session, scope: Editing) -> None:
    """The scenes after it move up. Refused while a generation is running on the chapter."""
    await editing.remove(session, scope, await editing.lock_idle(session, scope, Scene, scene_id))


def _scene(chapter: Chapter, body: NewScene, sentences: list[str]) -> Scene:
    """The row. With panels, the scene counts as described, and no writer adds panels."""
    values = body.model_dump(exclude={"text", "position", "panels"})
    described = isinstance(body, NewSceneInBulk) and body.panels
    mine = ["outline", *manual_edits.parts_filled(Scene, values), *(["panels"] if described else [])]
    return Scene(
        project_id=chapter.project_id,
        chapter_id=chapter.id,
        position=0,
        **values,
        gist=body.summary,
        sentences=sentences,
        manual_edits=list(dict.fromkeys(mine)),
        state=SceneState.DESCRIBED if described else SceneState.OUTLINED,
    )


async def _sentences(texts: list[str]) -> list[list[str]]:
    return await read_apart(scene_sentences, texts, size=sum(map(len, texts)))


async def _has_panels(session: AsyncSession, scene_id: UUID) -> bool:
    return (await session.exec(select(Panel.id).where(Panel.scene_id == scene_id).limit(1))).first() is not None
