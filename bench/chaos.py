"""Storms over an installation: processes killed and connections broken at seeded moments, a row for each seed.

    python -m bench.chaos --seeds 20 [--first 1] [--strikes 14]

Each seed makes an installation of its own, and takes some minutes. `broken` lists the promises that were not kept.
"""

import argparse
import asyncio
import json
import os
import sys
from dataclasses import asdict

from tests.support.storm import STRIKES, Storm, storm

COLUMNS = f"{'seed':>5} {'strikes':>8} {'chapters':>9} {'paid':>6} {'unknown':>8} {'seconds':>8}  broken"


async def storms(first: int, seeds: int, strikes: int) -> list[Storm]:
    print(COLUMNS, flush=True)
    came = []
    for seed in range(first, first + seeds):
        one = await storm(seed, STRIKES[:strikes])
        came.append(one)
        broken = "; ".join(one.broken) or "-"
        print(
            f"{one.seed:>5} {len(one.strikes):>8} {one.generations:>9} {one.paid:>6} {one.unknown:>8}"
            f" {one.seconds:>8.0f}  {broken}",
            flush=True,
        )
    return came


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--strikes", type=int, default=len(STRIKES), help="the first of them, in the order of the list")
    asked = parser.parse_args()
    came = asyncio.run(storms(asked.first, asked.seeds, asked.strikes))
    print(json.dumps([asdict(one) for one in came]), flush=True)
    return 1 if any(one.broken for one in came) else 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # A process that used the Temporal client may crash while the interpreter finalises.
    os._exit(code)
