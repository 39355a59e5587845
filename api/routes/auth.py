"""Accounts: registration, logins and tokens."""

import asyncio
import hashlib
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, status
from fastapi.security import OAuth2PasswordRequestForm
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.http.clients import counted_as
from api.http.deps import Asking, Owned, Person, Resources, Session, forget, is_local
from api.http.paging import Listing, Paged, listed
from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID, CONFLICT, NOT_FOUND, TOO_MANY, refusal
from engine.errors import Conflict, Forbidden, TooMany, Unauthorized
from engine.security import MAX_PASSWORD, MIN_PASSWORD, refuse_weak
from engine.store import accounts, rows, throttles
from models.numbers import Number
from models.tables import Project, User
from models.tables.accounts import TokenScope
from models.texts import Email, Name, NameIfAny

router = APIRouter(prefix="/auth", tags=["accounts"])

WRONG = "The e-mail address or the password is wrong."
A_QUARTER = timedelta(minutes=15)
TICKET = timedelta(seconds=30)
# Refreshes of one login per hour: each leaves a row until it expires, and an access token lasts a minute at least.
REFRESHES = 60

WEAK = refusal(422, "bad-input", "The password is easy to guess.", "A password has 10 to 128 characters.")

Password = Annotated[str, Field(min_length=MIN_PASSWORD, max_length=MAX_PASSWORD)]


class Registration(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "email": "mara@example.org",
                    "password": "harbour-lamp-two-keys",
                    "name": "Mara",
                    "code": "q3ZvZ0kq…",
                }
            ]
        },
    )

    email: Email
    password: Password
    name: NameIfAny = ""
    code: str = Field(
        default="",
        max_length=200,
        description="the code of an invitation to this address, where only invited people may register;"
        " it stays valid for accepting the invitation",
    )


class UserOut(BaseModel):
    """An account. Without an address, it is the local owner's, before an account takes it over."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [{"id": AN_ID, "email": "mara@example.org", "name": "Mara", "created_at": A_MOMENT}]
        },
    )

    id: UUID
    email: str | None
    name: str
    created_at: datetime


class UserChange(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Mara Quill"}]})

    name: NameIfAny


class TokensOut(BaseModel):
    """The tokens of a login: send `access_token` with requests; exchange `refresh_token` once for new ones."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "access_token": "eyJhbGciOiJIUzI1NiIs…",
                    "token_type": "bearer",
                    "expires_in": 900,
                    "refresh_token": "q3ZvZ0kq…",
                }
            ]
        }
    )

    access_token: str
    token_type: str = "bearer"  # noqa: S105  # the kind of token, by RFC 6750
    expires_in: int = Field(description="seconds")
    refresh_token: str


class Refresh(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"refresh_token": "q3ZvZ0kq…"}]})

    refresh_token: str = Field(max_length=200)


class PasswordChange(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"password": "harbour-lamp-two-keys", "new_password": "fog-quay-shed-rope"}]},
    )

    password: str = Field(max_length=MAX_PASSWORD, description="the current password")
    new_password: Password


class Farewell(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"password": "harbour-lamp-two-keys"}]})

    password: str = Field(max_length=MAX_PASSWORD)


class NewToken(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "nightly batch", "scopes": ["read", "write"], "days": 90}]},
    )

    name: Name
    scopes: list[TokenScope] = Field(default=[TokenScope.READ], min_length=1, max_length=2)
    project_id: UUID | None = Field(default=None, description="the only project that the token can access")
    days: Annotated[int, Field(ge=1, le=3650), Number] | None = Field(
        default=90, description="days until it expires; null: valid until revoked"
    )


class TokenOut(BaseModel):
    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "name": "nightly batch",
                    "scopes": ["read", "write"],
                    "project_id": ANOTHER_ID,
                    "created_at": A_MOMENT,
                    "expires_at": A_MOMENT,
                    "last_used_at": A_MOMENT,
                }
            ]
        },
    )

    id: UUID
    name: str
    scopes: list[TokenScope]
    project_id: UUID | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="to the minute")


class TokenMade(TokenOut):
    """A personal access token, with its secret, which is shown only now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "name": "nightly batch",
                    "scopes": ["read", "write"],
                    "project_id": ANOTHER_ID,
                    "created_at": A_MOMENT,
                    "expires_at": A_MOMENT,
                    "last_used_at": A_MOMENT,
                    "token": "ikl_q3ZvZ0kq…",
                }
            ]
        }
    )

    token: str = Field(description="shown only now")


class TicketOut(BaseModel):
    """Opens one WebSocket, or Temporal's UI, once, within `expires_in` seconds: `…?ticket=`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ticket": "q3ZvZ0kq…", "expires_in": 30}]})

    ticket: str
    expires_in: int


