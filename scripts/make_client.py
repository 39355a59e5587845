"""Makes the typed Python client from the API's own description.

    python -m scripts.make_client [FOLDER]

The folder becomes a distribution `inkloom-client` with the package `inkloom_client`: `pip install ./client`. Nothing
of it is written by hand, so it is not kept in the repository: every commit can make its own.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from api.app import create_app
from api.http.schemas import FILES
from engine.settings import Settings

CONFIGURATION = {
    "project_name_override": "inkloom-client",
    "package_name_override": "inkloom_client",
    "post_hooks": [f"{sys.executable} -m ruff format --quiet ."],
    # What is a file is bytes to a client, whatever is in it.
    "content_type_overrides": dict.fromkeys(FILES, "application/octet-stream"),
}


def make_client(folder: Path) -> Path:
    """Write the client to `folder`, in place of an earlier one, and return it. Raises on anything it cannot express."""
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        (place / "openapi.json").write_text(json.dumps(create_app(Settings()).openapi()))
        (place / "configuration.json").write_text(json.dumps(CONFIGURATION))
        subprocess.run(
            [
                *(sys.executable, "-m", "openapi_python_client", "generate"),
                *("--path", str(place / "openapi.json"), "--config", str(place / "configuration.json")),
                *("--meta", "setup", "--output-path", str(place / "client"), "--fail-on-warning"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(place / "client", folder)
    return folder


if __name__ == "__main__":
    print(make_client(Path(sys.argv[1] if sys.argv[1:] else "client")).absolute())
