"""Gathers what a task needs to know about the project, cut to size by the context manager."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import concerning
from engine.steps.context import Context, Piece, assemble
from engine.store import story_so_far
from engine.store.instructions import standing_instructions
from engine.store.story_so_far import MOST_EARLIER, CastMember, KnownLocation, SceneClothes
from models.instructions import InstructionKind
from models.tables.story import SceneState


async def context_for(
    session: AsyncSession,
    project_id: UUID,
    chapter_id: UUID,
    token_budget: int,
    kinds: frozenset[InstructionKind],
    before_scene: int | None = None,
) -> Context:
    """The instructions of these kinds, the cast, the locations, the earlier chapters and the scenes before position
    `before_scene`, in `token_budget` tokens.

    Earlier scenes are represented by their gist from the outline, which exists before any scene begins: the context
    does not depend on which scenes are already finished.
    """
    pieces = instruction_pieces(concerning(kinds, await standing_instructions(session, project_id)))
    chapters = await story_so_far.earlier_chapters(session, project_id, chapter_id)
    earlier = [EarlierStory(row.title, row.summary, row.threads, row.ago) for row in chapters]
    for row in await story_so_far.series(session, project_id, chapter_id):
        earlier += _from_series(row)
    if earlier:
        # Cast and locations matter only where they come from an earlier text: naming those of this text would tell its
        # reader nothing new, and would change the question, so that it had to be paid for again.
        worn = last_worn(await story_so_far.clothes_in(session, chapters[0].id)) if chapters else {}
        pieces += _known(
            await story_so_far.cast(session, project_id), worn, await story_so_far.locations(session, project_id)
        )
        # The nearer a chapter, the more it matters; its open threads are more likely to be continued than the rest.
        for story in earlier[:MOST_EARLIER]:
            pieces.append(Piece(kind="chapter", label=story.title, text=story.summary, priority=200 + story.ago))
            pieces += [
                Piece(kind="thread", label=story.title, text=thread, priority=150 + story.ago)
                for thread in story.threads
            ]
    if before_scene:
        pieces += [
            Piece(kind="scene", label=scene.title, text=scene.gist, priority=50 + scene.ago)
            for scene in await story_so_far.earlier_scenes(session, chapter_id, before_scene)
        ]
    return assemble(pieces, token_budget)


def instruction_pieces(bodies: Sequence[str]) -> list[Piece]:
    """Standing instructions, the most important first."""
    return [
        Piece(kind="instructions", label=f"{number}", text=body, priority=number)
        for number, body in enumerate(bodies, 1)
    ]


@dataclass(frozen=True)
class EarlierStory:
    """An earlier chapter, of the project or of its series, `ago` chapters back."""

    title: str
    summary: str
    threads: Sequence[str]
    ago: int


def _from_series(row: story_so_far.Series) -> list[EarlierStory]:
    """The chapters from a series bible, the nearest first; they precede the project's own."""
    count = len(row.series)
    return [
        EarlierStory(chapter["title"], chapter["summary"], chapter["threads"], row.position + count - index)
        for index, chapter in reversed(list(enumerate(row.series)))
    ]


def last_worn(scenes: Sequence[SceneClothes]) -> dict[str, str]:
    """The clothes that characters wore when last seen in a chapter, where they differ from their usual ones.

    Empty until every scene of the chapter is described: a context must not depend on which scenes are already
    finished.
    """
    worn: dict[str, str] = {}
    if any(scene.state == SceneState.OUTLINED for scene in scenes):
        return worn
    for scene in scenes:
        for name in scene.characters:
            worn.pop(name, None)
        worn |= scene.outfits
    return worn


def _known(cast: Iterable[CastMember], worn: Mapping[str, str], locations: Iterable[KnownLocation]) -> list[Piece]:
    return [
        Piece(kind="character", label=member.name, text=_looks(member, worn.get(member.name, "")), priority=100)
        for member in cast
    ] + [
        Piece(kind="location", label=location.name, text=location.description or location.name, priority=400)
        for location in locations
    ]


def _looks(member: CastMember, outfit: str) -> str:
    looks = member.profile.sentence()
    return f"{looks}; when last seen: {outfit}" if outfit else looks
