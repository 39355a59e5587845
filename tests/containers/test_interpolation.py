"""What the tests of the compose file's environment take from it is what Compose would."""

import pytest

from tests.support.compose_processes import interpolated

pytestmark = pytest.mark.unit


def test_values_are_interpolated_as_compose_does() -> None:
    given = {"A": "x$y", "EMPTY": ""}
    assert interpolated("${A}-${B:-c}-${EMPTY:-d}-${N:-${A},e}-$$1", given) == "x$y-c-d-x$y,e-$1"
    assert interpolated("${A:?why}", given) == "x$y"
    with pytest.raises(KeyError, match="why"):
        interpolated("${EMPTY:?why}", given)
