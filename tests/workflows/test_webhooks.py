"""Callbacks arrive: signed so that any receiver's library believes them, tried again, and told once under one id."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select
from standardwebhooks import Webhook as Receiver
from standardwebhooks import WebhookVerificationError
from temporalio.client import Client

from activities.webhooks import TO_AN_ADDRESS
from engine.db.session import Database
from engine.settings import Settings
from engine.store import generations, webhooks
from engine.webhooks.guarded_network import networks
from engine.webhooks.sender import WebhookSender, as_receivers_read, signing_key
from inkloom.sweeper import carry
from models.options import GenerationStatus
from models.tables import Delivery, Webhook
from models.tables.webhooks import DeliveryState
from tests.conftest import Order, Ordered
from tests.working import STORY, Generate, Painter, Working, Writer

pytestmark = pytest.mark.workflow

SECRET = "the secret of a test"  # of nobody
LOOPBACK = networks("127.0.0.0/8")


@dataclass
class Heard:
    """A receiver's side: what came, and what it answers, by how many came before."""

    answers: Callable[[int], tuple[int, str]] = lambda _: (204, "")
    messages: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.messages]

    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.messages]


@asynccontextmanager
async def receiving(heard: Heard) -> AsyncIterator[Heard]:
    """A real HTTP server on loopback."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        status, more = heard.answers(len(heard.messages))
        heard.messages.append((headers, body))
        writer.write(f"HTTP/1.1 {status} X\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        heard.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        yield heard


async def listen(database: Database, ordered: Ordered, url: str, *events: str) -> Webhook:
    async with database.session() as session:
        return await webhooks.add(session, ordered.scope, ordered.run.project_id, url, events)


async def of(database: Database, webhook: Webhook) -> list[Delivery]:
    async with database.session() as session:
        query = select(Delivery).where(Delivery.webhook_id == webhook.id).order_by(col(Delivery.id))
        return list((await session.exec(query)).all())


async def settled(client: Client, database: Database, webhook: Webhook, many: int = 1) -> list[Delivery]:
    """All messages once none is on its way any more."""
    async with asyncio.timeout(60):
        while True:
            await carry(database, client)
            found = await of(database, webhook)
            if len(found) >= many and all(one.state != DeliveryState.PENDING for one in found):
                return found
            await asyncio.sleep(0.1)


def believed(webhook: Webhook, heard: Heard, at: int = 0, *, number: int = 1, secret: str = SECRET) -> dict[str, Any]:
    """What a receiver with the official library makes of a message."""
    headers, body = heard.messages[at]
    told: dict[str, Any] = Receiver(as_receivers_read(signing_key(secret, webhook.id, number))).verify(
        body.decode(), headers
    )
    return told


async def test_what_was_waited_for_is_told(
    client: Client, database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """Of a whole chapter what was asked for, and a receiver's library believes it."""
    ordered = await order(STORY, until="script")
    async with (
        receiving(Heard()) as heard,
        working(Writer(), Painter(), caller=WebhookSender(LOOPBACK), secrets=[SECRET]),
    ):
        webhook = await listen(database, ordered, heard.url, "generation.started", "generation.completed")
        await generate(ordered)
        found = await settled(client, database, webhook, 2)
    assert sorted(heard.types()) == ["generation.completed", "generation.started"]
    completed = heard.types().index("generation.completed")
    told = believed(webhook, heard, completed)
    assert told["data"]["generation_id"] == str(ordered.run.generation_id)
    assert (told["data"]["status"], told["data"]["progress"]) == ("completed", 1)
    assert datetime.now(UTC) - datetime.fromisoformat(told["timestamp"]) < timedelta(minutes=2)
    assert [(one.state, len(one.tries), one.tries[0]["status"]) for one in found] == [("delivered", 1, 204)] * 2
    headers, body = heard.messages[0]
    with pytest.raises(WebhookVerificationError):
        Receiver(as_receivers_read(signing_key(SECRET, webhook.id, 1))).verify(body.decode() + " ", headers)
    with pytest.raises(WebhookVerificationError):
        believed(webhook, heard, secret="another")  # of nobody


@asynccontextmanager
async def told(
    database: Database, order: Order, working: Working, heard: Heard, **more: Any
) -> AsyncIterator[tuple[Ordered, Webhook]]:
    """A generation that has ended, and an address that waits to hear of it."""
    ordered = await order()
    run = ordered.run
    parts = {"caller": WebhookSender(LOOPBACK), "secrets": [SECRET], **more}
    async with receiving(heard), working(Writer(), Painter(), **parts):
        webhook = await listen(database, ordered, heard.url)
        async with database.session() as session:
            await generations.end(session, run.project_id, run.generation_id, GenerationStatus.CANCELLED)
        yield ordered, webhook


async def test_one_that_was_not_taken_is_sent_again(
    client: Client, database: Database, order: Order, working: Working
) -> None:
    """The same message under the same id, and every try is in the log."""
    heard = Heard(lambda before: (503, "Retry-After: 1\r\n") if before == 0 else (200, ""))
    async with told(database, order, working, heard) as (_, webhook):
        (delivery,) = await settled(client, database, webhook)
    assert [one["status"] for one in delivery.tries] == [503, 200]
    assert len(set(heard.ids())) == 1
    assert heard.messages[0][1] == heard.messages[1][1]


