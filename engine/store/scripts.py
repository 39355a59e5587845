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
class Told:
    """A script, and the storage key of each picture that it names."""

    script: Script | None
    pictures: dict[str, str]


async def script_of(
    session: AsyncSession,
    chapter: Chapter,
    options: GenerationOptions,
    shown: Sequence[Shown] | None = None,
    title: str | None = None,
) -> Told:
    """The chapter as a script; None while it has no panels. `shown` are its panels in another language, if already
    read; `title` is its title in that language.

    Pictures are named by position: `images/scene-01-panel-01.png`.
    """
    scenes: dict[UUID, list[ScriptPanel]] = {}
    pictures: dict[str, str] = {}
    names: dict[str, None] = {}
    if shown is None:
        shown = await of_chapter(session, chapter.project_id, chapter.id)
    for one in shown:
        path = ""
        if one.image is not None:
            suffix = one.image.key.rsplit(".", 1)[-1]
            path = f"images/scene-{one.scene.position + 1:02}-panel-{one.panel.position + 1:02}.{suffix}"
            pictures[path] = one.image.key
        names |= dict.fromkeys(one.panel.characters)
        scenes.setdefault(one.scene.id, []).append(
            ScriptPanel(
                shot=one.panel.shot,
                description=one.panel.description,
                characters=one.panel.characters,
                dialogue=one.data.dialogue,
                caption=one.data.caption,
                prompt=one.panel.prompt or "",
                negative=one.panel.negative,
                image=path,
            )
        )
    if not scenes:
        return Told(None, {})
    query = select(Scene).where(Scene.chapter_id == chapter.id).order_by(col(Scene.position))
    cast = await cast_of(session, chapter.project_id)
    script = Script(
        title=chapter.title if title is None else title,
        format=options.format,
        page_size=options.page_size,
        direction=options.direction,
        language=options.words_language,
        characters=[who.profile for who in cast if who.profile and who.name in names],
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
    return Told(script, pictures)
