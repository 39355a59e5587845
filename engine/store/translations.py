"""Words in other languages: which exist, whether they still match the story's own words, and how they replace them.

A translation stores the digest of the words that it was made from. If these have changed, it is stale; a manual
translation is kept all the same, and counts until the user releases it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.digest import digest
from engine.store.panels import Shown
from engine.verdict import decide
from models.ids import new_id
from models.story import Line, PanelData
from models.tables import Chapter, Panel, Scene, Translation
from models.tables.columns import table
from models.translation import TitleIn

# The most of a scene that one call translates: the answer must fit into a writer's output.
_SIGNS_A_PART = 3_000
_PANELS_A_PART = 30


class Standing(StrEnum):
    """`protected`: stale, but a manual edit, which generations do not overwrite."""

    MISSING = "missing"
    STALE = "stale"
    PROTECTED = "protected"
    MADE = "made"


def key_of(caption: str, lines: Sequence[str]) -> str:
    """The key of words: their digest, without speakers and kinds of lines."""
    return digest("words", caption, list(lines))


def texts_of(lines: Sequence[Mapping[str, Any]] | None) -> list[str]:
    """The texts of stored lines."""
    return [line["text"] for line in lines or []]


def in_other_words(lines: Sequence[Mapping[str, Any]], texts: Sequence[str]) -> list[dict[str, Any]]:
    """Stored lines with other texts."""
    return [{**line, "text": said} for line, said in zip(lines, texts, strict=True)]


@dataclass(frozen=True)
class Worded:
    """A panel that has words, and its translation into one language, if there is one."""

    scene_id: UUID
    scene: int
    panel: Panel
    translation: Translation | None

    @property
    def key(self) -> str:
        """The key of the panel's own words."""
        return key_of(self.panel.caption, texts_of(self.panel.dialogue))

    @property
    def state(self) -> Standing:
        there = self.translation
        return _state(None if there is None else there.made_from, self.key, manual=there is not None and there.manual)

    @property
    def due(self) -> bool:
        """Whether it is to be translated."""
        return self.state in (Standing.MISSING, Standing.STALE)

    def follows(self, changing: Collection[UUID | None]) -> bool:
        """Whether it will have to be translated again, because its panel's words are about to change."""
        return self.panel.id in changing and not (self.translation is not None and self.translation.manual)


def _state(made_from: str | None, key: str, *, manual: bool) -> Standing:
    changed = [] if made_from == key else ["words"]
    verdict = decide(there=made_from is not None, manual=manual, changed=changed)
    if verdict.stands:
        return Standing.PROTECTED if verdict.changed else Standing.MADE
    return Standing.MISSING if made_from is None else Standing.STALE


def title_in(chapter: Chapter, language: str) -> TitleIn | None:
    """The chapter's title in a language, whether current or stale."""
    there = chapter.titles.get(language)
    return None if there is None else TitleIn.model_validate(there)


def title_state(chapter: Chapter, language: str) -> Standing:
    """The state of the title's translation. A chapter without a title has nothing to translate."""
    if not chapter.title.strip():
        return Standing.MADE
    there = title_in(chapter, language)
    return _state(
        None if there is None else there.made_from, digest(chapter.title), manual=bool(there and there.manual)
    )


def title_due(chapter: Chapter, language: str) -> bool:
    return title_state(chapter, language) in (Standing.MISSING, Standing.STALE)


async def panels_with_words(
    session: AsyncSession, chapter_id: UUID, language: str, *only: ColumnElement[bool] | bool
) -> list[Worded]:
    """The panels of a chapter that have words, in reading order, each with its translation."""
    mine = and_(col(Translation.panel_id) == col(Panel.id), col(Translation.language) == language)
    query = (
        select(Panel, Scene.id, Scene.position, Translation)
        .join(Scene, col(Scene.id) == col(Panel.scene_id))
        .join(Translation, mine, isouter=True)
        .where(Scene.chapter_id == chapter_id, *only)
        .order_by(col(Scene.position), col(Panel.position))
    )
    return [
        Worded(scene_id, position, panel, translation)
        for panel, scene_id, position, translation in (await session.exec(query)).all()
        if has_words(panel)
    ]


def has_words(panel: Panel) -> bool:
    return bool(panel.caption.strip() or any(said.strip() for said in texts_of(panel.dialogue)))


