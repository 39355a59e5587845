"""Tells addresses of what happened."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlmodel import select
from temporalio import activity

from engine.callbacks import GONE, Caller, message_id, signing_key
from engine.db import Database
from engine.errors import CallbackFailed
from engine.store import webhooks
from models.runs import Callback
from models.tables import Delivery, Webhook
from models.tables.webhooks import DeliveryState

# Seconds after the first failure, and by how much longer after each further one.
FIRST_WAIT, GROWS = 5.0, 4.0


class Callbacks:
    """`secrets` are the installation's: the first signs, those of before sign too."""

    def __init__(self, database: Database, caller: Caller, secrets: Sequence[str]) -> None:
        self._database = database
        self._caller = caller
        self._secrets = secrets

    def activities(self) -> list[Callable[..., Any]]:
        return [self.deliver, self.give_up]

    @activity.defn
    async def deliver(self, callback: Callback) -> bool:
        """One try; whether the message has arrived. Raises `CallbackFailed`, to be tried again."""
        async with self._database.session() as session:
            query = select(Delivery, Webhook).join(Webhook).where(Delivery.id == callback.delivery_id)
            found = (await session.exec(query)).one_or_none()
        if found is None:
            # Deleted in between, with all that was on its way.
            return False
        delivery, webhook = found
        if delivery.state != DeliveryState.PENDING:
            return delivery.state == DeliveryState.DELIVERED
        if not webhook.active:
            await self._note(callback, None, "the address was switched off", 0, DeliveryState.FAILED)
            return False
        numbers = range(webhook.secret_number, max(0, webhook.secret_number - 2), -1)
        keys = [signing_key(secret, webhook.id, number) for secret in self._secrets for number in numbers]
        # No transaction is held while somebody else is waited for.
        answer = await self._caller.send(webhook.url, keys, message_id(webhook.id, delivery.seq), delivery.body or {})
        gone = answer.status == GONE
        state = DeliveryState.DELIVERED if answer.ok else DeliveryState.FAILED if gone else DeliveryState.PENDING
        await self._note(callback, answer.status, answer.error, answer.ms, state, switch_off=gone)
        if state != DeliveryState.PENDING:
            return answer.ok
        wait = FIRST_WAIT * GROWS ** min(activity.info().attempt - 1, 8)
        why = answer.error.removesuffix(".")
        raise CallbackFailed(f"The callback was not taken: {why}.", retry_after=max(wait, answer.retry_after or 0))

    @activity.defn
    async def give_up(self, callback: Callback) -> None:
        """All tries were in vain."""
        async with self._database.session() as session:
            await webhooks.give_up(session, callback.delivery_id)

    async def _note(
        self,
        callback: Callback,
        status: int | None,
        error: str,
        ms: int,
        state: DeliveryState,
        *,
        switch_off: bool = False,
    ) -> None:
        attempt = {"at": datetime.now(UTC).isoformat(), "status": status, "error": error, "ms": ms}
        async with self._database.session() as session:
            delivery = await session.get(Delivery, callback.delivery_id, with_for_update=True)
            if delivery is None:
                return
            await webhooks.tried(session, delivery, attempt, state)
            if switch_off and (webhook := await session.get(Webhook, delivery.webhook_id, with_for_update=True)):
                webhook.active = False
                session.add(webhook)
