"""A page for people that says how the whole installation is: what runs, what waits, what fails. It needs no script."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fastapi import APIRouter, Request, Response
from jinja2 import Environment
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from api.http.deps import Owned, Resources, account_of
from api.http.metrics import reads_metrics
from api.http.operators import of_ticket, require_operator
from api.http.readiness import readiness
from engine.errors import Forbidden, Unauthorized
from engine.money import circuits
from engine.store import open_work
from workflows.live_workers import live_workers
from workflows.starting import PATIENCE

log = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False)

_PAGE = Environment(autoescape=True, trim_blocks=True).from_string(Path(__file__).with_name("status.html").read_text())
# The page has a style of its own, and nothing else.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# The most unfinished generations that the page lists.
MOST = 100
# The most failed ones.
RECENT = 20
# A delay, or a sweeper's silence, that lasts longer in seconds needs attention.
LONG, SILENT = 300.0, 60.0
NOT_YOURS = "The status page shows the whole installation: only the owner of this machine and its operators may see it."
LOG_IN = (
    "Log in and send the access token, or get a ticket with POST /api/v1/auth/ws-ticket and open /status?ticket=…"
    " within 30 seconds. On this machine, counts are shown to everyone."
)


@dataclass(frozen=True)
class Row:
    """A line of a table; `bad` ones need attention."""

    cells: Sequence[object]
    bad: bool = False


@dataclass(frozen=True)
class Section:
    """A table with its title."""

    title: str
    head: Sequence[str]
    rows: Sequence[Row]
    note: str = ""


@router.get("/status")
async def status(request: Request, owned: Owned) -> Response:
    """With names for those who run the installation; with counts alone for whoever may read `/metrics`."""
    ticket = getattr(request.state, "ticket", None)
    full = await _sees_names(request, owned, ticket)
    sections = [await _servers(owned), *await _counts(owned)]
    if full:
        sections += await _names(owned)
    well = not any(row.bad for section in sections for row in section.rows)
    # A ticket is valid once, so its page cannot reload itself.
    page = _PAGE.render(sections=sections, well=well, full=full, at=datetime.now(UTC), refresh=not ticket)
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
    return Response(page, media_type="text/html", headers=headers)


async def _sees_names(request: Request, owned: Resources, ticket: str | None) -> bool:
    """Whether the request comes from someone who runs the installation. Raises if it may not even see counts."""
    if ticket:
        caller = await of_ticket(owned, ticket)
        if caller is None:
            raise Unauthorized(f"The ticket is invalid or has expired. {LOG_IN}")
        await require_operator(owned, caller, NOT_YOURS)
        return True
    counts = reads_metrics(request, owned)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        caller = await account_of(owned, token if scheme.lower() == "bearer" else None, request)
    except (Unauthorized, SQLAlchemyError) as error:
        if counts:
            return False
        raise Unauthorized(LOG_IN) from error
    try:
        await require_operator(owned, caller, NOT_YOURS)
    except Forbidden:
        if counts:
            return False
        raise
    return True


async def _servers(owned: Resources) -> Section:
    found = await readiness(owned)
    return Section("Servers", ("server", "state"), [Row((name, state), state != "ok") for name, state in found.items()])


async def _counts(owned: Resources) -> list[Section]:
    """What `/metrics` says of the installation, as tables."""
    await owned.installation.rendered()
    values: dict[str, dict[str, float]] = {}
    for metric in owned.installation.collect():
        for sample in metric.samples:
            values.setdefault(metric.name, {})[" ".join(sample.labels.values())] = sample.value
    of = values.get
    silence = of("inkloom_sweeper_last_round_seconds", {}).get("", 0.0)
    ages = of("inkloom_delay_oldest_seconds", {})
    tasks, lags, served = (of(f"inkloom_queue_{name}", {}) for name in ("tasks", "lag_seconds", "served"))
    failing, paused = of("inkloom_provider_failing", {}), of("inkloom_provider_paused", {})
    return [
        Section("Generations", ("status", "how many"), [_count(*one) for one in of("inkloom_generations", {}).items()]),
        Section(
            "Waiting for a person",
            ("for", "parts"),
            [_count(*one) for one in of("inkloom_decisions_pending", {}).items()],
        ),
        Section(
            "Waiting for something else",
            ("for", "parts", "oldest"),
            [
                Row((reason, f"{count:.0f}", f"{ages.get(reason, 0):.0f} s"), ages.get(reason, 0) > LONG)
                for reason, count in of("inkloom_delays", {}).items()
            ],
        ),
        Section(
            "Providers that fail or are paused",
            ("kind and model", "state"),
            [Row((circuit, "fails"), True) for circuit, value in failing.items() if value]
            + [Row((circuit, "paused")) for circuit in paused],
        ),
        Section(
            "Queues",
            ("queue", "tasks", "oldest", "served"),
            [
                Row(
                    (queue, f"{count:.0f}", f"{lags.get(queue, 0):.0f} s", "yes" if served.get(queue) else "no"),
                    bool(count and not served.get(queue)),
                )
                for queue, count in tasks.items()
            ],
        ),
        Section(
            "Sweeper",
            ("last round", "lost generations are found"),
            [Row((f"{silence:.0f} s ago", "no" if silence > SILENT else "yes"), silence > SILENT)],
        ),
    ]


def _count(name: str, value: float) -> Row:
    return Row((name, f"{value:.0f}"))


async def _names(owned: Resources) -> list[Section]:
    """What only those see who run the installation."""
    sections = []
    try:
        async with owned.database.session() as session:
            unfinished = await open_work.unfinished(session, MOST)
            failed = await open_work.failed_lately(session, RECENT)
            known = await circuits.listed(session)
    except SQLAlchemyError as error:
        log.warning("the status page has no names: %s", type(error).__name__)
        unfinished, failed, known = [], [], []
    rows = []
    for one in unfinished:
        waits = "; ".join(f"{wait.reason} since {wait.since:%m-%d %H:%M}: {wait.message}" for wait in one.waits[:3])
        title = f"{one.project} / {one.chapter}" if one.chapter else one.project
        rows.append(Row((one.id, title, one.status, f"{one.progress:.0%}", f"{one.requested_at:%m-%d %H:%M}", waits)))
    head = ("generation", "what", "status", "progress", "requested", "waits for")
    sections.append(Section("Unfinished generations", head, rows, note="The oldest first." if rows else ""))
    ends = [Row((one.id, one.project, f"{one.finished_at:%m-%d %H:%M}", one.error)) for one in failed]
    sections.append(Section("Failed within a day", ("generation", "project", "ended", "why"), ends))
    said = [Row((f"{one.kind} {one.provider}", one.model or "", one.failures, one.said)) for one in known]
    sections.append(Section("What failing providers say", ("provider", "model", "failures", "last"), said))
    try:
        alive = await asyncio.wait_for(live_workers(owned.temporal), PATIENCE)
    except (RPCError, RuntimeError, TimeoutError):
        alive = []
    workers = [Row((one.host, one.process, one.build, one.busy, " ".join(one.queues))) for one in alive]
    sections.append(Section("Workers", ("host", "process", "build", "in hand", "queues"), workers))
    return sections
