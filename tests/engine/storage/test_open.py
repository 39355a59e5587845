"""From settings to storage."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import BadInput, NotConfigured
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from engine.storage.moving import MovingStorage
from engine.storage.open import open_storage
from engine.storage.s3 import S3Storage
from tests.s3_server import BUCKET, KEYS, PATIENCE, S3Server, fresh_prefix

ROOT = Path(__file__).parents[3]


@pytest.mark.unit
def test_without_a_word_it_is_a_folder_in_the_data(tmp_path: Path) -> None:
    storage = open_storage(Settings(data=tmp_path))
    assert isinstance(storage, FolderStorage)
    assert storage.root == (tmp_path / "pictures").resolve()


@pytest.mark.unit
def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No shell expands what a compose file or a unit of systemd says."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for settings, folder in (
        (Settings(storage="~/comics"), "comics"),
        (Settings(data=Path("~/inkloom")), "inkloom/pictures"),
    ):
        storage = open_storage(settings)
        assert isinstance(storage, FolderStorage)
        assert storage.root == (tmp_path / folder).resolve()
    moving = open_storage(Settings(storage=str(tmp_path), storage_also="~/old"))
    assert isinstance(moving, MovingStorage)
    assert isinstance(moving.other, FolderStorage)
    assert moving.other.root == (tmp_path / "old").resolve()
    with pytest.raises(BadInput, match="home folder"):
        open_storage(Settings(storage="~nobody-of-this-name/comics"))


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("slash", ["", "/"])
async def test_an_address_of_s3_and_the_usual_names_are_enough(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, slash: str
) -> None:
    """Keys and server come from the names that every program for S3 reads."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS[1])
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    prefix = fresh_prefix()
    storage = open_storage(Settings(storage=f"s3://{BUCKET}/{prefix}{slash}"))
    assert isinstance(storage, S3Storage)
    await storage.put("a.png", b"one")
    await storage.close()
    assert await s3.everything(prefix) == {"a.png": b"one"}


@pytest.mark.unit
async def test_the_region_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 by itself does not hear AWS_REGION, which the other programs for S3 do."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS[1])
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    storage = open_storage(Settings(storage="s3://bucket"))
    link = await storage.link("a.png", 60)
    await storage.close()
    assert link is not None
    assert "eu-north-1%2Fs3%2Faws4_request" in link


@pytest.mark.unit
async def test_without_keys_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    storage = open_storage(Settings(storage="s3://bucket/prefix", aws_region="us-east-1"))
    with pytest.raises(NotConfigured, match=r"NoCredentialsError.*AWS_ACCESS_KEY_ID"):
        await storage.get("a.png")
    await storage.close()


@pytest.mark.unit
@pytest.mark.parametrize(
    "address", ["ftp://x", "s3://", "s3://B/p", "s3://bucket/../p", "s3://key:hunter2@bucket/p", "S3://bucket"]
)
def test_an_address_that_is_none_is_refused_by_the_settings_name(address: str) -> None:
    with pytest.raises(BadInput, match="INKLOOM_STORAGE must be a folder or s3://bucket/prefix") as caught:
        open_storage(Settings(storage=address))
    assert "hunter2" not in caught.value.message


@pytest.mark.unit
@pytest.mark.parametrize(("name", "value"), [("AWS_PROFILE", "nobody"), ("AWS_ENDPOINT_URL", "not a url")])
def test_what_boto3_cannot_be_made_of_is_told(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(NotConfigured, match=name):
        open_storage(Settings(storage="s3://bucket/prefix", aws_region="us-east-1"))


@pytest.mark.unit
def test_whoever_uses_a_folder_does_not_load_boto3() -> None:
    """A client takes some 25 MB, in every process that opens storage."""
    code = (
        "import sys; from engine.settings import Settings; from engine.storage.open import open_storage;"
        "import api.app; open_storage(Settings()); sys.exit('boto3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
