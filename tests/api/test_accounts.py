"""Accounts: who comes in, how long it counts, and what slows down those who guess."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient
from pydantic import SecretStr
from sqlalchemy import func, update
from sqlmodel import col, select

from engine.db.session import Database
from engine.security import digest
from engine.settings import Settings
from models.tables import AccessToken, Invitation, RefreshToken, Throttle, User
from models.tables.projects import Role
from tests.api.conftest import PASSWORD, Json, problem, refused, registered, serving
from tests.conftest import Order

pytestmark = pytest.mark.integration

# Who is limited there leaves those of the other tests alone.
SOMEWHERE = "203.0.113.9"
OTHER = "fog-quay-shed-rope"


def address() -> str:
    return f"{uuid4().hex}@example.org"


async def account(api: AsyncClient) -> tuple[str, Json]:
    """A new account's address and its first login."""
    email = address()
    await registered(api, email)
    return email, (await login(api, email)).json()


async def login(api: AsyncClient, email: str, password: str = PASSWORD) -> Any:
    return await api.post("/api/v1/auth/login", data={"username": email, "password": password})


async def refresh(api: AsyncClient, token: str) -> Any:
    return await api.post("/api/v1/auth/refresh", json={"refresh_token": token})


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def works(api: AsyncClient, token: str) -> bool:
    return (await api.get("/api/v1/auth/me", headers=bearing(token))).status_code == 200


async def test_who_has_registered_comes_in(api: AsyncClient) -> None:
    """What was registered is what `me` says, in whatever case the address is typed; nobody learns the password."""
    email = address()
    made = await api.post("/api/v1/auth/register", json={"email": email, "password": PASSWORD, "name": "Mara"})
    assert (made.status_code, made.json()["email"], made.json()["name"]) == (201, email, "Mara")
    assert set(made.json()) == {"id", "email", "name", "created_at"}
    tokens = (await login(api, email.upper())).json()
    assert (await api.get("/api/v1/auth/me", headers=bearing(tokens["access_token"]))).json() == made.json()


async def test_an_address_has_one_account(api: AsyncClient) -> None:
    """Whatever its case."""
    email, _ = await account(api)
    again = await api.post("/api/v1/auth/register", json={"email": email.upper(), "password": OTHER})
    assert problem(again) == refused(409, "conflict")


@pytest.mark.parametrize("password", ["password12", "aaaaaaaaaaaa", "1234567890", "qwertyuiop", "MARA-ADDRESS"])
async def test_a_password_that_would_be_guessed_is_refused(api: AsyncClient, password: str) -> None:
    """Well-known ones, and those made of what everybody knows of the account."""
    email = f"mara.address.{uuid4().hex[:6]}@example.org"
    answer = await api.post(
        "/api/v1/auth/register", json={"email": email, "password": password, "name": "Mara Address"}
    )
    assert problem(answer) == refused(422, "bad-input")
    assert password not in answer.text


@pytest.mark.parametrize("email", ["nobody", "@example.org", "a b@example.org", "a@b@c\n", "", "a@\x00"])
async def test_what_is_no_address_is_refused(api: AsyncClient, email: str) -> None:
    """Before anything is hashed or stored."""
    answer = await api.post("/api/v1/auth/register", json={"email": email, "password": PASSWORD})
    assert problem(answer) == refused(422, "validation")


async def test_an_unknown_account_is_answered_as_a_wrong_password_is(api: AsyncClient) -> None:
    """The same words, and the same work: whether an account exists is not to be learned from either."""
    email, _ = await account(api)
    took: dict[str, list[float]] = {"known": [], "unknown": []}
    said = set()
    for _ in range(6):
        for who, tried in (("known", email), ("unknown", address())):
            began = time.perf_counter()
            answer = await login(api, tried, "not-the-right-password")
            took[who].append(time.perf_counter() - began)
            said.add((answer.status_code, answer.json()["detail"], answer.headers["WWW-Authenticate"]))
    assert len(said) == 1
    # An answer without a hash would come in a tenth of the time. The least: what else the machine does only adds.
    assert 0.4 < min(took["unknown"]) / min(took["known"]) < 2.5


