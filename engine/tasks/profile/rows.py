"""CharacterProfile: reads what the text says about a character, stores their fixed attributes."""

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import FOR_PICTURES, Inputs, concerning
from engine.reading import names
from engine.steps.context import assemble
from engine.steps.known import instruction_pieces
from engine.steps.step import Loaded, Made
from engine.store.events import emit
from engine.store.instructions import standing_instructions
from engine.store.progress import character_step, complete, complete_and_tell
from engine.store.rows import get
from engine.store.scope import Scope
from engine.tasks.profile.task import In, Out
from models.events import EventType
from models.runs import TaskCall
from models.story import Profile
from models.tables import Character, Scene

MAX_EXCERPTS = 24


async def load(session: AsyncSession, call: TaskCall, token_budget: int) -> Loaded | Made:
    character = await get(session, Scope(project_id=call.project_id), Character, call.target_id)
    if character.profile is not None:
        await complete_and_tell(session, call.project_id, call.generation_id, character_step(character.id, "profile"))
        return []
    called = [character.name, *character.aliases]
    scenes = await session.exec(
        select(Scene.sentences).where(Scene.project_id == call.project_id).order_by(col(Scene.id)).limit(500)
    )
    # What the text says about a character often follows the sentence that names them: "She wore …".
    excerpts = [
        " ".join(sentences[index : index + 3])
        for sentences in scenes.all()
        for index, sentence in enumerate(sentences)
        if names(sentence, called)
    ]
    # Looks are fixed once: a later instruction does not change them.
    instructions = concerning(FOR_PICTURES, await standing_instructions(session, call.project_id))
    context = assemble(instruction_pieces(instructions), token_budget)
    data = In(
        context=context.text,
        name=character.name,
        aliases=character.aliases,
        excerpts=excerpts[:MAX_EXCERPTS],
    )
    return Loaded(data, len(context.left_out))


async def apply(session: AsyncSession, call: TaskCall, out: Out, basis: Inputs) -> Made:
    character = await get(session, Scope(project_id=call.project_id), Character, call.target_id, lock=True)
    moved = await complete(session, call.generation_id, character_step(character.id, "profile"))
    fresh = character.profile is None
    if fresh:
        # Once per character: another chapter may have been faster, and has drawn from its profile since.
        character.profile = Profile(**dict(out.profile))
        session.add(character)
        await session.flush()
    if fresh or moved:
        await emit(
            session,
            call.project_id,
            call.generation_id,
            EventType.CHARACTER_PROFILED,
            {"character_id": str(character.id), "name": character.name},
        )
    return []
