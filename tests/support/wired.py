"""Runs a program of ours with wires of the tests between it and the servers.

python -m tests.support.wired MODULE [WORD …]
"""

import os
import re
import runpy
import sys
from urllib.parse import quote

SOCKETS, TEMPORAL = "TEST_POSTGRES_WIRE", "TEST_TEMPORAL_WIRE"


def main() -> None:
    url = os.environ["INKLOOM_DATABASE_URL"]
    os.environ["INKLOOM_DATABASE_URL"] = re.sub(r"host=[^&]*", f"host={quote(os.environ[SOCKETS], safe='')}", url)
    os.environ["TEMPORAL_ADDRESS"] = f"127.0.0.1:{os.environ[TEMPORAL]}"
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
