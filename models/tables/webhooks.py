"""Webhooks: addresses that receive events, and the state of each delivery."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field

from models.tables.columns import ABSENT_JSON, Row, StrEnumType, json_list, moment, one_of, scoped, within_project


class DeliveryState(StrEnum):
    """pending → delivered | failed, after its last try."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Webhook(Row, table=True):
    """An address that is told of a project's events. Its secret is derived from the installation's, not stored."""

    __tablename__ = "webhooks"
    __table_args__ = (scoped(),)

    project_id: UUID = Field(foreign_key="projects.id", ondelete="CASCADE")
    url: str = Field(max_length=2000)
    events: list[str] = json_list("types of events; none given: all that webhooks are sent for")
    active: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    secret_number: int = Field(default=1, sa_column_kwargs={"server_default": "1"}, description="counts rotations")
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class Delivery(Row, table=True):
    """One event on its way to one address. Written with the event; a workflow of its own carries it there."""

    __tablename__ = "deliveries"
    __table_args__ = (
        scoped(),
        within_project("webhook_id", "webhooks"),
        one_of("state", DeliveryState),
        Index("ix_deliveries_webhook_id_id", "webhook_id", "id"),
        Index("ix_deliveries_waiting", "id", postgresql_where=text("started_at IS NULL")),
    )

    project_id: UUID
    webhook_id: UUID
    seq: int = Field(sa_type=BigInteger, description="the event")
    type: str = Field(max_length=64, description="of the event")
    body: dict[str, Any] | None = Field(default=None, sa_type=ABSENT_JSON, description="what is sent")
    redelivery_of: UUID | None = Field(default=None, description="an earlier one, sent again on request")
    state: DeliveryState = Field(
        default=DeliveryState.PENDING,
        sa_type=StrEnumType(DeliveryState, 16),
        sa_column_kwargs={"server_default": DeliveryState.PENDING},
    )
    tries: list[dict[str, Any]] = json_list("each try: at, status, error, ms")
    started_at: datetime | None = moment("its workflow was started")
    ended_at: datetime | None = moment()
