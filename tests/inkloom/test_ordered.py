"""Which files the command line asks for; and that files are no part of what a chapter is."""

from typing import Any

import pytest

from engine.errors import BadInput
from inkloom.export_options import ordered
from inkloom.output import slug_of
from inkloom.story import Story
from models.exports import SUFFIXES, ExportFormat
from models.options import GenerationOptions

pytestmark = pytest.mark.unit

STORY = Story(title="Lamp", text="It rained.", script=None)


def test_formats_are_named_with_commas() -> None:
    """Each counts once, in the order in which they are named."""
    assert ordered(" CBZ, print,ora,cbz").formats == [ExportFormat.CBZ, ExportFormat.PRINT, ExportFormat.ORA]
    assert ordered(",".join(ExportFormat)).formats == list(ExportFormat)


@pytest.mark.parametrize(("word", "unknown"), [("cbr", "cbr"), ("cbz,docx", "docx"), ("cbz;pdf", "cbz;pdf")])
def test_what_is_no_format_is_refused_with_those_that_are(word: str, unknown: str) -> None:
    with pytest.raises(BadInput) as refused:
        ordered(word)
    assert refused.value.message.startswith(f"--export {unknown}: ")
    assert all(name in refused.value.message for name in ExportFormat)


@pytest.mark.parametrize("word", ["", " ", ","])
def test_no_format_is_no_order(word: str) -> None:
    with pytest.raises(BadInput, match="name one or more"):
        ordered(word)


def test_what_is_not_said_stays_open() -> None:
    """Who says nothing changes no file that was ordered otherwise."""
    assert ordered(None).model_fields_set == set()
    assert ordered(None, title_page=True).model_dump(exclude_unset=True) == {"title_page": True}


def test_credits_are_role_and_name() -> None:
    found = ordered(None, credits=["writer=Ada = Eve", " letterer = Bo "])
    assert [(one.role, one.name) for one in found.credits] == [("writer", "Ada = Eve"), ("letterer", "Bo")]


@pytest.mark.parametrize("word", ["Ada", "boss=Ada", "writer=", "=Ada", "writer=\x00"])
def test_a_credit_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(BadInput, match="--credit"):
        ordered(None, credits=[word])


@pytest.mark.parametrize("export", [{"formats": ["print"]}, {"title_page": True}, {"title": "Other"}])
def test_the_same_chapter_whatever_files_are_made_of_it(export: dict[str, Any]) -> None:
    """Otherwise another format would draw it again, and cost money."""
    asked = GenerationOptions.model_validate({"export": export})
    assert STORY.chapter_key(asked) == STORY.chapter_key(GenerationOptions())
    assert STORY.chapter_key(GenerationOptions(format="webtoon")) != STORY.chapter_key(GenerationOptions())


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("a/b\\c", "a-b-c"),
        ("../../etc", "etc"),
        ("<x> & “y”", "x-y"),
        ("🎉", "chapter"),
        ("\x00\x1b\n", "chapter"),
        ("", "chapter"),
        ("灯台 № 3", "灯台-no-3"),
        ("x" * 300, "x" * 60),
    ],
)
def test_files_are_called_by_their_title(title: str, slug: str) -> None:
    assert slug_of(title) == slug


@pytest.mark.parametrize("title", ["x" * 300, "灯" * 300, "\U00020000" * 300])
def test_a_long_title_leaves_room_for_every_ending(title: str) -> None:
    """A disk takes names of 255 bytes; while a file is written, its name has a few more."""
    assert len(slug_of(title).encode()) + max(map(len, SUFFIXES.values())) + 20 < 255
    assert "\ufffd" not in slug_of(title)
