"""A run that waits for a person: drafts as files to look at, choices, and the same command again to go on."""

from pathlib import Path

import pytest

from engine.db.session import Database
from engine.errors import BadInput
from engine.settings import Settings
from inkloom.arguments import chosen_drafts
from inkloom.decided import Decided
from inkloom.local.stack import Endpoints
from inkloom.output import claim
from inkloom.run import Finished, run_story
from inkloom.story import Story
from models.options import GenerationOptions
from tests.support.displays import Silent
from tests.working import Painter, Working, Writer

pytestmark = pytest.mark.workflow

STORY = Story(title="Two cups", text="Mara laughed. She held up a cup.\n\n***\n\nAt night Joss ran home.", script=None)


async def test_drafts_are_looked_at_chosen_and_approved(
    endpoints: Endpoints, settings: Settings, database: Database, working: Working, tmp_path: Path
) -> None:
    """Waiting ends with exit code 4; what is chosen is shown, the rest is the best by its scores, and nothing more is
    drawn."""
    given = settings.model_copy(update={"storage": str(tmp_path / "pictures")})
    options = GenerationOptions(review="drafts", drafts=2)
    painter, out = Painter(), claim(tmp_path / "out")

    async def run(**decided: object) -> Finished:
        decision = Decided(**decided)  # type: ignore[arg-type]  # as each call below names them
        return await run_story(given, endpoints, STORY, options, out, None, Silent(), decided=decision)

    async with working(Writer(), painter):
        waiting = await run()
        assert waiting.exit_code == 4
        shown = sorted(path.name for path in (out / "drafts").iterdir())
        assert shown == [f"scene-0{scene}-panel-01-draft-{draft}.png" for scene in (1, 2) for draft in (1, 2)]
        with pytest.raises(BadInput, match="no draft 7"):
            await run(choose=[(1, 1, 7)])
        drawn = len(painter.asked)
        wanted = (out / "drafts" / "scene-01-panel-01-draft-2.png").read_bytes()
        finished = await run(choose=chosen_drafts(["1.1=2"]), approve=True)
    assert finished.exit_code == 0
    assert len(painter.asked) == drawn
    assert (out / "images" / "scene-01-panel-01.png").read_bytes() == wanted
    assert list((out / "drafts").iterdir()) == []


@pytest.mark.parametrize("word", ["1=2", "0.1=2", "1.1", "1.1=", "a.b=c", "1.1=2.5"])
def test_a_choice_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(BadInput, match=r"e\.g\. 2\.1=3"):
        chosen_drafts([word])
