"""The long-running processes behind `worker` and `api`: started by the supervisor or by hand."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
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
from inkloom.backup.scheduled import Scheduled
from inkloom.builds import build_of, require_fitting
from inkloom.draining import Draining
from inkloom.local.secret import secret_key
from inkloom.worker import STORING, Parts, Queues, build_workers, connect, sweeping_of, worker_runtime
from models import search_attributes

if TYPE_CHECKING:
    from engine.money.answer_cache import AnswerCache

# Seconds for a namespace that was just made to become known.
NAMESPACE_PATIENCE = 30.0
ATTRIBUTES_POLL = 0.3
_NOT_YET = (RPCStatusCode.ALREADY_EXISTS, RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT)
_KEYWORD = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD

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
        terms=Terms(
            settings.rates,
            Decimal(str(settings.ask_above_usd)),
            settings.project_calls,
            settings.provider_calls,
        ),
        cache=_cache(settings),
        caller=WebhookSender(networks(settings.callback_networks)),
        secrets=[key.get_secret_value() for key in (settings.secret_key, *settings.old_secret_keys) if key is not None],
        llm_slots=settings.llm_slots,
        image_slots=settings.image_slots,
        llm_patience=settings.writer_patience,
        image_patience=settings.artist_patience,
        lost_attempts=settings.lost_attempts,
        signer=signer_of(settings) if queues != "flow" else None,
        event_days=settings.event_days,
        draft_days=settings.draft_days,
        backups=Scheduled(settings, settings.database_url, secret_key(settings)) if settings.backup_to else None,
        history_days=settings.history_days,
        build=build_of(settings.build),
    )
    await require_fitting(client, parts.build)
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
            sweeper = asyncio.ensure_future(sweeping_of(client, parts).forever())
        log.info("serving %s%s", queues, f" as build {parts.build}" if parts.build else "")
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
    address, runtime = settings.temporal_address or "", worker_runtime(metrics)
    for attempt in range(60):
        try:
            client = await connect(address, settings.temporal_namespace, runtime)
            break
        except RuntimeError:
            if attempt == 59:
                raise
            await asyncio.sleep(1)
    await ensure_search_attributes(client)
    return client


async def ensure_search_attributes(client: Client) -> None:
    """Register the search attributes that workflows are started with, and wait until the server knows them.

    Two calls, unless an older version made the server or the namespace. Raises `BadInput` if some are missing and the
    server lets only its operator register them: without them it would refuse every workflow.
    """
    deadline = time.monotonic() + NAMESPACE_PATIENCE
    query = " AND ".join(f"{name} = 'none'" for name in search_attributes.ALL)
    while True:
        missing: list[str] = []
        try:
            missing = await _missing_attributes(client)
            if not missing:
                # Registered, perhaps a moment ago by another process; the parts of the server that start workflows know
                # it some seconds later.
                await client.count_workflows(query)
                return
            named = dict.fromkeys(missing, _KEYWORD)
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=named)
            )
        except RPCError as error:
            if error.status == RPCStatusCode.PERMISSION_DENIED:
                if not missing:
                    # It does not even list them: then its operator has registered them.
                    return
                raise BadInput(
                    f"Temporal's namespace {client.namespace} lacks search attributes, and this worker may not register"
                    f" them. Ask its operator to: {_registering(client.namespace, missing)}"
                ) from error
            # Nor does every part know a namespace that was just made.
            if error.status not in _NOT_YET or time.monotonic() > deadline:
                raise
        await asyncio.sleep(ATTRIBUTES_POLL)


async def _missing_attributes(client: Client) -> list[str]:
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    return [name for name in search_attributes.ALL if name not in listed.custom_attributes]


def _registering(namespace: str, names: Sequence[str]) -> str:
    options = " ".join(f"--name {name} --type Keyword" for name in names)
    return f"temporal operator search-attribute create -n {namespace} {options}"
