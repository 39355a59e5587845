"""Webhooks: addresses that receive a project's events, and the state of each delivery."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response, status
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from sqlmodel import col

from api.http.deps import Owned, Owning, Resources, Session
from api.http.paging import Listing, Paged, listed
from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID, CONFLICT, NOT_FOUND, TOO_MANY, refusal
from engine.store import rows, webhooks
from engine.webhooks.guarded_network import MAX_URL, check_url, networks
from engine.webhooks.sender import as_receivers_read, signing_key
from models.events import WEBHOOK_EVENTS, EventType
from models.numbers import Whole
from models.tables import Delivery, Project, Webhook
from models.tables.webhooks import DeliveryState

router = APIRouter(tags=["webhooks"])

URL = r"^https?://[!-~]+$"
UNREACHABLE = refusal(
    422,
    "bad-input",
    "A webhook cannot use this address.",
    "Webhooks cannot use private addresses; INKLOOM_CALLBACK_NETWORKS lists exceptions.",
)
Url = Annotated[str, Field(min_length=8, max_length=MAX_URL, pattern=URL)]
WebhookEvent = StrEnum("WebhookEvent", {type.name: type.value for type in EventType if type in WEBHOOK_EVENTS})  # type: ignore[misc]  # of a list that is kept elsewhere
Events = Annotated[list[WebhookEvent], Field(max_length=len(WEBHOOK_EVENTS))]


class NewWebhook(BaseModel):
    """An address that answers a POST with 2xx. Without `events`, it receives all events that webhooks are sent for."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"url": "https://example.org/hooks/inkloom", "events": ["generation.completed"]}]
        },
    )

    url: Url
    events: Events = Field(default=[], description="default: all of them")


class WebhookChange(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 1, "active": False}]})

    version: Whole = Field(ge=1, lt=2**31)
    url: Url | None = None
    events: Events | None = None
    active: StrictBool | None = None


class WebhookOut(BaseModel):
    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "project_id": ANOTHER_ID,
                    "url": "https://example.org/hooks/inkloom",
                    "events": ["generation.completed"],
                    "active": True,
                    "version": 1,
                    "created_at": A_MOMENT,
                }
            ]
        },
    )

    id: UUID
    project_id: UUID
    url: str
    events: list[str]
    active: bool = Field(description="false: switched off, by a user or because it answered 410")
    version: int
    created_at: datetime


