"""What our adapters add to a call: CPU and wall time against the bare SDK, or the bare HTTP client where there is none.

Both talk to the same fake on loopback, in a process of its own, in alternating blocks of calls within one run. Pictures
are 1024 × 1024 of noise, the largest a PNG of that size can be.
"""

import argparse
import asyncio
import base64
import io
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from PIL import Image
from pydantic import BaseModel

from engine.images import ImageRequest
from engine.images.local import LocalArtist
from engine.images.openai import OpenAIArtist
from engine.llm import LLMRequest
from engine.llm.anthropic import AnthropicWriter
from engine.llm.ollama import OllamaWriter
from engine.llm.openai import OpenAIWriter
from engine.providers.model_facts import most_output
from engine.tasks import ALL
from tests.fakes.anthropic import Anthropic
from tests.fakes.ollama import Ollama
from tests.fakes.openai import GENERATE, OpenAI
from tests.fakes.server import Answer, Asked, Server
from tests.fakes.stable_diffusion import TXT2IMG, StableDiffusion

_SECONDS = 30.0
_KEY = "sk-bench"
Call = Callable[[], Awaitable[Any]]


class _Nothing(BaseModel):
    """No data: only the offline writer reads it."""


_TASK = ALL["PanelDescription"]
_QUESTION = LLMRequest(
    _TASK.name, "", "You are terse.", "It rained on the harbour. " * 400, _TASK.schema(), 8_000, _Nothing()
)
_ORDER = ImageRequest(model="", prompt="a harbour in the rain", negative="", width=1024, height=1024, seed=1)


def _noise() -> str:
    data = io.BytesIO()
    noise = Image.frombytes("RGB", (1024, 1024), os.urandom(3 * 1024 * 1024))
    noise.save(data, "PNG", compress_level=1)
    return base64.b64encode(data.getvalue()).decode()


async def _writes(_: object) -> str:
    return json.dumps({"panels": [{"description": "Rain on the harbour. " * 8} for _ in range(12)]})


class _Pictures(OpenAI):
    """Answers at once with a picture made before."""

    def __init__(self) -> None:
        super().__init__(_writes)
        self._made = json.dumps({"created": 1, "data": [{"b64_json": _noise()}], "size": "1024x1024"})

    async def respond(self, asked: Asked) -> Answer:
        return Answer(self._made) if asked.path == GENERATE else await super().respond(asked)


class _Drawings(StableDiffusion):
    def __init__(self) -> None:
        super().__init__()
        info = {"all_seeds": [1], "infotexts": ["a harbour\nSteps: 20"], "sd_model_name": "inkXL"}
        self._made = json.dumps({"images": [_noise()], "parameters": {}, "info": json.dumps(info)})

    async def respond(self, asked: Asked) -> Answer:
        return Answer(self._made) if asked.path == TXT2IMG else await super().respond(asked)


_FAKES: dict[str, Callable[[], Server]] = {
    "openai": _Pictures,
    "anthropic": lambda: Anthropic(_writes),
    "ollama": lambda: Ollama(_writes),
    "local": _Drawings,
}


@dataclass(frozen=True)
class Pair:
    """The same call by our adapter and without it."""

    ours: Call
    bare: Call
    close: tuple[Call, ...]


def _openai_writer(url: str) -> Pair:
    import openai

    writer = OpenAIWriter(_KEY, f"{url}/v1", _SECONDS)
    client = openai.AsyncOpenAI(api_key=_KEY, base_url=f"{url}/v1", max_retries=0, timeout=_SECONDS)
    model = "gpt-6.1-sol"

    async def bare() -> object:
        answer = await client.chat.completions.create(
            model=model,
            messages=[{"role": "system", "content": _QUESTION.system}, {"role": "user", "content": _QUESTION.prompt}],
            response_format={
                "type": "json_schema",
                "json_schema": {"name": _QUESTION.task, "strict": True, "schema": _QUESTION.schema},
            },
            max_completion_tokens=most_output("openai", model, _QUESTION.max_output_tokens),
            reasoning_effort="low",
        )
        return answer.choices[0].message.content

    return Pair(lambda: writer.ask(_QUESTION), bare, (writer.close, client.close))


def _anthropic_writer(url: str) -> Pair:
    import anthropic

    writer = AnthropicWriter(_KEY, url, _SECONDS)
    client = anthropic.AsyncAnthropic(api_key=_KEY, base_url=url, max_retries=0, timeout=_SECONDS)
    model = "claude-sonnet-5-5"

    async def bare() -> object:
        answer = await client.messages.create(
            model=model,
            system=_QUESTION.system,
            messages=[{"role": "user", "content": _QUESTION.prompt}],
            max_tokens=most_output("anthropic", model, _QUESTION.max_output_tokens),
            output_config={"format": {"type": "json_schema", "schema": _QUESTION.schema}, "effort": "low"},
            timeout=_SECONDS,
        )
        return answer.content

    return Pair(lambda: writer.ask(_QUESTION), bare, (writer.close, client.close))