@router.post("/register", status_code=201, summary="Register an account", responses={**CONFLICT, **TOO_MANY, **WEAK})
async def register(body: Registration, owned: Owned, request: Request) -> UserOut:
    """If `up` runs the API, the first account registered on this machine takes over what the command line made."""
    hour = timedelta(hours=1)
    await _count(owned, {f"register:{counted_as(request.scope)}": (owned.settings.registrations, hour)})
    await asyncio.to_thread(refuse_weak, body.password, body.email, body.name)
    async with owned.database.session() as session:
        await _refuse_uninvited(session, owned, body.email, body.code)
    # Before the lookup, so that known and unknown addresses take the same time.
    password_hash = await owned.passwords.hash(body.password)
    claim = owned.settings.local_owner and await is_local(request)
    async with owned.database.session() as session:
        user = await accounts.register(session, body.email, body.name, password_hash, claim=claim)
        return UserOut.model_validate(user)


@router.post("/login", summary="Log in", responses=TOO_MANY)
async def login(form: Annotated[OAuth2PasswordRequestForm, Depends()], owned: Owned, request: Request) -> TokensOut:
    """`username` is the e-mail address. Too many attempts, at one account or many, are delayed."""
    address, tries = counted_as(request.scope), owned.settings.login_tries
    async with owned.database.session() as session:
        user = await accounts.by_email(session, form.username)
        # The database decides which spellings are one account, so an account is counted by what it found.
        account = _short(str(user.id) if user else accounts.canonical(form.username))
        pair = f"login:{account}:{address}"
        trusted = await throttles.proven(session, pair)
    limits = {pair: (tries, A_QUARTER), f"login:from:{address}": (10 * tries, A_QUARTER)}
    if not trusted:
        # Guesses from elsewhere must not lock out those who logged in from this address before.
        limits[f"login:at:{account}"] = (10 * tries, A_QUARTER)
    await _count(owned, limits)
    if not await owned.passwords.match(form.password, user.password_hash if user else None) or user is None:
        raise Unauthorized(WRONG)
    async with owned.database.session() as session:
        await throttles.refill(session, pair)
        await throttles.prove(session, pair)
        refresh_token, family = await accounts.log_in(session, user, timedelta(days=owned.settings.refresh_days))
    return _tokens(owned, user.id, refresh_token, family)


@router.post("/refresh", summary="Exchange a refresh token", responses=TOO_MANY)
async def refresh(body: Refresh, owned: Owned) -> TokensOut:
    """Each refresh token is valid once. Using it again later ends the login, because the token may be stolen."""
    lifetime = timedelta(days=owned.settings.refresh_days)
    async with owned.database.session() as session:
        family = await accounts.family_of(session, body.refresh_token)
    if family is not None:
        await _count(owned, {f"refresh:{family}": (REFRESHES, timedelta(hours=1))})
    async with owned.database.session() as session:
        found = await accounts.refresh(session, body.refresh_token, lifetime)
    if found is None:
        # The refresh may have ended the login.
        forget(owned)
        raise Unauthorized(accounts.STALE)
    user_id, following, family = found
    return _tokens(owned, user_id, following, family)


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT, summary="Log out")
async def logout(owned: Owned, person: Person) -> None:
    """Ends its access tokens too: at once in this process, within seconds in others."""
    if person.family is None:
        raise Conflict("There is no login to end: the local owner needs none.")
    async with owned.database.session() as session:
        await accounts.end(session, family=person.family)
    forget(owned)


@router.get("/me", summary="Read my account")
async def me(session: Session, asking: Asking) -> UserOut:
    return UserOut.model_validate(await accounts.user(session, asking.user_id))


@router.patch("/me", summary="Change my name")
async def change_me(body: UserChange, session: Session, person: Person) -> UserOut:
    user = await accounts.user(session, person.user_id)
    user.name = body.name
    session.add(user)
    return UserOut.model_validate(user)


@router.delete(
    "/me",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete my account",
    responses={**CONFLICT, **TOO_MANY},
)
async def remove_me(body: Farewell, owned: Owned, person: Person, request: Request) -> None:
    """Delete or transfer the account's projects first."""
    user = await _proven(owned, request, person.user_id, body.password)
    async with owned.database.session() as session:
        await accounts.remove(session, user.id)
    forget(owned)


