"""What made a picture is in the picture, where the usual tools look for it."""

import io

import pytest
from PIL import Image

from engine.images.png_text import infotext, stamped

pytestmark = pytest.mark.unit


def a_png() -> bytes:
    data = io.BytesIO()
    Image.linear_gradient("L").save(data, "PNG")
    return data.getvalue()


@pytest.mark.parametrize("text", ["a cat\nSteps: 20", "Ærøskøbing", "灯台に雨\nSteps: 20", "„quoted“"])
def test_the_text_can_be_read_back(text: str) -> None:
    """Any text, and the pixels unharmed."""
    with Image.open(io.BytesIO(stamped(a_png(), text))) as picture:
        picture.load()
        assert picture.info["parameters"] == text
        assert picture.tobytes() == Image.linear_gradient("L").tobytes()


def test_text_beyond_latin_goes_where_it_may() -> None:
    """A plain text chunk is Latin-1 by the standard; what is not needs the international one."""
    assert b"tEXtparameters" in stamped(a_png(), "Ærø")
    assert b"iTXtparameters" in stamped(a_png(), "灯台")


def test_what_is_there_is_kept() -> None:
    once = stamped(a_png(), "first")
    assert stamped(once, "second") == once


def test_what_is_no_png_is_left_alone() -> None:
    assert stamped(b"\xff\xd8\xff", "text") == b"\xff\xd8\xff"


def test_infotext_is_written_as_tools_read_it() -> None:
    text = infotext("a cat", "a dog", Steps=20, Sampler="", CFG_scale=7.0)
    assert text == "a cat\nNegative prompt: a dog\nSteps: 20, CFG scale: 7.0"
