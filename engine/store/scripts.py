"""A chapter as `script.json`, read from the database with the storage keys of its pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.store.panels import Shown, cast_of, of_chapter
from models.options import GenerationOptions
from models.script import Script, ScriptPanel, ScriptScene
from models.tables import Chapter, Scene


@dataclass(frozen=True)
class ScriptWithPictures:
    """A script, and the storage key of each picture that it names."""

    script: Script | None
    pictures: dict[str, str]


async def script_of(
    session: AsyncSession,
    chapter: Chapter,
    options: GenerationOptions,
    shown: Sequence[Shown] | None = None,
    title: str | None = None,
) -> ScriptWithPictures:
    """The chapter as a script; None while it has no panels. `shown` are its panels in another language, if already
    read; `title` is its title in that language.

    Pictures are named by position: `images/scene-01-panel-01.png`.
    """
    scenes: dict[UUID, list[ScriptPanel]] = {}
    pictures: dict[str, str] = {}
    names: dict[str, None] = {}
    if shown is None:
        shown = await of_chapter(session, chapter.project_id, chapter.id)
    for panel_shown in shown:
        path = ""
        if panel_shown.image is not None:
            suffix = panel_shown.image.key.rsplit(".", 1)[-1]
            path = (
                f"images/scene-{panel_shown.scene.position + 1:02}-panel-{panel_shown.panel.position + 1:02}.{suffix}"
            )
            pictures[path] = panel_shown.image.key
        names |= dict.fromkeys(panel_shown.panel.characters)
        scenes.setdefault(panel_shown.scene.id, []).append(
            ScriptPanel(
                shot=panel_shown.panel.shot,
                description=panel_shown.panel.description,
                characters=panel_shown.panel.characters,
                dialogue=panel_shown.data.dialogue,
                caption=panel_shown.data.caption,
                prompt=panel_shown.panel.prompt or "",
                negative=panel_shown.panel.negative,
                image=path,
            )
        )
    if not scenes:
        return ScriptWithPictures(None, {})
    query = select(Scene).where(Scene.chapter_id == chapter.id).order_by(col(Scene.position))
    cast = await cast_of(session, chapter.project_id)
    script = Script(
        title=chapter.title if title is None else title,
        format=options.format,
        page_size=options.page_size,
        direction=options.direction,
        language=options.words_language,
        characters=[character.profile for character in cast if character.profile and character.name in names],
        scenes=[
            ScriptScene(
                title=scene.title,
                summary=scene.summary or scene.gist,
                place=scene.place,
                time=scene.time,
                weather=scene.weather,
                mood=scene.mood,
                outfits=scene.outfits,
                panels=scenes[scene.id],
            )
            for scene in (await session.exec(query)).all()
            if scene.id in scenes
        ],
    )
    return ScriptWithPictures(script, pictures)
