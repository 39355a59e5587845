import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from engine.settings import Settings
from inkloom.local.errors import StackError
from inkloom.local.secret import secret_in, secret_key

pytestmark = pytest.mark.unit


def test_many_at_once_read_one_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    with ThreadPoolExecutor(16) as pool:
        secrets = set(pool.map(lambda _: secret_in(path), range(64)))
    assert len(secrets) == 1
    assert len(secrets.pop()) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["secret_key"]


def test_a_given_key_wins_and_leaves_no_file(tmp_path: Path) -> None:
    assert secret_key(Settings(data=tmp_path, secret_key=SecretStr("mine"))) == "mine"
    assert not list(tmp_path.iterdir())


def test_the_key_stays(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "new", secret_key=None)
    assert secret_key(settings) == secret_key(settings)


def test_no_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="INKLOOM_DATA"):
        secret_key(Settings(data=tmp_path / "file" / "data", secret_key=None))
