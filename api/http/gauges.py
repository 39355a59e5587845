"""Gauges of the whole installation, from the database and from Temporal's queues, computed when they are asked for.

Every API process would give the same; each keeps its answer for some seconds, so that scraping costs little.
"""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from temporalio.client import Client

from engine.db.session import Database
from engine.settings import Settings
from engine.store import gauges
from workflows.queue_lag import Lag, activity_queues, lags_of

log = logging.getLogger(__name__)

# Seconds that an answer is kept, and that each source may take.
FRESH = 10.0
PATIENCE = 5.0


class Installation(Collector):
    """The gauges of the installation, as one process sees them."""

    def __init__(self, settings: Settings, database: Database, temporal: Client) -> None:
        self._database = database
        self._temporal = temporal
        self._queues = activity_queues(settings)
        self._backup_hours = settings.backup_hours if settings.backup_to else None
        self._metrics: Sequence[Metric] = ()
        self._rendered = b""
        self._at = -FRESH
        self._one_at_a_time = asyncio.Lock()

    async def rendered(self) -> bytes:
        """In Prometheus's text format, at most `FRESH` seconds old. What does not answer is left out."""
        async with self._one_at_a_time:
            if time.monotonic() - self._at >= FRESH:
                database, queues = await asyncio.gather(self._of_database(), self._of_queues())
                self._metrics = [*database, *queues, *self._of_settings()]
                registry = CollectorRegistry(auto_describe=False)
                registry.register(self)
                self._rendered, self._at = generate_latest(registry), time.monotonic()
            return self._rendered

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics

    async def _of_database(self) -> list[Metric]:
        try:
            async with asyncio.timeout(PATIENCE), self._database.session() as session:
                found = await gauges.values_of(session, PATIENCE - 1)
        except Exception as error:  # noqa: BLE001  # whatever it is, the other metrics are still of use
            log.warning("the gauges of the database are left out: %s", type(error).__name__)
            return []
        metrics: list[Metric] = []
        for family in gauges.FAMILIES:
            metric = GaugeMetricFamily(family.name, family.help, labels=family.labels)
            for labels, value in found.get(family.name, ()):
                metric.add_metric(labels, value)
            if family.name in found:
                metrics.append(metric)
        return metrics

    def _of_settings(self) -> list[Metric]:
        """What an alert compares with: only where backups are scheduled."""
        if self._backup_hours is None:
            return []
        period = GaugeMetricFamily("inkloom_backup_period_seconds", "Time between scheduled backups")
        period.add_metric([], self._backup_hours * 3600)
        return [period]

    async def _of_queues(self) -> list[Metric]:
        try:
            async with asyncio.timeout(PATIENCE):
                named = await lags_of(self._temporal, self._queues)
        except Exception as error:  # noqa: BLE001  # as above
            log.warning("the gauges of Temporal are left out: %s", type(error).__name__)
            return []
        if failed := {queue: type(lag).__name__ for queue, lag in named.items() if isinstance(lag, BaseException)}:
            log.warning("the gauges of these queues are left out: %s", failed)
        known = {queue: lag for queue, lag in named.items() if isinstance(lag, Lag)}
        return _of_lags(known) if known else []


def _of_lags(lags: dict[str, Lag]) -> list[Metric]:
    tasks = GaugeMetricFamily("inkloom_queue_tasks", "Tasks that wait for a worker", labels=["queue"])
    seconds = GaugeMetricFamily("inkloom_queue_lag_seconds", "How long the oldest of them has waited", labels=["queue"])
    served = GaugeMetricFamily("inkloom_queue_served", "1 if a worker serves the queue", labels=["queue"])
    for queue, lag in lags.items():
        tasks.add_metric([queue], lag.tasks)
        seconds.add_metric([queue], lag.seconds)
        served.add_metric([queue], lag.served)
    return [tasks, seconds, served]
