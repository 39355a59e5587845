"""A Temporal server that tells builds apart, as those of an installation do; the embedded one does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from inkloom.local.ports import LOOPBACK, next_free
from inkloom.local.temporal_binary import obtain
from inkloom.worker import connect

PATIENCE = 60.0
LISTING = ("frontend.WorkerHeartbeatsEnabled=true", "frontend.ListWorkersEnabled=true")


@asynccontextmanager
async def versioned_server() -> AsyncIterator[str]:
    """Its address. Nothing of it is kept."""
    program, port = (await obtain()).path, next_free(17_233)
    server = await asyncio.create_subprocess_exec(
        *(program, "server", "start-dev", "--headless", "--log-level", "error", "--ip", LOOPBACK, "--port", str(port)),
        *(part for value in LISTING for part in ("--dynamic-config-value", value)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await connect(f"{LOOPBACK}:{port}", "default")
                except RuntimeError:
                    await asyncio.sleep(0.2)
                else:
                    break
        yield f"{LOOPBACK}:{port}"
    finally:
        server.terminate()
        await server.wait()
