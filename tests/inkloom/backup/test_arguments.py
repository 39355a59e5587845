"""What the commands refuse before they start anything."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import inkloom_here

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["backup"], "INKLOOM_BACKUP_TO"),
        (["restore"], "INKLOOM_BACKUP_TO"),
        (["backup", "{file}"], "is a file"),
        (["backup", "ftp://somewhere/else"], "neither a folder nor s3://bucket/prefix"),
        (["backup", "s3://B/x"], "lowercase"),
        (["backup", "{data}/pictures/backups"], "INKLOOM_STORAGE"),
        (["backup", "{folder}/destination", "--key-file", "{folder}/none"], "openssl rand"),
        (["backup", "{folder}/destination", "--key-file", "{file}"], "openssl rand"),
        (["backup", "{folder}/destination", "--at", "20261130T210501Z"], "--verify"),
        (["restore", "{folder}/destination", "--at", "yesterday"], "20261130T210501Z"),
    ],
)
def test_bad_arguments_are_refused_in_words(tmp_path: Path, words: list[str], said: str) -> None:
    """With the words that say what to do, and as an object with `--json`; nothing is made."""
    (tmp_path / "file").write_text("a password")
    data = tmp_path / "data"
    filled = [word.format(folder=tmp_path, file=tmp_path / "file", data=data) for word in words]
    ran = inkloom_here(*filled, "--json", INKLOOM_DATA=str(data))
    assert ran.returncode == 2, ran.stderr
    assert said in " ".join(ran.stderr.split())
    assert said in json.loads(ran.stdout)["errors"][0]["reason"]
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["file"]
    assert not (data / "postgres").exists()


def test_an_empty_place_has_nothing_to_restore(tmp_path: Path) -> None:
    ran = inkloom_here("restore", tmp_path / "destination", INKLOOM_DATA=str(tmp_path / "data"))
    assert (ran.returncode, "no whole backup" in ran.stderr) == (1, True)
    ran = inkloom_here("backup", tmp_path / "destination", "--verify", INKLOOM_DATA=str(tmp_path / "data"))
    assert (ran.returncode, "no whole backup" in ran.stderr) == (1, True)


def test_a_database_that_does_not_answer_is_named(tmp_path: Path) -> None:
    """Without its address, which may hold a password."""
    url = "postgresql://someone:hunter2@127.0.0.1:9/none"
    ran = inkloom_here(
        *("backup", tmp_path / "destination"),
        INKLOOM_DATA=str(tmp_path / "data"),
        INKLOOM_DATABASE_URL=url,
        INKLOOM_SECRET_KEY="a secret of the tests",
    )
    assert (ran.returncode, "INKLOOM_DATABASE_URL" in ran.stderr, "hunter2" in ran.stderr) == (2, True, False)


def test_a_backup_never_holds_a_new_secret(tmp_path: Path) -> None:
    """On a machine that does not know the key, it would save one that signs nothing."""
    ran = inkloom_here("backup", tmp_path / "destination", INKLOOM_DATA=str(tmp_path / "data"))
    assert (ran.returncode, "secret key is not known here" in ran.stderr) == (2, True)
    assert not (tmp_path / "data" / "secret_key").exists()
