"""Kills a run's processes at random moments and checks that the chapter comes out whole, paid for once.

    python -m scripts.kill_matrix --rounds 20 --seed 1

Every round turns a fresh story into a chapter; at a random moment one victim gets SIGKILL: a worker, Temporal,
Postgres, the command itself, or everything at once. Where the command died it is given again, as a person would.
Then the database and the files say whether a promise was broken. One line a round; last, the sums as JSON.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from inkloom.local.postgres import Postgres
from inkloom.local.processes import Identity, identify
from inkloom.local.state import StateFile

ROOT = Path(__file__).parents[1]
RUN, TREE = "run", "tree"
VICTIMS = ("worker-flow", "worker-draw", "temporal", "postgres", RUN, TREE)
PATIENCE = 180.0
# Submitted before the kill was over, not settled before it began: the only calls that may go without an answer.
CLOCK_SLACK = 0.1

SCENES = (
    """The {place} lay under snow. {hero} pushed the gate open and held up lamp number {n}.

"Somebody was here before us," said {hero}. "Look at the {n} marks in the snow."

{friend} knelt down and touched one of them. "They are still warm," {friend} whispered.

A shutter banged somewhere above the {place}.""",
    """Inside, the stairs went down for {n} steps. {friend} counted every one of them aloud.

"Stop counting," said {hero}. "You make it longer."

{friend} laughed and jumped the last {n} steps. The lamp went out.

"Now I cannot even count," said {friend}.""",
    """At the bottom stood a door with {n} locks. {hero} took the ring of keys from the wall.

"One of these opens it," said {hero}. "The other {n} wake the keeper."

{friend} closed both eyes and pointed. "That one."

The key turned without a sound, and the {place} held its breath.""",
    """Morning came over the {place}. {hero} and {friend} sat on the wall with {n} gold leaves between them.

"Who will believe us?" asked {friend}.

"Nobody," said {hero}. "That is why we keep them."

Far below, lamp number {n} was burning again.""",
)
HEROES = ("Mara", "Ilse", "Tomas", "Noor", "Beatrix", "Henrik", "Salome", "Ruben")
FRIENDS = ("Joss", "Pavel", "Wanda", "Emeka", "Lotte", "Dario", "Yuki", "Anselm")
PLACES = ("harbour", "orchard", "observatory", "mill", "abbey", "quarry", "lighthouse", "greenhouse")


@dataclass
class Round:
    """What happened in one round. `broken` lists the promises that were not kept."""

    number: int
    victim: str
    moment: float | None = None
    seconds: float = 0.0
    submitted: int = 0
    confirmed: int = 0
    unknown: int = 0
    in_flight: int = 0
    broken: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Kill:
    """When it happened: by the clock of this machine, which is the database's too."""

    after: float
    began: datetime
    ended: datetime


class Command:
    """`python -m inkloom run`, or `batch`, as a process, with what it said."""

    def __init__(self, story: Path, out: Path, data: Path, *extra: str, verb: str = "run") -> None:
        self.began = time.monotonic()
        self._data = data
        self._words = out.with_name(f"{out.name}.stderr")
        self._result = out.with_name(f"{out.name}.stdout")
        with self._words.open("ab") as words, self._result.open("wb") as result:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "inkloom", verb, str(story), "--out", str(out), "--json", *extra],
                cwd=ROOT,
                env=os.environ | {"INKLOOM_DATA": str(data)},
                stdin=subprocess.DEVNULL,
                stdout=result,
                stderr=words,
            )

    def wait(self) -> int | None:
        """The exit code; None for one that had to be ended because it took too long."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            # An orderly end, so that the next round begins clean.
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(60)
            self.process.kill()
            self.process.wait()
            return None

    def result(self) -> dict[str, Any]:
        lines = self._result.read_text().splitlines()
        return dict(json.loads(lines[-1])) if lines else {}

    def words(self) -> str:
        return self._words.read_text()

    def targets(self, victim: str) -> list[Identity]:
        """The live processes that the victim stands for; the command first, or it would start the others again."""
        children = {role: child.identity for role, child in StateFile(self._data).read().children.items()}
        mine = identify(self.process.pid) if self.process.poll() is None else None
        chosen = {RUN: [mine], TREE: [mine, *children.values()]}.get(victim, [children.get(victim)])
        return [one for one in chosen if one is not None and one.alive()]

    def kill(self, *victims: str, after: float = 0.0, said: str = "") -> Kill | None:
        """SIGKILL for the victims, once they live, so long after the start and after these words; None if too late."""
        time.sleep(max(0.0, self.began + after - time.monotonic()))
        while self.process.poll() is None:
            targets = [self.targets(victim) for victim in victims]
            if all(targets) and said in self.words():
                moment, began = time.monotonic() - self.began, datetime.now(UTC)
                for target in itertools.chain(*targets):
                    with suppress(ProcessLookupError):
                        os.kill(target.pid, signal.SIGKILL)
                return Kill(moment, began, datetime.now(UTC))
            time.sleep(0.02)
        return None


def story_of(number: int, draw: random.Random) -> str:
    """A story that no other round tells: no call of one may be answered from another's."""
    names = {"hero": draw.choice(HEROES), "friend": draw.choice(FRIENDS), "place": draw.choice(PLACES)}
    told = [scene.format(n=night, **names) for night in (number, number + 500) for scene in SCENES]
    return f"The Lamp of {number} Nights\n\n" + "\n\n***\n\n".join(told) + "\n"


