"""Manual translations: a panel at a time, or a chapter as a file. They stay until the user releases them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.digest import digest
from engine.errors import BadInput, Conflict
from engine.pages.wrapping import tidy
from engine.store import locks, translations
from engine.store.events import emit
from engine.store.scope import Scope
from engine.store.translations import Worded, in_other_words, key_of, texts_of
from models.events import EventType
from models.story import check_lettered
from models.tables import Chapter, Panel, Translation
from models.translation import TitleIn, TranslatedLine, TranslatedPanel, TranslatedText, TranslationFile


async def of_panel(session: AsyncSession, panel: Panel, chapter_id: UUID, language: str) -> Worded | None:
    """A panel's words with their translation; None where it has no words."""
    panels = await translations.panels_with_words(session, chapter_id, language, col(Panel.id) == panel.id)
    return next(iter(panels), None)


async def write(
    session: AsyncSession,
    scope: Scope,
    words: Worded,
    language: str,
    caption: str,
    lines: Sequence[str],
    version: int,
) -> None:
    """Store a person's translation of a panel. `version` is that of the translation the person saw, 0 if there was
    none.

    The caller has locked the chapter and checked the panel's soft lock. Raises `BadInput` unless lines correspond one
    to one, and `Conflict` if the translation has changed.
    """
    panel, there = words.panel, words.translation
    if version != (there.version if there is not None else 0):
        raise Conflict("The translation was changed in the meantime. Read it again before you change it.")
    _one_for_one("", panel.caption, texts_of(panel.dialogue), caption, lines)
    row = _put(words, language, caption, in_other_words(panel.dialogue or [], lines), words.key)
    session.add(row)
    await session.flush()
    data = {"panel_id": str(panel.id), "language": language, "version": row.version}
    await emit(session, panel.project_id, None, EventType.TRANSLATION_CHANGED, data, actor=scope.actor)


async def give_back(session: AsyncSession, scope: Scope, words: Worded, language: str) -> None:
    """Delete a panel's translation: the next generation translates it again."""
    if words.translation is None:
        return
    await session.delete(words.translation)
    await session.flush()
    data = {"panel_id": str(words.panel.id), "language": language}
    await emit(session, words.panel.project_id, None, EventType.TRANSLATION_DELETED, data, actor=scope.actor)


async def file_of(session: AsyncSession, chapter: Chapter, language: str) -> TranslationFile:
    """All words of the chapter beside their translations, as a file for a translator to fill in."""
    title = translations.title_in(chapter, language)
    return TranslationFile(
        language=language,
        title=TranslatedText(source=chapter.title, text="" if title is None else title.text),
        panels=[translated_panel(one) for one in await translations.panels_with_words(session, chapter.id, language)],
    )


def translated_panel(panel: Worded) -> TranslatedPanel:
    """A panel's words in both languages."""
    there = panel.translation
    # Lines of another number belong to earlier words of the panel.
    fits = there is not None and len(there.lines) == len(panel.panel.dialogue or [])
    texts = texts_of(there.lines) if there is not None and fits else [""] * len(panel.panel.dialogue or [])
    return TranslatedPanel(
        panel_id=panel.panel.id,
        scene=panel.scene + 1,
        panel=panel.panel.position + 1,
        caption=TranslatedText(source=panel.panel.caption, text=there.caption if there is not None and fits else ""),
        lines=[
            TranslatedLine(speaker=line["speaker"], kind=line["kind"], source=line["text"], text=said)
            for line, said in zip(panel.panel.dialogue or [], texts, strict=True)
        ],
    )


