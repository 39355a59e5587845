"""Sends events to webhooks."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import select
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from engine.db.session import Database
from engine.errors import WebhookFailed
from engine.store import webhooks
from engine.webhooks.fair_queue import FairQueue, Full
from engine.webhooks.sender import GONE, WebhookSender, message_id, signing_key
from models.runs import WebhookDelivery
from models.tables import Delivery, Webhook
from models.tables.webhooks import DeliveryState

# Seconds until the second attempt, and the factor for each further one.
FIRST_WAIT, GROWS = 5.0, 4.0
# The most messages that a process sends at a time: in all, of one project, and to one address. A webhook that does not
# answer takes half a minute, and must not delay the others.
AT_A_TIME, OF_A_PROJECT, TO_AN_ADDRESS = 32, 6, 3


class WebhookActivities:
    """The activities that deliver events. `secrets` are the installation's: the first signs, previous ones sign too."""

    def __init__(self, database: Database, caller: WebhookSender, secrets: Sequence[str]) -> None:
        self._database = database
        self._caller = caller
        self._secrets = secrets
        self._lanes = FairQueue[UUID]()

    def activities(self) -> list[Callable[..., Any]]:
        return [self.deliver, self.give_up]

    @activity.defn
    async def deliver(self, sending: WebhookDelivery) -> bool:
        """Try once; returns whether the message has arrived. Raises `WebhookFailed`, so that it is tried again.

        If its address or its project already has the most messages in progress, the attempt is postponed and does not
        count.
        """
        async with self._database.session() as session:
            query = select(Delivery, Webhook).join(Webhook).where(Delivery.id == sending.delivery_id)
            found = (await session.exec(query)).one_or_none()
        if found is None:
            # The webhook or its project was deleted meanwhile, with its deliveries.
            return False
        delivery, webhook = found
        if delivery.state != DeliveryState.PENDING:
            return delivery.state == DeliveryState.DELIVERED
        if not webhook.active:
            await self._note(sending, None, "the webhook was switched off", 0, DeliveryState.FAILED)
            return False
        numbers = range(webhook.secret_number, max(0, webhook.secret_number - 2), -1)
        keys = [signing_key(secret, webhook.id, number) for secret in self._secrets for number in numbers]
        # No transaction is open while the receiver is awaited.
        try:
            with self._lanes.one({webhook.id: TO_AN_ADDRESS, webhook.project_id: OF_A_PROJECT}):
                message = message_id(webhook.id, delivery.seq)
                answer = await self._caller.send(webhook.url, keys, message, delivery.body or {})
        except Full as full:
            raise ApplicationError(
                "Other messages of this project are being sent.",
                type="InTurn",
                next_retry_delay=timedelta(seconds=full.wait),
                category=ApplicationErrorCategory.BENIGN,
            ) from None
        gone = answer.status == GONE
        state = DeliveryState.DELIVERED if answer.ok else DeliveryState.FAILED if gone else DeliveryState.PENDING
        await self._note(sending, answer.status, answer.error, answer.ms, state, switch_off=gone)
        if state != DeliveryState.PENDING:
            return answer.ok
        wait = FIRST_WAIT * GROWS ** min(len(delivery.tries), 8)
        why = answer.error.removesuffix(".")
        raise WebhookFailed(f"The webhook was not accepted: {why}.", retry_after=max(wait, answer.retry_after or 0))

    @activity.defn
    async def give_up(self, sending: WebhookDelivery) -> None:
        """Mark the delivery as failed after its last attempt."""
        async with self._database.session() as session:
            await webhooks.give_up(session, sending.delivery_id)

    async def _note(
        self,
        sending: WebhookDelivery,
        status: int | None,
        error: str,
        ms: int,
        state: DeliveryState,
        *,
        switch_off: bool = False,
    ) -> None:
        attempt = {"at": datetime.now(UTC).isoformat(), "status": status, "error": error, "ms": ms}
        async with self._database.session() as session:
            delivery = await session.get(Delivery, sending.delivery_id, with_for_update=True)
            if delivery is None:
                return
            await webhooks.record_attempt(session, delivery, attempt, state)
            if switch_off and (webhook := await session.get(Webhook, delivery.webhook_id, with_for_update=True)):
                webhook.active = False
                session.add(webhook)
