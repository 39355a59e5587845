"""Who can reach the API is decided before it listens."""

import pytest

from api.serve import serve_api
from engine.errors import BadInput
from engine.settings import Settings

pytestmark = pytest.mark.unit


FOREIGN = ["0.0.0.0", "::", "192.168.1.4", "example.org", "", "127.0.0.1.example.org"]  # noqa: S104  # refused, not bound


@pytest.mark.parametrize("host", FOREIGN)
def test_without_being_asked_it_serves_this_machine_alone(host: str) -> None:
    """Anything but loopback needs INKLOOM_ALLOW_REMOTE; the refusal says so."""
    with pytest.raises(BadInput, match="INKLOOM_ALLOW_REMOTE"):
        serve_api(Settings(api_host=host))
