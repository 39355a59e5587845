"""A series bible: what all books of a series share, and the story so far. A document that people can read and edit."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from models.bundle import (
    Bundle,
    Bundled,
    BundledCharacter,
    BundledLocation,
    BundledProject,
    BundledTold,
    Instruction,
)
from models.story import Profile
from models.texts import Name, Words


class BibleCharacter(Bundled):
    """`profile` null: not written yet."""

    name: Name
    aliases: list[Words] = Field(default_factory=list, max_length=100)
    profile: Profile | None = None


class BibleLocation(Bundled):
    name: Name
    description: Words = Field(default="", max_length=20_000)


class Bible(Bundled):
    """`chapters` are those of all books so far, in order; a project that starts from the bible continues after them.

    It contains no pictures: a bible with the reference sheets is a project file.
    """

    format: Literal["inkloom-bible"] = "inkloom-bible"
    version: Literal[1] = 1
    title: Annotated[Words, Field(min_length=1, max_length=500)]
    style: Words = Field(default="", max_length=2_000)
    instructions: list[Instruction] = Field(default_factory=list, max_length=1_000)
    characters: list[BibleCharacter] = Field(default_factory=list, max_length=5_000)
    locations: list[BibleLocation] = Field(default_factory=list, max_length=5_000)
    chapters: list[BundledTold] = Field(default_factory=list, max_length=2_000)

    @model_validator(mode="after")
    def named_once(self) -> "Bible":
        for cast in (self.characters, self.locations):
            names = [member.name.casefold() for member in cast]
            if len(set(names)) != len(names):
                raise ValueError("two characters, or two locations, have the same name")
        return self

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        """The bible of a project file, without its chapters' own content and without pictures."""
        return cls(
            title=bundle.project.title,
            style=bundle.project.style,
            instructions=bundle.instructions,
            characters=[
                BibleCharacter(name=character.name, aliases=character.aliases, profile=character.profile)
                for character in bundle.characters
            ],
            locations=[
                BibleLocation(name=location.name, description=location.description) for location in bundle.locations
            ],
            chapters=bundle.project.series,
        )

    def as_bundle(self) -> Bundle:
        """The bible as a project file that has no chapters yet."""
        return Bundle(
            project=BundledProject(title=self.title, style=self.style, series=self.chapters),
            instructions=self.instructions,
            characters=[BundledCharacter(**character.model_dump()) for character in self.characters],
            locations=[BundledLocation(**location.model_dump()) for location in self.locations],
        )
