"""Accounts and logins. A login is a family of refresh tokens, each of which is used once."""

import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, func, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.errors import Conflict, Forbidden, NotFound, Unauthorized
from engine.normal_form import normal_form
from engine.security import digest, new_token
from engine.store import cursors
from engine.store.projects import local_owner
from models.tables import AccessToken, Invitation, Project, RefreshToken, Ticket, User
from models.tables.accounts import TokenScope

PERSONAL = "ikl_"
# Two windows of one browser may refresh at once: a second use within this time is refused, but not treated as theft.
GRACE = timedelta(seconds=10)
STALE = "The refresh token is invalid or has expired. Log in again."


async def register(session: AsyncSession, email: str, name: str, password_hash: str, *, claim: bool) -> User:
    """Create an account; with `claim` the local owner becomes it, if nobody has claimed it yet. Raises `Conflict`.

    The first account is the local owner even if the command line has made nothing: it runs this installation.
    """
    if claim and not await any_registered(session):
        await local_owner(session)
    account = await unclaimed_owner(session) if claim else None
    account = account or User()
    account.email, account.name, account.password_hash = email, name, password_hash
    session.add(account)
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict("An account with this e-mail address already exists. Log in.") from error
    await session.refresh(account)
    return account


async def unclaimed_owner(session: AsyncSession) -> User | None:
    """The local owner, locked; None once it has been claimed."""
    query = select(User).where(col(User.is_local), col(User.password_hash).is_(None)).with_for_update()
    return (await session.exec(query)).one_or_none()


async def any_registered(session: AsyncSession) -> bool:
    """Whether any account has been registered."""
    query = select(User.id).where(col(User.password_hash).is_not(None)).limit(1)
    return (await session.exec(query)).first() is not None


def canonical(email: str) -> str:
    """One spelling of an address that no account has; those of an account are all compared by the database."""
    plain = normal_form(normal_form(email.strip(), "NFKC").casefold(), "NFKD")
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


async def by_email(session: AsyncSession, email: str) -> User | None:
    """The account with an address, ignoring case and blanks around it. One with a NUL has none: Postgres could not even
    compare it.
    """
    if "\x00" in email:
        return None
    query = select(User).where(func.lower(User.email) == func.lower(email.strip()))
    return (await session.exec(query)).one_or_none()


async def user(session: AsyncSession, user_id: UUID) -> User:
    """The account. Raises `Unauthorized` if it was deleted."""
    found = await session.get(User, user_id)
    if found is None:
        raise Unauthorized("This account no longer exists.")
    return found


async def invited(session: AsyncSession, email: str, code: str) -> bool:
    """Whether there is an unexpired invitation for this address, with this code.

    Addresses are not verified, and easy to guess: the code shows that the inviter knows who registers.
    """
    query = select(Invitation.id).where(
        col(Invitation.token_hash) == digest(code),
        func.lower(Invitation.email) == func.lower(email),
        col(Invitation.expires_at) > func.now(),
    )
    return (await session.exec(query.limit(1))).first() is not None


async def log_in(session: AsyncSession, proven: User, lifetime: timedelta) -> tuple[str, UUID]:
    """The first refresh token of a new login, and its family. Raises `Unauthorized` if the password has changed, and
    `Forbidden` if the account is disabled.
    """
    if (await _with_same_password(session, proven)).disabled_at is not None:
        raise Forbidden("This account is disabled. Ask those who run this installation.")
    family = uuid4()
    return await _next(session, proven.id, lifetime, family), family


async def change_password(session: AsyncSession, proven: User, password_hash: str, but: UUID | None = None) -> None:
    """Set another password and end all logins, except `but`. Raises `Unauthorized` if the password has changed."""
    found = await _with_same_password(session, proven)
    found.password_hash = password_hash
    session.add(found)
    await session.flush()
    await end(session, user_id=found.id, but=but)


async def _with_same_password(session: AsyncSession, proven: User) -> User:
    """The account, locked. Raises `Unauthorized` if its password has changed since it was checked."""
    found = await _locked(session, proven.id)
    if found is None or found.password_hash != proven.password_hash:
        raise Unauthorized("The password was changed in the meantime.")
    return found


