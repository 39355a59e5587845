"""What writers of a panel read of it, and how its words and its prompt are stored: they are written side by side."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import Inputs, StandingInstructions
from engine.db.session import execute
from engine.store.events import emit
from engine.store.instructions import COLUMN
from engine.store.progress import complete, panel_step
from engine.store.rows import missing
from models.events import EventType
from models.runs import TaskCall
from models.story import Line, Shot
from models.tables import Panel, Project, Scene
from models.tables.columns import table


class PanelRow(NamedTuple):
    """A panel with its scene's setting and text, the project's style and its instructions."""

    shot: Shot
    description: str
    characters: list[str]
    first: int
    last: int
    dialogue: list[dict[str, Any]] | None
    caption: str
    prompt: str | None
    manual_edits: list[str]
    basis: dict[str, Any]
    notes: dict[str, str]
    sentences: list[str]
    max_panels: int | None
    place: str
    time: str
    weather: str
    mood: str
    outfits: dict[str, str]
    style: str
    instructions: StandingInstructions

    @property
    def own_sentences(self) -> list[str]:
        """Those of the scene that the panel shows."""
        return self.sentences[self.first : self.last + 1]


_PANELS, _SCENES, _PROJECTS = table(Panel), table(Scene), table(Project)
# A panel with all that its writers read: one statement, for both tasks run for every panel.
_PANEL = (
    select(
        *(_PANELS.c[name] for name in ("shot", "description", "characters", "first", "last")),
        *(_PANELS.c[name] for name in ("dialogue", "caption", "prompt", "manual_edits", "basis", "notes")),
        *(_SCENES.c[name] for name in ("sentences", "max_panels", "place", "time", "weather", "mood", "outfits")),
        _PROJECTS.c.style,
        COLUMN,
    )
    .join(_SCENES, _SCENES.c.id == _PANELS.c.scene_id)
    .join(_PROJECTS, _PROJECTS.c.id == _PANELS.c.project_id)
    .where(_PANELS.c.id == bindparam("panel"), _PANELS.c.project_id == bindparam("project"))
)


class _Written(NamedTuple):
    """Whether a panel has both its words and its prompt now, and whether that moved it on."""

    complete: bool
    fresh: bool


def _write(assignments: str, whole: str) -> str:
    """Write to the panel; `whole` says by what was there before whether it now has both its words and its prompt.

    The row is locked first, so whichever of the two tasks comes last sees the other's work.
    """
    # Only constants of this file go into the text.
    return (
        f"WITH before AS MATERIALIZED (SELECT id, {whole} AS complete,"  # noqa: S608
        f" {whole} AND state IN ('described', 'failed') AS fresh"
        " FROM panels WHERE id = :panel AND project_id = :project FOR NO KEY UPDATE)"
        # The basis of what was written is stored in any case.
        f" UPDATE panels SET {assignments}, state = CASE WHEN fresh THEN 'written' ELSE state END,"
        " failure = CASE WHEN fresh THEN '' ELSE failure END"
        " FROM before WHERE panels.id = before.id RETURNING before.complete, before.fresh"
    )


# Store a panel's balloons and caption with their basis.
_WRITE_WORDS = text(
    _write(
        "dialogue = :dialogue, caption = :caption, basis = basis || jsonb_build_object('words', :basis)",
        "prompt IS NOT NULL",
    )
).bindparams(bindparam("dialogue", type_=JSONB), bindparam("basis", type_=JSONB))
# Store a panel's prompt with its basis, and another shot where a director asked for one.
_WRITE_PROMPT = text(
    _write(
        "prompt = :prompt, negative = :negative, shot = COALESCE(:shot, shot),"
        " basis = basis || jsonb_build_object('prompt', :basis)",
        "dialogue IS NOT NULL",
    )
).bindparams(bindparam("basis", type_=JSONB))
# Store nothing: only say whether the panel has both.
_WRITE_NOTHING = text(_write("version = version", "dialogue IS NOT NULL AND prompt IS NOT NULL"))


async def panel_row(session: AsyncSession, project_id: UUID, panel_id: UUID) -> PanelRow:
    """The panel as its writers read it. Raises `NotFound`."""
    row = (await execute(session, _PANEL, {"panel": panel_id, "project": project_id})).one_or_none()
    if row is None:
        raise missing(Panel, panel_id)
    return PanelRow(**row._mapping)


async def write_words(
    session: AsyncSession, call: TaskCall, lines: Sequence[Line], caption: str, basis: Inputs
) -> None:
    dialogue = [line.model_dump(mode="json") for line in lines]
    await _written(session, call, _WRITE_WORDS, dialogue=dialogue, caption=caption, basis=basis)


async def write_prompt(
    session: AsyncSession, call: TaskCall, prompt: str, negative: str, shot: str | None, basis: Inputs
) -> None:
    await _written(session, call, _WRITE_PROMPT, prompt=prompt, negative=negative, shot=shot, basis=basis)


async def leave_as_is(session: AsyncSession, call: TaskCall) -> None:
    """Nothing is to be written, but this may have been what the panel's progress waited for."""
    await _written(session, call, _WRITE_NOTHING)


async def _written(session: AsyncSession, call: TaskCall, statement: TextClause, **values: object) -> None:
    """Write, and report the panel as written once it has both its words and its prompt."""
    values |= {"panel": call.target_id, "project": call.project_id}
    row = (await execute(session, statement, values)).one_or_none()
    if row is None:
        raise missing(Panel, call.target_id)
    panel = _Written(**row._mapping)
    step = panel_step(call.target_id, "words")
    if panel.complete and (await complete(session, call.generation_id, step) or panel.fresh):
        about = {"panel_id": str(call.target_id)}
        await emit(session, call.project_id, call.generation_id, EventType.PANEL_WRITTEN, about)
