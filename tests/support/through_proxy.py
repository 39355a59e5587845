"""A client of an installation behind a proxy: it repeats requests as docs/api.md says, and notes what it had to."""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from models.options import FINAL_STATUSES

TEXT = """\
Mara lit lamp {n} and put {n} keys on the table.

"Take key {n}," said Mara.

Joss shook his head. "I want the other {n}," he said.

They went down to the harbour. "Which boat is ours?" asked Mara.

"The blue one," said Joss.
"""
# Seconds for a request to be answered at last, and for a chapter to end.
ANSWER, CHAPTER = 120.0, 300.0
# What a proxy says of a process that is not there, and the API of a server that is not.
AGAIN = (429, 502, 503, 504)


@dataclass
class Client:
    """One account. `repeated` counts why requests had to be repeated; one that fails for good raises."""

    api: httpx.AsyncClient
    project: str = ""
    asked: int = 0
    repeated: Counter[str] = field(default_factory=Counter)

    async def ask(self, path: str, body: Any = None, *, form: dict[str, str] | None = None) -> Any:
        """The answer to a request. One key for all its attempts: whatever it makes is made once."""
        method = "GET" if body is None and form is None else "POST"
        headers = {"Idempotency-Key": uuid4().hex} if path == "generations" else {}
        self.asked += 1
        async with asyncio.timeout(ANSWER):
            while True:
                try:
                    answer = await self.api.request(method, path, json=body, data=form, headers=headers)
                except httpx.TransportError as error:
                    self.repeated[type(error).__name__] += 1
                    wait = 0.5
                else:
                    if answer.status_code not in AGAIN:
                        assert answer.status_code < 400, answer.text
                        return answer.json()
                    self.repeated[str(answer.status_code)] += 1
                    wait = float(answer.headers.get("Retry-After", "0.5"))
                await asyncio.sleep(wait)

    async def enter(self) -> None:
        """Register, log in, and make a project."""
        email, password = f"{uuid4().hex}@example.org", "harbour-lamp-two-keys"
        await self.ask("auth/register", {"email": email, "password": password})
        tokens = await self.ask("auth/login", form={"username": email, "password": password})
        self.api.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        self.project = (await self.ask("projects", {"title": "Two Keys"}))["id"]

    async def order(self, number: int, **options: str) -> str:
        """Request a chapter; the ID of its generation."""
        chapter = await self.ask(
            f"projects/{self.project}/chapters", {"title": f"Chapter {number}", "text": TEXT.format(n=number)}
        )
        body = {"kind": "chapter", "target_ids": [chapter["id"]], "options": options}
        return str((await self.ask("generations", body))["id"])

    async def reached(self, generation: str, share: float) -> None:
        """Wait until a generation has made this share of its progress, or has ended."""
        async with asyncio.timeout(CHAPTER):
            while True:
                found = await self.ask(f"generations/{generation}")
                if found["progress"] >= share or found["status"] in FINAL_STATUSES:
                    return
                await asyncio.sleep(0.1)

    async def finished(self, generation: str) -> dict[str, Any]:
        """The generation when it has ended."""
        async with asyncio.timeout(CHAPTER):
            while True:
                found = await self.ask(f"generations/{generation}")
                if found["status"] in FINAL_STATUSES:
                    return dict(found)
                await asyncio.sleep(0.3)

    async def calls(self, generation: str) -> list[dict[str, Any]]:
        """All its calls to providers."""
        found, cursor = [], ""
        while True:
            page = await self.ask(f"generations/{generation}/calls?limit=100{cursor}")
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    async def export(self, generation: dict[str, Any]) -> bytes:
        """The chapter's CBZ, through the proxy as all else."""
        chapter = generation["target_ids"][0]
        answer = await self.api.get(f"chapters/{chapter}/exports/cbz", follow_redirects=True)
        assert answer.status_code == 200, answer.text
        return answer.content


@asynccontextmanager
async def client(url: str, authority: Path) -> AsyncIterator[Client]:
    """A client that trusts the proxy's own authority, and no other."""
    trusted = ssl.create_default_context(cafile=str(authority))
    async with httpx.AsyncClient(
        base_url=f"{url}/api/v1/", verify=trusted, timeout=30, trust_env=False, http2=False
    ) as api:
        yield Client(api)


async def answers(url: str, authority: Path, patience: float) -> None:
    """Wait until the API answers through the proxy."""
    deadline = time.monotonic() + patience
    while True:
        try:
            trusted = ssl.create_default_context(cafile=str(authority))
            async with httpx.AsyncClient(verify=trusted, trust_env=False, timeout=5) as api:
                if (await api.get(f"{url}/healthz")).status_code == 200:
                    return
        except (httpx.TransportError, OSError):
            pass
        assert time.monotonic() < deadline, f"{url} does not answer"
        await asyncio.sleep(0.3)


def repeats(calls: list[dict[str, Any]]) -> tuple[int, int]:
    """How many calls were made again, and how many answers had been lost or failed, which alone allows that."""
    given = [call for call in calls if call["submitted_at"]]
    return sum(call["attempt"] > 1 for call in given), sum(call["state"] in ("unknown", "failed") for call in given)
