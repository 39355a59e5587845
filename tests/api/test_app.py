"""What making an application takes."""

from pathlib import Path

import pytest

from api.app import create_app
from engine.settings import Settings

pytestmark = pytest.mark.unit


def test_a_second_application_works_out_no_route_again(tmp_path: Path) -> None:
    """What FastAPI makes of the routes belongs to the process: of its own, an application has its description alone."""
    settings = Settings(data=tmp_path)
    first, second = create_app(settings), create_app(settings)
    own = [route for route in second.routes if all(route is not other for other in first.routes)]
    assert {getattr(route, "path", None) for route in own} == {"/openapi.json", "/docs", "/docs/assets"}
