"""The only place that picks adapters. Only workers import it, because it loads vendor SDKs on first use.

An SDK costs start-up time and tens of megabytes, so an adapter is imported where it is made.
"""

from collections.abc import Callable, Mapping

from pydantic import SecretStr

from engine.images import Artist
from engine.llm import LLM
from engine.offline.artist import OfflineArtist
from engine.offline.writer import OfflineWriter
from engine.providers.registry import configured
from engine.settings import Settings


def _openai_writer(settings: Settings) -> LLM:
    from engine.llm.openai import OpenAIWriter

    return OpenAIWriter(_secret(settings.openai_api_key), settings.openai_base_url, settings.llm_timeout)


def _anthropic_writer(settings: Settings) -> LLM:
    from engine.llm.anthropic import AnthropicWriter

    return AnthropicWriter(_secret(settings.anthropic_api_key), settings.anthropic_base_url, settings.llm_timeout)


def _openai_artist(settings: Settings) -> Artist:
    from engine.images.openai import OpenAIArtist

    return OpenAIArtist(_secret(settings.openai_api_key), settings.openai_base_url, settings.image_timeout)


def _ollama_writer(settings: Settings) -> LLM:
    from engine.llm.ollama import OllamaWriter

    return OllamaWriter(settings.ollama_host or "", settings.llm_timeout)


def _local_artist(settings: Settings) -> Artist:
    from engine.images.local import LocalArtist

    return LocalArtist(settings.local_image_url or "", _secret(settings.local_image_auth), settings.image_timeout)


def _secret(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


_WRITERS: Mapping[str, Callable[[Settings], LLM]] = {
    "offline": lambda settings: OfflineWriter(),
    "openai": _openai_writer,
    "anthropic": _anthropic_writer,
    "ollama": _ollama_writer,
}
_ARTISTS: Mapping[str, Callable[[Settings], Artist]] = {
    "offline": lambda settings: OfflineArtist(),
    "openai": _openai_artist,
    "local": _local_artist,
}


def writers(settings: Settings) -> Mapping[str, LLM]:
    """Every writer that can be used, by id."""
    return {one.id: _WRITERS[one.id](settings) for one in configured("llm", settings)}


def artists(settings: Settings) -> Mapping[str, Artist]:
    """Every artist that can be used, by id."""
    return {one.id: _ARTISTS[one.id](settings) for one in configured("images", settings)}
