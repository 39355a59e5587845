"""What people really hand to `run`: it makes a chapter of it, or says in words what to change. Never a traceback."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from models.script import Script
from scripts.kill_matrix import story_of
from tests.support.command_line import ROOT, inkloom, inkloom_here
from tests.support.folders import enterable_folder

STORY = story_of(1, random.Random(1))
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
PARAGRAPH = "The harbour lay quiet, and somewhere a bell rang twice. “Listen,” said Mara. “It is for us.”\n\n"


def script(**changes: object) -> str:
    panel = {"description": "A door opens.", "dialogue": [{"speaker": "Mara", "text": "Come in."}]}
    return json.dumps({"scenes": [{"panels": [panel]}], **changes})


@pytest.mark.unit
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param("a.txt", b"", "is empty", id="empty"),
        pytest.param("a.txt", b" \n\t\n\xef\xbb\xbf \n", "is empty", id="blank"),
        pytest.param("a.txt", PNG, "a PNG picture, not text", id="picture-by-another-name"),
        pytest.param("a.txt", b"Caf\xc3\xa9 \xe9 t", "not valid UTF-8: byte 0xE9 at offset 6", id="broken-utf-8"),
        pytest.param("a.txt", b"x" * 20_000_001, "larger than 20 MB", id="larger-than-a-chapter"),
        pytest.param("a.json", b"{", "is not JSON: ", id="script-not-json"),
        pytest.param("a.json", b'"\xff"', "is not UTF-8 at byte 1", id="script-not-utf-8"),
        pytest.param("a.json", b"[" * 100_000, "nested too deeply", id="script-nested"),
        pytest.param("a.json", b"[]", "at the top level", id="script-a-list"),
        pytest.param("a.json", b"{}", "at scenes: Field required", id="script-without-scenes"),
        pytest.param("a.json", b'{"scenes": [{"panels": []}]}', "at scenes.0.panels", id="script-without-panels"),
        pytest.param("a.json", script(scenes=[{"panels": [{}]}]).encode(), "panels.0.description", id="script-blank"),
        pytest.param("a.json", script(version=2).encode(), "at version", id="script-of-another-version"),
        pytest.param("a.json", script(titel="x").encode(), "at titel", id="script-with-a-typo"),
        pytest.param("a.json", script(characters="Mara").encode(), "at characters", id="script-of-another-type"),
    ],
)
def test_a_file_that_is_no_story_is_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    """Refused in a moment: no server is started and nothing is written."""
    story = tmp_path / name
    story.write_bytes(content)
    refused(tmp_path, story, said=said)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("options", "env", "said"),
    [
        pytest.param(["--llm", "nonsense"], {}, "no writer called 'nonsense'", id="unknown-writer"),
        pytest.param(["--images", "nonsense"], {}, "no artist called 'nonsense'", id="unknown-artist"),
        pytest.param([], {"INKLOOM_LLM": "nonsense"}, "no writer called 'nonsense'", id="unknown-writer-in-settings"),
        pytest.param(["--drafts", "0"], {}, "--drafts", id="no-drafts"),
        pytest.param(["--max-panels", "0"], {}, "--max-panels", id="no-panels"),
        pytest.param(["--max-panels", "5001"], {}, "--max-panels", id="too-many-panels"),
        pytest.param(["--budget", "nan"], {}, "--budget", id="budget-not-a-number"),
        pytest.param(["--budget", "1e7"], {}, "--budget", id="budget-beyond-the-books"),
        pytest.param(["--budget", "inf"], {}, "--budget", id="budget-without-end"),
        pytest.param(
            ["--images", "openai", "--image-model", "crayon-9"],
            {"OPENAI_API_KEY": "hunter2"},
            "INKLOOM_PRICES",
            id="model-without-a-price",
        ),
        pytest.param(["--format", "scroll"], {}, "--format", id="unknown-format"),
        pytest.param([], {"INKLOOM_DATABASE_URL": "nonsense"}, "INKLOOM_DATABASE_URL", id="database-url-unreadable"),
        pytest.param([], {"INKLOOM_DATABASE_URL": "mysql://x/y"}, "only Postgres", id="database-of-another-kind"),
        pytest.param(
            [],
            {"INKLOOM_DATABASE_URL": "postgresql://me:hunter2@127.0.0.1:1/x"},
            "check INKLOOM_DATABASE_URL",
            id="database-away",
        ),
        pytest.param([], {"TEMPORAL_ADDRESS": "127.0.0.1:1"}, "check TEMPORAL_ADDRESS", id="temporal-away"),
        pytest.param([], {"TEMPORAL_ADDRESS": "here"}, "host:port", id="temporal-address-without-a-port"),
        pytest.param([], {"INKLOOM_STORAGE": "ftp://x"}, "INKLOOM_STORAGE", id="unknown-storage"),
        pytest.param([], {"INKLOOM_API_PORT": "abc"}, "INKLOOM_API_PORT", id="port-not-a-number"),
        pytest.param([], {"INKLOOM_LOG_LEVEL": "loud"}, "INKLOOM_LOG_LEVEL", id="unknown-log-level"),
    ],
)
def test_a_choice_that_cannot_work_is_refused(
    tmp_path: Path, options: list[str], env: dict[str, str], said: str
) -> None:
    """Named as the user gave it, before anything is started; a password is never repeated."""
    story = tmp_path / "a.txt"
    story.write_text(STORY)
    refused(tmp_path, story, *options, said=said, env=env)


@pytest.mark.unit
def test_a_place_that_is_no_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, tmp_path, said="is a folder")
    refused(tmp_path, tmp_path / "missing.txt", said="There is no file")


@pytest.mark.unit
def test_a_shell_is_told_the_same(tmp_path: Path) -> None:
    """As a process: what is wrong on stderr, the exit code, and with `--json` one object on stdout."""
    data = str(tmp_path / "data")
    done = inkloom("run", tmp_path / "missing.txt", "--json", INKLOOM_DATA=data)
    assert (done.returncode, done.stdout.count("\n")) == (2, 1)
    told = json.loads(done.stdout)
    [error] = told["errors"]
    assert (told["status"], error["part"], bool(error["what_to_do"])) == ("failed", "the command", True)
    assert "There is no file" in error["reason"]
    assert "There is no file" in done.stderr
    done = inkloom("run", tmp_path / "missing.txt", "--json", "--drafts", "0", INKLOOM_DATA=data)
    assert (done.returncode, done.stdout.count("\n")) == (2, 1)
    assert "--drafts" in json.loads(done.stdout)["errors"][0]["reason"]
    assert "--drafts" in done.stderr
    done = inkloom("run", tmp_path / "missing.txt", INKLOOM_DATA=data)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.unit
def test_an_encoding_that_was_guessed_is_named(tmp_path: Path) -> None:
    """The guess may be wrong, and a model would be paid for misread letters; stdout stays the result's."""
    story = tmp_path / "zoe.txt"
    story.write_bytes("Zoé laughed. “Très tôt,” she said.".encode("cp1252"))
    done = inkloom_here("estimate", story, "--json", INKLOOM_DATA=str(tmp_path / "data"))
    assert "zoe.txt is not UTF-8 and was read as Windows-1252." in " ".join(done.stderr.split())
    assert done.returncode == 0
    assert json.loads(done.stdout)["usd"]["low"] == 0


