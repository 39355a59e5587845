"""What takes long is done before the API says that it is ready."""

import pytest

from api.app import create_app
from api.http import openapi
from engine.settings import Settings
from tests.support.passwords import cheap_passwords

pytestmark = pytest.mark.integration


async def test_the_document_is_built_before_the_first_request(
    api_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes seconds, during which the event loop would answer nobody. A second application builds it no second
    time.
    """
    monkeypatch.setattr(openapi, "_BUILT", {})
    first, second = (create_app(api_settings, cheap_passwords()) for _ in range(2))
    assert first.openapi_schema is None
    async with first.router.lifespan_context(first):
        assert first.openapi_schema is not None
        assert "Problem" in first.openapi_schema["components"]["schemas"]
    async with second.router.lifespan_context(second):
        assert second.openapi() is first.openapi()
