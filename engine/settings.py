"""All settings. Names that users already have in their environment are kept."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, urlsplit
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from engine.secret_files import secret_of


class Price(BaseModel):
    """What a model costs, in USD: per million tokens, and per call."""

    model_config = ConfigDict(extra="forbid")

    input: Decimal = Field(default=Decimal(0), ge=0)
    output: Decimal = Field(default=Decimal(0), ge=0)
    cached_input: Decimal | None = Field(default=None, ge=0)
    image_input: Decimal | None = Field(default=None, ge=0)
    image_output: Decimal | None = Field(default=None, ge=0)
    call: Decimal = Field(default=Decimal(0), ge=0)


class Rate(BaseModel):
    """How much a provider allows a minute; nothing given is no limit of ours."""

    model_config = ConfigDict(extra="forbid")

    requests: int | None = Field(default=None, ge=1)
    tokens: int | None = Field(default=None, ge=1)


class _Environment(EnvSettingsSource):
    """The environment, in which a secret may be in a file that it names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        value, key, is_json = super().get_field_value(field, field_name)
        if is_secret(field_name):
            from_file = secret_of(names_of(field_name), os.environ)
            value = value if from_file is None else from_file
        return value, key, is_json


class Settings(BaseSettings):
    """Read from the environment once per process. `docs/settings.md` lists them all; a test holds the list true."""

    model_config = SettingsConfigDict(env_prefix="INKLOOM_", populate_by_name=True, extra="ignore")

    data: Path = Field(default=Path(".inkloom"), description="folder that holds all local state")
    database_url: str | None = Field(
        default=None, description="Postgres to use instead of the embedded one, as postgresql://user@host:port/name"
    )
    database_password: SecretStr | None = Field(
        default=None, description="password for INKLOOM_DATABASE_URL, with any characters, if the address holds none"
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
    storage: str | None = Field(
        default=None, description="where pictures live: a folder, or s3://bucket/prefix; default: <data>/pictures"
    )
    storage_also: str | None = Field(
        default=None,
        description="while pictures move: the other place, in which what is not in INKLOOM_STORAGE is read",
    )
    backup_to: str | None = Field(
        default=None,
        description="where scheduled backups go: a folder, or s3://bucket/prefix; default: none are made",
    )
    backup_hours: float = Field(default=24.0, ge=1, le=24 * 366, description="hours between scheduled backups")
    backup_keep: int = Field(
        default=7, ge=1, description="how many backups are kept there; a scheduled backup deletes older ones"
    )
    backup_key_file: Path | None = Field(
        default=None, description="file with the key that encrypts backups; default: they are not encrypted"
    )
    aws_region: str | None = Field(
        default=None,
        validation_alias=AliasChoices("AWS_REGION", "AWS_DEFAULT_REGION", "INKLOOM_AWS_REGION"),
        description="region of that bucket; boto3 itself reads the other `AWS_*` names",
    )
    llm: str = Field(default="offline", description="writer used when a generation names none")
    images: str = Field(default="offline", description="artist used when a generation names none")
    llm_model: str = Field(default="", description="model of the writer; empty: the provider's default")
    image_model: str = Field(default="", description="model of the artist; empty: the provider's default")
    openai_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("OPENAI_API_KEY", "INKLOOM_OPENAI_API_KEY"),
        description="key of OpenAI, for its writer and its artist",
    )
    openai_base_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("OPENAI_BASE_URL", "INKLOOM_OPENAI_BASE_URL"),
        description="another server with OpenAI's API",
    )
    anthropic_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("ANTHROPIC_API_KEY", "INKLOOM_ANTHROPIC_API_KEY"),
        description="key of Anthropic",
    )
    anthropic_base_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("ANTHROPIC_BASE_URL", "INKLOOM_ANTHROPIC_BASE_URL"),
        description="another server with Anthropic's API",
    )
    ollama_host: str | None = Field(
        default=None,
        validation_alias=AliasChoices("OLLAMA_HOST", "INKLOOM_OLLAMA_HOST"),
        description="address of an Ollama server, as host:port or a URL",
    )
    local_image_url: str | None = Field(
        default=None,
        description="address of a Stable Diffusion server that speaks `/sdapi/v1`, such as http://127.0.0.1:7860",
    )
    local_image_auth: SecretStr | None = Field(
        default=None, description="user:password of that server, if it asks for one"
    )
    llm_timeout: float = Field(default=300.0, gt=0, description="seconds to wait for a writer's answer")
    image_timeout: float = Field(default=600.0, gt=0, description="seconds to wait for a picture")
    answer_patience: float | None = Field(
        default=None,
        ge=0,
        description="seconds that a worker that stops, or a cancelled generation, waits for the answers under way;"
        " default: the provider's timeout",
    )
    event_days: int | None = Field(
        default=None, ge=1, description="how many days the events of projects are kept; default: for ever"
    )
    history_days: int | None = Field(
        default=None,
        ge=1,
        description="how many days Temporal keeps the histories of workflows that have ended; default: as long as its"
        " namespace says",
    )
    draft_days: int | None = Field(
        default=None,
        ge=1,
        description="how many days drafts that no panel has shown are kept; default: for ever",
    )
    cache_url: SecretStr | None = Field(
        default=None, description="optional Redis cache of answers, as redis://host:port/0"
    )
    prices: dict[str, Price] = Field(
        default_factory=dict,
        description='prices that override the known ones, as JSON: `{"openai/my-model": {"input": 2, "output": 10}}`,'
        ' in USD per million tokens; `"call"` is the price of a call',
    )
    allow_unpriced: bool = Field(default=False, description="allow models of unknown price; their calls count as free")
    rates: dict[str, Rate] = Field(
        default_factory=dict,
        description='limits of a provider per minute, as JSON: `{"openai": {"requests": 500, "tokens": 200000}}`',
    )
    project_calls: int | None = Field(
        default=None, ge=1, description="calls of one project in flight at a time, over all workers; empty: no limit"
    )
    provider_calls: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict,
        description='calls to a provider in flight at a time, over all workers, as JSON: `{"local": 1}`',
    )
    ask_above_usd: float = Field(
        default=0.05,
        ge=0,
        description="retry a call with a lost answer below this price; above it, wait for a decision",
    )
    secret_key: SecretStr | None = Field(
        default=None, description="signs tokens and webhooks; created in <data>/secret_key (0600) if not given"
    )
    old_secret_keys: list[SecretStr] = Field(
        default_factory=list,
        description='previous secret keys, as JSON: `["…"]`; what they signed stays valid until it expires',
    )
    local_owner: bool = Field(
        default=False,
        description="until a user registers, requests from this machine act as the owner of what the command line"
        " makes; `up` sets it",
    )
    registration: Literal["open", "invited", "closed"] = Field(
        default="open",
        description="who may register: anyone, people with the code of an invitation to a project, or no one",
    )
    access_minutes: int = Field(default=15, ge=1, le=1440, description="how long an access token is valid")
    refresh_days: int = Field(default=30, ge=1, le=365, description="how long an unused login lasts")
    login_tries: int = Field(
        default=10, ge=1, le=1000, description="attempts at one account's password from one address in 15 minutes"
    )
    registrations: int = Field(default=20, ge=1, le=100_000, description="new accounts from one address in an hour")
    callback_networks: str = Field(
        default="",
        description="private addresses and networks that webhooks may use, separated by commas",
    )
    c2pa_certificate: Path | None = Field(
        default=None, description="PEM file of the certificate, and those above it, with which files are signed (C2PA)"
    )
    c2pa_key: Path | None = Field(default=None, description="PEM file of the key of that certificate")
    c2pa_algorithm: Literal["es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519"] = Field(
        default="es256", description="signature algorithm of the key"
    )
    c2pa_timestamps: str | None = Field(
        default=None,
        description="RFC 3161 timestamp server for signed files; none: no network access",
    )
    api_host: str = Field(default="127.0.0.1", description="address the API binds to")
    api_port: int = Field(default=8420, ge=0, le=65535, description="port of the API")
    allow_remote: bool = Field(
        default=False, description="must be set before the API may bind to anything wider than loopback"
    )
    allowed_hosts: str = Field(
        default="localhost,127.0.0.1,[::1]", description="Host headers the API answers, separated by commas"
    )
    cors_origins: str = Field(
        default="",
        description="origins whose pages may call the API, separated by commas, as https://studio.example.org",
    )
    trusted_proxies: str = Field(
        default="",
        description="proxies whose X-Forwarded-For and -Proto are trusted, as addresses separated by commas",
    )
    max_body_bytes: int = Field(default=8 * 1024 * 1024, ge=1024, description="largest body of a request")
    max_upload_bytes: int = Field(
        default=32 * 1024 * 1024, ge=1024, description="largest body of an uploaded manuscript or file"
    )
    max_picture_pixels: int = Field(
        default=40_000_000, ge=1_000, le=400_000_000, description="largest accepted picture, width times height"
    )
    max_import_bytes: int = Field(
        default=512 * 1024 * 1024, ge=1024, description="largest accepted project file, packed and unpacked"
    )
    request_timeout: float = Field(
        default=60.0, gt=0, description="seconds in which a request must have arrived, headers and body"
    )
    keep_alive: int = Field(
        default=75,
        ge=1,
        le=3600,
        description="seconds that an idle connection to the API stays open; longer than a proxy keeps its own",
    )
    max_connections: int = Field(
        default=1000, ge=1, description="connections to the API at a time; further ones get 503"
    )
    connections_per_address: int = Field(
        default=250, ge=1, description="of those, from one address that is no trusted proxy"
    )
    sockets: int = Field(default=2000, ge=1, description="WebSockets open at a time, per process of the API")
    sockets_per_user: int = Field(default=50, ge=1, description="of those, by one account")
    socket_patience: float = Field(
        default=10.0, gt=0, le=60, description="seconds after which a client that does not read is dropped"
    )
    temporal_ui_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="port of the embedded Temporal's web UI, which the API shows at `/temporal/`; 0: another one in"
        " every data folder",
    )
    temporal_ui_url: str | None = Field(
        default=None,
        description="address of the web UI of your own Temporal server, started with the public path `/temporal`;"
        " `up` sets it for the embedded one",
    )
    operators: str = Field(
        default="",
        description="ids of the accounts that may use Temporal's web UI beside the owner of this machine, separated by"
        " commas; `GET /api/v1/auth/me` shows an account's id",
    )
    llm_slots: int = Field(default=8, ge=1, le=256, description="calls to one writer at a time, per worker")
    image_slots: int = Field(default=8, ge=1, le=256, description="calls to one artist at a time, per worker")
    build: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$",
        description="build that workers belong to, so that old and new ones work side by side; `auto` names it after"
        " its code; empty: none",
    )
    lost_attempts: int = Field(
        default=5,
        ge=2,
        description="attempts of one step that may end with their worker before it is set aside; the last one runs"
        " alone in its process",
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")
    log_format: Literal["json", "text"] = Field(
        default="json", description="lines of the API's and the workers' logs: json or text"
    )
    metrics_token: SecretStr | None = Field(
        default=None, description="bearer token that lets other machines read /metrics"
    )
    worker_metrics_address: str | None = Field(
        default=None,
        description="where workers serve metrics to Prometheus, as 127.0.0.1:9464; `draw` takes the port after it",
    )
    traces_endpoint: str | None = Field(
        default=None,
        validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_ENDPOINT", "INKLOOM_TRACES_ENDPOINT"),
        description="where traces are sent as OTLP over HTTP, as http://127.0.0.1:4318; empty: nowhere",
    )

    @field_validator("backup_key_file", "c2pa_certificate", "c2pa_key", mode="before")
    @classmethod
    def names_a_file(cls, value: object) -> object:
        """Empty is none, not the folder that this process happens to be in."""
        return value or None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What the caller gives, then the environment with its files of secrets."""
        return init_settings, _Environment(settings_cls)

    @model_validator(mode="after")
    def with_password(self) -> Self:
        """The database's address with its password: only the address is used, and passed on, from here."""
        if self.database_password is None or not self.database_password.get_secret_value():
            return self
        try:
            place = urlsplit(self.database_url or "")
            user, has_password = place.username, place.password is not None
        except ValueError:
            user, has_password = None, False
        if not user or has_password:
            raise ValueError(
                "INKLOOM_DATABASE_PASSWORD goes with an address that has a user and no password:"
                " INKLOOM_DATABASE_URL=postgresql://user@host:port/name"
            )
        password = quote(self.database_password.get_secret_value(), safe="")
        who, _, where = place.netloc.rpartition("@")
        self.database_url = place._replace(netloc=f"{who.removesuffix(':')}:{password}@{where}").geturl()
        self.database_password = None
        self.model_fields_set.discard("database_password")
        return self

    @field_validator("temporal_ui_url")
    @classmethod
    def is_web_address(cls, value: str | None) -> str | None:
        """Refuse what the API could not pass requests on to; empty is none."""
        if not value:
            return None
        try:
            place = urlsplit(value)
            usable = place.scheme in ("http", "https") and bool(place.hostname) and place.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("give the address of the web UI as http://host:port or https://host")
        return value

    @field_validator("operators")
    @classmethod
    def are_ids(cls, value: str) -> str:
        """Refuse e-mail addresses: an address is not verified, so anyone who registers it would be let in."""
        try:
            _ids(value)
        except ValueError:
            raise ValueError("give ids of accounts, as GET /api/v1/auth/me shows them, not e-mail addresses") from None
        return value

    @property
    def operator_ids(self) -> frozenset[UUID]:
        """The accounts that may use Temporal's web UI beside the owner of this machine."""
        return _ids(self.operators)

    @property
    def writer_patience(self) -> float:
        """Seconds to wait for a writer's answer that is under way when its worker stops or its generation is
        cancelled.
        """
        return self.llm_timeout if self.answer_patience is None else self.answer_patience

    @property
    def artist_patience(self) -> float:
        """The same for a picture."""
        return self.image_timeout if self.answer_patience is None else self.answer_patience


def _ids(listed: str) -> frozenset[UUID]:
    return frozenset(UUID(name.strip()) for name in listed.split(",") if name.strip())


def names_of(name: str) -> list[str]:
    """The environment variables of a setting; the first that is set wins."""
    alias = Settings.model_fields[name].validation_alias
    return [str(one) for one in alias.choices] if isinstance(alias, AliasChoices) else [f"INKLOOM_{name.upper()}"]


def variable_of(name: str) -> str:
    """The environment variable of a setting: the first of its names, which users may have already."""
    return names_of(name)[0]


def is_secret(name: str) -> bool:
    """Whether a setting holds a secret, which may be in a file. The database's address may hold a password."""
    return name == "database_url" or "SecretStr" in str(Settings.model_fields[name].annotation)
