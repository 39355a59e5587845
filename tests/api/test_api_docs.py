"""`docs/api.md` is true: both columns of its ten calls are run as they stand there."""

import asyncio
import os
import re
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from scripts.make_client import make_client
from tests.api.conftest import Crew, Serve

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

DOCS = Path(__file__).parents[2] / "docs" / "api.md"


def column(language: str) -> str:
    """All blocks of a language, one after the other."""
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```$", DOCS.read_text(), re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="session")
def client_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The typed client, made from the API as it is."""
    return make_client(tmp_path_factory.mktemp("client") / "made")


async def run(folder: Path, *command: str, **environment: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    assert process.returncode == 0, f"{said.decode()}\n{complained.decode()}"
    return said.decode()


@pytest.mark.parametrize("language", ["bash", "python"])
async def test_from_an_account_to_a_chapter(
    served: Serve, crew: Crew, client_package: Path, tmp_path: Path, language: str
) -> None:
    """The page and the file are there at the end, and they are a picture and an archive."""
    script = tmp_path / f"calls.{language}"
    script.write_text(column(language))
    command = ["bash", "-euo", "pipefail"] if language == "bash" else [sys.executable, "-W", "error"]
    async with served() as port, crew():
        said = await run(
            tmp_path,
            *command,
            str(script),
            INKLOOM_API=f"http://127.0.0.1:{port}",
            PYTHONPATH=str(client_package),
        )
    assert "generation.requested" in said
    with Image.open(tmp_path / "page-1.png") as page:
        assert min(page.size) > 500
    with zipfile.ZipFile(tmp_path / "chapter.cbz") as archive:
        assert archive.testzip() is None


async def test_the_client_is_typed(client_package: Path, tmp_path: Path) -> None:
    """What the page does with it passes a type check, but for what may be absent: the page does not ask each time."""
    script = tmp_path / "calls.py"
    script.write_text(column("python"))
    await run(
        tmp_path,
        *(sys.executable, "-m", "mypy", "--python-executable", sys.executable, "--check-untyped-defs"),
        *("--disable-error-code=union-attr", "--disable-error-code=arg-type", "--disable-error-code=index"),
        str(script),
        MYPYPATH=str(client_package),
    )
    script.write_text(column("python").replace('NewProject(title="Two Keys"', "NewProject(title=3"))
    with pytest.raises(AssertionError, match="title"):
        await run(
            tmp_path, sys.executable, "-m", "mypy", "--check-untyped-defs", str(script), MYPYPATH=str(client_package)
        )
