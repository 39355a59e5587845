"""Run as a process of its own: let Temporal's SDK download its dev server into the folder named as argument."""

import asyncio
import os
import sys

from temporalio.testing import WorkflowEnvironment


async def download(folder: str) -> None:
    # The SDK has no download without a start; the server lives for a moment and leaves the program behind.
    server = await WorkflowEnvironment.start_local(download_dest_dir=folder, dev_server_log_level="error")
    await server.shutdown()


if __name__ == "__main__":
    code = 0
    try:
        asyncio.run(download(sys.argv[1]))
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        code = 1
    # The interpreter was seen to crash while finalising after the SDK was used.
    sys.stderr.flush()
    os._exit(code)
