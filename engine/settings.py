"""Every setting, in one place. Names that users already have in their environment are honoured as they are."""

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from the environment once per process. `docs/settings.md` lists them all; a test holds the list true."""

    model_config = SettingsConfigDict(env_prefix="INKLOOM_", populate_by_name=True, extra="ignore")

    data: Path = Field(default=Path(".inkloom"), description="folder that holds all local state")
    database_url: str | None = Field(
        default=None, description="Postgres to use instead of the embedded one, as postgresql://user@host:port/name"
    )
    temporal_address: str | None = Field(
        default=None,
        validation_alias=AliasChoices("TEMPORAL_ADDRESS", "INKLOOM_TEMPORAL_ADDRESS"),
        description="Temporal server to use instead of the embedded one, as host:port",
    )
    temporal_namespace: str = Field(
        default="default",
        validation_alias=AliasChoices("TEMPORAL_NAMESPACE", "INKLOOM_TEMPORAL_NAMESPACE"),
        description="Temporal namespace",
    )
    storage: str | None = Field(default=None, description="where pictures live: a folder; default: <data>/pictures")
    llm: str = Field(default="offline", description="writer used when a generation names none")
    images: str = Field(default="offline", description="artist used when a generation names none")
    llm_model: str = Field(default="", description="model of the writer; empty: the provider's default")
    image_model: str = Field(default="", description="model of the artist; empty: the provider's default")
    secret_key: SecretStr | None = Field(default=None, description="made in <data>/secret_key (0600) when not given")
    api_host: str = Field(default="127.0.0.1", description="address the API binds to")
    api_port: int = Field(default=8420, ge=0, le=65535, description="port of the API")
    allow_remote: bool = Field(
        default=False, description="must be set before the API may bind to anything wider than loopback"
    )
    allowed_hosts: str = Field(
        default="localhost,127.0.0.1,[::1]", description="Host headers the API answers, separated by commas"
    )
    temporal_ui_port: int = Field(default=8233, ge=0, le=65535, description="port of the embedded Temporal's web UI")
    llm_slots: int = Field(default=8, ge=1, le=256, description="calls to one writer at a time, per worker")
    image_slots: int = Field(default=8, ge=1, le=256, description="calls to one artist at a time, per worker")
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")
