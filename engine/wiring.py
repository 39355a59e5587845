"""The one place that picks adapters. Only workers import it: vendor SDKs come with it."""

from collections.abc import Mapping

from engine.images import Artist
from engine.images.offline import OfflineArtist
from engine.llm import LLM
from engine.llm.offline import OfflineWriter


def writers() -> Mapping[str, LLM]:
    """Every writer that can be used, by id."""
    return {"offline": OfflineWriter()}


def artists() -> Mapping[str, Artist]:
    """Every artist that can be used, by id."""
    return {"offline": OfflineArtist()}
