"""`docs/settings.md` is true: it lists every setting with its names in the environment and its default."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import AliasChoices, TypeAdapter
from pydantic.fields import FieldInfo

from engine.settings import Settings

pytestmark = pytest.mark.unit

DOCS = Path(__file__).parent.parent / "docs" / "settings.md"
ROW = re.compile(r"^\| (?P<names>`[A-Z0-9_`, ]+`) \| (?P<default>[^|]*) \| (?P<meaning>[^|]+) \|$", re.MULTILINE)


def names_of(name: str, field: FieldInfo) -> list[str]:
    """The names in the environment; the first one wins."""
    alias = field.validation_alias
    return [str(one) for one in alias.choices] if isinstance(alias, AliasChoices) else [f"INKLOOM_{name.upper()}"]


def row_of(name: str, field: FieldInfo) -> tuple[str, str, str]:
    """A setting as the page lists it; an empty default is none."""
    default = {"None": "", "False": "false", "True": "true", "PydanticUndefined": ""}.get(
        str(field.default), str(field.default)
    )
    return ", ".join(f"`{one}`" for one in names_of(name, field)), default and f"`{default}`", field.description or ""


def test_the_list_is_the_code() -> None:
    """Every setting, in the order of the code, with its default and what it is for."""
    listed = [match.group("names", "default", "meaning") for match in ROW.finditer(DOCS.read_text())]
    assert listed == [row_of(name, field) for name, field in Settings.model_fields.items()]


# The password becomes a part of the address: `tests/engine/test_secret_files.py` has its rules.
@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name != "database_password"])
def test_a_listed_name_is_heard(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever name is listed sets the setting, and what is listed before wins over what comes after."""
    field = Settings.model_fields[name]
    first, second = SAMPLES.get(name, ("one", "two"))
    names = names_of(name, field)
    for variable in reversed(names):
        monkeypatch.setenv(variable, second)
        assert getattr(Settings(), name) == parsed(field, second)
    monkeypatch.setenv(names[0], first)
    assert getattr(Settings(), name) == parsed(field, first)


def parsed(field: FieldInfo, text: str) -> Any:
    kind: Any = field.annotation
    adapter = TypeAdapter(kind)
    return adapter.validate_json(text) if text.startswith(("{", "[")) else adapter.validate_python(text)


SAMPLES = {
    "api_port": ("8001", "8002"),
    "temporal_ui_port": ("8001", "8002"),
    "temporal_ui_url": ("http://one:8080", "https://two"),
    "operators": (
        "0190d1f2-0000-7000-8000-000000000001",
        "0190d1f2-0000-7000-8000-000000000002, 0190d1f2-0000-7000-8000-000000000003",
    ),
    "max_body_bytes": ("4096", "8192"),
    "max_upload_bytes": ("4096", "8192"),
    "request_timeout": ("10.0", "20.0"),
    "max_picture_pixels": ("4096", "8192"),
    "max_import_bytes": ("4096", "8192"),
    "keep_alive": ("5", "120"),
    "max_connections": ("10", "20"),
    "log_format": ("text", "json"),
    "c2pa_algorithm": ("es384", "ps256"),
    "llm_slots": ("3", "4"),
    "image_slots": ("3", "4"),
    "project_calls": ("3", "4"),
    "provider_calls": ('{"local": 1}', '{"openai": 20}'),
    "lost_attempts": ("3", "4"),
    "connections_per_address": ("3", "4"),
    "allow_remote": ("true", "false"),
    "allow_unpriced": ("true", "false"),
    "llm_timeout": ("60.0", "90.0"),
    "image_timeout": ("60.0", "90.0"),
    "backup_hours": ("6.0", "168.0"),
    "backup_keep": ("3", "30"),
    "event_days": ("30", "365"),
    "draft_days": ("90", "365"),
    "history_days": ("7", "30"),
    "answer_patience": ("5.0", "30.0"),
    "ask_above_usd": ("0.1", "0.2"),
    "old_secret_keys": ('["one"]', '["two", "three"]'),
    "local_owner": ("true", "false"),
    "registration": ("invited", "closed"),
    "access_minutes": ("5", "60"),
    "refresh_days": ("7", "90"),
    "login_tries": ("3", "30"),
    "sockets": ("100", "1000"),
    "sockets_per_user": ("3", "30"),
    "socket_patience": ("2.5", "20"),
    "registrations": ("5", "50"),
    "prices": ('{"openai/one": {"input": 1}}', '{"openai/two": {"output": 2}}'),
    "rates": ('{"openai": {"requests": 60}}', '{"openai": {"tokens": 1000}}'),
}
