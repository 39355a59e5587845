"""`.env.example` lists every setting with its default, and what is written in such a file is read as it was meant."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values

from engine.secret_files import SUFFIX
from engine.settings import Settings, is_secret, names_of
from scripts.env_example import FILE, FOR_COMPOSE, lines, quoted

pytestmark = pytest.mark.unit

HOSTILE = [
    "plain",
    "two words",
    "",
    '{"openai": {"requests": 500}}',
    "p@ss/word#1",
    "$HOME and ${NOTHING} and $$",
    'say "yes"',
    "back`tick` $(command)",
    "ümläut",
    "  spaces around  ",
]


def test_the_file_is_what_the_code_says() -> None:
    """Run `python -m scripts.env_example` after a change of the settings."""
    assert FILE.read_text("utf-8") == "\n".join(lines()) + "\n"


def test_all_of_it_uncommented_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each default, read back from the file, is the default: none is misspelt, and none lacks its quotes."""
    uncommented = "\n".join(
        line.removeprefix("#") if line.startswith("#") and not line.startswith(("# ", "#\n")) else line
        for line in FILE.read_text("utf-8").splitlines()
    )
    found = dotenv_values(stream=io.StringIO(uncommented), interpolate=False)
    known = {name for field in Settings.model_fields for name in names_of(field)}
    files = {f"{names_of(field)[0]}{SUFFIX}" for field in Settings.model_fields if is_secret(field)}
    assert set(found) - known - files - {""} == FOR_COMPOSE.keys()
    assert files <= set(found)
    assert {names_of(field)[0] for field in Settings.model_fields} <= set(found)
    for name, value in found.items():
        if value:
            monkeypatch.setenv(name, value)
    assert Settings().model_dump() == Settings.model_construct().model_dump()


@pytest.mark.parametrize("value", HOSTILE)
def test_quotes_spaces_and_dollars_are_read_as_written(value: str, tmp_path: Path) -> None:
    """By a reader of env files and by a shell. In single quotes, Compose replaces nothing, and neither does it here."""
    file = tmp_path / ".env"
    file.write_text(f"INKLOOM_VALUE={quoted(value)}\n", "utf-8")
    assert dotenv_values(file, interpolate=False)["INKLOOM_VALUE"] == value
    shell = shutil.which("sh")
    assert shell is not None
    script = f". '{file}'; printf %s \"$INKLOOM_VALUE\""
    assert subprocess.run([shell, "-c", script], capture_output=True, check=True).stdout.decode() == value


@pytest.mark.parametrize("value", ["it's", "two\nlines", "back\\slash"])
def test_what_no_env_file_can_hold_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="no single quote, no backslash and no line break"):
        quoted(value)
