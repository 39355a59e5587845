"""The command line, started as a person's shell starts it, or called in this process, which costs no start."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import pytest

from inkloom.__main__ import main

ROOT = Path(__file__).parents[2]
Ran = subprocess.CompletedProcess[str]


def inkloom(*arguments: str | Path, **env: str) -> Ran:
    """Run it as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "inkloom", *map(str, arguments)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("INKLOOM_")} | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def inkloom_here(*arguments: str | Path, **env: str) -> Ran:
    """Run it in this process: for what is refused, so that no server is started."""
    words = [*map(str, arguments)]
    said, complained = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, env),
        redirect_stdout(said),
        redirect_stderr(complained),
        pytest.raises(SystemExit) as ended,
    ):
        main(words)
    code = ended.value.code
    assert isinstance(code, int)
    return Ran(words, code, said.getvalue(), complained.getvalue())
