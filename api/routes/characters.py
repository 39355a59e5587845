"""Characters, and how they look in every panel."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator
from sqlmodel import col

from api.http.deps import Editing, Scoped, Session
from api.http.paging import Listing, listed, sorted_by
from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID, CONFLICT, NOT_FOUND
from engine.errors import Conflict
from engine.store import cast, editing, manual_edits, references, rows
from engine.store.generations import refuse_while_open
from engine.store.rows import Paging
from models.numbers import Whole
from models.story import Profile
from models.tables import Character, Project
from models.texts import Name, Said, Words

router = APIRouter(tags=["characters"])

Attribute = Annotated[Words, Field(max_length=500)]
Aliases = Annotated[list[Name], Field(max_length=20, description="other names in the text")]
_OUTFIT: dict[str, Any] = {
    "name": "nightgown",
    "clothes": "a white nightgown",
    "colours": ["white"],
    "worn": "at night",
}
_LOOKS: dict[str, Any] = {
    "role": "keeper of the lamp",
    "age": "about thirty",
    "build": "small, quick",
    "hair": "short, black",
    "face": "freckles",
    "clothes": "a blue oilskin",
    "props": ["two keys"],
    "colours": ["blue", "brass"],
    "outfits": [_OUTFIT],
}


class NewOutfit(BaseModel):
    """What the character wears in the scenes that name this outfit, instead of `clothes`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_OUTFIT]})

    name: Name
    clothes: Annotated[Said, Field(max_length=500)]
    colours: list[Attribute] = Field(default=[], max_length=10, description="none: those of the profile")
    worn: Attribute = Field(default="", description="when, in a few words")


class Looks(BaseModel):
    """The fixed attributes of a character, the same in every panel. `outfits` are worn in the scenes that name them."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_LOOKS]})

    role: Attribute = ""
    age: Attribute = ""
    build: Attribute = ""
    hair: Attribute = ""
    face: Attribute = ""
    clothes: Attribute = ""
    props: list[Attribute] = Field(default=[], max_length=10)
    colours: list[Attribute] = Field(default=[], max_length=10, description="the most distinctive first")
    outfits: list[NewOutfit] = Field(default=[], max_length=50)

    @field_validator("outfits")
    @classmethod
    def told_apart(cls, outfits: list[NewOutfit]) -> list[NewOutfit]:
        """Scenes name outfits, so a character has no two with the same name."""
        names = [one.name.casefold() for one in outfits]
        if len(set(names)) < len(names):
            raise ValueError("two outfits have the same name")
        return outfits


class NewCharacter(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Mara", "aliases": ["the keeper"], "profile": _LOOKS}]}
    )

    name: Name
    aliases: Aliases = []
    profile: Looks | None = Field(default=None, description="null: written by the next generation, from the text")


class CharacterChange(BaseModel):
    """`profile` replaces the whole profile; null lets the next generation write it again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 1, "profile": _LOOKS}]})

    version: Whole = Field(ge=1, lt=2**31)
    name: Name | None = None
    aliases: Aliases | None = None
    profile: Looks | None = None


class CharacterOut(BaseModel):
    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "project_id": ANOTHER_ID,
                    "name": "Mara",
                    "aliases": ["the keeper"],
                    "profile": {"name": "Mara", "aliases": ["the keeper"], **_LOOKS},
                    "sheet_image_id": ANOTHER_ID,
                    "sheet_approved": False,
                    "failure": "",
                    "version": 1,
                    "created_at": A_MOMENT,
                }
            ]
        },
    )

    id: UUID
    project_id: UUID
    name: str
    aliases: list[str]
    profile: Profile | None = Field(description="null until written")
    sheet_image_id: UUID | None = Field(description="the picture of the reference sheet, null until drawn")
    sheet_approved: bool = Field(
        validation_alias=AliasChoices("sheet_approved_at", "sheet_approved"),
        description="a user approved the reference sheet, or the pictures uploaded instead",
    )
    failure: str = Field(description="why there is no reference sheet")
    version: int
    created_at: datetime

    @field_validator("sheet_approved", mode="before")
    @classmethod
    def once(cls, value: Any) -> bool:
        """The row holds the time of the approval."""
        return value not in (None, False)


