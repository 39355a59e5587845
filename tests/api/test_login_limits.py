"""Login limits count accounts, not spellings, and lock no owner out."""

from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from engine.settings import Settings
from tests.api.conftest import PASSWORD, registered, serving

pytestmark = pytest.mark.integration

OTHER = "fog-quay-shed-rope"


async def login(api: AsyncClient, email: str, password: str = PASSWORD) -> Any:
    return await api.post("/api/v1/auth/login", data={"username": email, "password": password})


async def test_another_spelling_is_no_other_account(api: AsyncClient, api_settings: Settings) -> None:
    """Whatever the database takes for the same address shares its tries; so do spellings of one that nobody has."""
    name = uuid4().hex
    await registered(api, f"mimi.{name}@example.org")
    strict = api_settings.model_copy(update={"login_tries": 2})
    spellings = ("mimi", "MIMI", "m\u0130mi", "mim\u0130", " mimi", "m\u0130m\u0130")
    for number, known in enumerate((name, uuid4().hex)):
        async with serving(strict, address=f"203.0.113.{20 + number}") as guesser:
            tried = [(await login(guesser, f"{one}.{known}@example.org", OTHER)).status_code for one in spellings[:5:4]]
            more = [(await login(guesser, f"{one}.{known}@example.org", OTHER)).status_code for one in spellings]
        assert tried == [401, 401]
        assert more == [429] * 6


async def test_many_who_guess_lock_nobody_out(api: AsyncClient, api_settings: Settings) -> None:
    """From an address at which the owner logged in before: attempts from all others count there for nothing."""
    email = f"{uuid4().hex}@example.org"
    await registered(api, email)
    strict = api_settings.model_copy(update={"login_tries": 2})
    async with serving(strict, address="203.0.113.30") as home:
        assert (await login(home, email)).status_code == 200
        for number in range(12):
            async with serving(strict, address=f"198.51.100.{number}") as guesser:
                for _ in range(2):
                    await login(guesser, email, OTHER)
        assert (await login(home, email)).status_code == 200
        guessed = [(await login(home, email, OTHER)).status_code for _ in range(3)]
    async with serving(strict, address="198.51.100.99") as guesser:
        assert (await login(guesser, email, OTHER)).status_code == 429
    assert guessed == [401, 401, 429]