async def test_a_refresh_token_counts_once(api: AsyncClient) -> None:
    """The next one works; one that was used ends nothing when it comes at once, for windows may race."""
    _, tokens = await account(api)
    following = (await refresh(api, tokens["refresh_token"])).json()
    assert problem(await refresh(api, tokens["refresh_token"])) == refused(401, "unauthorized")
    assert (await refresh(api, following["refresh_token"])).status_code == 200


async def test_a_used_refresh_token_that_comes_back_later_ends_the_login(api: AsyncClient, database: Database) -> None:
    """It is in two hands. Its access tokens end with it; the account's other logins do not."""
    email, tokens = await account(api)
    other = (await login(api, email)).json()
    following = (await refresh(api, tokens["refresh_token"])).json()
    async with database.session() as session:
        await session.exec(
            update(RefreshToken)
            .where(col(RefreshToken.token_hash) == digest(tokens["refresh_token"]))
            .values(used_at=func.clock_timestamp() - timedelta(seconds=11))
        )
    assert (await refresh(api, tokens["refresh_token"])).status_code == 401
    assert (await refresh(api, following["refresh_token"])).status_code == 401
    assert not await works(api, following["access_token"])
    assert await works(api, other["access_token"])


async def test_of_twenty_refreshes_at_once_one_wins(api: AsyncClient) -> None:
    """And the login goes on with what the winner got."""
    _, tokens = await account(api)
    answers = await asyncio.gather(*(refresh(api, tokens["refresh_token"]) for _ in range(20)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert (len(won), {answer.status_code for answer in answers}) == (1, {200, 401})
    assert (await refresh(api, won[0].json()["refresh_token"])).status_code == 200


async def test_refreshing_is_limited(api: AsyncClient) -> None:
    """Each leaves a row for a month: one login does it sixty times an hour, and others go on meanwhile."""
    email, tokens = await account(api)
    other = (await login(api, email)).json()
    following = tokens["refresh_token"]
    for _ in range(60):
        following = (await refresh(api, following)).json()["refresh_token"]
    assert problem(await refresh(api, following)) == refused(429, "too-many")
    assert (await refresh(api, other["refresh_token"])).status_code == 200


async def test_after_logging_out_nothing_of_it_counts(api: AsyncClient) -> None:
    """Neither its refresh token nor its access token."""
    _, tokens = await account(api)
    out = await api.post("/api/v1/auth/logout", headers=bearing(tokens["access_token"]))
    assert out.status_code == 204
    assert not await works(api, tokens["access_token"])
    assert (await refresh(api, tokens["refresh_token"])).status_code == 401


async def test_a_new_password_ends_the_other_logins(api: AsyncClient) -> None:
    """The one that changed it goes on; the old password does not count any more."""
    email, mine = await account(api)
    other = (await login(api, email)).json()
    path, headers = "/api/v1/auth/password", bearing(mine["access_token"])
    wrong = await api.post(path, headers=headers, json={"password": OTHER, "new_password": OTHER})
    assert problem(wrong) == refused(401, "unauthorized")
    done = await api.post(path, headers=headers, json={"password": PASSWORD, "new_password": OTHER})
    assert done.status_code == 204
    assert (await works(api, mine["access_token"]), await works(api, other["access_token"])) == (True, False)
    assert (await refresh(api, other["refresh_token"])).status_code == 401
    assert [(await login(api, email, word)).status_code for word in (PASSWORD, OTHER)] == [401, 200]


async def test_who_guesses_has_to_wait(api: AsyncClient, api_settings: Settings) -> None:
    """At one account from one address; in every process, and after a restart. Others are let in meanwhile."""
    email, _ = await account(api)
    stranger, _ = await account(api)
    strict = api_settings.model_copy(update={"login_tries": 3})
    async with serving(strict, address=SOMEWHERE) as one, serving(strict, address=SOMEWHERE) as two:
        tried = [(await login(api, email, OTHER)).status_code for api in (one, two, one)]
        held = await login(two, email, PASSWORD)
        assert (await login(two, stranger)).status_code == 200
    async with serving(strict, address=SOMEWHERE) as restarted:
        assert problem(await login(restarted, email)) == refused(429, "too-many")
    assert tried == [401, 401, 401]
    assert problem(held) == refused(429, "too-many")
    assert 1 <= int(held.headers["Retry-After"]) <= 300


async def test_twenty_guesses_at_once_are_counted_one_by_one(api: AsyncClient, api_settings: Settings) -> None:
    """No two of them take the same try."""
    email, _ = await account(api)
    strict_settings = api_settings.model_copy(update={"login_tries": 3})
    async with serving(strict_settings, address=SOMEWHERE) as strict:
        answers = await asyncio.gather(*(login(strict, email, OTHER) for _ in range(20)))
    codes = [answer.status_code for answer in answers]
    assert (codes.count(401), codes.count(429)) == (3, 17)


async def test_one_who_guesses_locks_nobody_out(api: AsyncClient, api_settings: Settings) -> None:
    """However often one address tries in vain, the account's owner comes in from another."""
    email, _ = await account(api)
    strict = api_settings.model_copy(update={"login_tries": 2})
    async with serving(strict, address="203.0.113.10") as guesser:
        for _ in range(25):
            await login(guesser, email, OTHER)
    async with serving(strict, address="203.0.113.11") as owner:
        assert (await login(owner, email)).status_code == 200


async def test_a_network_counts_as_one(api: AsyncClient, api_settings: Settings) -> None:
    """Of IPv6 everybody has as many addresses as they like, all in one /64; the next one is somebody else's."""
    email, _ = await account(api)
    strict = api_settings.model_copy(update={"login_tries": 1})
    codes = []
    for address in ("2001:db8::1", "2001:db8::2:3:4:5", "2001:db8:0:1::1"):
        async with serving(strict, address=address) as guesser:
            codes.append((await login(guesser, email, OTHER)).status_code)
    assert codes == [401, 429, 401]


async def test_what_was_guessed_at_leaves_no_address_behind(api: AsyncClient, database: Database) -> None:
    """Whoever reads the table of tries learns neither names nor passwords."""
    email, _ = await account(api)
    await login(api, email, OTHER)
    async with database.session() as session:
        keys = (await session.exec(select(Throttle.key))).all()
    assert keys
    assert not [key for key in keys if email in key or OTHER in key]


async def test_registering_is_limited(api: AsyncClient, api_settings: Settings) -> None:
    """From one address."""
    strict_settings = api_settings.model_copy(update={"registrations": 1})
    async with serving(strict_settings, address=SOMEWHERE) as strict:
        answers = [
            await strict.post("/api/v1/auth/register", json={"email": address(), "password": PASSWORD})
            for _ in range(2)
        ]
    assert answers[-1].status_code == 429


@pytest.mark.parametrize(("how", "status"), [("closed", 403), ("invited", 403), ("open", 201)])
async def test_an_installation_says_who_may_register(
    api: AsyncClient, api_settings: Settings, how: str, status: int
) -> None:
    """Everybody, those who were invited, or nobody."""
    async with serving(api_settings.model_copy(update={"registration": how})) as other:
        answer = await other.post("/api/v1/auth/register", json={"email": address(), "password": PASSWORD})
    assert answer.status_code == status


async def test_who_registers_an_invited_address_needs_the_code(api: AsyncClient, api_settings: Settings) -> None:
    """Addresses are not verified: someone else's code, no code, or the code with another address let nobody in.

    Afterwards, the invitation is accepted with the same code.
    """
    invited, other = address(), address()
    project_id = (await api.post("/api/v1/projects", json={"title": "Mine"})).json()["id"]
    where = f"/api/v1/projects/{project_id}/invitations"
    codes = {
        one: (await api.post(where, json={"email": one, "role": "editor"})).json()["code"] for one in (invited, other)
    }
    async with serving(api_settings.model_copy(update={"registration": "invited"})) as strict:

        async def register(email: str, **more: str) -> int:
            body = {"email": email, "password": PASSWORD, **more}
            return (await strict.post("/api/v1/auth/register", json=body)).status_code

        assert await register(invited) == 403
        assert await register(invited, code="") == 403
        assert await register(invited, code="\x00") == 403
        assert await register(invited, code=codes[other]) == 403
        assert await register(address(), code=codes[invited]) == 403
        assert await register(invited.upper(), code=codes[invited]) == 201
        tokens = (await strict.post("/api/v1/auth/login", data={"username": invited, "password": PASSWORD})).json()
        mine = bearing(tokens["access_token"])
        answer = await strict.post("/api/v1/invitations/accept", json={"code": codes[invited]}, headers=mine)
        assert (answer.status_code, answer.json()["project_id"]) == (200, project_id)


async def test_a_token_for_scripts_does_what_it_may_and_no_more(api: AsyncClient) -> None:
    """One that may read reads; none touches the account; a revoked one does nothing."""
    _, tokens = await account(api)
    mine = bearing(tokens["access_token"])
    project = (await api.post("/api/v1/projects", headers=mine, json={"title": "Mine"})).json()
    new = {"name": "a script", "scopes": ["read"]}
    made = (await api.post("/api/v1/auth/tokens", headers=mine, json=new)).json()
    script = bearing(made["token"])
    assert (await api.get(f"/api/v1/projects/{project['id']}", headers=script)).status_code == 200
    for answer in (
        await api.post("/api/v1/projects", headers=script, json={"title": "Another"}),
        await api.post("/api/v1/auth/tokens", headers=script, json=new),
        await api.get("/api/v1/auth/tokens", headers=script),
        await api.post("/api/v1/auth/password", headers=script, json={"password": PASSWORD, "new_password": OTHER}),
    ):
        assert problem(answer) == refused(403, "forbidden")
    listed = (await api.get("/api/v1/auth/tokens", headers=mine)).json()["items"]
    assert [(one["id"], one["last_used_at"] is not None) for one in listed] == [(made["id"], True)]
    assert made["token"] not in str(listed)
    gone = await api.delete(f"/api/v1/auth/tokens/{made['id']}", headers=mine)
    assert (gone.status_code, await works(api, made["token"])) == (204, False)


async def test_tokens_for_scripts_come_page_by_page(api: AsyncClient) -> None:
    """The oldest first; a cursor of another list is none of theirs."""
    _, tokens = await account(api)
    mine, path = bearing(tokens["access_token"]), "/api/v1/auth/tokens"
    made = [(await api.post(path, headers=mine, json={"name": f"{number}"})).json()["id"] for number in range(3)]
    first = (await api.get(path, headers=mine, params={"limit": 2})).json()
    rest = (await api.get(path, headers=mine, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in (*first["items"], *rest["items"])] == made
    assert rest["next_cursor"] is None
    foreign = await api.get("/api/v1/invitations", headers=mine, params={"cursor": first["next_cursor"]})
    assert problem(foreign) == refused(422, "bad-input")


async def test_a_token_for_one_project_opens_that_one_alone(api: AsyncClient) -> None:
    """Others of the same account are not there, and no new one can be made."""
    _, tokens = await account(api)
    mine = bearing(tokens["access_token"])
    one, two = [(await api.post("/api/v1/projects", headers=mine, json={"title": t})).json()["id"] for t in "AB"]
    new = {"name": "a script", "scopes": ["read", "write"], "project_id": one}
    script = bearing((await api.post("/api/v1/auth/tokens", headers=mine, json=new)).json()["token"])
    assert (await api.get(f"/api/v1/projects/{one}", headers=script)).status_code == 200
    assert (await api.get(f"/api/v1/projects/{two}", headers=script)).status_code == 404
    assert [row["id"] for row in (await api.get("/api/v1/projects", headers=script)).json()["items"]] == [one]
    assert (await api.post("/api/v1/projects", headers=script, json={"title": "C"})).status_code == 403
    foreign = await api.post("/api/v1/auth/tokens", headers=mine, json=new | {"project_id": str(uuid4())})
    assert foreign.status_code == 404


async def test_an_expired_token_for_scripts_does_nothing(api: AsyncClient, database: Database) -> None:
    """Its date is looked at, not only its name."""
    _, tokens = await account(api)
    made = await api.post("/api/v1/auth/tokens", headers=bearing(tokens["access_token"]), json={"name": "a script"})
    async with database.session() as session:
        await session.exec(
            update(AccessToken)
            .where(col(AccessToken.token_hash) == digest(made.json()["token"]))
            .values(expires_at=datetime.now(UTC) - timedelta(seconds=1))
        )
    assert not await works(api, made.json()["token"])


async def test_an_account_goes_when_its_projects_have(api: AsyncClient, database: Database) -> None:
    """Not without the password, not while projects belong to it; then with its logins and tokens."""
    email, tokens = await account(api)
    mine = bearing(tokens["access_token"])
    project = (await api.post("/api/v1/projects", headers=mine, json={"title": "Mine"})).json()

    async def leave(password: str) -> int:
        answer = await api.request("DELETE", "/api/v1/auth/me", headers=mine, json={"password": password})
        return answer.status_code

    assert [await leave(OTHER), await leave(PASSWORD)] == [401, 409]
    await api.delete(f"/api/v1/projects/{project['id']}", headers=mine)
    assert (await leave(PASSWORD), await works(api, tokens["access_token"])) == (204, False)
    assert (await login(api, email)).status_code == 401
    async with database.session() as session:
        assert (await session.exec(select(User).where(User.email == email))).first() is None


async def test_nothing_that_opens_something_is_kept_as_it_is(api: AsyncClient, database: Database) -> None:
    """Whoever reads the database cannot come in with what is in it."""
    email, tokens = await account(api)
    mine = bearing(tokens["access_token"])
    made = (await api.post("/api/v1/auth/tokens", headers=mine, json={"name": "a script"})).json()
    ticket = (await api.post("/api/v1/auth/ws-ticket", headers=mine)).json()
    async with database.engine.connect() as connection:
        tables = ("users", "refresh_tokens", "access_tokens", "tickets")
        rows = [str((await connection.exec_driver_sql(f"SELECT * FROM {name}")).all()) for name in tables]  # noqa: S608  # names of ours
    kept = "".join(rows)
    assert email in kept
    for secret in (PASSWORD, tokens["refresh_token"], tokens["access_token"], made["token"], ticket["ticket"]):
        assert secret not in kept


async def test_a_new_secret_leaves_old_tokens_in_force_while_it_is_told_of_the_old_one(
    api: AsyncClient, api_settings: Settings
) -> None:
    """And not a moment longer."""
    _, tokens = await account(api)
    rotated = api_settings.model_copy(
        update={"secret_key": SecretStr("a new secret"), "old_secret_keys": [api_settings.secret_key]}
    )
    async with serving(rotated) as other:
        assert await works(other, tokens["access_token"])
    async with serving(rotated.model_copy(update={"old_secret_keys": []})) as other:
        assert not await works(other, tokens["access_token"])


async def test_whoever_leaves_is_not_waited_for(api: AsyncClient, database: Database, order: Order) -> None:
    """Invitations to the address of a deleted account go with it: it says who somebody was."""
    ordered = await order()
    email = f"{uuid4().hex}@example.org"
    headers = {"Authorization": await registered(api, email)}
    async with database.session() as session:
        session.add(
            Invitation(
                project_id=ordered.run.project_id,
                email=email.upper(),
                role=Role.VIEWER,
                token_hash=uuid4().hex,
                expires_at=datetime.now(UTC) + timedelta(days=1),
            )
        )
    gone = await api.request("DELETE", "/api/v1/auth/me", json={"password": PASSWORD}, headers=headers)
    assert gone.status_code == 204, gone.text
    async with database.session() as session:
        found = await session.exec(select(Invitation).where(Invitation.project_id == ordered.run.project_id))
        assert found.all() == []
