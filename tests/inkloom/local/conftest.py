"""A data folder as awkward as they come, and children that do nothing but live."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from inkloom.local.commands import Commands

LIVES = (sys.executable, "-c", "import time; time.sleep(600)")
SERVES = (
    sys.executable,
    "-c",
    "import os, socketserver as s; s.TCPServer.allow_reuse_address = True;"
    "s.TCPServer(('127.0.0.1', int(os.environ['INKLOOM_API_PORT'])), s.BaseRequestHandler).serve_forever()",
)


@pytest.fixture
def data() -> Iterator[Path]:
    """120 bytes, with spaces; not pytest's own folder, which nobody but root may enter."""
    root = Path(tempfile.mkdtemp(prefix="inkloom test "))
    root.chmod(0o755)
    folder = root / "data folder"
    yield folder.with_name(folder.name + "x" * (120 - len(str(folder))))
    shutil.rmtree(root)


@pytest.fixture
def commands() -> Commands:
    return Commands(
        migrate=(sys.executable, "-c", "print('migrated')"),
        workers={"worker-flow": LIVES, "worker-draw": LIVES},
        api=SERVES,
    )


@pytest.fixture
def secrets_around(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Values in our environment that are no business of the servers'."""
    names = (
        *("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "STABILITY_API_KEY", "A_VENDOR_OF_TOMORROW_TOKEN"),
        *("INKLOOM_SECRET_KEY", "INKLOOM_DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        *("TEMPORAL_API_KEY", "PGPASSWORD", "POSTGRES_PASSWORD", "HTTPS_PROXY", "OTEL_EXPORTER_OTLP_HEADERS"),
    )
    values = {name: f"canary-{number}" for number, name in enumerate(names)}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return set(values.values())
