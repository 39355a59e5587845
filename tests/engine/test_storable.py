"""Text from vendors, before it is judged or stored."""

import json
import time

import pytest

from engine.errors import BadAnswer
from engine.images.png_text import stamped
from engine.storable import storable, storable_data, storable_json
from tests.support.image_requests import a_picture

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        pytest.param("caf\0e", "cafe", id="NUL"),
        pytest.param("a\ud83db", "a\ufffdb", id="half a pair"),
        pytest.param("\udc00", "\ufffd", id="the other half"),
        pytest.param("🦊 ½ \u202e\n", "🦊 ½ \u202e\n", id="all that can be stored stays"),
    ],
)
def test_what_cannot_be_stored_goes(text: str, stored: str) -> None:
    assert storable(text) == stored
    assert storable_data({text: [text, 5, None, {"a": (text,)}]}) == {stored: [stored, 5, None, {"a": [stored]}]}


@pytest.mark.parametrize(
    ("text", "means"),
    [
        pytest.param(r'"caf\u0000e9"', "cafe9", id="NUL as an escape"),
        pytest.param(r'"\ud83d\udE00"', "😀", id="a pair stays"),
        pytest.param(r'"\uD83D!"', "\ufffd!", id="half a pair"),
        pytest.param(r'"\udc00\ud800"', "\ufffd\ufffd", id="the wrong way around"),
        pytest.param(r'"\\u0000 \\\u0000 \n\""', '\\u0000 \\ \n"', id="an escaped backslash is no beginning"),
        pytest.param('"\0x"', "x", id="the byte itself"),
    ],
)
def test_escapes_are_characters_too(text: str, means: str) -> None:
    assert json.loads(storable_json(text)) == means


def test_it_takes_no_more_than_linear_time() -> None:
    def seconds(count: int) -> float:
        began = time.process_time()
        for sign in ("\\", r"\u0000", r"\ud800", r"\ud83d\ude00", "\0", "\\u"):
            storable_json(sign * count)
        return time.process_time() - began

    # The least of several: what else the machine does only adds.
    half, whole = (min(seconds(count) for _ in range(5)) for count in (100_000, 200_000))
    assert whole < 2.5 * half + 0.05


def test_errors_can_be_stored_whatever_a_vendor_says() -> None:
    error = BadAnswer("it ended with \0\ud800", detail="\0\udfff!")
    assert (error.message, error.detail, str(error)) == ("it ended with \ufffd", "\ufffd!", error.message)


def test_a_picture_is_not_lost_over_what_is_written_into_it() -> None:
    assert b"a fox" in stamped(a_picture().data, "a fox\0 \ud800")
