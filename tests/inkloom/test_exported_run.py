"""A finished chapter is exported again, as often as one likes: nobody is asked to write or draw."""

import json
import zipfile
from pathlib import Path
from uuid import UUID, uuid4

import pikepdf
import pytest

from engine.errors import BadInput
from engine.settings import Settings
from inkloom.export import exported
from inkloom.export_options import ordered
from inkloom.local.stack import Endpoints
from inkloom.output import claim
from inkloom.run import Finished, run_story
from inkloom.story import Story
from models.exports import ExportOptions
from models.options import GenerationOptions
from tests.support.displays import Silent
from tests.working import Painter, Working, Writer

pytestmark = pytest.mark.workflow

STORY = Story(title="The / lamp", text="Mara laughed at the lamp. She held it up.", script=None)


def written(files: dict[str, str]) -> bool:
    return all(Path(path).stat().st_size > 0 for path in files.values())


async def test_files_are_ordered_again_without_a_call(
    endpoints: Endpoints, settings: Settings, working: Working, tmp_path: Path
) -> None:
    """With other formats and in another manner it is the same chapter; the result names every file that was built."""
    given = settings.model_copy(update={"storage": str(tmp_path / "pictures")})
    writer, painter = Writer(), Painter()

    async def run(folder: str, wanted: ExportOptions) -> Finished:
        options = GenerationOptions.model_validate({"export": wanted.model_dump(exclude_unset=True)})
        out = claim(tmp_path / folder)
        return await run_story(given, endpoints, STORY, options, out, None, Silent())

    async with working(writer, painter):
        first = await run("one", ordered("cbz"))
        asked = (len(writer.asked), len(painter.asked))
        second = await run("two", ordered("print,ora", title_page=True))
        third = await run("three", ordered(None))
        chapter, project = (first.as_json()[name] for name in ("chapter_id", "project_id"))
        for target, folder in ((chapter, "four"), (project, "five")):
            done, files = await exported(
                given, endpoints, UUID(target), ordered("script-text,ora"), claim(tmp_path / folder), Silent()
            )
            assert done.status == "completed"
            assert {name: Path(path).name for name, path in files.items()} == {
                "script-text": "the-lamp.script.md",
                "ora": "the-lamp.ora.zip",
            }
            assert written(files)
        with pytest.raises(BadInput, match="no chapter and no project"):
            await exported(given, endpoints, uuid4(), ordered(None), claim(tmp_path / "six"), Silent())
    assert (len(writer.asked), len(painter.asked)) == asked, "somebody was asked again"

    def paths(finished: Finished) -> dict[str, str | None]:
        told = json.loads(json.dumps(finished.as_json()))["exports"]
        return {name: path and Path(path).name for name, path in told.items()}

    none = {"pdf": None, "epub": None, "webtoon": None}
    assert paths(first) == {"cbz": "the-lamp.cbz", **none}
    assert paths(second) == {
        "cbz": "the-lamp.cbz",
        **none,
        "print": "the-lamp.print.pdf",
        "ora": "the-lamp.ora.zip",
    }
    assert paths(third) == paths(second)
    assert second.exit_code == 0
    pages = second.made.pages + 1
    with pikepdf.open(second.delivered.exports["print"]) as pdf, pikepdf.open(third.delivered.exports["print"]) as same:
        assert (len(pdf.pages), len(same.pages)) == (pages, pages), "the title page is there, and stays"
    with zipfile.ZipFile(second.delivered.exports["ora"]) as archive:
        assert len(archive.namelist()) == pages
