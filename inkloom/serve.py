"""The long-running processes behind `worker` and `api`: started by the supervisor or by hand."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities import tracing
from engine.db.session import Database
from engine.errors import BadInput
from engine.export.signing import signer_of
from engine.images import Artist
from engine.llm import LLM
from engine.money.ledger import Terms
from engine.money.prices import Prices
from engine.pages import shaping
from engine.settings import Settings
from engine.storage.open import open_storage
from engine.webhooks.guarded_network import networks
from engine.webhooks.sender import WebhookSender
from inkloom.draining import Draining
from inkloom.sweeper import carry_forever, remove_forever, sweep_forever, tidy_forever
from inkloom.worker import STORING, Parts, Queues, build_workers, connect

if TYPE_CHECKING:
    from engine.money.answer_cache import AnswerCache

# Seconds for a namespace that was just made to become known.
NAMESPACE_PATIENCE = 30.0

log = logging.getLogger(__name__)


async def serve_workers(
    settings: Settings, queues: Queues, writers: Mapping[str, LLM], artists: Mapping[str, Artist]
) -> None:
    """Run workers until SIGINT or SIGTERM, then let activities in flight finish."""
    if settings.database_url is None or settings.temporal_address is None:
        raise BadInput("A worker needs INKLOOM_DATABASE_URL and TEMPORAL_ADDRESS; `python -m inkloom up` sets them.")
    database = Database(settings.database_url, pool_size=16)
    tracing.start(settings.traces_endpoint, f"inkloom-{'worker' if queues == 'all' else queues}")
    client = await _connected(settings, _metrics_address(settings.worker_metrics_address, queues))
    parts = Parts(
        database=database,
        storage=open_storage(settings),
        writers=writers,
        artists=artists,
        prices=Prices.of(settings),
        terms=Terms(settings.rates, Decimal(str(settings.ask_above_usd))),
        cache=_cache(settings),
        caller=WebhookSender(networks(settings.callback_networks)),
        secrets=[key.get_secret_value() for key in (settings.secret_key, *settings.old_secret_keys) if key is not None],
        llm_slots=settings.llm_slots,
        image_slots=settings.image_slots,
        llm_patience=settings.writer_patience,
        image_patience=settings.artist_patience,
        lost_attempts=settings.lost_attempts,
        signer=signer_of(settings) if queues != "flow" else None,
    )
    # A container has no terminal on which `run` or `up` could have warned.
    if queues != "flow" and (lacking := shaping.warning()):
        log.warning(lacking)
    draining = Draining(parts.awaited, patience(settings, queues))
    workers = build_workers(client, parts, queues)
    async with contextlib.AsyncExitStack() as stack:
        for worker in workers:
            await stack.enter_async_context(worker)
        sweeper = None
        if queues != "draw":
            sweeper = asyncio.gather(
                sweep_forever(database, client),
                carry_forever(database, client),
                remove_forever(database, client, parts.storage),
                tidy_forever(database),
            )
        log.info("serving %s", queues)
        await draining.asked.wait()
        if sweeper is not None:
            sweeper.cancel()
        await draining.finish(workers)
    for writer in writers.values():
        await writer.close()
    for artist in artists.values():
        await artist.close()
    if parts.cache is not None:
        await parts.cache.close()
    await parts.caller.close()
    await parts.storage.close()
    await database.close()
    tracing.stop()


def patience(settings: Settings, queues: Queues) -> float:
    """The most seconds that workers of these queues take to finish what is in flight."""
    writer, artist = settings.writer_patience, settings.artist_patience
    return STORING + {"flow": writer, "draw": artist, "all": max(writer, artist)}[queues]


def _metrics_address(given: str | None, queues: Queues) -> str | None:
    """The address of this process's metrics. Two processes share a machine and one setting, so `draw` takes the next
    port.
    """
    if not given:
        return None
    host, _, port = given.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65535:
        raise BadInput(f"INKLOOM_WORKER_METRICS_ADDRESS is {given!r}; it looks like 127.0.0.1:9464.")
    return f"{host}:{int(port) + (queues == 'draw')}"


def _cache(settings: Settings) -> "AnswerCache | None":
    if settings.cache_url is None:
        return None
    # Imported only if one is configured, because its client costs memory.
    from engine.money.answer_cache import AnswerCache

    return AnswerCache(settings.cache_url.get_secret_value())


async def _connected(settings: Settings, metrics: str | None) -> Client:
    """Connect, wait for a server that is still starting, and make sure that our search attributes exist."""
    address = settings.temporal_address or ""
    for attempt in range(60):
        try:
            client = await connect(address, settings.temporal_namespace, metrics)
            break
        except RuntimeError:
            if attempt == 59:
                raise
            await asyncio.sleep(1)
    await ensure_search_attributes(client)
    return client


async def ensure_search_attributes(client: Client) -> None:
    """Register the search attributes that `workflows/starting.py` sets; on our own server this costs one call."""
    keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
    deadline = time.monotonic() + NAMESPACE_PATIENCE
    for name in ("ProjectId", "ChapterId", "GenerationStatus"):
        while True:
            try:
                await client.operator_service.add_search_attributes(
                    AddSearchAttributesRequest(namespace=client.namespace, search_attributes={name: keyword})
                )
            except RPCError as error:
                # A server knows a new namespace only after some seconds.
                if error.status == RPCStatusCode.NOT_FOUND and time.monotonic() < deadline:
                    await asyncio.sleep(1)
                    continue
                # Some servers say that it exists, others refuse the attempt: then an operator has registered it.
                if error.status not in (RPCStatusCode.ALREADY_EXISTS, RPCStatusCode.PERMISSION_DENIED):
                    raise
            break