def broken_promises(result: dict[str, Any], rows: dict[str, list[dict[str, Any]]], kill: Kill | None) -> Iterator[str]:
    """What the database and the files say against the run."""
    if result["status"] != "completed":
        yield f"status is {result['status']}"
    if unselected := [row for row in rows["panels"] if row["state"] != "selected"]:
        yield f"{len(unselected)} of {len(rows['panels'])} panels are not selected"
    if not rows["panels"] or result["panels"] != len(rows["panels"]):
        yield f"{result['panels']} panels told, {len(rows['panels'])} stored"
    yield from _broken_ledger(rows["calls"], kill)
    yield from _broken_events(rows["events"])
    yield from _broken_files(result)


def unanswered(calls: Sequence[dict[str, Any]]) -> int:
    return sum(1 for call in calls if call["submitted_at"] and call["state"] != "confirmed")


def in_flight(calls: Sequence[dict[str, Any]], kill: Kill | None) -> int:
    """How many calls had been sent and not answered when the processes died."""
    if kill is None:
        return 0

    def flying(call: dict[str, Any]) -> bool:
        sent, settled = call["submitted_at"], call["settled_at"]
        before_end = sent is not None and (sent - kill.ended).total_seconds() < CLOCK_SLACK
        return before_end and (settled is None or (settled - kill.began).total_seconds() > -CLOCK_SLACK)

    return sum(map(flying, calls))


def _broken_ledger(calls: Sequence[dict[str, Any]], kill: Kill | None) -> Iterator[str]:
    if open_ones := [call for call in calls if call["state"] in ("reserved", "submitted")]:
        yield f"{len(open_ones)} calls are still {open_ones[0]['state']}"
    if unanswered(calls) > (flying := in_flight(calls, kill)):
        yield f"{unanswered(calls)} calls without an answer, but only {flying} were in flight at the kill"
    by_key: dict[str, list[dict[str, Any]]] = {}
    for call in calls:
        by_key.setdefault(call["call_key"], []).append(call)
    for key, attempts in by_key.items():
        confirmed = [call for call in attempts if call["state"] == "confirmed"]
        if len(confirmed) != 1:
            yield f"{key[:8]} is confirmed {len(confirmed)} times"
            continue
        again = [
            call for call in attempts if call["submitted_at"] and call["submitted_at"] > confirmed[0]["settled_at"]
        ]
        if again:
            yield f"{key[:8]} was paid for again after its answer was stored"


def _broken_events(events: Sequence[dict[str, Any]]) -> Iterator[str]:
    if [event["seq"] for event in events] != list(range(1, len(events) + 1)):
        yield "the numbers of the events have gaps"
    progress = [float(event["data"]["progress"]) for event in events if "progress" in event["data"]]
    if progress != sorted(progress):
        yield "progress went backwards"
    if not events or events[-1]["type"] != "generation.completed" or progress[-1:] != [1.0]:
        yield "the last event is not the completion, with progress 1"
    for type in ("generation.started", "chapter.outlined", "generation.completed"):
        if (told := sum(event["type"] == type for event in events)) != 1:
            yield f"{type} was told {told} times"


def _broken_files(result: dict[str, Any]) -> Iterator[str]:
    script = Path(result["script"] or "")
    if not script.is_file():
        yield "there is no script.json"
        return
    pages = sorted((script.parent / "pages").glob("*.png"))
    if not pages or len(pages) != result["pages"]:
        yield f"{len(pages)} page files for {result['pages']} pages"
    try:
        with zipfile.ZipFile(result["exports"]["cbz"] or "") as cbz:
            if cbz.testzip() is not None:
                yield "the CBZ is damaged"
            inside = [name for name in cbz.namelist() if name.endswith((".png", ".jpg"))]
            if len(inside) != len(pages):
                yield f"{len(inside)} pages in the CBZ, {len(pages)} in the folder"
    except (OSError, zipfile.BadZipFile) as error:
        yield f"the CBZ cannot be opened: {error}"
    if leftovers := [path.name for path in script.parent.rglob(".*") if path.is_file()]:
        yield f"left half-written: {', '.join(leftovers)}"