async def _locked(session: AsyncSession, user_id: UUID) -> User | None:
    """Lock the account: its logins begin, continue and end one after another.

    Otherwise ending them would miss a token that is being created at that moment, and the token would outlive them.
    """
    return await session.get(User, user_id, with_for_update={"key_share": True}, populate_existing=True)


async def _next(session: AsyncSession, user_id: UUID, lifetime: timedelta, family: UUID) -> str:
    token = new_token()
    now = (await session.exec(select(func.clock_timestamp()))).one()
    session.add(RefreshToken(user_id=user_id, family=family, token_hash=digest(token), expires_at=now + lifetime))
    await session.flush()
    return token


async def refresh(session: AsyncSession, token: str, lifetime: timedelta) -> tuple[UUID, str, UUID] | None:
    """Exchange a refresh token for the next one: the account, that token and its family. None if it is not valid.

    The account's lock orders concurrent requests: one wins. If a used token comes back later than `GRACE`, two clients
    have it, so the whole login ends. Nothing is raised, because that must be committed.
    """
    same = RefreshToken.token_hash == digest(token)
    user_id = (await session.exec(select(RefreshToken.user_id).where(same))).one_or_none()
    if user_id is None or await _locked(session, user_id) is None:
        return None
    row = (await session.exec(select(RefreshToken).where(same))).one_or_none()
    now = (await session.exec(select(func.clock_timestamp()))).one()
    if row is None or row.revoked_at is not None or row.expires_at <= now:
        return None
    if row.used_at is not None:
        if now - row.used_at > GRACE:
            await end(session, family=row.family)
        return None
    row.used_at = now
    session.add(row)
    return row.user_id, await _next(session, row.user_id, lifetime, row.family), row.family


async def family_of(session: AsyncSession, token: str) -> UUID | None:
    """The login that a refresh token belongs to."""
    return (await session.exec(select(RefreshToken.family).where(RefreshToken.token_hash == digest(token)))).first()


async def end(
    session: AsyncSession, *, family: UUID | None = None, user_id: UUID | None = None, but: UUID | None = None
) -> None:
    """End one login, or all logins of an account except `but`."""
    if family is None and user_id is None:
        raise AssertionError("give a token or a user")
    whose = (
        user_id
        or (await session.exec(select(RefreshToken.user_id).where(RefreshToken.family == family).limit(1))).first()
    )
    if whose is None or await _locked(session, whose) is None:
        return
    ended = update(RefreshToken).where(col(RefreshToken.revoked_at).is_(None))
    if family is not None:
        ended = ended.where(col(RefreshToken.family) == family)
    if user_id is not None:
        ended = ended.where(col(RefreshToken.user_id) == user_id)
    if but is not None:
        ended = ended.where(col(RefreshToken.family) != but)
    await session.exec(ended.values(revoked_at=func.clock_timestamp()).execution_options(synchronize_session=False))


async def valid_logins(session: AsyncSession, logins: Collection[UUID]) -> set[UUID]:
    """Those of the given logins (families or personal access tokens) that have not been revoked."""
    families = select(RefreshToken.family).where(
        col(RefreshToken.family).in_(logins), col(RefreshToken.revoked_at).is_(None)
    )
    tokens = select(AccessToken.id).where(col(AccessToken.id).in_(logins), col(AccessToken.revoked_at).is_(None))
    return set((await session.exec(families.distinct())).all()) | set((await session.exec(tokens)).all())


async def by_personal_token(session: AsyncSession, token: str) -> AccessToken | None:
    """The personal access token, if it is valid and its account is not disabled; its last use is recorded to the
    minute.
    """
    now = (await session.exec(select(func.clock_timestamp()))).one()
    able = select(User.id).where(col(User.disabled_at).is_(None))
    query = select(AccessToken).where(AccessToken.token_hash == digest(token), col(AccessToken.user_id).in_(able))
    row = (await session.exec(query)).one_or_none()
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return None
    if row.last_used_at is None or now - row.last_used_at > timedelta(minutes=1):
        await session.exec(
            update(AccessToken)
            .where(col(AccessToken.id) == row.id)
            .values(last_used_at=now)
            .execution_options(synchronize_session=False)
        )
    return row