@pytest.mark.unit
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["estimate", "missing.txt"], id="no such file"),
        pytest.param(["export", "no-id"], id="no ID"),
        pytest.param(["seed"], id="a setting that is wrong"),
        pytest.param(["demo"], id="a setting that is wrong, for a demo"),
        pytest.param(["doctor"], id="a setting that is wrong, for a check"),
        pytest.param(["init-db"], id="a setting that is wrong, for the database"),
        pytest.param(["run"], id="an argument that is missing"),
        pytest.param(["run", "missing.txt", "--nope"], id="an unknown option"),
    ],
)
def test_every_refusal_is_an_object_too(tmp_path: Path, command: list[str]) -> None:
    done = inkloom_here(*command, "--json", INKLOOM_PRICES="cheap", INKLOOM_DATA=str(tmp_path / "data"))
    assert done.returncode == 2
    [error] = json.loads(done.stdout)["errors"]
    assert error["reason"]
    assert inkloom_here(*command, INKLOOM_PRICES="cheap", INKLOOM_DATA=str(tmp_path / "data")).stdout == ""


@pytest.mark.unit
def test_a_mistyped_file_name_is_answered_at_once(tmp_path: Path) -> None:
    """What takes seconds to load is not loaded for it."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "inkloom", "run", str(tmp_path / "missing.txt")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "There is no file" in done.stderr
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "pydantic" in loaded
    heavy = {
        "temporalio",
        "sqlalchemy",
        "sqlmodel",
        "psycopg",
        "PIL",
        "numpy",
        "boto3",
        "openai",
        "anthropic",
        "fastapi",
    }
    assert not loaded & (heavy | {"httpx", "genai_prices", "jinja2", "opentelemetry", "py3langid"})


@pytest.mark.unit
def test_an_output_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """Before the work is done, not after it was paid for."""
    (tmp_path / "a.txt").write_text(STORY)
    refused(tmp_path, tmp_path / "a.txt", out=tmp_path / "a.txt" / "below", said="Name another folder with --out")


def refused(
    folder: Path,
    story: Path,
    *options: str,
    said: str,
    out: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    out, data = out or folder / "out", folder / "data"
    done = inkloom_here("run", story, "--out", out, "--json", *options, **{**(env or {}), "INKLOOM_DATA": str(data)})
    assert done.returncode == 2, done.stderr
    assert said in " ".join(done.stderr.split()), done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
    assert said in " ".join(json.loads(done.stdout)["errors"][0]["reason"].split())
    assert not out.exists()
    assert not data.exists(), "a server was started"


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """The data folder of an `up` that all these runs attach to: deep, and with spaces in its name."""
    with enterable_folder() as folder:
        yield from up(folder / "a folder" / ("with a long name " * 8).strip(), folder / "log")


def up(folder: Path, log: Path) -> Iterator[Path]:
    with log.open("wb") as words:
        up = subprocess.Popen(
            [sys.executable, "-m", "inkloom", "up", "--port", "0"],
            cwd=ROOT,
            env=os.environ | {"INKLOOM_DATA": str(folder), "INKLOOM_TEMPORAL_UI_PORT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
        )
    try:
        # On a machine with much else to do, five servers may take minutes.
        deadline = time.monotonic() + 240
        while "Ctrl-C stops everything" not in log.read_text():
            assert up.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield folder
    finally:
        up.terminate()
        ended = up.wait(120)
    assert ended == 0, log.read_text()
    assert "Stopped." in log.read_text()


@pytest.mark.workflow
@pytest.mark.parametrize(
    ("story", "options", "kept"),
    [
        pytest.param("The rain fell and fell on the old town. " * 5000, ["--max-panels", "4"], "", id="one-long-line"),
        pytest.param("word " * 40_000, ["--max-panels", "4"], "", id="no-full-stop"),
        pytest.param("Snow fell on the boats.\n\nA fox crossed the ice.\n\nIt was gone.", [], "", id="no-dialogue"),
        pytest.param("“Are you there?”\n\n“I am here.”\n\n“Then open!”", [], "I am here.", id="only-dialogue"),
        pytest.param(
            "המטבח היה חשוך.\n\n”קח את הקטן,” אמרה מרה.\n\nיוסי הניד בראשו.", ["--direction", "rtl"], "קח", id="hebrew"
        ),
        pytest.param(
            "كان المطبخ مظلما.\n\n«خذ المفتاح الصغير»، قالت سارة.", ["--direction", "rtl"], "المفتاح", id="arabic"
        ),
        pytest.param("🎉🎉\n\n“Look 👩‍👩‍👧‍👦!” said Mara 😀.\n\n🌧️ fell on the 🏠.", [], "👩‍👩‍👧‍👦", id="emoji"),
        pytest.param("A fox looked at the moon, and it smiled.", [], "", id="forty-characters"),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_an_unusual_story_becomes_a_chapter(
    tmp_path: Path, data: Path, story: str, options: list[str], kept: str
) -> None:
    """Pages, an archive and a script come out, and the story's own words are still in them."""
    (tmp_path / "a story.txt").write_text(story)
    done = inkloom(
        "run", tmp_path / "a story.txt", "--out", tmp_path / "o u t", "--json", *options, INKLOOM_DATA=str(data)
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    result = json.loads(done.stdout)
    assert result["panels"] >= 1
    assert len(list((tmp_path / "o u t" / "pages").glob("*.png"))) == result["pages"] >= 1
    assert Path(result["exports"]["cbz"]).stat().st_size > 0
    written = Path(result["script"]).read_text()
    assert Script.model_validate_json(written).scenes
    assert kept in written


@pytest.mark.workflow
@pytest.mark.slow
def test_a_whole_novel_is_read_to_the_end(tmp_path: Path, data: Path) -> None:
    """The last scene of a very long text is still the story's last; no more than was asked for is made of it."""
    (tmp_path / "novel.txt").write_text(PARAGRAPH * (1_500_000 // len(PARAGRAPH.encode())))
    options = ["--until", "script", "--max-panels", "4"]
    done = inkloom("run", tmp_path / "novel.txt", "--out", tmp_path / "out", "--json", *options, INKLOOM_DATA=str(data))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["status"] == "completed"
    assert 1 <= result["panels"] <= 4