class WebhookMade(WebhookOut):
    """A webhook with the secret that signs its messages, which is shown only now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "project_id": ANOTHER_ID,
                    "url": "https://example.org/hooks/inkloom",
                    "events": ["generation.completed"],
                    "active": True,
                    "version": 1,
                    "created_at": A_MOMENT,
                    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                }
            ]
        }
    )

    secret: str


class TryOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"at": A_MOMENT, "status": 503, "error": "answered with 503", "ms": 12}]}
    )

    at: datetime
    status: int | None = Field(description="null: there was no answer")
    error: str
    ms: int


class DeliveryOut(BaseModel):
    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "webhook_id": ANOTHER_ID,
                    "seq": 12,
                    "type": "generation.completed",
                    "state": "delivered",
                    "tries": [{"at": A_MOMENT, "status": 204, "error": "", "ms": 31}],
                    "redelivery_of": ANOTHER_ID,
                    "body": {"type": "generation.completed", "timestamp": A_MOMENT, "data": {"seq": 12}},
                    "created_at": A_MOMENT,
                    "ended_at": A_MOMENT,
                }
            ]
        },
    )

    id: UUID
    webhook_id: UUID
    seq: int
    type: str
    state: DeliveryState
    tries: list[TryOut]
    redelivery_of: UUID | None
    body: dict[str, Any] | None
    created_at: datetime
    ended_at: datetime | None


@router.post(
    "/projects/{project_id}/webhooks",
    status_code=201,
    summary="Add a webhook",
    responses={**NOT_FOUND, **CONFLICT, **UNREACHABLE},
)
async def create(
    project_id: UUID, body: NewWebhook, session: Session, scope: Owning, owned: Owned, response: Response
) -> WebhookMade:
    """Messages follow Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`. Store the secret."""
    check_url(body.url, networks(owned.settings.callback_networks))
    webhook = await webhooks.add(session, scope, project_id, body.url, _chosen(body.events))
    response.headers["Location"] = f"/api/v1/webhooks/{webhook.id}"
    return _made(owned, webhook)


@router.get("/projects/{project_id}/webhooks", summary="List webhooks", responses=NOT_FOUND)
async def listing(project_id: UUID, session: Session, scope: Owning, paging: Paged) -> Listing[WebhookOut]:
    await rows.get(session, scope, Project, project_id)
    within = col(Webhook.project_id) == project_id
    return listed(WebhookOut, await rows.page(session, scope, Webhook, within, paging=paging))


@router.get("/webhooks/{webhook_id}", summary="Read a webhook", responses=NOT_FOUND)
async def read(webhook_id: UUID, session: Session, scope: Owning) -> WebhookOut:
    return WebhookOut.model_validate(await rows.get(session, scope, Webhook, webhook_id))


@router.patch(
    "/webhooks/{webhook_id}",
    summary="Change a webhook",
    responses={**NOT_FOUND, **CONFLICT, **UNREACHABLE},
)
async def change(webhook_id: UUID, body: WebhookChange, session: Session, scope: Owning, owned: Owned) -> WebhookOut:
    values = body.model_dump(exclude={"version"}, exclude_none=True, mode="json")
    if body.url is not None:
        check_url(body.url, networks(owned.settings.callback_networks))
    if body.events is not None:
        values["events"] = _chosen(body.events)
    return WebhookOut.model_validate(await rows.change(session, scope, Webhook, webhook_id, body.version, values))


@router.post("/webhooks/{webhook_id}/rotate", summary="Rotate a webhook's secret", responses=NOT_FOUND)
async def rotate(webhook_id: UUID, session: Session, scope: Owning, owned: Owned) -> WebhookMade:
    """Until the next rotation, messages are signed with both secrets, so that the receiver misses none."""
    webhook = await rows.get(session, scope, Webhook, webhook_id, lock=True)
    webhook.secret_number += 1
    session.add(webhook)
    return _made(owned, webhook)


@router.delete(
    "/webhooks/{webhook_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a webhook",
    responses=NOT_FOUND,
)
async def remove(webhook_id: UUID, session: Session, scope: Owning) -> None:
    """Drops messages that are not delivered yet."""
    await rows.remove(session, scope, Webhook, webhook_id)


@router.get("/webhooks/{webhook_id}/deliveries", summary="List a webhook's messages", responses=NOT_FOUND)
async def deliveries(
    webhook_id: UUID,
    session: Session,
    scope: Owning,
    paging: Paged,
    state: DeliveryState | None = None,
) -> Listing[DeliveryOut]:
    await rows.get(session, scope, Webhook, webhook_id)
    filters = [col(Delivery.webhook_id) == webhook_id]
    if state is not None:
        filters.append(col(Delivery.state) == state)
    return listed(DeliveryOut, await rows.page(session, scope, Delivery, *filters, paging=paging))


@router.post(
    "/deliveries/{delivery_id}/redeliver",
    status_code=202,
    summary="Send a message again",
    responses={**NOT_FOUND, **TOO_MANY},
)
async def redeliver(delivery_id: UUID, session: Session, scope: Owning) -> DeliveryOut:
    """Sends the same message with the same `webhook-id`, so that the receiver can recognize it."""
    return DeliveryOut.model_validate(await webhooks.redeliver(session, scope, delivery_id))


def _chosen(events: list[WebhookEvent]) -> list[str]:
    return sorted({event.value for event in events})


def _made(owned: Resources, webhook: Webhook) -> WebhookMade:
    key = signing_key(owned.secret, webhook.id, webhook.secret_number)
    return WebhookMade(**WebhookOut.model_validate(webhook).model_dump(), secret=as_receivers_read(key))