async def new_personal_token(
    session: AsyncSession,
    user_id: UUID,
    name: str,
    scopes: Sequence[TokenScope],
    project_id: UUID | None,
    lifetime: timedelta | None,
) -> tuple[AccessToken, str]:
    """Create a personal access token. Only here is its text returned."""
    token = new_token(PERSONAL)
    now = (await session.exec(select(func.clock_timestamp()))).one()
    row = AccessToken(
        user_id=user_id,
        project_id=project_id,
        name=name,
        token_hash=digest(token),
        scopes=list(scopes),
        expires_at=None if lifetime is None else now + lifetime,
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return row, token


async def personal_tokens(
    session: AsyncSession, user_id: UUID, after: str | None, limit: int
) -> tuple[Sequence[AccessToken], str | None]:
    """One page of an account's personal access tokens that are not revoked, the oldest first."""
    query = select(AccessToken).where(AccessToken.user_id == user_id, col(AccessToken.revoked_at).is_(None))
    if after is not None:
        query = query.where(col(AccessToken.id) > cursors.decode_by_id(after, "AccessToken").id)
    tokens = (await session.exec(query.order_by(col(AccessToken.id)).limit(limit + 1))).all()
    if len(tokens) <= limit:
        return tokens, None
    return tokens[:limit], cursors.encode(cursors.Mark("AccessToken", None, tokens[limit - 1].id))


async def revoke_personal(session: AsyncSession, user_id: UUID, token_id: UUID) -> None:
    """Revoke a personal access token. Raises `NotFound`."""
    revoked = await session.exec(
        update(AccessToken)
        .where(col(AccessToken.id) == token_id, col(AccessToken.user_id) == user_id)
        .where(col(AccessToken.revoked_at).is_(None))
        .values(revoked_at=func.clock_timestamp())
        .returning(col(AccessToken.id))
        .execution_options(synchronize_session=False)
    )
    if revoked.first() is None:
        raise NotFound(f"There is no access token {token_id}.")


async def new_ticket(
    session: AsyncSession,
    user_id: UUID,
    project_id: UUID | None,
    lifetime: timedelta,
    ends_at: datetime | None,
    login: UUID | None,
) -> str:
    """A ticket for one socket, which ends with the token that requested it; the account's expired tickets are
    deleted.
    """
    now = (await session.exec(select(func.clock_timestamp()))).one()
    await session.exec(delete(Ticket).where(col(Ticket.user_id) == user_id, col(Ticket.expires_at) < now))
    ticket = new_token()
    session.add(
        Ticket(
            token_hash=digest(ticket),
            user_id=user_id,
            project_id=project_id,
            expires_at=now + lifetime,
            ends_at=ends_at,
            login=login,
        )
    )
    return ticket


async def is_login(session: AsyncSession, login: UUID) -> bool:
    """Whether it is a login of a person, and not a personal access token."""
    query = select(RefreshToken.id).where(RefreshToken.family == login).limit(1)
    return (await session.exec(query)).first() is not None


async def take_ticket(session: AsyncSession, ticket: str) -> Ticket | None:
    """Consume a ticket: its row if it is valid. A second use finds nothing."""
    taken = await session.exec(
        delete(Ticket)
        .where(col(Ticket.token_hash) == digest(ticket))
        .returning(Ticket, col(Ticket.expires_at) > func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )
    row = taken.first()
    if row is None or not row[1]:
        return None
    found: Ticket = row[0]
    return found if found.login is None or await valid_logins(session, {found.login}) else None


async def remove(session: AsyncSession, user_id: UUID) -> None:
    """Delete an account with its logins, tokens and memberships; its comments stay, without an author. Raises
    `Conflict`.
    """
    left = (await session.exec(select(func.count()).select_from(Project).where(Project.owner_id == user_id))).one()
    if left:
        raise Conflict(f"This account owns {left} projects. Delete or transfer them first.")
    email = select(func.lower(User.email)).where(col(User.id) == user_id).scalar_subquery()
    await session.exec(
        delete(Invitation).where(func.lower(Invitation.email) == email).execution_options(synchronize_session=False)
    )
    await session.exec(delete(User).where(col(User.id) == user_id))
