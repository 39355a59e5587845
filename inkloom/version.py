"""The version of this installation."""

import tomllib
from pathlib import Path

PROJECT = Path(__file__).parent.parent / "pyproject.toml"


def version() -> str:
    """As `pyproject.toml` has it: Inkloom runs from its folder, so no installed package knows it."""
    found: str = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["version"]
    return found