def parts_of(panels: Sequence[Worded]) -> list[list[Worded]]:
    """The panels of a scene in runs that are translated one after another.

    Only the story's own words decide: translating a panel moves none into another part.
    """
    parts: list[list[Worded]] = []
    signs = 0
    for panel in panels:
        own = len(panel.panel.caption) + sum(map(len, texts_of(panel.panel.dialogue)))
        if not parts or len(parts[-1]) >= _PANELS_A_PART or signs + own > _SIGNS_A_PART:
            parts.append([])
            signs = 0
        parts[-1].append(panel)
        signs += own
    return parts


@dataclass(frozen=True)
class DueScene:
    """A scene with words to translate: the numbers of its parts, and whether the chapter's title goes with it."""

    scene_id: UUID
    parts: list[int]
    title: bool = False


def due(
    chapter: Chapter, language: str, panels: Sequence[Worded], changing: Collection[UUID | None] = ()
) -> list[DueScene]:
    """What a generation has to ask a writer for; `panels` are all panels of the chapter that have words.

    The words of the panels in `changing` are about to change. The title goes with the first scene.
    """
    scenes: dict[UUID, list[Worded]] = {}
    for one in panels:
        scenes.setdefault(one.scene_id, []).append(one)
    found = []
    for number, (scene_id, mine) in enumerate(scenes.items()):
        title = number == 0 and title_due(chapter, language)
        parts = [
            part
            for part, some in enumerate(parts_of(mine))
            if any(one.due or one.follows(changing) for one in some) or (part == 0 and title)
        ]
        if parts:
            found.append(DueScene(scene_id, parts, title))
    return found


async def in_language(session: AsyncSession, chapter_id: UUID, shown: Sequence[Shown], language: str) -> list[Shown]:
    """Panels with their words in a language; untranslated ones keep the story's own, and are marked."""
    there = {panel.panel.id: panel for panel in await panels_with_words(session, chapter_id, language)}
    return [_said(panel, there.get(panel.panel.id)) for panel in shown]


def _said(panel: Shown, words: Worded | None) -> Shown:
    if words is None:
        return panel
    if words.translation is None:
        return replace(panel, untranslated=True)
    return replace(panel, data=translated(panel.data, words.translation))


def translated(data: PanelData, by: Translation) -> PanelData:
    """The panel with translated words. Speakers and kinds of lines are the story's own if the number of lines is the
    same.
    """
    lines = [Line.model_validate(line) for line in by.lines]
    if len(lines) == len(data.dialogue):
        pairs = zip(data.dialogue, lines, strict=True)
        lines = [own.model_copy(update={"text": line.text}) for own, line in pairs]
    return data.model_copy(update={"dialogue": lines, "caption": by.caption})


_TRANSLATIONS = table(Translation)
_TITLE = text(
    "UPDATE chapters SET titles = titles || jsonb_build_object(CAST(:language AS text), CAST(:title AS jsonb))"
    " WHERE id = :chapter AND NOT COALESCE(CAST(titles -> CAST(:language AS text) ->> 'manual' AS boolean), false)"
)
_FORGIVE = text(
    "UPDATE scenes SET untranslated = untranslated - CAST(:language AS text)"
    # Locked in one order: another language may be updated at the same time.
    " WHERE id IN (SELECT id FROM scenes WHERE chapter_id = :chapter"
    " AND jsonb_exists(untranslated, CAST(:language AS text)) ORDER BY id FOR UPDATE)"
)


async def store_title(session: AsyncSession, chapter_id: UUID, language: str, title: TitleIn) -> None:
    """Store a writer's translation of the title, unless a person has written one."""
    values = {"chapter": chapter_id, "language": language, "title": title.model_dump_json()}
    await execute(session, _TITLE, values)


async def store_translation(
    session: AsyncSession, panel: Panel, language: str, caption: str, lines: Sequence[str], made_from: str
) -> None:
    """Store a writer's translation of a panel's words, unless a person has translated them."""
    own = panel.dialogue or []
    values = {
        "caption": caption,
        "lines": in_other_words(own, lines),
        "made_from": made_from,
    }
    statement = insert(_TRANSLATIONS).values(
        id=new_id(),
        project_id=panel.project_id,
        panel_id=panel.id,
        language=language,
        manual=False,
        version=1,
        **values,
    )
    await execute(
        session,
        statement.on_conflict_do_update(
            index_elements=["panel_id", "language"],
            set_={**values, "version": _TRANSLATIONS.c.version + 1},
            where=~_TRANSLATIONS.c.manual,
        ),
    )


async def clear_failures(session: AsyncSession, chapter_id: UUID, language: str) -> None:
    """Clear the failures in a language: what failed is tried again, or has been translated since."""
    await execute(session, _FORGIVE, {"chapter": chapter_id, "language": language})
