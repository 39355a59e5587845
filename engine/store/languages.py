"""The language of a chapter's text: from the options, or detected from the text."""

import asyncio
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.reading.language import READ, language_of
from models.script import Script
from models.tables import Chapter


async def chapter_language(session: AsyncSession, chapter_id: UUID, named: str) -> str:
    """The language as a BCP 47 tag: `named` by the options, else detected; empty if there is too little text."""
    if named:
        return named
    query = select(func.left(Chapter.source_text, READ), Chapter.script).where(col(Chapter.id) == chapter_id)
    text, script = (await session.exec(query)).one()
    if script is not None:
        panels = (panel for scene in Script.model_validate(script).scenes for panel in scene.panels)
        text = " ".join(part for panel in panels for part in (panel.caption, *(line.text for line in panel.dialogue)))
    # The first call reads the profiles of languages from a file.
    return await asyncio.to_thread(language_of, text[:READ])
