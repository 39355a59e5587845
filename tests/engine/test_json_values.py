"""The count of what is in a JSON body is never too low, and few values are not taken for many."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.json_values import at_most, values_in

pytestmark = pytest.mark.unit

_NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def built(value: Any) -> int:
    """The values that a parser builds."""
    match value:
        case dict():
            return 1 + sum(map(built, value.values()))
        case list():
            return 1 + sum(map(built, value))
    return 1


@given(value=_NESTED, encoding=st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-32"]), ascii=st.booleans())
def test_no_value_is_missed(value: Any, encoding: str, ascii: bool) -> None:
    """Whatever is in the texts between them, and in whatever encoding they come."""
    text = json.dumps(value, ensure_ascii=ascii)
    body = text.encode(encoding, "surrogatepass")
    empty = text.count("[]") + text.count("{}")
    assert built(value) <= values_in(body) <= min(built(value) + empty, at_most(body))


_TEXTS = ["a, [b], {c} " * 1000 + '"', '\\\\ \\" ,' * 1000 + '"', "\\u005b" + "," * 9000 + '"', "[" * 9000]


@pytest.mark.parametrize("text", _TEXTS)
def test_what_is_in_a_text_is_no_value(text: str) -> None:
    assert values_in(f'["{text}'.encode()) <= 2


@pytest.mark.parametrize("one", ['"', '""', '\\"', "\\", '"\\', "[", '","', '{"a":', "\u2200"])
def test_counting_takes_linear_time(one: str) -> None:
    """Twice the text takes twice the time, with room for a busy machine."""

    def seconds(times: int) -> float:
        body = (one * times).encode()
        took = []
        for _ in range(3):
            began = time.process_time()
            values_in(body)
            took.append(time.process_time() - began)
        return min(took)

    assert seconds(400_000) <= 5 * seconds(200_000) + 0.05
