"""Who runs this installation: the owner of this machine, the accounts in INKLOOM_OPERATORS, and those that
`admin users operator` named.
"""

from typing import Annotated

from fastapi import Depends

from api.http.deps import Asking, Caller, Owned, Resources
from engine.errors import Forbidden
from engine.store import accounts


async def require_operator(owned: Resources, asking: Caller, refusal: str) -> None:
    """Raise `Forbidden` for accounts that do not run this installation, and for scripts."""
    if asking.scopes is None:
        async with owned.database.session() as session:
            account = await accounts.user(session, asking.user_id)
        if account.is_local or account.is_operator or account.id in owned.settings.operator_ids:
            return
    raise Forbidden(refusal)


async def of_ticket(owned: Resources, ticket: str) -> Caller | None:
    """The person whom a ticket was given to, once; None for a ticket that is no longer valid, or a script's."""
    async with owned.database.session() as session:
        taken = await accounts.take_ticket(session, ticket)
        # A personal access token has tickets, too, and no login.
        if taken is None or taken.login is None or not await accounts.is_login(session, taken.login):
            return None
        return Caller(taken.user_id, taken.login)


async def _operator(owned: Owned, asking: Asking) -> Caller:
    await require_operator(
        owned,
        asking,
        "This concerns the whole installation: only the owner of this machine and its operators may see it.",
    )
    return asking


Operating = Annotated[Caller, Depends(_operator)]