async def rows_of(data: Path, generation_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """Everything the database knows of a generation, read once its stack has stopped."""
    postgres = Postgres(data, data / "logs" / "postgres.log", sockets=StateFile(data).read().postgres_sockets)
    server = await postgres.orphan() or await postgres.launch()
    try:
        async with await psycopg.AsyncConnection.connect(postgres.url, row_factory=dict_row) as connection:

            async def rows(query: str) -> list[dict[str, Any]]:
                return list(await (await connection.execute(query, {"id": generation_id})).fetchall())

            return {
                "calls": await rows(
                    "SELECT call_key, attempt, state, submitted_at, settled_at FROM provider_calls"
                    " WHERE generation_id = %(id)s ORDER BY id"
                ),
                "panels": await rows(
                    "SELECT p.state FROM panels p JOIN scenes s ON s.id = p.scene_id"
                    " JOIN generations g ON g.chapter_id = s.chapter_id WHERE g.id = %(id)s"
                ),
                "events": await rows(
                    "SELECT e.seq, e.type, e.data FROM events e JOIN generations g ON g.project_id = e.project_id"
                    " WHERE g.id = %(id)s ORDER BY e.seq"
                ),
            }
    finally:
        await postgres.end(server)


def finish(command: Command, again: Sequence[Any], *extra: str) -> tuple[Command, int | None]:
    """Wait for the command; killed, it is given again."""
    code = command.wait()
    if code == -signal.SIGKILL:
        command = Command(*again, *extra)
        code = command.wait()
    return command, code


def play(number: int, victim: str, moment: float, folder: Path, draw: random.Random) -> Round:
    """One round."""
    played = Round(number, victim)
    # Rounds may be repeated, and a folder used again; a story may not.
    telling = len(list(folder.glob("*.txt"))) + 11
    story, out, data = folder / f"{telling}.txt", folder / f"{telling}-{victim}", folder / "data"
    story.write_text(story_of(telling, draw))
    began = time.monotonic()
    command = Command(story, out, data)
    kill = None if victim == "none" else command.kill(victim, after=moment)
    command, code = finish(command, (story, out, data))
    played.seconds = time.monotonic() - began
    played.moment = kill.after if kill else None
    if "Traceback" in command.words():
        played.broken.append("a traceback was shown")
    if code != 0:
        played.broken.append("did not come to an end" if code is None else f"exit code {code}")
        return played
    result = command.result()
    rows = asyncio.run(rows_of(data, UUID(result["generation_id"])))
    calls = rows["calls"]
    played.submitted = sum(1 for call in calls if call["submitted_at"])
    played.confirmed = sum(1 for call in calls if call["state"] == "confirmed")
    played.unknown = sum(1 for call in calls if call["state"] == "unknown")
    played.in_flight = in_flight(calls, kill)
    played.broken += broken_promises(result, rows, kill)
    return played


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.kill_matrix", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--victim", choices=VICTIMS, action="append", help="only these; may be given several times")
    parser.add_argument("--folder", type=Path, help="where to work; it stays (default: a temporary folder)")
    asked = parser.parse_args()
    draw = random.Random(asked.seed)  # noqa: S311 - the same kills for the same seed
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="inkloom-kill-"))
    folder.mkdir(parents=True, exist_ok=True)

    print(
        f"{'round':>5} {'victim':<12} {'moment':>7} {'sent':>5} {'confirmed':>9} {'unknown':>7} {'extra':>6}",
        flush=True,
    )
    # The first round pays for what is made only once, so the second is what the others are measured against.
    calm = [play(number, "none", 0.0, folder, draw) for number in range(-2, 0)]
    usual = calm[-1].seconds
    played = []
    for number, victim in zip(range(asked.rounds), itertools.cycle(asked.victim or VICTIMS), strict=False):
        moment = draw.uniform(0.0, usual * 0.9)
        while (one := play(number, victim, moment, folder, draw)).moment is None and not one.broken:
            # The run was over before: a quicker one than usual, or stopping already.
            moment *= 0.8
        played.append(one)
        at = "never" if one.moment is None else f"{one.moment:.1f} s"
        print(
            f"{one.number:>5} {one.victim:<12} {at:>7} {one.submitted:>5} {one.confirmed:>9} {one.unknown:>7}"
            f" {one.seconds - usual:>4.1f} s {'; '.join(one.broken)}",
            flush=True,
        )
    broken = [one for one in [*calm, *played] if one.broken]
    sums = {
        "rounds": len(played),
        "killed": sum(one.moment is not None for one in played),
        "broken": len(broken),
        "undisturbed_seconds": round(usual, 1),
        "submitted": sum(one.submitted for one in played),
        "confirmed": sum(one.confirmed for one in played),
        "unknown": sum(one.unknown for one in played),
        "in_flight_at_kill": sum(one.in_flight for one in played),
        "folder": str(folder),
        "all": [asdict(one) for one in [*calm, *played]],
    }
    print(json.dumps(sums))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