async def import_file(session: AsyncSession, scope: Scope, chapter: Chapter, file: TranslationFile) -> int:
    """Import a translator's file; returns how many panels have other words now.

    Unchanged translations keep their author, and empty ones stay untranslated. If the story's words have changed since
    the file was made, the translation is stored with the digest of the old words, and is stale. The caller has locked
    the chapter. Raises `BadInput` with the place in the file that is wrong.
    """
    language = file.language
    panels = await translations.panels_with_words(session, chapter.id, language)
    by_id = {panel.panel.id: panel for panel in panels}
    by_place = {(panel.scene + 1, panel.panel.position + 1): panel for panel in panels}
    changed: dict[UUID, Translation] = {}
    for part in file.panels:
        where = f"scene {part.scene}, panel {part.panel}"
        words = by_id.get(part.panel_id) if part.panel_id else None
        words = words or by_place.get((part.scene, part.panel))
        if words is None:
            raise BadInput(f"{where}: the chapter has no panel with text there.")
        if words.panel.id in changed:
            raise BadInput(f"{where} appears twice in the file.")
        row = _row_of(words, language, part, where)
        if row is not None:
            changed[words.panel.id] = row
    await locks.refuse_if_any_held(session, changed.keys(), scope.actor)
    session.add_all(changed.values())
    titled = _titled(chapter, file)
    session.add(chapter)
    await session.flush()
    if changed or titled:
        told_of = {"chapter_id": str(chapter.id), "language": language, "panels": len(changed)}
        await emit(session, chapter.project_id, None, EventType.TRANSLATION_IMPORTED, told_of, actor=scope.actor)
    return len(changed)


def _row_of(words: Worded, language: str, panel_file: TranslatedPanel, where: str) -> Translation | None:
    """The row for a panel of a file; None if it contains nothing new."""
    caption, lines = panel_file.caption.text, [line.text for line in panel_file.lines]
    if not any(text.strip() for text in (caption, *lines)):
        return None
    panel, sources = words.panel, [line.source for line in panel_file.lines]
    own = [panel_file.caption.source, *sources]
    if any(own) and key_of(own[0], sources) != words.key:
        # Made from the old words: speakers and kinds of lines come from the file.
        _one_for_one(where, own[0], sources, caption, lines)
        said = [{"speaker": line.speaker, "kind": line.kind.value, "text": line.text} for line in panel_file.lines]
        made_from = key_of(own[0], sources)
    else:
        _one_for_one(where, panel.caption, texts_of(panel.dialogue), caption, lines)
        said, made_from = in_other_words(panel.dialogue or [], lines), words.key
    there = words.translation
    if there is not None and (there.caption, texts_of(there.lines), there.made_from) == (caption, lines, made_from):
        return None
    try:
        check_lettered([caption, *lines])
    except ValueError as error:
        raise BadInput(f"{where}: {error}.") from None
    return _put(words, language, caption, said, made_from)


def _titled(chapter: Chapter, file: TranslationFile) -> bool:
    """Import the title of a file; returns whether it changed."""
    text, there = " ".join(file.title.text.split()), translations.title_in(chapter, file.language)
    made_from = digest(file.title.source or chapter.title)
    if not text or (there is not None and (there.text, there.made_from) == (text, made_from)):
        return False
    if len(text) > 200:
        raise BadInput("The title may have at most 200 characters.")
    title = TitleIn(text=text, made_from=made_from, manual=True)
    chapter.titles = {**chapter.titles, file.language: title.model_dump(mode="json")}
    return True


def _put(words: Worded, language: str, caption: str, lines: list[dict[str, Any]], made_from: str) -> Translation:
    """The translation with what a person has written."""
    row = words.translation or Translation(
        project_id=words.panel.project_id, panel_id=words.panel.id, language=language, made_from=made_from, version=0
    )
    row.caption, row.lines, row.made_from, row.manual = caption, lines, made_from, True
    row.version += 1
    return row


def _one_for_one(where: str, caption: str, sources: Sequence[str], text: str, texts: Sequence[str]) -> None:
    """Raise `BadInput` unless each of the story's texts has exactly one translation."""
    place = f"{where}: " if where else ""
    if len(texts) != len(sources):
        raise BadInput(f"{place}The panel has {len(sources)} lines, but {len(texts)} were given: give one for each.")
    pairs = [("The caption", caption, text)]
    pairs += [(f"Line {number}", *pair) for number, pair in enumerate(zip(sources, texts, strict=True), 1)]
    for name, source, said in pairs:
        if tidy(source) and not tidy(said):
            raise BadInput(f"{place}{name} is not translated.")
        if said.strip() and not source.strip():
            raise BadInput(f"{place}{name} translates nothing: the story has no text there.")