@router.post(
    "/projects/{project_id}/characters",
    status_code=201,
    summary="Add a character",
    responses={**NOT_FOUND, **CONFLICT},
)
async def create(
    project_id: UUID, body: NewCharacter, session: Session, scope: Editing, response: Response
) -> CharacterOut:
    """Names are unique in a project, ignoring case. An outline that finds the name uses the character as it is."""
    await rows.get(session, scope, Project, project_id)
    character = Character(project_id=project_id, **cast.name_columns(body.name), aliases=body.aliases)
    if body.profile is not None:
        character.profile = cast.profile(body.name, body.aliases, body.profile.model_dump())
        character.manual_edits = ["profile"]
    async with cast.unique_name():
        await editing.add(session, scope, character)
    response.headers["Location"] = f"/api/v1/characters/{character.id}"
    return CharacterOut.model_validate(character)


@router.get("/projects/{project_id}/characters", summary="List a project's characters", responses=NOT_FOUND)
async def listing(
    project_id: UUID,
    session: Session,
    scope: Scoped,
    paging: Annotated[Paging, sorted_by("created_at", "name")],
    name: Annotated[Name | None, Query(description="the whole name, ignoring case")] = None,
) -> Listing[CharacterOut]:
    filters = [col(Character.name_key) == name.casefold()] if name is not None else []
    return listed(
        CharacterOut,
        await rows.children(
            session,
            scope,
            Project,
            project_id,
            Character,
            *filters,
            columns=[*CharacterOut.model_fields, "sheet_approved_at"],
            paging=paging,
        ),
    )


@router.get("/characters/{character_id}", summary="Read a character", responses=NOT_FOUND)
async def read(character_id: UUID, session: Session, scope: Scoped) -> CharacterOut:
    return CharacterOut.model_validate(await rows.get(session, scope, Character, character_id))


@router.patch("/characters/{character_id}", summary="Change a character", responses={**NOT_FOUND, **CONFLICT})
async def change(character_id: UUID, body: CharacterChange, session: Session, scope: Editing) -> CharacterOut:
    """Panels name characters by name or alias: a previous name stays as an alias, unless aliases are given.

    Existing prompts stay. What is written and drawn later uses the new attributes, and so does the reference sheet,
    which loses its approval. Refused while a generation is running in the project.
    """
    character = await rows.get(session, scope, Character, character_id, lock=True)
    await refuse_while_open(session, project_id=character.project_id)
    given = body.profile.model_dump() if body.profile is not None else None
    values = cast.changed_columns(character, body.name, body.aliases, given, anew="profile" in body.model_fields_set)
    if "profile" in body.model_fields_set:
        values = manual_edits.edited_columns(character, values)
    async with cast.unique_name():
        character = await editing.change(session, scope, Character, character_id, body.version, values)
    return CharacterOut.model_validate(character)


@router.post(
    "/characters/{character_id}/approve",
    summary="Approve a character's reference sheet",
    responses={**NOT_FOUND, **CONFLICT},
)
async def approve(character_id: UUID, session: Session, scope: Editing) -> CharacterOut:
    """Records that a user approves the reference sheet, or the pictures uploaded instead.

    A sheet that is drawn again, or changed attributes, need a new approval. If already approved, nothing changes.
    """
    character = await rows.get(session, scope, Character, character_id, lock=True)
    if character.sheet_approved_at is None:
        if character.sheet_image_id is None and not await references.with_uploads(session, [character_id]):
            raise Conflict("There is no reference sheet to approve yet. Generate one, or attach a picture.")
        values = {"sheet_approved_at": datetime.now(UTC)}
        character = await editing.change(session, scope, Character, character_id, character.version, values)
    return CharacterOut.model_validate(character)


@router.delete(
    "/characters/{character_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a character",
    responses={**NOT_FOUND, **CONFLICT},
)
async def remove(character_id: UUID, session: Session, scope: Editing) -> None:
    """Panels keep the name, and are drawn from the name alone. Refused while a generation is running in the project."""
    character = await rows.get(session, scope, Character, character_id, lock=True)
    await refuse_while_open(session, project_id=character.project_id)
    await editing.remove(session, scope, character)