@router.post(
    "/password",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Change my password",
    responses={**CONFLICT, **TOO_MANY, **WEAK},
)
async def change_password(body: PasswordChange, owned: Owned, person: Person, request: Request) -> None:
    """Ends all other logins. Personal access tokens stay valid: revoke those that should not."""
    user = await _proven(owned, request, person.user_id, body.password)
    await asyncio.to_thread(refuse_weak, body.new_password, user.email or "", user.name)
    password_hash = await owned.passwords.hash(body.new_password)
    async with owned.database.session() as session:
        await accounts.change_password(session, user, password_hash, but=person.family)
    forget(owned)


@router.post("/ws-ticket", status_code=201, summary="Get a ticket for a WebSocket or Temporal's UI")
async def ws_ticket(session: Session, asking: Asking) -> TicketOut:
    """For browsers, which cannot send a header with a WebSocket, nor with a link to `/temporal/?ticket=…`.

    A ticket is valid once, as URLs end up in logs.
    """
    ticket = await accounts.new_ticket(session, asking.user_id, asking.project_id, TICKET, asking.ends_at, asking.login)
    return TicketOut(ticket=ticket, expires_in=int(TICKET.total_seconds()))


@router.post(
    "/tokens",
    status_code=201,
    summary="Create a personal access token",
    responses=NOT_FOUND,
)
async def new_token(body: NewToken, session: Session, person: Person) -> TokenMade:
    """For scripts. The token acts for my account, within its scopes, and cannot change the account itself."""
    if body.project_id is not None:
        await rows.get(session, person.scope, Project, body.project_id)
    lifetime = None if body.days is None else timedelta(days=body.days)
    scopes = sorted(set(body.scopes))
    row, token = await accounts.new_personal_token(
        session, person.user_id, body.name, scopes, body.project_id, lifetime
    )
    return TokenMade(**TokenOut.model_validate(row).model_dump(), token=token)


@router.get("/tokens", summary="List my personal access tokens")
async def tokens(session: Session, person: Person, paging: Paged) -> Listing[TokenOut]:
    return listed(TokenOut, await accounts.personal_tokens(session, person.user_id, paging.after, paging.limit))


@router.delete(
    "/tokens/{token_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Revoke a personal access token",
    responses=NOT_FOUND,
)
async def revoke(token_id: UUID, owned: Owned, person: Person) -> None:
    async with owned.database.session() as session:
        await accounts.revoke_personal(session, person.user_id, token_id)
    forget(owned)


async def _count(owned: Resources, tries: dict[str, tuple[int, timedelta]]) -> None:
    """Count an attempt against each limit; raises `TooMany`. Commits at once: an attempt counts whatever its outcome.

    The narrowest limit comes first, and an attempt that it refuses counts against no other. Otherwise one address could
    use up an account's attempts and lock its owner out.
    """
    wait = 0.0
    async with owned.database.session() as session:
        for key, (many, within) in tries.items():
            if wait := await throttles.take_token(session, key, many, within):
                break
    if wait:
        raise TooMany(f"Too many attempts. Try again in {round(wait)} seconds.", retry_after=wait)


async def _refuse_uninvited(session: AsyncSession, owned: Resources, email: str, code: str) -> None:
    match owned.settings.registration:
        case "closed":
            raise Forbidden("Registration is closed (INKLOOM_REGISTRATION=closed).")
        case "invited" if await accounts.any_registered(session) and not await accounts.invited(session, email, code):
            raise Forbidden(
                "Only people who were invited to a project may register here. Send the code of an invitation to this"
                " address, which the inviter passes on."
            )
        case _:
            return


async def _proven(owned: Resources, request: Request, user_id: UUID, password: str) -> User:
    """The account, if the password is right. Raises `Unauthorized`, or `Conflict` if the account has no password."""
    async with owned.database.session() as session:
        user = await accounts.user(session, user_id)
    if user.password_hash is None:
        raise Conflict("The local owner has no password. Register to get one.")
    key = f"login:{_short(str(user.id))}:{counted_as(request.scope)}"
    await _count(owned, {key: (owned.settings.login_tries, A_QUARTER)})
    if not await owned.passwords.match(password, user.password_hash):
        raise Unauthorized("The password is wrong.")
    return user


def _tokens(owned: Resources, user_id: UUID, refresh_token: str, family: UUID) -> TokensOut:
    lifetime = timedelta(minutes=owned.settings.access_minutes)
    access_token, _ = owned.signer.issue(user_id, family, lifetime)
    return TokensOut(access_token=access_token, expires_in=int(lifetime.total_seconds()), refresh_token=refresh_token)


def _short(account: str) -> str:
    """A key of limited length for an address, which reveals nothing to readers of the table."""
    return hashlib.sha256(account.encode("utf-8", "replace")).hexdigest()[:32]
