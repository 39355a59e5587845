"""A worker process with the real adapters, for tests that kill it. Its writer tells a fake vendor what to answer."""

import os
import sys

import httpx
import uvloop

from engine import wiring
from engine.llm import LLM, LLMReply, LLMRequest
from engine.logs import log_to_stderr
from engine.offline.writer import OfflineWriter
from engine.settings import Settings
from inkloom.serve import serve_workers
from inkloom.worker import Queues
from tests.working import translating

TEACH = "/teach"


class Teaching:
    """In front of an adapter: the fake learns the offline writer's answer before it is asked, at no charge.

    Only text reaches a vendor, and the offline writer works from data.
    """

    def __init__(self, adapter: LLM, vendor: str) -> None:
        self._adapter = adapter
        self._vendor = httpx.AsyncClient(base_url=vendor, trust_env=False)

    async def ask(self, request: LLMRequest) -> LLMReply:
        answer = (await translating(request) or await OfflineWriter().ask(request)).text
        await self._vendor.post(TEACH, json={"system": request.system, "prompt": request.prompt, "answer": answer})
        return await self._adapter.ask(request)

    async def close(self) -> None:
        await self._vendor.aclose()
        await self._adapter.close()


def main() -> None:
    settings = Settings()
    log_to_stderr("DEBUG")
    vendor = os.environ["TEST_VENDOR"]
    writers = {name: Teaching(writer, vendor) for name, writer in wiring.writers(settings).items()}
    queues: Queues = "flow" if sys.argv[1] == "flow" else "draw"
    uvloop.run(serve_workers(settings, queues, writers, wiring.artists(settings)))
    os._exit(0)


if __name__ == "__main__":
    main()
