"""`admin users`: accounts, as those see them who run the installation."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.errors import BadInput
from engine.security import Passwords, refuse_weak
from engine.settings import Settings
from engine.store import operating
from inkloom.admin.printing import age, columns, print_answer
from inkloom.admin.reaching import database_of
from models.tables import User

_SOON = "within seconds, in every process of the API"


async def list_command(settings: Settings, *, like: str, disabled: bool | None, operators: bool, as_json: bool) -> int:
    """`list`: operators in INKLOOM_OPERATORS are marked as such, too."""
    async with database_of(settings) as database, database.session() as session:
        found = await operating.listing(session, like=like, disabled=disabled)
    listed = []
    for one in found:
        operator = one.operator or one.id in settings.operator_ids
        if not operators or operator or one.owner:
            listed.append({**asdict(one), "operator": operator})
    rows = [
        (
            one["email"] or "(not claimed)",
            one["id"],
            "owner" if one["owner"] else "operator" if one["operator"] else "",
            "disabled" if one["disabled_at"] else "",
            one["projects"],
            one["logins"],
            one["tokens"],
            age(one["last_login_at"]),
        )
        for one in listed
    ]
    head = ("account", "id", "runs it", "state", "projects", "logins", "tokens", "last login")
    print_answer({"users": listed}, as_json, columns(head, rows))
    return 0


async def disable_command(settings: Settings, who: str, *, as_json: bool) -> int:
    """`disable`."""
    note = f"is disabled: its logins and tokens end {_SOON}. What it has requested goes on"
    return await _change(settings, who, operating.disable, note, as_json)


async def enable_command(settings: Settings, who: str, *, as_json: bool) -> int:
    """`enable`."""
    return await _change(settings, who, operating.enable, "may log in again", as_json)


async def operator_command(settings: Settings, who: str, operator: bool, *, as_json: bool) -> int:
    """`operator`: one that INKLOOM_OPERATORS names stays one."""

    async def change(session: AsyncSession, user: User) -> None:
        if not operator and user.id in settings.operator_ids:
            raise BadInput(f"INKLOOM_OPERATORS names {user.id}: remove it there, and restart the API.")
        await operating.set_operator(session, user, operator)

    return await _change(settings, who, change, f"is {'now' if operator else 'no longer'} an operator", as_json)


async def owner_command(settings: Settings, who: str, *, as_json: bool) -> int:
    """`owner`."""
    note = "owns this installation now. Projects stay with the accounts that they belong to"
    return await _change(settings, who, operating.make_owner, note, as_json)


async def password_command(settings: Settings, who: str, given: str | None, *, as_json: bool) -> int:
    """`password`: the one that was given, or one that is made and shown this once."""
    password = secrets.token_urlsafe(18) if given is None else given.rstrip("\r\n")
    async with database_of(settings) as database:
        async with database.session() as session:
            user = await operating.find(session, who)
        if given is not None:
            await asyncio.to_thread(refuse_weak, password, user.email or "", user.name)
        password_hash = await Passwords().hash(password)
        async with database.session() as session:
            user = await operating.find(session, who)
            await operating.set_password(session, user, password_hash)
    answer: dict[str, Any] = {"id": user.id, "email": user.email}
    lines = [f"{user.email} has another password; its logins end {_SOON}. Its access tokens stay valid."]
    if given is None:
        answer["password"] = password
        lines += [f"Password, shown only now: {password}", "Ask its owner to change it after the first login."]
    print_answer(answer, as_json, lines)
    return 0


async def _change(
    settings: Settings, who: str, change: Callable[[AsyncSession, User], Awaitable[None]], note: str, as_json: bool
) -> int:
    async with database_of(settings) as database, database.session() as session:
        user = await operating.find(session, who)
        await change(session, user)
        answer = {
            "id": user.id,
            "email": user.email,
            "disabled_at": user.disabled_at,
            "owner": user.is_local,
            "operator": user.is_operator or user.id in settings.operator_ids,
        }
    print_answer(answer, as_json, [f"{answer['email'] or answer['id']} {note}."])
    return 0
