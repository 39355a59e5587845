"""A day of a large installation, simulated from measured costs: 10,000 tenants and a million panels.

Tenants differ in size as customers do (Zipf), and the day has its busy hours. Chapters arrive, each of their panels
needs an artist for `--picture` seconds, which is waiting and not work, and then a core of a `draw` worker for the
measured seconds. Tenants take turns, as Temporal's fairness keys make them. What comes out: how many cores keep the
wait of the busiest hour short, how long small tenants wait beside large ones, and the load on everything else.

It simulates queues and cores, not machines, networks or databases: figures of those are products of measured units.
Costs are those of `bench_workers` and `bench_histories`; give yours. Not part of `make bench`:
`python -m bench.scale [--cores N …]`.
"""

import argparse
import heapq
import json
import math
import random
import time
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any

DAY, HOUR = 86_400, 3_600
# The share of a day's chapters that arrive in each hour, with evenings as the busiest.
BUSY = [2, 1, 1, 1, 1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6, 7, 8, 7, 5, 4, 3]
PANELS = 24
# Panels that an artist draws for one chapter at a time.
AT_A_TIME = 8


@dataclass(frozen=True)
class Units:
    """What one panel costs: processor seconds by kind of process, events of histories, and bytes that stay."""

    draw: float
    flow: float
    temporal: float
    postgres: float
    events: float
    history_bytes: float
    picture_bytes: float


@dataclass(frozen=True)
class Chapter:
    at: float
    tenant: int


def chapters(tenants: int, panels: int, lots: random.Random) -> list[Chapter]:
    """The chapters of a day, in the order of their arrival."""
    count = panels // PANELS
    weights = [1 / (rank + 1) for rank in range(tenants)]
    whose = lots.choices(range(tenants), weights, k=count)
    hours = lots.choices(range(24), BUSY, k=count)
    return sorted((Chapter(hour * HOUR + lots.random() * HOUR, one) for hour, one in zip(hours, whose, strict=True)),
                  key=lambda chapter: chapter.at)  # fmt: skip


def waits(day: list[Chapter], picture: float, work: float, cores: int) -> list[tuple[int, float]]:
    """Each panel's tenant and the seconds for which it waits for a core, tenants in turn."""
    ready: list[tuple[float, int]] = []
    for chapter in day:
        for number in range(PANELS):
            ready.append((chapter.at + picture * (1 + number // AT_A_TIME), chapter.tenant))
    ready.sort()
    waiting: dict[int, deque[float]] = defaultdict(deque)
    turns: deque[int] = deque()
    busy: list[float] = []
    found: list[tuple[int, float]] = []

    def begin(now: float) -> None:
        tenant = turns.popleft()
        since = waiting[tenant].popleft()
        if waiting[tenant]:
            turns.append(tenant)
        found.append((tenant, now - since))
        heapq.heappush(busy, now + work)

    for at, tenant in ready:
        while busy and busy[0] <= at:
            free = heapq.heappop(busy)
            if turns:
                begin(free)
        if not waiting[tenant]:
            turns.append(tenant)
        waiting[tenant].append(at)
        if len(busy) < cores:
            begin(at)
    while turns:
        begin(heapq.heappop(busy))
    return found


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def simulated(day: list[Chapter], picture: float, units: Units, cores: int) -> dict[str, Any]:
    began = time.monotonic()
    sizes: dict[int, int] = defaultdict(int)
    for chapter in day:
        sizes[chapter.tenant] += 1
    found = waits(day, picture, units.draw, cores)
    small = [waited for tenant, waited in found if sizes[tenant] <= 2]
    return {
        "draw_cores": cores,
        "wait_p50_s": round(percentile([waited for _, waited in found], 0.5), 2),
        "wait_p99_s": round(percentile([waited for _, waited in found], 0.99), 2),
        "wait_p99_s_of_small_tenants": round(percentile(small, 0.99), 2),
        "longest_wait_s": round(max(waited for _, waited in found), 1),
        "simulated_in_s": round(time.monotonic() - began, 1),
    }


def loads(panels: int, picture: float, units: Units) -> dict[str, Any]:
    """What a day of that many panels asks of everything, in the mean and in its busiest hour."""
    mean = panels / DAY
    peak = mean * 24 * max(BUSY) / sum(BUSY)
    return {
        "panels_per_second": {"mean": round(mean, 1), "busiest_hour": round(peak, 1)},
        "pictures_under_way_in_the_busiest_hour": math.ceil(peak * picture),
        "cores_in_the_busiest_hour": {
            kind: round(peak * getattr(units, kind), 1) for kind in ("draw", "flow", "temporal", "postgres")
        },
        "history_events_per_second_in_the_busiest_hour": round(peak * units.events),
        "gb_a_day": {
            "histories": round(panels * units.history_bytes / 1e9, 1),
            "pictures": round(panels * units.picture_bytes / 1e9, 1),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenants", type=int, default=10_000)
    parser.add_argument("--panels", type=int, default=1_000_000, help="panels a day")
    parser.add_argument("--picture", type=float, default=20.0, help="seconds of an artist's call")
    parser.add_argument("--draw", type=float, default=0.6, help="core seconds of `draw` workers for a panel")
    parser.add_argument("--flow", type=float, default=0.16, help="the same of `flow` workers")
    parser.add_argument("--temporal", type=float, default=0.13)
    parser.add_argument("--postgres", type=float, default=0.04)
    parser.add_argument("--events", type=float, default=36, help="events of histories for a panel")
    parser.add_argument("--history-bytes", type=float, default=13_000)
    parser.add_argument("--picture-bytes", type=float, default=1_500_000)
    parser.add_argument("--cores", type=int, nargs="*", default=[], help="draw cores to try; default: around the load")
    given = parser.parse_args()
    units = Units(
        given.draw, given.flow, given.temporal, given.postgres, given.events, given.history_bytes, given.picture_bytes
    )
    load = loads(given.panels, given.picture, units)
    needed = load["cores_in_the_busiest_hour"]["draw"]
    day = chapters(given.tenants, given.panels, random.Random(1))  # noqa: S311  # lots of a simulation
    cores = given.cores or [math.ceil(needed * share) for share in (0.9, 1.1, 1.25)]
    rounds = [simulated(day, given.picture, units, one) for one in cores]
    print(json.dumps({"tenants": given.tenants, "panels": given.panels, "load": load, "rounds": rounds}, indent=2))


if __name__ == "__main__":
    main()
