"""`admin providers`: a paused provider gets no call until it is resumed; a probe tells whether it is there."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import delete
from sqlmodel import col

from engine.db.session import Database
from engine.errors import BadInput, ProviderBusy, ProviderDown
from engine.money import circuits, ledger
from engine.settings import Settings
from inkloom.admin import probing, providers
from inkloom.arguments import ProviderKind
from models.tables import Circuit
from tests.conftest import Order
from tests.fakes.server import Answer, Asked, Server
from tests.support.calls import ask, costly
from tests.support.servers import NOWHERE

pytestmark = pytest.mark.integration

KEY = "sk-of-a-test-0123456789"
BASIC = f"Basic {b64encode(b'ada:lamp').decode()}"


@pytest.fixture
async def installation(settings: Settings, database: Database, database_url: str) -> AsyncIterator[Settings]:
    yield settings.model_copy(update={"database_url": database_url, "temporal_address": NOWHERE})
    async with database.session() as session:
        await session.exec(delete(Circuit).where(col(Circuit.key).contains(":anthropic")))


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


async def test_a_paused_provider_gets_no_call(
    installation: Settings, database: Database, order: Order, capsys: pytest.CaptureFixture[str]
) -> None:
    """Calls wait, or go to the next provider; a stored answer needs none. Resumed, they are sent."""
    ordered = await order()
    before = await ask(database, costly(ordered, "answered", "0", provider="anthropic", model="one"))
    assert isinstance(before, ledger.Grant)
    await providers.pause_command(installation, "anthropic", None, "invoice disputed", as_json=True)
    assert told(capsys) == {"provider": "anthropic", "kinds": ["llm"], "paused": True, "changed": True}
    for model in ("one", "two", ""):
        refused = await ask(database, costly(ordered, f"new {model}", "0", provider="anthropic", model=model))
        assert isinstance(refused, ProviderBusy)
        assert "anthropic was paused by an operator, until it is resumed: invoice disputed." in refused.message
        assert refused.retryable
    gives_way = costly(ordered, "another", "0", provider="anthropic", model="one", gives_way=True)
    assert isinstance(await ask(database, gives_way), ProviderDown)
    # Another answer of the provider does not end the pause.
    async with database.session() as session:
        await circuits.settled(session, "llm", "anthropic", "", None)
    await providers.pause_command(installation, "anthropic", ProviderKind.LLM, "again", as_json=True)
    assert told(capsys)["changed"] is False
    await providers.list_command(installation, as_json=True)
    [listed] = [one for one in told(capsys)["providers"] if one["provider"] == "anthropic"]
    assert (listed["paused_because"], listed["missing_settings"]) == ("invoice disputed", ["ANTHROPIC_API_KEY"])
    await providers.resume_command(installation, "anthropic", None, as_json=True)
    assert told(capsys)["changed"] is True
    assert isinstance(
        await ask(database, costly(ordered, "new one", "0", provider="anthropic", model="one")), ledger.Grant
    )


async def test_resuming_forgets_failures_of_this_provider_alone(
    installation: Settings, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """A provider that is back is asked by all calls again; one with a longer name is another one."""
    down = ProviderBusy("it answered 503.")
    async with database.session() as session:
        for _ in range(circuits.OPEN_AFTER):
            await circuits.settled(session, "llm", "anthropic", "one", down)
            await circuits.settled(session, "llm", "anthropic-eu", "one", down)
    await providers.list_command(installation, as_json=True)
    [listed] = [one for one in told(capsys)["providers"] if one["provider"] == "anthropic"]
    [circuit] = listed["circuits"]
    assert (circuit["model"], circuit["open"], circuit["said"]) == ("one", True, "it answered 503.")
    await providers.list_command(installation, as_json=False)
    assert "one: 3 failures" in capsys.readouterr().out
    await providers.resume_command(installation, "anthropic", None, as_json=True)
    async with database.session() as session:
        assert await circuits.state_of(session, "llm", "anthropic", "one") is None
        assert await circuits.state_of(session, "llm", "anthropic-eu", "one") is not None


@pytest.mark.parametrize(
    ("provider", "kind", "said"),
    [
        ("nothing", None, "There is no provider 'nothing'"),
        ("anthropic", ProviderKind.IMAGES, "anthropic is none"),
        ("offline", None, "there is nothing to pause"),
    ],
)
async def test_only_what_can_be_paused_is(
    installation: Settings, provider: str, kind: ProviderKind | None, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        await providers.pause_command(installation, provider, kind, "", as_json=True)


class Vendor(Server):
    """Lists its models for those who have the key."""

    async def respond(self, asked: Asked) -> Answer:
        sent = " ".join(asked.headers.values())
        if KEY in sent or BASIC in sent or asked.path == "/api/tags":
            return Answer({"data": [], "object": "list"}, headers={"Content-Type": "application/json"})
        return Answer({"error": {"message": f"Incorrect API key: {sent}", "code": "invalid_api_key"}}, status=401)


@pytest.mark.parametrize(
    ("provider", "configured", "path"),
    [
        ("openai", {"openai_api_key": KEY, "openai_base_url": "{}/v1/"}, "/v1/models"),
        ("anthropic", {"anthropic_api_key": KEY, "anthropic_base_url": "{}"}, "/v1/models"),
        ("ollama", {"ollama_host": "{}"}, "/api/tags"),
        ("local", {"local_image_url": "{}", "local_image_auth": "ada:lamp"}, "/sdapi/v1/options"),
    ],
)
async def test_a_probe_asks_for_something_free(
    provider: str, configured: dict[str, str], path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One request, with the key of calls, to the address of calls."""
    async with Vendor() as vendor:
        settings = Settings.model_validate({name: value.format(vendor.url) for name, value in configured.items()})
        assert await probing.probe_command(settings, provider, as_json=True) == 0
        assert [(one.method, one.path) for one in vendor.asked] == [("GET", path)]
    assert told(capsys)["providers"][0]["ok"]


async def test_a_probe_says_what_is_wrong_and_never_the_key(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong key, a server that is gone, a provider that is not configured."""
    wrong = "sk-of-someone-else-987654"
    async with Vendor() as vendor:
        settings = Settings.model_validate({"openai_api_key": wrong, "openai_base_url": vendor.url})
        assert await probing.probe_command(settings, "openai", as_json=True) == 1
    shown = capsys.readouterr().out
    assert "Incorrect API key" in shown
    assert wrong not in shown
    assert await probing.probe_command(settings, None, as_json=False) == 1
    shown = capsys.readouterr().out
    assert "openai" in shown
    assert "offline" in shown
    with pytest.raises(BadInput, match="ANTHROPIC_API_KEY"):
        await probing.probe_command(settings, "anthropic", as_json=True)
    with pytest.raises(BadInput, match="There is no provider"):
        await probing.probe_command(settings, "nothing", as_json=True)
