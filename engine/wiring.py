"""The one place that picks adapters. Only workers import it: vendor SDKs come with it."""

from collections.abc import Callable, Mapping

from engine.images import Artist
from engine.images.offline import OfflineArtist
from engine.llm import LLM
from engine.llm.offline import OfflineWriter
from engine.providers import configured
from engine.settings import Settings

_WRITERS: Mapping[str, Callable[[Settings], LLM]] = {
    "offline": lambda settings: OfflineWriter(),
}
_ARTISTS: Mapping[str, Callable[[Settings], Artist]] = {
    "offline": lambda settings: OfflineArtist(),
}


def writers(settings: Settings) -> Mapping[str, LLM]:
    """Every writer that can be used, by id."""
    return {one.id: _WRITERS[one.id](settings) for one in configured("llm", settings)}


def artists(settings: Settings) -> Mapping[str, Artist]:
    """Every artist that can be used, by id."""
    return {one.id: _ARTISTS[one.id](settings) for one in configured("images", settings)}