def _ollama_writer(url: str) -> Pair:
    writer = OllamaWriter(url, _SECONDS)
    client = httpx.AsyncClient(base_url=url, timeout=_SECONDS, trust_env=False)

    async def bare() -> object:
        body = {
            "model": "gemma3:12b",
            "messages": [
                {"role": "system", "content": _QUESTION.system},
                {"role": "user", "content": _QUESTION.prompt},
            ],
            "format": _QUESTION.schema,
            "stream": False,
            "options": {"num_ctx": 20_480, "num_predict": 16_192},
        }
        return (await client.post("/api/chat", json=body)).json()["message"]["content"]

    return Pair(lambda: writer.ask(_QUESTION), bare, (writer.close, client.aclose))


def _openai_artist(url: str) -> Pair:
    import openai

    artist = OpenAIArtist(_KEY, f"{url}/v1", _SECONDS)
    client = openai.AsyncOpenAI(api_key=_KEY, base_url=f"{url}/v1", max_retries=0, timeout=_SECONDS)

    async def bare() -> object:
        answer = await client.images.generate(
            model="gpt-image-2.6-flare", prompt=_ORDER.prompt, n=1, size="1024x1024", output_format="png"
        )
        return base64.b64decode((answer.data or [])[0].b64_json or "")

    return Pair(lambda: artist.draw(_ORDER), bare, (artist.close, client.close))


def _local_artist(url: str) -> Pair:
    artist = LocalArtist(url, "", _SECONDS)
    client = httpx.AsyncClient(base_url=url, timeout=_SECONDS, trust_env=False)

    async def bare() -> object:
        body = {"prompt": _ORDER.prompt, "width": 1024, "height": 1024, "seed": 1}
        return base64.b64decode((await client.post(TXT2IMG, json=body)).json()["images"][0])

    return Pair(lambda: artist.draw(_ORDER), bare, (artist.close, client.aclose))


_PAIRS: dict[str, tuple[str, Callable[[str], Pair], int]] = {
    "writer openai": ("openai", _openai_writer, 40),
    "writer anthropic": ("anthropic", _anthropic_writer, 40),
    "writer ollama": ("ollama", _ollama_writer, 40),
    "artist openai": ("openai", _openai_artist, 8),
    "artist local": ("local", _local_artist, 8),
}


async def _block(call: Call, times: int) -> tuple[float, float]:
    """Milliseconds of CPU and of wall time, per call."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(times):
        await call()
    return (time.process_time() - cpu) * 1000 / times, (time.perf_counter() - wall) * 1000 / times


async def _measure(pair: Pair, rounds: int, times: int) -> dict[str, Any]:
    samples: dict[str, list[tuple[float, float]]] = {"ours": [], "bare": []}
    for call in (pair.ours, pair.bare):
        await _block(call, times)
    for number in range(rounds):
        # Whoever goes second finds warmer caches: they take turns at that too.
        for name in ("ours", "bare") if number % 2 else ("bare", "ours"):
            samples[name].append(await _block(getattr(pair, name), times))
    medians = {
        name: [statistics.median(one[which] for one in taken) for which in (0, 1)] for name, taken in samples.items()
    }
    (cpu, wall), (bare_cpu, bare_wall) = medians["ours"], medians["bare"]
    return {
        "cpu_added_ms": round(cpu - bare_cpu, 3),
        "cpu_ratio": round(cpu / bare_cpu, 3),
        "wall_added_ms": round(wall - bare_wall, 3),
        "wall_ratio": round(wall / bare_wall, 3),
        "samples_ms": {
            name: {"cpu": [round(one[0], 3) for one in taken], "wall": [round(one[1], 3) for one in taken]}
            for name, taken in samples.items()
        },
    }


@asynccontextmanager
async def _served(name: str) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.bench_adapters", "--serve", name, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield (await process.stdout.readline()).decode().strip() if process.stdout else ""
    finally:
        process.terminate()
        await process.wait()


async def _serve(name: str) -> None:
    async with _FAKES[name]() as fake:
        print(fake.url, flush=True)
        await asyncio.Event().wait()


async def _run(rounds: int) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for name, (fake, make, times) in _PAIRS.items():
        async with _served(fake) as url:
            pair = make(url)
            results[name] = await _measure(pair, rounds, times)
            for close in pair.close:
                await close()
    return results


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--serve", choices=_FAKES)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(_serve(given.serve))
    else:
        print(json.dumps(asyncio.run(_run(given.rounds)), indent=2))


if __name__ == "__main__":
    main()
