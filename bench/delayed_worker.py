"""A worker whose writer and artist take a set time and do nothing: what remains is ours.

Started by `bench_orchestration` in place of the product's workers; everything but the two adapters is the product's.
"""

import argparse
import asyncio
import io
import itertools
import json
import os
from functools import cache
from typing import Any

import uvloop
from PIL import Image

from engine.images import ImageRequest, ImageResult, Progress, unheard
from engine.llm import LLMReply, LLMRequest
from engine.logs import log_to_stderr
from engine.providers.usage import Tokens
from engine.settings import Settings
from inkloom.serve import serve_workers

SCENES = PANELS = 6


class DelayedWriter:
    """Answers every task after `seconds` with the smallest valid answer: six scenes of six panels."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def ask(self, request: LLMRequest) -> LLMReply:
        await asyncio.sleep(self._seconds)
        return LLMReply(json.dumps(self._answer(request.task, request.data)), "delayed", "stop", Tokens(100, 100))

    async def close(self) -> None:
        """Nothing is held open."""

    def _answer(self, task: str, data: Any) -> Any:
        match task:
            case "ChapterOutline":
                each = len(data.paragraphs) // SCENES
                scenes = [
                    {"title": f"Scene {i}", "first": i * each, "last": (i + 1) * each - 1, "gist": "Something."}
                    for i in range(SCENES)
                ]
                return {"scenes": scenes, "characters": [{"name": "Ada", "aliases": []}], "places": []}
            case "SceneSummary":
                return {"summary": "Ada waits.", "place": "", "time": "", "weather": "", "mood": "", "characters": []}
            case "CharacterProfile":
                look = dict.fromkeys(("age", "build", "hair", "face", "clothes"), "plain")
                # Told apart by the story, or the second round would find the first one's sheet in the ledger.
                look["clothes"] = data.excerpts[0][:80]
                return {"profile": {"name": data.name, "colours": ["red"], **look}}
            case "PanelDescription":
                each = len(data.sentences) // PANELS
                shots = ["wide", "medium"]
                return {
                    "panels": [
                        {
                            "first": i * each,
                            "last": (i + 1) * each - 1,
                            "shot": shots[i % 2],
                            "description": data.sentences[i * each].replace("Ada", "Somebody"),
                            "characters": [],
                        }
                        for i in range(PANELS)
                    ]
                }
            case "Dialogue":
                return {"lines": [], "caption": data.sentences[0]}
            case _:
                return {"prompt": data.description, "negative": ""}


@cache
def _flat(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (90, 120, 90)).save(buffer, "PNG")
    return buffer.getvalue()


class DelayedArtist:
    """Gives a flat picture after `seconds`, no two the same: its number follows the picture's end.

    Made once for each size, because a real artist encodes on a machine of its own.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._made = itertools.count()

    async def close(self) -> None:
        """Nothing is held open."""

    async def draw(self, request: ImageRequest, tell: Progress = unheard) -> ImageResult:
        await asyncio.sleep(self._seconds)
        data = _flat(request.width, request.height) + f"{os.getpid()} {next(self._made)}".encode()
        return ImageResult(data, "image/png", request.width, request.height, request.seed, may_be_flat=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--queues", choices=["flow", "draw"], required=True)
    parser.add_argument("--llm", type=float, required=True)
    parser.add_argument("--render", type=float, required=True)
    given = parser.parse_args()
    settings = Settings()
    log_to_stderr("WARNING")
    uvloop.run(
        serve_workers(
            settings,
            given.queues,
            writers={"offline": DelayedWriter(given.llm)},
            artists={"offline": DelayedArtist(given.render)},
        )
    )
    os._exit(0)


if __name__ == "__main__":
    main()
