"""A secret may be in a file: what counts, what is refused, and that no message shows what was given."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from engine.errors import BadInput
from engine.secret_files import secret_of
from engine.settings import Settings, is_secret, names_of
from inkloom.arguments import settings
from inkloom.local.commands import environment

pytestmark = pytest.mark.unit

SECRETS = [name for name in Settings.model_fields if is_secret(name)]
VALUES = {
    "database_url": "postgresql://ada@db.example.org/comics",
    "old_secret_keys": '["an older one"]',
    "cache_url": "redis://:word@cache.example.org:6379/0",
}


def plain(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return [plain(one) for one in value] if isinstance(value, list) else value


def test_every_secret_is_known() -> None:
    """Whatever is masked in messages may be in a file, and what is no secret may not."""
    assert set(SECRETS) == {
        "anthropic_api_key",
        "cache_url",
        "database_password",
        "database_url",
        "local_image_auth",
        "metrics_token",
        "old_secret_keys",
        "openai_api_key",
        "secret_key",
    }


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("name", [one for one in SECRETS if one != "database_password"])
def test_a_file_says_what_a_variable_would(
    name: str, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By each of the setting's names, without the newline at the end; an empty variable is none."""
    value = VALUES.get(name, " a key with blanks $HOME ")
    file = tmp_path / "secret"
    file.write_bytes(f"{value}{end}".encode())
    for variable in names_of(name):
        with monkeypatch.context() as patched:
            patched.setenv(f"{variable}_FILE", str(file))
            patched.setenv(variable, "")
            found = plain(getattr(Settings(), name))
    assert found == (["an older one"] if name == "old_secret_keys" else value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe", "is not text in UTF-8"),
        (b"one\ntwo\n", "more than one line"),
        (b"a\x00b", "more than one line"),
        (b"x" * 70_000, "more than 65,536 bytes"),
    ],
)
def test_a_file_without_a_secret_is_refused(
    content: bytes | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the variable, and neither the file nor what is in it."""
    file = tmp_path / "sk-mistaken-for-a-file"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(file))
    with pytest.raises(BadInput, match=said) as refused:
        settings()
    assert "OPENAI_API_KEY_FILE" in refused.value.message
    assert "sk-mistaken" not in refused.value.message


@pytest.mark.parametrize("path", ["", "nul\x00"])
def test_what_names_no_file(path: str) -> None:
    """An empty variable names none; environments hold no NUL, but a path may not either."""
    if not path:
        assert secret_of(["OPENAI_API_KEY"], {"OPENAI_API_KEY_FILE": path}) is None
        return
    with pytest.raises(BadInput, match="no name of a file"):
        secret_of(["OPENAI_API_KEY"], {"OPENAI_API_KEY_FILE": path})


@pytest.mark.parametrize("other", ["OPENAI_API_KEY", "INKLOOM_OPENAI_API_KEY", "INKLOOM_OPENAI_API_KEY_FILE"])
def test_two_values_are_one_too_many(other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text("one")
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(file))
    monkeypatch.setenv(other, str(file))
    with pytest.raises(BadInput, match=f"{other} and OPENAI_API_KEY_FILE are both set"):
        settings()


@pytest.mark.parametrize("password", ["plain", "p@ss/word#1", "abc%41d", "a b'c\"$d", "mit-ü", "::?"])
def test_a_password_beside_the_address_may_have_any_characters(
    password: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What connects gets it whole, from a file, too; a process that is started gets the address alone."""
    file = tmp_path / "password"
    file.write_text(password)
    monkeypatch.setenv("INKLOOM_DATABASE_URL", "postgresql://ada@db.example.org:5433/comics?sslmode=require")
    monkeypatch.setenv("INKLOOM_DATABASE_PASSWORD_FILE", str(file))
    url = make_url(settings().database_url or "")
    assert (url.username, url.password, url.host, url.port) == ("ada", password, "db.example.org", 5433)
    told = environment(settings(), tmp_path)
    assert make_url(told["INKLOOM_DATABASE_URL"]).password == password
    assert not [name for name in told if name.startswith("INKLOOM_DATABASE_PASSWORD")]


@pytest.mark.parametrize("address", ["", "postgresql://ada:word@db/comics", "postgresql://db/comics", "nonsense"])
def test_a_password_needs_an_address_without_one(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INKLOOM_DATABASE_URL", address)
    monkeypatch.setenv("INKLOOM_DATABASE_PASSWORD", "sesame-of-a-test")
    with pytest.raises(BadInput, match="an address that has a user and no password") as refused:
        settings()
    assert "sesame" not in refused.value.message


def test_a_process_that_is_started_gets_the_secret_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a value: with the file's variable beside it, it would refuse to start."""
    file = tmp_path / "key"
    file.write_text("sk-1")
    monkeypatch.setenv("INKLOOM_OPENAI_API_KEY_FILE", str(file))
    told = environment(settings(), tmp_path)
    assert told["OPENAI_API_KEY"] == "sk-1"
    assert "INKLOOM_OPENAI_API_KEY_FILE" not in told
