"""What an operator does with accounts: find, disable, enable, give a password, and say who runs the installation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, update
from sqlalchemy import select as plain_select
from sqlalchemy.orm import Mapped
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.errors import BadInput, Conflict, NotFound
from engine.store import accounts
from models.tables import AccessToken, Project, RefreshToken, Ticket, User

# The most accounts that are listed at once.
MOST = 1000


@dataclass(frozen=True)
class Account:
    """An account as an operator sees it."""

    id: UUID
    email: str | None
    name: str
    created_at: datetime
    owner: bool
    operator: bool
    # Whether someone can log in to it: the owner of this machine has no password until it is claimed.
    claimed: bool
    disabled_at: datetime | None
    projects: int
    # Logins that have not ended, personal access tokens that are valid, and when one was last used.
    logins: int
    tokens: int
    last_login_at: datetime | None


async def listing(session: AsyncSession, *, like: str = "", disabled: bool | None = None) -> list[Account]:
    """The accounts, the oldest first: those whose address or name contains `like`, and that are disabled or not; at
    most `MOST`.
    """
    query = select(User).order_by(col(User.id)).limit(MOST)
    if like:
        parts = [func.coalesce(one, "").icontains(like, autoescape=True) for one in (col(User.email), col(User.name))]
        query = query.where(or_(*parts))
    if disabled is not None:
        query = query.where(col(User.disabled_at).is_not(None) if disabled else col(User.disabled_at).is_(None))
    users = (await session.exec(query)).all()
    ids = [user.id for user in users]
    now = func.clock_timestamp()
    projects = await _counts(session, ids, col(Project.owner_id), func.count())
    tokens = await _counts(
        session,
        ids,
        col(AccessToken.user_id),
        func.count(),
        col(AccessToken.revoked_at).is_(None),
        or_(col(AccessToken.expires_at).is_(None), col(AccessToken.expires_at) > now),
    )
    logins = await _counts(
        session,
        ids,
        col(RefreshToken.user_id),
        func.count(func.distinct(col(RefreshToken.family))),
        col(RefreshToken.revoked_at).is_(None),
        col(RefreshToken.expires_at) > now,
    )
    # Each use of a login makes its next token.
    seen = select(RefreshToken.user_id, func.max(RefreshToken.created_at)).group_by(col(RefreshToken.user_id))
    last = {
        user_id: at for user_id, at in (await session.exec(seen.where(col(RefreshToken.user_id).in_(ids)))).all() if at
    }
    return [
        Account(
            id=user.id,
            email=user.email,
            name=user.name,
            created_at=user.created_at,
            owner=user.is_local,
            operator=user.is_operator,
            claimed=user.password_hash is not None,
            disabled_at=user.disabled_at,
            projects=projects.get(user.id, 0),
            logins=logins.get(user.id, 0),
            tokens=tokens.get(user.id, 0),
            last_login_at=last.get(user.id),
        )
        for user in users
        if user.created_at is not None
    ]


async def _counts(
    session: AsyncSession,
    users: Sequence[UUID],
    account: Mapped[UUID],
    many: ColumnElement[int],
    *where: ColumnElement[bool],
) -> dict[UUID, int]:
    """How many rows of a kind each account has."""
    query: Any = plain_select(account.label("account"), many.label("many")).where(account.in_(users), *where)
    return {row.account: row.many for row in await execute(session, query.group_by(account))}


async def find(session: AsyncSession, named: str) -> User:
    """The account with this address or ID, locked. Raises `NotFound`."""
    try:
        user_id = UUID(named)
    except ValueError:
        found = await accounts.by_email(session, named)
    else:
        found = await session.get(User, user_id)
    if found is None:
        raise NotFound(f"There is no account {named}. `admin users list` shows them all.")
    await session.refresh(found, with_for_update={"key_share": True})
    return found


async def disable(session: AsyncSession, user: User) -> None:
    """End an account's logins, tokens and sockets, and let no one log in to it. Raises `Conflict` for the owner."""
    if user.is_local:
        raise Conflict("This account owns the installation. Make another account the owner first.")
    user.disabled_at = user.disabled_at or (await session.exec(select(func.clock_timestamp()))).one()
    session.add(user)
    await session.flush()
    await accounts.end(session, user_id=user.id)
    await session.exec(
        update(AccessToken)
        .where(col(AccessToken.user_id) == user.id, col(AccessToken.revoked_at).is_(None))
        .values(revoked_at=func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )
    await session.exec(delete(Ticket).where(col(Ticket.user_id) == user.id))


async def enable(session: AsyncSession, user: User) -> None:
    """Let the account log in again. What `disable` ended stays ended."""
    user.disabled_at = None
    session.add(user)
    await session.flush()


async def set_password(session: AsyncSession, user: User, password_hash: str) -> None:
    """Give an account another password and end its logins. Raises `Conflict` for one that no one has claimed."""
    if user.email is None:
        raise Conflict(
            "No one has claimed this account yet: register the first account on this machine while `up` runs."
        )
    await accounts.change_password(session, user, password_hash)


async def set_operator(session: AsyncSession, user: User, operator: bool) -> None:
    """Say whether an account runs the installation beside its owner. Raises `Conflict` for a disabled one."""
    if operator and user.disabled_at is not None:
        raise Conflict("This account is disabled. Enable it first.")
    user.is_operator = operator
    session.add(user)
    await session.flush()


async def make_owner(session: AsyncSession, user: User) -> None:
    """Make an account the owner of this installation, in place of the present one.

    What the command line makes from now on belongs to it; what there is stays with whom it belongs to. Raises
    `Conflict` if the present owner has not been claimed: its projects would belong to no one.
    """
    if user.disabled_at is not None:
        raise Conflict("This account is disabled. Enable it first.")
    if user.is_local:
        return
    if user.email is None or user.password_hash is None:
        raise BadInput("Only an account that can log in can own the installation.")
    present = (await session.exec(select(User).where(col(User.is_local)).with_for_update())).one_or_none()
    if present is not None:
        if present.password_hash is None:
            raise Conflict(
                "The present owner has not been claimed, so no one could reach what the command line has made."
                " Register an account on this machine while `up` runs: it becomes the owner."
            )
        present.is_local = False
        session.add(present)
        await session.flush()
    user.is_local = True
    session.add(user)
    await session.flush()
