"""Writes the Grafana dashboard: `python -m scripts.dashboard`. A test holds the file to this list of panels."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "deploy" / "grafana" / "inkloom.json"
WIDTH, HEIGHT = 8, 8


def slowest(buckets: str, *by: str) -> str:
    """Seconds in which 95 of 100 are done, of a histogram's buckets."""
    return f"histogram_quantile(0.95, sum by ({', '.join(('le', *by))}) (rate({buckets}[5m])))"


# Title, unit of Grafana, and expressions with their legends. Three in a row.
ROWS: tuple[tuple[str, tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]], ...] = (
    (
        "What runs and what waits",
        (
            ("Generations", "short", (("max by (status) (inkloom_generations)", "{{status}}"),)),
            (
                "Oldest",
                "s",
                (
                    ("max(inkloom_generation_oldest_seconds)", "running"),
                    ("max(inkloom_decision_oldest_seconds)", "waiting for a person"),
                    ("max by (reason) (inkloom_delay_oldest_seconds)", "{{reason}}"),
                ),
            ),
            (
                "Waiting",
                "short",
                (
                    ("max by (reason) (inkloom_decisions_pending)", "for a person: {{reason}}"),
                    ("max by (reason) (inkloom_delays)", "{{reason}}"),
                ),
            ),
        ),
    ),
    (
        "Queues and workers",
        (
            ("Tasks that wait", "short", (("max by (queue) (inkloom_queue_tasks)", "{{queue}}"),)),
            ("Lag", "s", (("max by (queue) (inkloom_queue_lag_seconds)", "{{queue}}"),)),
            (
                "Slots in use",
                "short",
                (
                    (
                        "sum by (task_queue, worker_type) (temporal_worker_task_slots_used)",
                        "{{task_queue}} {{worker_type}}",
                    ),
                ),
            ),
        ),
    ),
    (
        "Providers and money",
        (
            (
                "Calls a minute",
                "short",
                (
                    (
                        "sum by (provider, outcome) (rate(inkloom_provider_calls[5m])) * 60",
                        "{{provider}}: {{outcome}}",
                    ),
                ),
            ),
            (
                "Seconds until an answer, 95 %",
                "s",
                (
                    (
                        slowest("inkloom_provider_call_seconds_bucket", "provider", "kind"),
                        "{{provider}} {{kind}}",
                    ),
                ),
            ),
            (
                "Spent in an hour",
                "currencyUSD",
                (
                    ("max by (provider, kind) (delta(inkloom_spent_usd[1h]))", "{{provider}} {{kind}}"),
                    ("max by (provider, kind) (delta(inkloom_spent_unknown_usd[1h]))", "lost: {{provider}} {{kind}}"),
                ),
            ),
            (
                "Calls under way",
                "short",
                (("max by (provider, kind) (inkloom_calls_in_flight)", "{{provider}} {{kind}}"),),
            ),
            (
                "Providers that fail or are paused",
                "short",
                (
                    ("max by (circuit) (inkloom_provider_failing)", "fails: {{circuit}}"),
                    ("max by (circuit) (inkloom_provider_paused)", "paused: {{circuit}}"),
                ),
            ),
            ("Webhooks on their way", "short", (("max(inkloom_webhook_deliveries_pending)", "messages"),)),
            (
                "Age of the newest good backup",
                "s",
                (
                    ("min(inkloom_backup_age_seconds)", "age"),
                    ("max(inkloom_backup_period_seconds)", "time between scheduled ones"),
                ),
            ),
        ),
    ),
    (
        "API",
        (
            (
                "Requests a second",
                "reqps",
                (("sum by (status) (rate(inkloom_http_requests_total[5m]))", "{{status}}"),),
            ),
            (
                "Slowest routes, 95 %",
                "s",
                (
                    (
                        f"topk(8, {slowest('inkloom_http_request_seconds_bucket', 'route')})",
                        "{{route}}",
                    ),
                ),
            ),
            (
                "Connections",
                "short",
                (
                    ("sum(inkloom_websockets_open)", "WebSockets"),
                    ("sum(inkloom_http_requests_in_progress)", "requests"),
                    ("sum by (state) (inkloom_database_connections)", "database, {{state}}"),
                ),
            ),
        ),
    ),
)


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it; it asks for the data source."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, graphs in ROWS:
        panels.append(_panel("row", title, 0, y, 24, 1))
        y += 1
        for number, (name, unit, targets) in enumerate(graphs):
            if number and number % 3 == 0:
                y += HEIGHT
            panels.append(
                _panel("timeseries", name, number % 3 * WIDTH, y, WIDTH, HEIGHT)
                | {
                    "datasource": {"type": "prometheus", "uid": "${DS_PROMETHEUS}"},
                    "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
                    "targets": [
                        {"expr": expression, "legendFormat": legend, "refId": chr(ord("A") + place)}
                        for place, (expression, legend) in enumerate(targets)
                    ],
                }
            )
        y += HEIGHT
    for number, panel in enumerate(panels, 1):
        panel["id"] = number
    return {
        "__inputs": [{"name": "DS_PROMETHEUS", "label": "Prometheus", "type": "datasource", "pluginId": "prometheus"}],
        "title": "Inkloom",
        "uid": "inkloom",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "panels": panels,
    }


def _panel(kind: str, title: str, x: int, y: int, width: int, height: int) -> dict[str, Any]:
    return {"type": kind, "title": title, "gridPos": {"x": x, "y": y, "w": width, "h": height}}


if __name__ == "__main__":
    FILE.write_text(json.dumps(dashboard(), indent=1) + "\n")