async def test_who_does_not_answer_holds_up_nobody_else(
    client: Client, database: Database, order: Order, working: Working
) -> None:
    """Of many messages to a slow address a few are under way; the others wait for their turn without a try of it."""
    under_way = most = 0
    answer = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]))
        await answer.wait()
        under_way -= 1
        writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    heard, ordered = Heard(), await order()
    async with await asyncio.start_server(hang, "127.0.0.1", 0) as slow:
        webhook = await listen(database, ordered, f"http://127.0.0.1:{slow.sockets[0].getsockname()[1]}/hook")
        async with database.session() as session:
            for seq in range(TO_AN_ADDRESS + 2):
                session.add(
                    Delivery(
                        project_id=ordered.run.project_id, webhook_id=webhook.id, seq=seq, type="generation.started"
                    )
                )
        async with told(database, order, working, heard) as (_, quick):
            (delivery,) = await settled(client, database, quick)
            assert (delivery.state, most) == ("delivered", TO_AN_ADDRESS)
            assert [one.tries for one in await of(database, webhook)] == [[]] * (TO_AN_ADDRESS + 2)
            answer.set()
            found = await settled(client, database, webhook, TO_AN_ADDRESS + 2)
    assert {(one.state, len(one.tries)) for one in found} == {("delivered", 1)}


async def test_a_redirect_is_not_followed(client: Client, database: Database, order: Order, working: Working) -> None:
    """It would lead wherever the other side likes; it counts as not taken."""
    heard = Heard(lambda before: (302, f"Location: {heard.url}/elsewhere\r\n") if before == 0 else (200, ""))
    async with told(database, order, working, heard) as (_, webhook):
        (delivery,) = await settled(client, database, webhook)
    assert delivery.tries[0]["error"] == "answered with 302; redirects are not followed"
    assert len(heard.messages) == 2


async def test_who_has_gone_is_not_told_again(
    client: Client, database: Database, order: Order, working: Working
) -> None:
    """410 switches the address off."""
    async with told(database, order, working, Heard(lambda _: (410, ""))) as (_, webhook):
        (delivery,) = await settled(client, database, webhook)
    assert (delivery.state, len(delivery.tries)) == ("failed", 1)
    async with database.session() as session:
        left = await session.get(Webhook, webhook.id)
        assert left is not None
        assert not left.active


async def test_a_private_address_is_not_reached(
    client: Client, database: Database, order: Order, working: Working
) -> None:
    """Also where its URL stands in the table: every try looks again."""
    heard = Heard()
    async with told(database, order, working, heard, caller=WebhookSender()) as (_, webhook):
        async with asyncio.timeout(30):
            while not (found := await of(database, webhook)) or not found[0].tries:
                await carry(database, client)
                await asyncio.sleep(0.1)
    assert heard.messages == []
    assert "private" in found[0].tries[0]["error"]


async def test_one_is_sent_again_when_asked_for(
    client: Client, database: Database, order: Order, working: Working
) -> None:
    """A message of its own in the log, with the id of the first."""
    heard = Heard()
    async with told(database, order, working, heard) as (ordered, webhook):
        (first,) = await settled(client, database, webhook)
        async with database.session() as session:
            await webhooks.redeliver(session, ordered.scope, first.id)
        found = await settled(client, database, webhook, 2)
    assert [one.redelivery_of for one in found] == [None, first.id]
    assert len(heard.messages) == 2
    assert len(set(heard.ids())) == 1


async def test_while_a_secret_is_changed_both_count(
    client: Client, database: Database, order: Order, working: Working
) -> None:
    """The receiver may take the new one before or after; so may the installation with its own."""
    heard = Heard()
    async with told(database, order, working, heard, secrets=["a newer secret", SECRET]) as (_, webhook):
        async with database.session() as session:
            changed = await session.get(Webhook, webhook.id)
            assert changed is not None
            changed.secret_number = 2
            session.add(changed)
        await settled(client, database, webhook)
    for number, secret in ((1, SECRET), (2, SECRET), (2, "a newer secret")):
        assert believed(webhook, heard, number=number, secret=secret)["type"] == "generation.cancelled"


async def test_nobody_is_told_of_what_happens_elsewhere(
    client: Client, database: Database, order: Order, working: Working
) -> None:
    """An address hears of its own project; one that is switched off hears nothing."""
    other = await order()
    stranger = await listen(database, other, "https://example.org/hook")
    heard = Heard()
    async with told(database, order, working, heard) as (_, webhook):
        await settled(client, database, webhook)
    assert await of(database, stranger) == []


async def test_a_message_outlives_whoever_should_have_started_it(
    client: Client, database: Database, order: Order, working: Working
) -> None:
    """It is written with the event; whoever comes next starts it, and twice is once."""
    heard = Heard()
    async with told(database, order, working, heard) as (_, webhook):
        await asyncio.gather(carry(database, client), carry(database, client))
        await settled(client, database, webhook)
        await asyncio.sleep(0.5)
    assert len(heard.messages) == 1


def test_the_setting_is_read() -> None:
    """Networks that callbacks may reach all the same."""
    assert networks(Settings(callback_networks="127.0.0.0/8").callback_networks) == LOOPBACK
