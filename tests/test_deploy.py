"""Alerts and dashboard ask for metrics that the processes expose; each alert leads to a page that says what to do."""

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]  # its types are a package of their own, which nothing else needs
from temporalio.client import Client

from engine.db.session import Database
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from engine.store.gauges import FAMILIES
from engine.store.rows import get
from inkloom.local.ports import next_free
from inkloom.worker import Parts, build_workers, connect, worker_runtime
from models.tables import Generation
from scripts.dashboard import FILE, dashboard
from tests.api.conftest import serving
from tests.conftest import Order
from tests.support.docs_pages import anchors
from tests.working import Painter, Writer, finished
from workflows.starting import start

ROOT = Path(__file__).parent.parent
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
SCALED: list[dict[str, Any]] = list(
    yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "autoscaling" / "workers.yaml").read_text())
)
EXPRESSIONS = [
    *(rule["expr"] for rule in RULES),
    *(target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())),
    *(trigger["metadata"]["query"] for one in SCALED for trigger in one["spec"]["triggers"]),
]
# Of PromQL: operators, functions and aggregations that the expressions may use.
WORDS = {"and", "or", "unless", "sum", "max", "min", "rate", "delta", "absent", "topk", "histogram_quantile"}
# Of Prometheus itself: whether it could read a process's metrics.
FROM_PROMETHEUS = {"up"}
GROUPING = re.compile(r"\b(by|on|without|ignoring)\s*\(([^)]*)\)")
NAME = re.compile(r"[a-zA-Z_:][\w:]*")


def metrics_in(expression: str) -> set[str]:
    """The names of metrics in an expression of PromQL: what is neither a label, a duration, a number nor a word."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"", " ", expression)
    return set(NAME.findall(GROUPING.sub(" ", bare))) - WORDS


def labels_in(expression: str) -> set[str]:
    """The names of labels in it."""
    grouped = {one.strip() for _, names in GROUPING.findall(expression) for one in names.split(",")}
    return grouped | set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", expression))


@pytest.mark.unit
def test_expressions_are_taken_apart() -> None:
    asked = 'max by (reason) (one_total{reason!="x"}) > 300 and on (queue) rate(two_bucket[5m]) * 60'
    assert metrics_in(asked) == {"one_total", "two_bucket"}
    assert labels_in(asked) == {"reason", "queue"}


@pytest.mark.unit
def test_the_dashboard_is_what_the_script_says() -> None:
    """Run `python -m scripts.dashboard` after a change."""
    assert json.loads(FILE.read_text()) == dashboard()
    places = [tuple(panel["gridPos"].values()) for panel in dashboard()["panels"]]
    assert len(set(places)) == len(places)


@pytest.mark.unit
@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_says_what_is_wrong_and_where_help_is(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert rule["annotations"]["summary"]
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert anchor in anchors(ROOT / page)
    assert f"`{rule['alert']}`" in (ROOT / page).read_text()


@pytest.mark.unit
def test_labels_are_those_of_the_metric() -> None:
    """Of the gauges of the installation, whose labels the code lists."""
    labels = {family.name: set(family.labels) for family in FAMILIES}
    for expression in EXPRESSIONS:
        names = metrics_in(expression)
        if names <= set(labels):
            assert labels_in(expression) <= set().union(*(labels[name] for name in names)), expression


@pytest.mark.workflow
@pytest.mark.timeout(180)
async def test_every_metric_is_exposed(
    settings: Settings,
    database: Database,
    database_url: str,
    temporal_address: str,
    client: Client,
    storage: FolderStorage,
    order: Order,
    tmp_path: Path,
) -> None:
    """By the API, or by workers that have made a chapter."""
    told = {"data": tmp_path, "database_url": database_url, "temporal_address": temporal_address, "secret_key": "x" * 9}
    installation = Settings.model_validate({**told, "temporal_namespace": settings.temporal_namespace})
    async with serving(installation) as api:
        await api.get("/healthz")
        exposed = (await api.get("/metrics")).text
    place = f"127.0.0.1:{next_free(0)}"
    measured = await connect(temporal_address, client.namespace, worker_runtime(place))
    parts = Parts(database, storage, {"offline": Writer()}, {"offline": Painter()})
    ordered = await order("Mara laughed.")
    async with contextlib.AsyncExitStack() as stack:
        for one in build_workers(measured, parts):
            await stack.enter_async_context(one)
        async with database.session() as session:
            generation = await get(session, ordered.scope, Generation, ordered.run.generation_id)
        await start(database, client, generation)
        await finished(database, ordered)
        async with httpx.AsyncClient(trust_env=False) as asking:
            exposed += (await asking.get(f"http://{place}/metrics")).text
    there = set(re.findall(r"^(?:# TYPE )?([a-zA-Z_:][\w:]*)", exposed, re.MULTILINE))
    assert {name for one in EXPRESSIONS for name in metrics_in(one)} - there - FROM_PROMETHEUS == set()
