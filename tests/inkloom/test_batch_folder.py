"""Which files of a folder are manuscripts, in which order, and what is refused before anything starts."""

from pathlib import Path

import pytest

from engine.errors import BadInput
from inkloom.batch_folder import identity_of, read_folder
from tests.support.command_line import inkloom_here

pytestmark = pytest.mark.unit

STORY = "The kite\n\nIt flew over the harbour.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten chapters, whose names sort differently by letters and by numbers; and files that are none."""
    stories = tmp_path / "stories"
    stories.mkdir()
    for number in range(1, 11):
        (stories / f"chapter-{number}.txt").write_text(f"{STORY}\n{number}.\n")
    (stories / "notes.pdf").write_bytes(b"%PDF")
    (stories / ".hidden.txt").write_text(STORY)
    (stories / "more.txt").mkdir()
    return stories


def names(folder: Path) -> list[str]:
    return [one.path.name for one in read_folder(folder).manuscripts]


def test_chapter_two_comes_before_chapter_ten(folder: Path) -> None:
    assert names(folder) == [f"chapter-{number}.txt" for number in range(1, 11)]


def test_a_sheet_gives_titles_order_and_options(folder: Path) -> None:
    """What has a number comes first; all others keep their places."""
    (folder / "batch.toml").write_text(
        'title = "Kites"\n["chapter-10.txt"]\ntitle = "Ten"\norder = 2\n["chapter-7.txt"]\norder = 1\ndrafts = 2\n'
    )
    found = read_folder(folder)
    assert found.title == "Kites"
    assert [one.path.name for one in found.manuscripts[:3]] == ["chapter-7.txt", "chapter-10.txt", "chapter-1.txt"]
    assert found.manuscripts[0].options == {"drafts": 2}
    assert found.manuscripts[1].title == "Ten"


def test_one_broken_file_stops_no_other(folder: Path) -> None:
    (folder / "chapter-5.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    found = read_folder(folder).manuscripts
    broken = [one for one in found if one.story is None]
    assert [(one.path.name, "PNG picture" in one.error) for one in broken] == [("chapter-5.txt", True)]
    assert len(found) == 10


def test_a_folder_is_the_same_however_it_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert identity_of(Path("stories")) == identity_of(folder) == identity_of(folder / ".." / "stories")


@pytest.mark.parametrize(
    ("sheet", "says"),
    [
        ("title = ", "is not TOML"),
        ("[chapter-99]\n", 'no manuscript "chapter-99"'),
        ('["chapter-1.txt"]\nfoo = 1\n', "has no foo"),
        ('["chapter-1.txt"]\ntitle = 3\n', "must be a text"),
        ('["chapter-1.txt"]\norder = "first"\n', "must be a number"),
        ('["chapter-1.txt"]\nbudget_usd = -1\n', "between 0 and"),
        ("speed = 3\n", "speed is not known"),
    ],
)
def test_a_sheet_that_cannot_be_followed_is_refused(folder: Path, sheet: str, says: str) -> None:
    (folder / "batch.toml").write_text(sheet)
    with pytest.raises(BadInput, match=says):
        read_folder(folder)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--at-a-time", "0"], "--at-a-time"),
        (["--budget", "nan"], "must be a number"),
        (["--only-between", "at night"], "--only-between"),
        (["--only-between", "22:00-22:00"], "two different times"),
        (["--not-before", "tomorrow"], "--not-before"),
        (["--not-before", "2026-12-24T20:00:00"], "offset from UTC"),
        (["--pause", "--cancel"], "name one of them"),
        (["--llm", "crayon"], "crayon"),
        (["--translate", "de=german.json"], "use `run`"),
    ],
    ids=str,
)
def test_a_command_that_cannot_be_is_refused(folder: Path, tmp_path: Path, options: list[str], says: str) -> None:
    """Exit code 2, the option's name, and nothing on the disk."""
    out, data = tmp_path / "out", tmp_path / "data"
    done = inkloom_here("batch", folder, "--out", out, *options, INKLOOM_DATA=str(data))
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert not out.exists()
    assert not data.exists()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.mkdir(), "no manuscripts"),
        (lambda path: path.write_text(STORY), "use `run`"),
    ],
    ids=["missing", "empty", "file"],
)
def test_what_is_no_folder_of_stories_is_refused(tmp_path: Path, make: object, says: str) -> None:
    path = tmp_path / "stories"
    make(path)  # type: ignore[operator]  # one of the functions above
    done = inkloom_here("batch", path, "--out", tmp_path / "out", INKLOOM_DATA=str(tmp_path / "data"))
    assert (done.returncode, says in done.stderr) == (2, True), done.stderr
