"""A book's script: as data that can be edited and run again, and as text that can be printed."""

import json
from collections.abc import Iterator
from pathlib import Path

from engine.export.book import Bound
from engine.export.clean_text import printable
from engine.export.pictures import as_read
from engine.export.zipped import whole_file
from models.script import Script, ScriptPanel
from models.story import LineKind


def build_script(bound: Bound, out: Path) -> None:
    """`script.json` of a chapter; of a project, a list of them under `chapters`."""
    scripts = [one.script for one in bound.book.chapters if one.script is not None]
    if not bound.book.options.prompts:
        scripts = [_unprompted(script) for script in scripts]
    chapters = [script.model_dump(mode="json") for script in scripts]
    data = chapters[0] if len(bound.book.chapters) == 1 and chapters else {"version": 1, "chapters": chapters}
    _write(out, json.dumps(data, ensure_ascii=False, indent=2) + "\n")


def build_script_text(bound: Bound, out: Path) -> None:
    """The script as Markdown: pages of panels with descriptions and words, as a writer hands it to an artist."""
    lines = [f"# {_plain(as_read(bound.book.title))}", ""]
    lines += [f"{one.role}: {_plain(one.name)}  " for one in bound.book.options.credits]
    for chapter in bound.book.chapters:
        if len(bound.book.chapters) > 1:
            lines += ["", f"# {_plain(as_read(chapter.title))}"]
        if chapter.script is not None:
            lines += _scenes(chapter.script)
    _write(out, "\n".join(lines).rstrip() + "\n")


def _scenes(script: Script) -> Iterator[str]:
    for number, scene in enumerate(script.scenes, 1):
        place = ", ".join(_plain(part) for part in (scene.place, scene.time, scene.weather) if part.strip())
        title = _plain(scene.title)
        yield from ("", f"## Scene {number}{f': {title}' if title else ''}", "")
        if place:
            yield from (f"*{place}*", "")
        for count, panel in enumerate(scene.panels, 1):
            yield from _panel(count, panel)


def _panel(number: int, panel: ScriptPanel) -> Iterator[str]:
    yield from (f"**Panel {number}** ({panel.shot.value}). {_plain(panel.description)}", "")
    if panel.caption.strip():
        yield from (f"> CAPTION: {_plain(panel.caption)}", "")
    for line in panel.dialogue:
        who = _plain(line.speaker).upper() or "OFF PANEL"
        how = "" if line.kind is LineKind.SPEECH else f" ({line.kind.value})"
        yield from (f"> {who}{how}: {_plain(line.text)}", "")


def _unprompted(script: Script) -> Script:
    scenes = [
        scene.model_copy(
            update={
                "panels": [panel.model_copy(update={"prompt": "", "negative": ""}) for panel in scene.panels],
            }
        )
        for scene in script.scenes
    ]
    return script.model_copy(update={"scenes": scenes})


def _plain(text: str) -> str:
    """One line without Markdown and HTML."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#|~" else sign for sign in printable(text))


def _write(out: Path, text: str) -> None:
    with whole_file(out) as file:
        file.write(text.encode("utf-8", "replace"))
